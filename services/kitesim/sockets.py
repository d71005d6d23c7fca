"""The ticker's connections: each its own subscription and its own queue to the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from kitev3._core import Exchange, Subscription
from kitev3.services.kitesim.answers import error
from kitev3.services.kitesim.client_json import read_json
from kitev3.services.kitesim.logins import Denied, Logins, Session
from kitev3.services.kitesim.rules import Rules
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

QUEUE_MAX = 16  # messages that wait for one reader before the market waits for it
LATE_MAX = 2  # messages that wait for one reader before its frames are conflated
TAKE_S_MAX = 0.5  # machine time that a late market gives its readers before it calls them slow
TEXTS_MAX = 1_000  # what is said once, like an order's update, cannot be conflated: who leaves so much lying is dropped
STALL_S_MAX = 15.0  # machine time; a reader that takes nothing for so long is dropped, else it stops the market
HEARTBEAT = b"\x00"
CLOSE_S_MAX = 0.5
GOING_AWAY = 1001
POLICY = 1008


class Connection:
    """One open socket."""

    def __init__(self, websocket: WebSocket, session: Session, shown_ns: int, rules: Rules) -> None:
        self.websocket, self.session = websocket, session
        self.shown_ns = shown_ns  # market time up to which it has been sent what changed
        self.subscription = Subscription(rules.socket_tokens_max, nco_divisor=rules.nco_divisor)
        self.queue: deque[bytes | str] = deque()
        self.changed = asyncio.Event()  # something is queued, or the connection is over
        self.room = asyncio.Event()  # the queue is below its bound
        self.room.set()
        self.caught_up = asyncio.Event()  # fewer messages wait than make a reader a slow one
        self.caught_up.set()
        self.slow = False  # its last frame was not made
        self.frames = 0
        self.conflated = 0
        self.over = False
        self.close_code = GOING_AWAY
        self.sent_s = asyncio.get_running_loop().time()

    def send(self, message: bytes | str) -> None:
        """Queues a message; the market looks at `room` before it makes the next."""
        if self.over:
            return
        if len(self.queue) >= TEXTS_MAX:
            self.end(POLICY)
            return
        self.queue.append(message)
        self.changed.set()
        if len(self.queue) >= LATE_MAX:
            self.caught_up.clear()
        if len(self.queue) >= QUEUE_MAX:
            self.room.clear()

    def end(self, code: int = GOING_AWAY) -> None:
        """Closes the socket after what is being written."""
        self.over, self.close_code = True, code
        self.queue.clear()
        self.changed.set()
        self.room.set()
        self.caught_up.set()

    async def write(self) -> None:
        """Writes the queue to the wire, waiting wherever TCP makes it wait, until the connection is over."""
        loop = asyncio.get_running_loop()
        while not self.over:
            while self.queue and not self.over:
                message = self.queue.popleft()
                async with asyncio.timeout(STALL_S_MAX):
                    if isinstance(message, bytes):
                        await self.websocket.send_bytes(message)
                    else:
                        await self.websocket.send_text(message)
                self.sent_s = loop.time()
                if len(self.queue) < LATE_MAX:
                    self.caught_up.set()
                if len(self.queue) < QUEUE_MAX:
                    self.room.set()
            if not self.over:
                self.changed.clear()
                await self.changed.wait()


class Sockets:
    """All connections of one exchange.

    Args:
        posted: told of every order update too, with its user.
    """

    def __init__(
        self, exchange: Exchange, logins: Logins, posted: Callable[[str, dict[str, Any]], None], rules: Rules
    ) -> None:
        self.exchange, self.logins, self.posted, self.rules = exchange, logins, posted, rules
        self.member: dict[str, Any] = {"id": ""} if rules.order_id_member else {}  # of an order's update
        self.connections: list[Connection] = []
        self.frames = 0
        self.dropped = 0  # connections that were ended because nobody read, or because their login had ended
        self.conflated = 0  # frames that were not made because their reader had not taken those before
        # At the wall's own pace who falls behind is shown the last state when he comes back, as at Kite; at any
        # other the market waits for him, so that what he is sent does not depend on anyone's speed.
        self.conflating = False

    async def serve(self, websocket: WebSocket) -> None:
        """One socket from its upgrade to its end."""
        query = websocket.query_params
        if not query.get("api_key") or not query.get("access_token"):
            await websocket.send_denial_response(error(400, "InputException", "Missing `api_key` or `access_token`."))
            return
        try:
            session = self.logins.session(query["api_key"], query["access_token"])
        except Denied as denied:
            await websocket.send_denial_response(error(403, "TokenException", str(denied)))
            return
        if sum(c.session.api_key == session.api_key for c in self.connections) >= self.rules.sockets_max:
            await websocket.send_denial_response(Response("Too Many Requests", 429, media_type="text/plain"))
            return
        await websocket.accept()
        connection = Connection(websocket, session, self.exchange.now_ns, self.rules)
        self.connections.append(connection)
        if self.rules.instruments_meta:
            connection.send(self._instruments_meta())
        writer = asyncio.create_task(connection.write())
        reader = asyncio.create_task(self._read(connection))
        try:
            await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.connections.remove(connection)
            connection.over = True
            connection.room.set()
            connection.caught_up.set()
            for task in (writer, reader):
                task.cancel()
            ends = await asyncio.gather(writer, reader, return_exceptions=True)
            stalled = any(isinstance(end, TimeoutError) for end in ends)
            code = POLICY if stalled else connection.close_code
            self.dropped += code == POLICY
            await _close(websocket, code)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, TimeoutError | WebSocketDisconnect):
                raise end  # a bug of ours: the server logs it and goes on with the others

    async def _read(self, connection: Connection) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await connection.websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self.hear(connection, message.get("text") or message.get("bytes") or "")
                await connection.room.wait()  # who asks and does not read is not heard any more

    def hear(self, connection: Connection, message: str | bytes) -> None:
        """A client's wish. What is no wish that Kite knows is ignored, as Kite does."""
        wish = _wish(message)
        if wish is None:
            return
        verb, mode, tokens = wish
        subscription = connection.subscription
        if verb == "unsubscribe":
            subscription.unsubscribe(tokens)
            return
        if verb == "mode" and not self.rules.mode_subscribes:
            tokens = [token for token in tokens if token in subscription]
        fits = subscription.subscribe(tokens) if verb == "subscribe" else subscription.set_mode(mode, tokens)
        if not fits:
            too_many = f"Can't subscribe to more than {self.rules.socket_tokens_max} instruments."
            connection.send(_text({"type": "error", "data": too_many}))
        # At once, though nothing may trade: who asks at night wants to see the close.
        if not self.rules.snapshot_on_subscribe:
            return
        if snapshot := self.exchange.snapshot(subscription, tokens):
            connection.send(snapshot)

    def _instruments_meta(self) -> str:
        """What the real one may say first: how many instruments there are, and which day's."""
        data = {"count": len(self.exchange.tokens), "etag": self.exchange.session}
        return _text({"type": "instruments_meta", "data": data})

    def cut(self) -> int:
        """The market has made a step: everyone gets what changed of theirs. How many frames that made."""
        before = self.frames
        for connection in self.connections:
            connection.slow = self.conflating and len(connection.queue) >= LATE_MAX
            if connection.slow:
                self.conflated += 1
                connection.conflated += 1
                continue
            frame = self.exchange.frame(connection.subscription, connection.shown_ns)
            connection.shown_ns = self.exchange.now_ns
            if frame:
                connection.send(frame)
                self.frames += 1
                connection.frames += 1
        return self.frames - before

    def tell_orders(self) -> int:
        """Order updates go to every socket of their user, subscribed or not. How many there were."""
        updates = self.exchange.take_order_frames()
        for user, data in updates:
            self.posted(user, data)
            self.say({"type": "order", **self.member, "data": data}, user)
        return len(updates)

    def say(self, message: dict[str, Any], user: str = "") -> None:
        """A text to every socket of a user; to all without one."""
        text = ""
        for connection in self.connections:
            if user in ("", connection.session.user_id):
                text = text or _text(message)
                connection.send(text)

    async def room(self) -> None:
        """Waits until no reader is too far behind, unless they are conflated."""
        for connection in () if self.conflating else tuple(self.connections):
            if not connection.room.is_set():
                await connection.room.wait()

    async def taken(self) -> None:
        """Between cuts that a late market makes one right after the other: lets those who keep up take what they were
        sent, for what the market owes them is no slowness of theirs. Nobody is waited for twice."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TAKE_S_MAX):
                for connection in tuple(self.connections):
                    if not connection.slow:
                        await connection.caught_up.wait()

    async def beat(self) -> None:
        """A byte to each connection that has been silent, for ever."""
        loop, silence_s = asyncio.get_running_loop(), self.rules.heartbeat_ms / 1000
        while True:
            await asyncio.sleep(silence_s / 2)
            for connection in self.connections:
                if not connection.queue and loop.time() - connection.sent_s >= silence_s:
                    connection.send(HEARTBEAT)

    def drop(self, api_key: str) -> None:
        """A login has ended: so do its sockets."""
        for connection in self.connections:
            if connection.session.api_key == api_key:
                connection.end(POLICY)

    async def end(self) -> None:
        """Closes all, and waits a moment for their last words. The server's own close code would be one that the
        official client takes for a breach of the protocol."""
        for connection in self.connections:
            connection.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                while self.connections:
                    await asyncio.sleep(0.01)


def _wish(message: str | bytes) -> tuple[str, str, list[int]] | None:
    try:
        wish = read_json(message)
    except ValueError:
        return None
    verb, value = (wish.get("a"), wish.get("v")) if isinstance(wish, dict) else (None, None)
    mode = ""
    if verb == "mode":
        if not isinstance(value, list) or len(value) != 2 or value[0] not in ("ltp", "quote", "full"):
            return None
        mode, value = value
    elif verb not in ("subscribe", "unsubscribe"):
        return None
    if not isinstance(value, list):
        return None
    return str(verb), mode, [token for item in value if (token := _token(item)) is not None]


def _token(item: Any) -> int | None:
    """A token, which JavaScript sends as text; none if it is no number of 32 bits."""
    if isinstance(item, str) and item.isdecimal() and len(item) <= 10:
        item = int(item)
    if isinstance(item, int) and not isinstance(item, bool) and 0 < item < 1 << 32:
        return item
    return None


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


async def _close(websocket: WebSocket, code: int) -> None:
    if websocket.application_state is WebSocketState.CONNECTED and websocket.client_state is WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(1.0):
                await websocket.close(code)
