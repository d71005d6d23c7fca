"""A message taken apart and put together again."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.bus.message import HEADER_BYTES, MODES, Message

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=24)
messages = st.builds(
    Message,
    topic=names,
    version=st.integers(0, 255),
    mode=st.integers(0, len(MODES) - 1),
    flags=st.integers(0, 2**16 - 1),
    schema=u32,
    epoch=u32,
    sparse_seq=u32,
    seq=u64,
    topic_seq=u64,
    after_epoch=u32,
    after_seq=u64,
    ts_ns=st.integers(-(2**63), 2**63 - 1),
    cause=st.binary(min_size=16, max_size=16),
    source=names,
    payload=st.binary(max_size=60),
)


@given(messages)
def test_it_is_the_same_after_the_wire(message: Message) -> None:
    assert Message.parse(message.frame()) == message


@given(messages)
def test_its_header_has_one_length_and_numbers_lie_at_their_places(message: Message) -> None:
    frame = message.frame()
    header = frame[len(message.topic) + 1 :][:HEADER_BYTES]

    assert len(frame) == len(message.topic) + 1 + HEADER_BYTES + len(message.payload)
    assert int.from_bytes(header[16:24], "little") == message.seq  # as the core and the tests' own readers have it


@given(messages, st.data())
def test_what_ends_too_soon_is_no_message(message: Message, data: st.DataObject) -> None:
    frame = message.frame()[: len(message.topic) + 1 + HEADER_BYTES]

    with pytest.raises((ValueError, struct.error)):
        Message.parse(frame[: data.draw(st.integers(0, len(frame) - 1))])
