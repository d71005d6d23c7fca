"""HTTP in pieces, and a connection from which they come."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from itertools import pairwise

from kitev3.services.kitesim.faults.wire import Wire


class _Side:
    """A connection's writer of which nobody reads."""

    def __init__(self) -> None:
        self.written = b""
        self.transport = self

    def set_write_buffer_limits(self, _: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None: ...


def heard(pieces: list[bytes]) -> tuple[Wire, _Side]:
    """A connection from which these have come."""
    reader, side = asyncio.StreamReader(limit=1 << 15), _Side()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return Wire(reader, side), side  # type: ignore[arg-type]


def rest(connection: socket.socket) -> bytes:
    """All that is still said, to the end; who is cut off has heard what he has heard."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            said += piece
    return said


def ending(connection: socket.socket, data: bytes) -> bytes:
    """What a client hears that sends this and then no more."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(data)
    with contextlib.suppress(OSError):  # ENOTCONN, no `ConnectionError`: the other side has cut it off already
        connection.shutdown(socket.SHUT_WR)
    return rest(connection)


def chunked(content: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        if part := content[at : at + size]:
            out += f"{len(part):x}".encode() + b"\r\n" + part + b"\r\n"
        at += size
    if rest := content[at:]:
        out += f"{len(rest):X};note=1".encode() + b"\r\n" + rest + b"\r\n"
    return out + b"0\r\nx-trailer: 1\r\n\r\n"


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]
