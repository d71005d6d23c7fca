"""HTTP/1.1 messages as bytes: heads, and bodies by length, in chunks, or to the end of the connection.

What is not changed goes on byte for byte. What is no HTTP is nothing of ours: the server answers it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import msgspec
from kitev3.services.kitesim.faults.wire import READ_BYTES, Wire

BODY_BYTES_MAX = 1 << 20  # a request's; a larger one is passed on as it comes
FORM_FIELDS_MAX = 100
CRLF = b"\r\n"
REQUEST_LINE = re.compile(rb"([!-~]+) ([!-~]+) (HTTP/1\.[01])")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?")
HEADER = re.compile(rb"([!-9;-~]+):[ \t]*(.*?)[ \t]*")

Body: TypeAlias = int | Literal["chunked", "to_end"]
"""How the end of a body is known: so many bytes, by its last chunk, or by the end of the connection."""


class NotHttp(Exception):
    """Bytes that we do not understand; ``seen`` are those that were read."""

    def __init__(self, seen: bytes) -> None:
        super().__init__("no HTTP/1.1")
        self.seen = seen


@dataclass(slots=True)
class Head:
    """A start line and headers."""

    start: bytes
    headers: list[tuple[bytes, bytes]]

    def get(self, name: bytes) -> str:
        """A header's text, several joined by commas; empty when there is none."""
        return ", ".join(text.decode("latin-1") for key, text in self.headers if key.lower() == name)

    def put(self, name: bytes, text: str) -> None:
        """Sets a header, in the place of those of that name."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name]
        self.headers.append((name, text.encode("latin-1")))

    def wire(self) -> bytes:
        return CRLF.join((self.start, *(key + b": " + text for key, text in self.headers), b"", b""))


@dataclass(slots=True)
class Request:
    """A request with its body, as far as it was read."""

    head: Head
    method: str
    target: str
    body: bytes  # as on the wire
    rest: AsyncIterator[bytes] | None = None  # of a body that is too large to be looked at
    fields: dict[str, str] = field(default_factory=dict)  # of its form

    @property
    def route(self) -> str:
        return urlsplit(self.target).path or "/"

    @property
    def upgrades(self) -> bool:
        return self.head.get(b"upgrade").lower() == "websocket"

    @property
    def ends(self) -> bool:
        """The client wants the connection closed after the answer."""
        return "close" in self.head.get(b"connection").lower() or self.head.start.endswith(b"HTTP/1.0")

    def wire(self) -> bytes:
        return self.head.wire() + self.body

    def add(self, extra: str) -> None:
        """Adds fields, urlencoded: to the form if there is one, else to the query."""
        if self.method in ("POST", "PUT") and self.body and self.rest is None:
            self.body += b"&" + extra.encode()
            self.head.put(b"content-length", str(len(self.body)))
            return
        self.target += ("&" if "?" in self.target else "?") + extra
        self.head.start = b" ".join((self.method.encode(), self.target.encode(), self.head.start.split()[-1]))


@dataclass(slots=True)
class Answer:
    """An answer: its head at once, its body when somebody wants it."""

    head: Head
    status: int
    body: Body
    source: Wire | None = None
    content: bytes | None = None  # decoded; None: not read yet

    @classmethod
    def of(cls, status: int, content: bytes, media_type: str) -> Answer:
        """An answer of our own."""
        start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
        head = Head(start, [(b"content-type", media_type.encode())])
        answer = cls(head, status, len(content), None, b"")
        answer.replace(content)
        return answer

    @classmethod
    def error(cls, status: int, error_type: str, message: str) -> Answer:
        """Kite's error envelope."""
        envelope = {"status": "error", "message": message, "data": None, "error_type": error_type}
        return cls.of(status, msgspec.json.encode(envelope), "application/json")

    @property
    def ends(self) -> bool:
        """The server closes the connection after it."""
        return self.body == "to_end" or "close" in self.head.get(b"connection").lower()

    async def read(self) -> bytes:
        """The whole body, decoded. Its length is then known."""
        if self.content is None:
            assert self.source is not None
            content = b"".join([piece async for _, piece in pieces(self.source, self.body)])
            self.replace(content)
        assert self.content is not None
        return self.content

    async def data(self) -> Any:
        """``data`` of a success envelope; None of anything else."""
        if self.status != 200 or "json" not in self.head.get(b"content-type"):
            return None
        envelope = msgspec.json.decode(await self.read())
        return envelope.get("data") if isinstance(envelope, dict) else None

    def put_data(self, data: Any) -> None:
        self.replace(msgspec.json.encode({"status": "success", "data": data}))

    def replace(self, content: bytes) -> None:
        """Another body, by its length."""
        self.content = content
        if self.body == 0 and not content:
            return  # an answer without a body, to HEAD perhaps: its length is not ours to say
        self.body = len(content)
        self.head.headers = [(key, text) for key, text in self.head.headers if key.lower() != b"transfer-encoding"]
        self.head.put(b"content-length", str(len(content)))

    async def wire(self) -> bytes:
        """All of it."""
        await self.read()
        assert self.content is not None
        return self.head.wire() + self.content

    async def pass_on(self, to: Wire) -> None:
        """Writes it piece by piece, as it comes."""
        if self.content is not None or self.source is None:
            await to.send(await self.wire())
            return
        await to.send(self.head.wire())
        async for piece, _ in pieces(self.source, self.body):
            await to.send(piece)


async def read_head(wire: Wire, begun: bytes = b"") -> Head | None:
    """The next head, which may have begun; None at the end of the connection. Raises NotHttp, and OSError."""
    try:
        seen = begun + await wire.reader.readuntil(CRLF + CRLF)
    except asyncio.IncompleteReadError as end:
        if begun + end.partial:
            raise NotHttp(begun + end.partial) from None
        return None
    except asyncio.LimitOverrunError as large:
        raise NotHttp(begun + await wire.reader.readexactly(large.consumed)) from None
    start, *lines = seen[: -len(CRLF + CRLF)].split(CRLF)
    headers = [(match[1], match[2]) for line in lines if (match := HEADER.fullmatch(line))]
    if len(headers) != len(lines):
        raise NotHttp(seen)
    return Head(start, headers)


async def read_request(wire: Wire, begun: bytes = b"") -> Request | None:
    """The next request, which may have begun; None at the end of the connection. Raises NotHttp, and OSError."""
    head = await read_head(wire, begun)
    if head is None:
        return None
    match = REQUEST_LINE.fullmatch(head.start)
    body = _body(head) if match else None
    if match is None or body is None:
        raise NotHttp(head.wire())
    if head.get(b"expect"):
        # Ours to answer, since we read the body before the server hears of it.
        await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        head.headers = [(key, text) for key, text in head.headers if key.lower() != b"expect"]
    request = Request(head, match[1].decode(), match[2].decode(), b"")
    source, size = pieces(wire, 0 if body == "to_end" else body), 0
    wires, contents = [], []
    async for piece, content in source:
        wires.append(piece)
        contents.append(content)
        size += len(piece)
        if size > BODY_BYTES_MAX:
            request.rest = _wires(source)
            break
    request.body = b"".join(wires)
    if request.rest is None and "urlencoded" in head.get(b"content-type"):
        request.fields = _form(b"".join(contents))
    return request


async def read_answer(wire: Wire, method: str) -> Answer:
    """The answer to a request. OSError when there is none."""
    head = await read_head(wire)
    match = STATUS_LINE.fullmatch(head.start) if head else None
    if head is None or match is None:
        raise ConnectionError("the server ended the connection without an answer")
    status = int(match[1])
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Answer(head, status, 0, wire, b"")
    body = _body(head)
    assert body is not None, "the server speaks HTTP/1.1"
    return Answer(head, status, body, wire)


async def pieces(wire: Wire, body: Body) -> AsyncIterator[tuple[bytes, bytes]]:
    """A body, piece by piece: as on the wire, and what it says. ConnectionError when it ends too soon."""
    try:
        if body == "chunked":
            async for piece in _chunks(wire.reader):
                yield piece
        elif body == "to_end":
            while piece_ := await wire.reader.read(READ_BYTES):
                yield piece_, piece_
        else:
            while body > 0:
                read = await wire.reader.read(min(body, READ_BYTES))
                if not read:
                    raise ConnectionError("a body ended too soon")
                body -= len(read)
                yield read, read
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        raise ConnectionError("a body ended too soon") from None


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    while True:
        line = await reader.readuntil(CRLF)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        content = await reader.readexactly(size)
        yield line + content + await reader.readexactly(len(CRLF)), content
    while (trailer := await reader.readuntil(CRLF)) != CRLF:
        line += trailer
    yield line + CRLF, b""


async def _wires(source: AsyncIterator[tuple[bytes, bytes]]) -> AsyncIterator[bytes]:
    async for piece, _ in source:
        yield piece


def _body(head: Head) -> Body | None:
    """None when two headers disagree: what a server makes of that is its own affair."""
    length, coding = head.get(b"content-length"), head.get(b"transfer-encoding").lower()
    if coding:
        return "chunked" if coding == "chunked" and not length else None
    if length:
        return int(length) if length.isdecimal() else None
    return "to_end"


def _form(content: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError:
        return {}  # the server says what is wrong with it
    return dict(reversed(pairs))
