"""WebSocket frames from the server, as bytes, and what they are in Kite's terms."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec
from kitev3.services.kitesim.faults.wire import Wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FINAL = 0x80
PACKET_BYTES_MAX = 0xFFFF

Kind: TypeAlias = Literal["order", "ticks", "heartbeat", "text", "control"]


@dataclass(slots=True)
class Frame:
    """A frame from the server, which never masks and, as it runs here, never splits a message."""

    first: int  # FIN and opcode
    payload: bytes
    claimed: int = -1  # the length that its header says; -1: the true one
    order: dict[str, Any] = field(default_factory=dict)  # of an order update

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    def wire(self) -> bytes:
        length = len(self.payload) if self.claimed < 0 else self.claimed
        return header(self.first, length) + self.payload

    def kind(self) -> Kind:
        """What it is to a ticker; fills `order` of an order update."""
        if self.first == FINAL | BINARY:
            return "heartbeat" if len(self.payload) == 1 else "ticks"
        if self.first != FINAL | TEXT:
            return "control"  # or a part of a message that is none of ours
        message = msgspec.json.decode(self.payload)
        if isinstance(message, dict) and message.get("type") == "order":
            self.order = message["data"]
            return "order"
        return "text"

    def put_order(self, data: dict[str, Any]) -> None:
        """Another order update."""
        self.order = data
        self.payload = msgspec.json.encode({"type": "order", "data": data})


async def read_frame(wire: Wire) -> Frame:
    """The next frame. asyncio.IncompleteReadError at the end of the connection."""
    first, length = await wire.reader.readexactly(2)
    assert length < 0x80, "a server does not mask"
    if length == 126:
        (length,) = struct.unpack(">H", await wire.reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await wire.reader.readexactly(8))
    return Frame(first, await wire.reader.readexactly(length))


def header(first: int, length: int) -> bytes:
    """The head of an unmasked frame."""
    if length < 126:
        return struct.pack(">BB", first, length)
    if length < 1 << 16:
        return struct.pack(">BBH", first, 126, length)
    return struct.pack(">BBQ", first, 127, length)


def packets(payload: bytes) -> list[bytes]:
    """The packets of a frame of ticks."""
    (count,) = struct.unpack_from(">H", payload)
    found, at = [], 2
    for _ in range(count):
        (length,) = struct.unpack_from(">H", payload, at)
        found.append(payload[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def joined(parts: list[bytes]) -> bytes:
    """A frame of ticks from its packets."""
    return struct.pack(">H", len(parts)) + b"".join(struct.pack(">H", len(part)) + part for part in parts)
