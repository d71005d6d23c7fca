"""Frames as bytes."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from kitev3.services.kitesim.faults import websocket

from services.http_rig import cut, heard


@given(
    payload=st.binary(max_size=300) | st.binary(max_size=9).map(lambda data: data * 9_000),
    first=st.sampled_from([0x81, 0x82, 0x89, 0x8A, 0x88]),
)
def test_a_frame_passes_byte_for_byte(payload: bytes, first: int) -> None:
    wire = websocket.header(first, len(payload)) + payload

    async def read() -> websocket.Frame:
        return await websocket.read_frame(heard(cut(wire, [1, 3, 9]))[0])

    frame = asyncio.run(read())

    assert (frame.first, frame.payload, frame.wire()) == (first, payload, wire)


@given(parts=st.lists(st.binary(min_size=8, max_size=184), min_size=1, max_size=20))
def test_a_frame_of_ticks_is_its_packets(parts: list[bytes]) -> None:
    assert websocket.packets(websocket.joined(parts)) == parts
