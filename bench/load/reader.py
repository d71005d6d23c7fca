"""A ticker's socket, read no further than the proof needs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from base64 import b64encode
from collections.abc import Iterable

import msgspec

from bench.load.exchange import Login
from bench.load.shown import Shown

TEXT, BINARY, CLOSE = 1, 2, 8
FIRST_CUTS_MAX = 120  # since the exchange began, within which a reader comes
BUFFER_BYTES = 1 << 20


class Wrong(Exception):
    """Something was shown that should not have been, or not shown that should have."""


class Socket:
    """A WebSocket as a client has it: text and binary messages whole, masked on the way there."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.closed_with = 0

    @classmethod
    async def open(cls, address: str, login: Login, receive_bytes: int = 0) -> Socket:
        """Wrong when the upgrade is refused. `receive_bytes`: the kernel's buffer, its own size unless given."""
        host, _, port = address.rpartition(":")
        wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        wire.setblocking(False)
        if receive_bytes:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(wire, (host, int(port)))
        # A slow reader's own buffer is small too, else it is fast up to there.
        reader, writer = await asyncio.open_connection(sock=wire, limit=receive_bytes or BUFFER_BYTES)
        writer.write(
            f"GET /?api_key={login.api_key}&access_token={login.token} HTTP/1.1\r\nHost: {address}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Wrong(f"{login.api_key}: {head.splitlines()[0]!r}")
        return cls(reader, writer)

    def say(self, wish: object) -> None:
        """Sends a JSON text. The mask is zeros: nobody between here and there needs another."""
        text = msgspec.json.encode(wish)
        size = len(text)
        head = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        if size >= 1 << 16:
            head = b"\xff" + size.to_bytes(8, "big")
        self.writer.write(b"\x81" + head + bytes(4) + text)

    async def hear(self) -> tuple[int, bytes]:
        """The next message; (CLOSE, …) for the last."""
        try:
            kind, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            content = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return CLOSE, b""
        if kind & 0x0F == CLOSE:
            self.closed_with = int.from_bytes(content[:2], "big")
        return kind & 0x0F, content

    def close(self) -> None:
        self.writer.close()


class Reader:
    """Checks every message of one socket against the market that it knows.

    Args:
        wish: the subscription's name in `shown`.
        whole: every cut must come, one after the other. Else some may be passed over, but none comes twice or late.
    """

    def __init__(self, shown: Shown, login: Login, wish: str, *, whole: bool = True) -> None:
        self.shown, self.login, self.wish, self.whole = shown, login, wish, whole
        self.cut = -1
        self.begun = asyncio.Event()
        self.frames = 0
        self.bytes = 0
        self.passed_over = 0
        self.texts = 0
        self.said = hashlib.blake2b()  # over all order updates: the sockets of a user hear the same
        self.status: dict[str, str] = {}  # the last that was said of each order
        self.paused = asyncio.Event()
        self.paused.set()  # cleared: nothing is read
        self.socket: Socket

    async def open(self, address: str, receive_bytes: int = 0) -> Reader:
        self.socket = await Socket.open(address, self.login, receive_bytes)
        mode, tokens = self.shown.modes[self.wish], self.shown.tokens[self.wish]
        self.socket.say({"a": "mode", "v": [mode, tokens]})
        return self

    async def read(self) -> None:
        """Until the socket is closed. Wrong as soon as something is."""
        while True:
            await self.paused.wait()
            kind, content = await self.socket.hear()
            if kind == CLOSE:
                return
            self.bytes += len(content)
            if kind == TEXT:
                self._text(content)
            elif len(content) > 1:
                self._frame(content)

    def _frame(self, frame: bytes) -> None:
        self.frames += 1
        if self.cut < 0:
            # The snapshot: everything trades, so that it is the frame of the last cut.
            cut = self.shown.find(self.wish, frame, -1, FIRST_CUTS_MAX)
            if cut is None:
                raise Wrong(f"{self.name}: its snapshot is that of no cut")
            self.cut = cut
            self.begun.set()
            return
        if frame == self.shown.frame(self.wish, self.cut + 1):
            self.cut += 1
            return
        cut = self.shown.find(self.wish, frame, self.cut, FIRST_CUTS_MAX)
        if cut is None:
            raise Wrong(f"{self.name}: {len(frame)} bytes after cut {self.cut} that no later cut shows")
        if self.whole:
            raise Wrong(f"{self.name}: cut {cut} came after {self.cut}")
        self.passed_over += cut - self.cut - 1
        self.cut = cut

    def _text(self, text: bytes) -> None:
        message = msgspec.json.decode(text)
        if message["type"] != "order":
            raise Wrong(f"{self.name}: {text[:200]!r}")
        self.texts += 1
        self.said.update(text)
        self.status[message["data"]["order_id"]] = message["data"]["status"]

    @property
    def name(self) -> str:
        return f"{self.login.api_key} {self.wish}"


async def until_begun(readers: Iterable[Reader], seconds_max: float) -> None:
    """Until each has its first frame."""
    async with asyncio.timeout(seconds_max):
        for reader in readers:
            await reader.begun.wait()
