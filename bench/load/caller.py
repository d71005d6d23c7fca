"""One caller of a REST address, with a connection that stays: cheap enough to stand beside what it measures."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import msgspec

ANSWER_S_MAX = 30.0


class Refused(Exception):
    """An answer that is no success."""


class Caller:
    """Sends requests one after the other under one login."""

    def __init__(self, address: str, api_key: str = "", access_token: str = "") -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.head = (
            f"Host: {address}\r\nX-Kite-Version: 3\r\nAuthorization: token {api_key}:{access_token}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        )
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def connect(self) -> Caller:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
        return self

    def request(self, method: str, path: str, fields: dict[str, object] | None = None) -> bytes:
        """The bytes of a request, for who sends the same again and again."""
        body = urlencode(fields).encode() if fields else b""
        return f"{method} {path} HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        async with asyncio.timeout(ANSWER_S_MAX):
            self.writer.write(request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.index(b"content-length:") + 15
            body = await self.reader.readexactly(int(lower[at : lower.index(b"\r", at)]))
        return int(head[9:12]), body

    async def call(self, method: str, path: str, fields: dict[str, object] | None = None) -> object:
        """The data of an answer; Refused when it is none."""
        status, body = await self.send(self.request(method, path, fields))
        if status != 200:
            raise Refused(f"{method} {path}: {status} {body[:300]!r}")
        return msgspec.json.decode(body)["data"]

    def close(self) -> None:
        self.writer.close()
