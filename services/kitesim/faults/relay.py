"""Takes every connection in the server's place, passes on what it says, and lets the faults happen to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from kitev3.services.kitesim import bounds
from kitev3.services.kitesim.faults.books import untrue, untrue_row
from kitev3.services.kitesim.faults.desk import Call, Desk, Over
from kitev3.services.kitesim.faults.fault import Fault, Happening
from kitev3.services.kitesim.faults.frames import CutShort, FrameFault, HalfOpen, Socket
from kitev3.services.kitesim.faults.http import NotHttp, Request, read_answer, read_request
from kitev3.services.kitesim.faults.requests import RequestFault, cut_off
from kitev3.services.kitesim.faults.websocket import Frame, read_frame
from kitev3.services.kitesim.faults.wire import HEAD_BYTES_MAX, READ_BYTES, Wire
from kitev3.services.kitesim.page.guard import is_operators

IDLE_S_MAX = 70.0  # below the server's own, so that it is never the server that closes a connection in use
CLOSE_S_MAX = 0.5
SWITCHING = 101


class Relay:
    """In front of one server. Each client's connection has one of its own to the server."""

    def __init__(self, listener: socket.socket, desk: Desk) -> None:
        self.listener, self.desk = listener, desk
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Takes connections until it is cancelled; gives those that are open a moment to end."""
        server = await asyncio.start_server(self._taken, sock=self.listener, limit=HEAD_BYTES_MAX)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            await self._end()

    async def _end(self) -> None:
        if self._connections:
            await asyncio.wait(self._connections, timeout=CLOSE_S_MAX)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self.desk.close()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= bounds.CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._connections.add(task)
        client = Wire(reader, writer)
        try:
            await _Connection(self.desk, client).serve()
        except (Over, OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # it ended as it was meant to, or one of the two has left
        except asyncio.CancelledError:
            client.abort()
        finally:
            self._connections.discard(task)
            client.close()


class _Connection:
    """One client's."""

    def __init__(self, desk: Desk, client: Wire) -> None:
        self.desk, self.client = desk, client
        self.server: Wire | None = None

    async def serve(self) -> None:
        """Requests, one after the other, until one side ends it or a WebSocket has begun and ended."""
        try:
            while await self._one():
                pass
        except NotHttp as garbage:
            await self._tunnel(garbage.seen)
        finally:
            if self.server is not None:
                self.server.close()

    async def _one(self) -> bool:
        async with asyncio.timeout(IDLE_S_MAX if self.server else bounds.REQUEST_S_MAX):
            begun = await self.client.reader.read(1)
        async with asyncio.timeout(bounds.REQUEST_S_MAX):
            request = await read_request(self.client, begun)
        if request is None:
            return False
        request.head.put(b"x-forwarded-for", self.client.peer)  # whatever he says of it himself
        call = Call(self.desk, self.client, request, self._happening(request))
        # Nothing happens to the operator's page: it shows the truth, and would switch off what keeps it from there.
        faults = [] if is_operators(request.route) else self.desk.board.drawn(call.happening)
        await self._answer(call, faults)
        answer = await call.replied()
        if call.at_byte is not None:
            await cut_off(call)
        if request.upgrades and answer.status == SWITCHING:
            await self.client.send(answer.head.wire())
            await self._socket()
            return False
        await answer.pass_on(self.client)
        return not (request.ends or answer.ends)

    def _happening(self, request: Request) -> Happening:
        parts = request.route.strip("/").split("/")
        order = ""
        if parts[0] == "orders" and len(parts) > 1:
            # /orders/{variety}/{order_id} of a write; /orders/{order_id}[/trades] of a read.
            order = parts[1] if request.method == "GET" else parts[2] if len(parts) > 2 else ""
        known = self.desk.orders.get(order)
        return Happening(
            kind="request",
            route=request.route,
            method=request.method,
            tag=known.tag if known else request.fields.get("tag", ""),
            order=order,
            symbol=known.symbol if known else request.fields.get("tradingsymbol", ""),
        )

    async def _answer(self, call: Call, faults: list[Fault]) -> None:
        mine = [fault for fault in faults if isinstance(fault, RequestFault)]
        for fault in mine:
            await fault.on_request(call)
        if call.answer is None:
            await self._forward(call)
            for order_id in await call.order_ids():
                self.desk.remember(order_id, call.happening.tag, call.happening.symbol)
                self.desk.board.touch(order_id, faults)
            await untrue(call)
        for fault in mine:
            await fault.on_answer(call)

    async def _forward(self, call: Call) -> None:
        if self.server is None or self.server.over:
            self.server = await self.desk.connect()
        server, request = self.server, call.request
        await server.send(request.wire())
        if request.rest is None:
            call.answer = await read_answer(server, request.method)
            return
        # The server may answer, and end it, before it has read a body that is too large.
        rest = asyncio.create_task(_send_all(request.rest, server))
        try:
            call.answer = await read_answer(server, request.method)
        finally:
            rest.cancel()
            await asyncio.gather(rest, return_exceptions=True)

    # --- sockets ----------------------------------------------------------------------------------------------------

    async def _socket(self) -> None:
        assert self.server is not None
        there = asyncio.create_task(_pump(self.client, self.server))
        back = asyncio.create_task(self._frames(self.server))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            if not back.done():
                # The client has left: the server hears of it, and what it still says goes nowhere.
                self.server.close()
                return
            there.cancel()
            await self._end_socket(back)
        finally:
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _end_socket(self, back: asyncio.Task[None]) -> None:
        assert self.server is not None
        try:
            await back
        except HalfOpen as forgotten:
            self.server.abort()
            self.client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await self.desk.while_on(forgotten.fault, forgotten.ms)
            await self.client.reset()
        except CutShort as short:
            await self.client.send(short.part)
        except asyncio.IncompleteReadError:
            pass  # the server has ended it

    async def _frames(self, server: Wire) -> None:
        one = Socket(self.desk, self.client)
        while True:
            frame = await read_frame(server)
            if frame.kind() == "control":
                await one.send([frame])
                continue
            if one.silent:
                continue
            frames = [frame] if self._true(frame) else []
            drawn = self.desk.board.drawn(_message(self.desk, frame)) if frames else []
            for fault in drawn:
                assert isinstance(fault, FrameFault)
                frames = [after for before in frames for after in await fault.on_frame(before, one)]
            await one.send(frames)

    def _true(self, frame: Frame) -> bool:
        """Makes an order update say what the book says of its order. A late order's updates are not late."""
        order_id = str(frame.order.get("order_id", ""))
        if frame.order and any(mark.tag is not None for mark in self.desk.marks(order_id)):
            row = untrue_row(self.desk, frame.order)
            if row is not None:
                frame.put_order(row)
        return True

    async def _tunnel(self, seen: bytes) -> None:
        """What is no HTTP is between the client and the server."""
        if self.server is not None:
            self.server.close()
        self.server = await self.desk.connect()
        await self.server.send(seen)
        pumps = [asyncio.create_task(_pump(*pair)) for pair in ((self.client, self.server), (self.server, self.client))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED, timeout=IDLE_S_MAX)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)


def _message(desk: Desk, frame: Frame) -> Happening:
    row = frame.order
    return Happening(
        kind="frame",
        frames=frame.kind(),
        tag=str(row.get("tag") or ""),
        order=str(row.get("order_id") or ""),
        symbol=str(row.get("tradingsymbol") or ""),
    )


async def _send_all(pieces: AsyncIterator[bytes], to: Wire) -> None:
    with contextlib.suppress(OSError):
        async for piece in pieces:
            await to.send(piece)


async def _pump(source: Wire, to: Wire) -> None:
    """Bytes from one to the other, until the first has no more."""
    with contextlib.suppress(OSError):
        while data := await source.reader.read(READ_BYTES):
            await to.send(data)
