"""One TCP connection, with the ways in which it can end badly."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios

HEAD_BYTES_MAX = 1 << 15
BUFFER_BYTES = 1 << 14  # small: a reader who falls behind is to be felt by the server, through all of them
READ_BYTES = 1 << 16
FLUSH_S_MAX = 1.0
FLUSH_LOOK_S = 0.002


class Wire:
    """A connection. Writes of several tasks do not mix: each is whole."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        writer.transport.set_write_buffer_limits(BUFFER_BYTES)
        self._lock = asyncio.Lock()

    @classmethod
    async def to(cls, address: tuple[str, int]) -> Wire:
        """A new connection. OSError when there is none."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            await asyncio.get_running_loop().sock_connect(connection, address)
        except BaseException:
            connection.close()
            raise
        return cls(*await asyncio.open_connection(sock=connection, limit=HEAD_BYTES_MAX))

    @property
    def peer(self) -> str:
        """The other side's IP address."""
        name = self.writer.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def over(self) -> bool:
        """The other side has ended it."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def send(self, data: bytes) -> None:
        """Writes, and waits where TCP makes it wait. OSError when the other side is gone."""
        async with self._lock:
            self.writer.write(data)
            await self.writer.drain()

    async def drop(self, seconds: float | None) -> None:
        """Says nothing more: takes what comes, until the other side leaves or the time is over."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(seconds):
                while await self.reader.read(READ_BYTES):
                    pass

    async def reset(self) -> None:
        """Ends it with RST. What was written before has left by then, so that it ends at just that byte."""
        await self._flush()
        connection = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def _flush(self) -> None:
        connection = self.writer.get_extra_info("socket")
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(FLUSH_S_MAX):
                await self.writer.drain()
                while self.writer.transport.get_write_buffer_size() or _unacknowledged(connection):
                    await asyncio.sleep(FLUSH_LOOK_S)

    def close(self) -> None:
        """Ends it in order."""
        self.writer.close()

    def abort(self) -> None:
        """Ends it at once."""
        self.writer.transport.abort()


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes that the other side's kernel has not taken yet."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    return int(struct.unpack("i", answer)[0])
