"""Faults of a request and its answer: late, lost, cut off, refused in words of others."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
from kitev3.services.kitesim.faults.desk import Call, Over
from kitev3.services.kitesim.faults.fault import AtByte, Fault, Happens, Milliseconds, Where, says
from kitev3.services.kitesim.faults.http import Answer, Request, read_answer

PLACING = Where(method="POST", route="/orders/*")
HTML = b"""<html>\r
<head><title>429 Too Many Requests</title></head>\r
<body>\r
<center><h1>429 Too Many Requests</h1></center>\r
</body>\r
</html>\r
"""
ERROR_TYPES = {429: "NetworkException", 502: "NetworkException", 503: "NetworkException", 504: "NetworkException"}


@dataclass(frozen=True, kw_only=True)
class RequestFault(Fault):
    """Happens to a request, or to its answer."""

    TO: ClassVar[frozenset[Happens]] = frozenset({"request"})

    async def on_request(self, call: Call) -> None:
        """Before the server hears of it. An answer set here is the answer, and the server never hears of it."""

    async def on_answer(self, call: Call) -> None:
        """After the server has answered, or another fault in its place."""


@dataclass(frozen=True, kw_only=True)
class Delay(RequestFault):
    NAME: ClassVar[str] = "delay"
    SEES: ClassVar[str] = "The answer comes late."

    ms: Milliseconds = says(1_000, "machine time")
    side: Literal["request", "answer"] = says("answer", "which is held up: the request before the server hears of it")

    async def on_request(self, call: Call) -> None:
        if self.side == "request":
            await asyncio.sleep(self.ms / 1000)

    async def on_answer(self, call: Call) -> None:
        if self.side == "answer":
            await asyncio.sleep(self.ms / 1000)


@dataclass(frozen=True, kw_only=True)
class _Before(RequestFault):
    """Whatever reaches the server is no whole request, so nothing comes of it."""

    at_byte: AtByte = says(0, "so many bytes of the request reach the server, never all; -1: drawn")

    async def _part(self, call: Call) -> None:
        wire = call.request.wire()
        length = min(self.at(self.at_byte, len(wire)), len(wire) - 1)
        if not length:
            return
        server = await call.desk.connect()
        try:
            await server.send(wire[:length])
        finally:
            server.close()


@dataclass(frozen=True, kw_only=True)
class TimeoutBefore(_Before):
    NAME: ClassVar[str] = "timeout_before"
    SEES: ClassVar[str] = "No answer: the client's read times out, and the server has accepted nothing."

    ms: Milliseconds = says(60_000, "machine time until the connection is reset; 0: as long as the fault is on")

    async def on_request(self, call: Call) -> None:
        await self._part(call)
        await _silence(call, self, self.ms)


@dataclass(frozen=True, kw_only=True)
class ResetBefore(_Before):
    NAME: ClassVar[str] = "reset_before"
    SEES: ClassVar[str] = "Connection reset by peer, and the server has accepted nothing."

    async def on_request(self, call: Call) -> None:
        await self._part(call)
        await call.client.reset()
        raise Over


@dataclass(frozen=True, kw_only=True)
class TimeoutAfter(RequestFault):
    NAME: ClassVar[str] = "timeout_after"
    SEES: ClassVar[str] = "No answer, or its first bytes: the client's read times out, and the server has accepted."

    at_byte: AtByte = says(0, "so many bytes of the answer arrive; -1: drawn")
    ms: Milliseconds = says(60_000, "machine time until the connection is reset; 0: as long as the fault is on")

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        call.at_byte = self.at(self.at_byte, len(await answer.wire()))
        call.silent = (self, self.ms)


@dataclass(frozen=True, kw_only=True)
class ResetAfter(RequestFault):
    NAME: ClassVar[str] = "reset_after"
    SEES: ClassVar[str] = "Connection reset by peer, at once or within the answer, and the server has accepted."

    at_byte: AtByte = says(0, "so many bytes of the answer arrive; -1: drawn")

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        call.at_byte, call.silent = self.at(self.at_byte, len(await answer.wire())), None


@dataclass(frozen=True, kw_only=True)
class ErrorAfter(RequestFault):
    NAME: ClassVar[str] = "error_after"
    SEES: ClassVar[str] = "An error envelope with that status, and the server has accepted."

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = says(502, "of HTTP")
    error_type: str = says("", "Kite's; the usual one of the status unless given")
    message: str = says("Gateway timed out. Please try again.", "the envelope's")

    async def on_answer(self, call: Call) -> None:
        await (await call.replied()).read()  # so that the connection to the server is ready for the next
        kind = self.error_type or ERROR_TYPES.get(self.status, "GeneralException")
        call.answer = Answer.error(self.status, kind, self.message)


@dataclass(frozen=True, kw_only=True)
class Html429(RequestFault):
    NAME: ClassVar[str] = "html_429"
    SEES: ClassVar[str] = (
        "A proxy's page instead of an envelope; the Python client makes a DataException of it, whose code is 502. "
        "The server has accepted nothing."
    )

    async def on_request(self, call: Call) -> None:
        call.answer = Answer.of(429, HTML, "text/html")


@dataclass(frozen=True, kw_only=True)
class Http400ThenPlaced(RequestFault):
    NAME: ClassVar[str] = "http_400_then_placed"
    SEES: ClassVar[str] = "HTTP 400, as if refused; some seconds later the order is in the book."
    USUALLY: ClassVar[Where] = PLACING

    ms: Milliseconds = says(8_000, "machine time from the answer to the placing")
    error_type: str = says("OrderException", "Kite's")
    message: str = says("Order request timed out. Please check the order book and confirm.", "the envelope's")

    async def on_request(self, call: Call) -> None:
        call.answer = Answer.error(400, self.error_type, self.message)
        call.desk.in_background(self._place(call, call.request))

    async def _place(self, call: Call, request: Request) -> None:
        await asyncio.sleep(self.ms / 1000)
        server = await call.desk.connect()
        try:
            await server.send(request.wire())
            placed = dataclasses.replace(call, answer=await read_answer(server, request.method))
            for order_id in await placed.order_ids():
                call.desk.remember(order_id, call.happening.tag, call.happening.symbol)
                call.desk.board.touch(order_id, [self])
        finally:
            server.close()


@dataclass(frozen=True, kw_only=True)
class TokenDeath(RequestFault):
    NAME: ClassVar[str] = "token_death"
    SEES: ClassVar[str] = (
        "403 TokenException in the middle of an order, and for everything after it; the key's sockets are closed."
    )
    USUALLY: ClassVar[Where] = PLACING

    when: Literal["before", "after"] = says("before", "acceptance; after it, the order is in the book all the same")

    async def on_request(self, call: Call) -> None:
        if self.when == "before":
            call.desk.controls.end_login(call.api_key)

    async def on_answer(self, call: Call) -> None:
        if self.when == "after":
            await (await call.replied()).read()
            call.desk.controls.end_login(call.api_key)
            call.answer = Answer.error(403, "TokenException", "Incorrect `api_key` or `access_token`.")


async def _silence(call: Call, fault: Fault, ms: int) -> None:
    """Keeps the connection and says nothing; then resets it, unless the client has left."""
    waiting = asyncio.create_task(call.desk.while_on(fault, ms))
    leaving = asyncio.create_task(call.client.drop(None))
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, leaving):
            task.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)
    await call.client.reset()
    raise Over


async def cut_off(call: Call) -> None:
    """Writes what is to arrive of the answer, and ends as it is to end."""
    assert call.at_byte is not None
    answer = await call.replied()
    if part := (await answer.wire())[: call.at_byte]:
        await call.client.send(part)
    if call.silent is not None:
        await _silence(call, *call.silent)
    await call.client.reset()
    raise Over
