"""One life of the broker's socket: subscribes, puts messages together, and reads what is text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from kitev3.broker import row
from kitev3.broker.row import BadRow
from kitev3.contracts import Frame, LeftOut, Socket, Text
from kitev3.runtime.service import World
from picows import WSFrame, WSListener, WSMsgType, WSTransport

MESSAGE_BYTES_MAX = 1 << 20
TOKENS_PER_MESSAGE_MAX = 500
CONTROL = (WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE)


class Listener(WSListener):
    """Subscribes once connected, then passes on every message whole, however many frames it came in (RFC 6455, 5.4).

    What breaks the protocol, or is larger than a message may be, ends this life: ``why`` says so, and the next life's
    begin says that ticks are missing.
    """

    def __init__(self, world: World, tokens: list[int]) -> None:
        self.world, self.tokens = world, tokens
        self.frames = 0
        self.closed = asyncio.Event()
        self.why = "closed by the broker"
        self._kind: WSMsgType | None = None  # of the message that is not whole yet
        self._parts = bytearray()
        self._broken = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.world.put(Socket("up"))
        for message in subscription(self.tokens):
            transport.send(WSMsgType.TEXT, message)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.frames += 1
        if self._broken:
            return
        kind = frame.msg_type
        if kind in CONTROL:
            if kind == WSMsgType.CLOSE:
                transport.disconnect()
            return
        if (kind == WSMsgType.CONTINUATION) == (self._kind is None):
            self._break(transport, "a message within a message" if self._kind else "a message without its beginning")
        elif self._kind is None and frame.fin:
            self._take(kind, frame.get_payload_as_bytes())
        elif len(self._parts) + frame.payload_size > MESSAGE_BYTES_MAX:
            self._break(transport, f"a message of more than {MESSAGE_BYTES_MAX} bytes")
        else:
            self._kind = self._kind or kind
            self._parts += frame.get_payload_as_memoryview()
            if frame.fin:
                whole, self._kind = (self._kind, bytes(self._parts)), None
                self._parts.clear()
                self._take(*whole)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed.set()

    def _take(self, kind: WSMsgType, message: bytes) -> None:
        if kind == WSMsgType.BINARY:
            if len(message) > 1:  # a heartbeat is one byte
                self.world.put(Frame(message))
            return
        try:
            order = read_text(message)
        except BadRow as error:
            self.world.put(LeftOut("text", 1, str(error)))
        else:
            if order is not None:
                self.world.put(order)

    def _break(self, transport: WSTransport, why: str) -> None:
        self.why, self._broken = f"closed by us: {why}", True
        transport.disconnect()


def read_text(message: bytes) -> Text | None:
    """What a text message says of an order; None for the broker's notices.

    Raises BadRow for what cannot be read.
    """
    told = row.row(message)
    if told.get("type") != "order":
        return None
    order = row.part(told, "data")
    return Text(
        order_id=row.text(order, "order_id"),
        status=row.text(order, "status", ""),
        filled_quantity=row.whole(order, "filled_quantity", 0),
        tag=row.text(order, "tag", ""),
    )


def subscription(tokens: list[int]) -> Iterable[bytes]:
    """Subscribe and full mode, in messages of a bounded size (Kite Connect v3, WebSocket)."""
    for at in range(0, len(tokens), TOKENS_PER_MESSAGE_MAX):
        some = tokens[at : at + TOKENS_PER_MESSAGE_MAX]
        yield json.dumps({"a": "subscribe", "v": some}).encode()
        yield json.dumps({"a": "mode", "v": ["full", some]}).encode()
