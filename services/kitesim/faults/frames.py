"""Faults of the socket: order updates that are lost, late, doubled; frames that are no frames; silence."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ClassVar

from kitev3.services.kitesim.faults.desk import Desk
from kitev3.services.kitesim.faults.fault import AtByte, Bytes, Fault, Happens, Milliseconds, Where, says
from kitev3.services.kitesim.faults.websocket import FINAL, PACKET_BYTES_MAX, PONG, TEXT, Frame, Kind
from kitev3.services.kitesim.faults.wire import Wire

ORDERS = Where(frames="order")
TICKS = Where(frames="ticks")
UNKNOWN_PACKET_BYTES = 60_000  # no length that any client knows: it passes over such a packet


class HalfOpen(Exception):
    """From here on the server has never heard of this socket, and the client does not know."""

    def __init__(self, fault: Fault, ms: int) -> None:
        super().__init__()
        self.fault, self.ms = fault, ms


class CutShort(Exception):
    """The connection ends within a frame; these bytes of it arrive."""

    def __init__(self, part: bytes) -> None:
        super().__init__()
        self.part = part


@dataclass(slots=True)
class Socket:
    """One ticker's connection, as the faults see it."""

    desk: Desk
    client: Wire
    held: list[tuple[Kind, Frame]] = field(default_factory=list)  # until the next of its kind has left
    silence: tuple[Fault, float] | None = None  # whose, and until when by the loop's clock

    @property
    def silent(self) -> bool:
        """Nothing but control frames leaves now."""
        if self.silence is None:
            return False
        fault, until_s = self.silence
        if until_s == float("inf"):
            return self.desk.board.on(fault)
        return asyncio.get_running_loop().time() < until_s

    async def send(self, frames: list[Frame]) -> None:
        """Writes them, and after each whatever waited for one of its kind."""
        for frame in frames:
            await self.client.send(frame.wire())
            waited = [other for kind, other in self.held if kind == frame.kind()]
            self.held = [(kind, other) for kind, other in self.held if kind != frame.kind()]
            for other in waited:
                await self.client.send(other.wire())

    def later(self, ms: int, deed: Callable[[], Awaitable[None]]) -> None:
        """Does it then, if the socket is still open and speaks."""

        async def wait() -> None:
            await asyncio.sleep(ms / 1000)
            if not self.client.over and not self.silent:
                await deed()

        self.desk.in_background(wait())


@dataclass(frozen=True, kw_only=True)
class FrameFault(Fault):
    """Happens to a message on its way to a ticker."""

    TO: ClassVar[frozenset[Happens]] = frozenset({"frame"})

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        """What leaves in its place."""
        return [frame]


@dataclass(frozen=True, kw_only=True)
class FrameDuplicate(FrameFault):
    NAME: ClassVar[str] = "frame_duplicate"
    SEES: ClassVar[str] = "The same order update twice."
    USUALLY: ClassVar[Where] = ORDERS

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        return [frame, frame]


@dataclass(frozen=True, kw_only=True)
class FrameLost(FrameFault):
    NAME: ClassVar[str] = "frame_lost"
    SEES: ClassVar[str] = "The order update never comes."
    USUALLY: ClassVar[Where] = ORDERS

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        return []


@dataclass(frozen=True, kw_only=True)
class FrameLate(FrameFault):
    NAME: ClassVar[str] = "frame_late"
    SEES: ClassVar[str] = "The order update comes late, after others that it came before."
    USUALLY: ClassVar[Where] = ORDERS

    ms: Milliseconds = says(3_000, "machine time")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        socket.later(self.ms, lambda: socket.client.send(frame.wire()))
        return []


@dataclass(frozen=True, kw_only=True)
class FrameReordered(FrameFault):
    NAME: ClassVar[str] = "frame_reordered"
    SEES: ClassVar[str] = "The order update comes after the next one of its kind."
    USUALLY: ClassVar[Where] = ORDERS

    ms: Milliseconds = says(5_000, "machine time; if there is no next one by then, it comes alone")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        waiting = (frame.kind(), frame)
        socket.held.append(waiting)

        async def alone() -> None:
            if waiting in socket.held:
                socket.held.remove(waiting)
                await socket.client.send(frame.wire())

        socket.later(self.ms, alone)
        return []


@dataclass(frozen=True, kw_only=True)
class FrameTruncated(FrameFault):
    NAME: ClassVar[str] = "frame_truncated"
    SEES: ClassVar[str] = (
        "A frame of ticks whose count says more than it holds; the Python client throws in its reactor and drops the "
        "connection. With `wire`, the connection ends within the frame."
    )
    USUALLY: ClassVar[Where] = TICKS

    at_byte: AtByte = says(-1, "so many bytes of its content arrive; -1: drawn")
    wire: bool = says(False, "the frame's own header still says the whole length")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        # The two bytes of the count stay, since without them it would be a heartbeat.
        least = min(2, len(frame.payload) - 1)
        kept = max(least, min(self.at(self.at_byte, len(frame.payload)), len(frame.payload) - 1))
        cut = Frame(frame.first, frame.payload[:kept], len(frame.payload) if self.wire else -1)
        if self.wire:
            raise CutShort(cut.wire())
        return [cut]


@dataclass(frozen=True, kw_only=True)
class FrameOversized(FrameFault):
    NAME: ClassVar[str] = "frame_oversized"
    SEES: ClassVar[str] = (
        "A frame of ticks so large that a client with a limit refuses it; what fills it are packets of no known length."
    )
    USUALLY: ClassVar[Where] = TICKS

    bytes: Bytes = says(2 << 20, "at least so large")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        if frame.kind() != "ticks":
            # A text stays the JSON that it is; a heartbeat cannot grow.
            frame.payload += b" " * (self.bytes - len(frame.payload) if frame.opcode == TEXT else 0)
            return [frame]
        (count,) = struct.unpack_from(">H", frame.payload)
        more = max(0, self.bytes - len(frame.payload) + UNKNOWN_PACKET_BYTES - 1) // UNKNOWN_PACKET_BYTES
        filling = struct.pack(">H", UNKNOWN_PACKET_BYTES) + bytes(UNKNOWN_PACKET_BYTES)
        return [Frame(frame.first, struct.pack(">H", count + more) + frame.payload[2:] + filling * more)]


@dataclass(frozen=True, kw_only=True)
class PongUnsolicited(FrameFault):
    NAME: ClassVar[str] = "pong_unsolicited"
    SEES: ClassVar[str] = (
        "A pong that nobody asked for. It arms the Python ticker's watch for pongs, which no ping of its own ever "
        "brings: some seconds later it gives the connection up."
    )

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        return [Frame(FINAL | PONG, b""), frame]


@dataclass(frozen=True, kw_only=True)
class SilentSocket(FrameFault):
    NAME: ClassVar[str] = "silent_socket"
    SEES: ClassVar[str] = "Nothing comes any more, no heartbeat either; the socket is open, and a ping is answered."

    ms: Milliseconds = says(0, "machine time; 0: as long as the fault is on")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        until_s = asyncio.get_running_loop().time() + self.ms / 1000 if self.ms else float("inf")
        socket.silence = (self, until_s)
        return []


@dataclass(frozen=True, kw_only=True)
class HalfOpenSocket(FrameFault):
    NAME: ClassVar[str] = "half_open"
    SEES: ClassVar[str] = (
        "Nothing comes any more and nothing is read, pings neither; the server has forgotten the socket, which no "
        "longer counts among the key's three."
    )

    ms: Milliseconds = says(0, "machine time until the connection is reset; 0: as long as the fault is on")

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        raise HalfOpen(self, self.ms)


assert UNKNOWN_PACKET_BYTES <= PACKET_BYTES_MAX  # a packet's length has 16 bits
assert (64 << 20) // UNKNOWN_PACKET_BYTES + 3_000 <= PACKET_BYTES_MAX  # and so has their number
