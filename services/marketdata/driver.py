"""Keeps the broker's socket open and brings in what it says; reads instruments and quotes over REST.

Everything here waits for the world, so everything here is in machine time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import msgspec
from kitev3 import instruments
from kitev3.account.secret import read_secret
from kitev3.contracts import Frame, Reading, Socket, Text
from kitev3.errors import KiteError
from kitev3.orders.classify import Finding
from kitev3.runtime.service import AsyncDriver, World
from kitev3.services.marketdata.service import MarketdataConfig, QuoteRow, SubscribedRow
from kitev3.system.log import get_logger
from picows import (
    WSAutoPingStrategy,
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

BACKOFF_S = 0.5
TOKEN_LOOK_S = 0.5
CONNECT_S_MAX = 10.0
FRAME_BYTES_MAX = 1 << 20
TOKENS_PER_MESSAGE_MAX = 500
QUOTE_KEYS_MAX = 500  # the broker's bound on one GET /quote


class Reader(Protocol):
    """The broker's REST side with nothing in it that could write."""

    def instruments(self) -> Finding:
        """GET /instruments; ``data`` is CSV."""

    def quote(self, instruments: Sequence[str]) -> Finding:
        """GET /quote; ``data`` is JSON, keyed by the names asked for."""

    def renew(self, access_token: str) -> None:
        """Goes on with another token."""


class NotRead(KiteError):
    """The broker did not give what was asked for."""


class Feed(AsyncDriver):
    """The driver of marketdata: one socket, one REST reader, one token file.

    Args:
        reader: makes the REST side from the first token; called on a thread of its own.
        url: of the socket, without its query.
        today: market date of the session.
        kept: the folder where instruments files are kept.
    """

    def __init__(
        self,
        config: MarketdataConfig,
        *,
        api_key: str,
        token_file: Path,
        reader: Callable[[str], Reader],
        url: str,
        today: date,
        kept: Path,
    ) -> None:
        self.config, self.api_key, self.token_file = config, api_key, token_file
        self.new_reader, self.url, self.today, self.kept = reader, url, today, kept
        self.rows: list[instruments.Row] = []
        self.log = get_logger("marketdata")

    async def run(self, world: World) -> None:
        """Read what a day starts with, then keep a socket open until cancelled."""
        self.reader = self.new_reader(read_secret(self.token_file))
        await self._until_read(world)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._quotes(world))
            tasks.create_task(self._sockets(world))

    # REST ---------------------------------------------------------------------------------------------------------

    async def _until_read(self, world: World) -> None:
        wait_s = BACKOFF_S
        while True:
            try:
                body = await asyncio.to_thread(self._read_instruments)
                break
            except KiteError as error:
                world.put(Reading("instruments", b"", str(error)))
                self.log.warning("instruments not read", error=str(error), again_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self.config.reconnect_s_max)
        world.put(Reading("instruments", body))
        await self._read_quotes(world)

    def _read_instruments(self) -> bytes:
        text = good(self.reader.instruments()).decode()
        rows = instruments.parse(text)
        instruments.check(rows, self.today, self.today)
        instruments.keep(self.kept, self.today, text)
        self.rows = instruments.select(rows, self.config.instruments)
        named = instruments.file_hash(text)
        return msgspec.json.encode([subscribed(row, self.today, named) for row in self.rows])

    async def _quotes(self, world: World) -> None:
        while True:
            await asyncio.sleep(self.config.quote_interval_s)
            await self._read_quotes(world)

    async def _read_quotes(self, world: World) -> None:
        keys = [row.key for row in self.rows]
        for at in range(0, len(keys), QUOTE_KEYS_MAX):
            try:
                data = good(await asyncio.to_thread(self.reader.quote, keys[at : at + QUOTE_KEYS_MAX]))
                rows = [quote_row(one) for one in msgspec.json.decode(data).values()]
            except (KiteError, msgspec.DecodeError, KeyError) as error:
                world.put(Reading("quote", b"", str(error)))
                self.log.warning("quotes not read", error=str(error))
            else:
                world.put(Reading("quote", msgspec.json.encode(rows)))

    # The socket ---------------------------------------------------------------------------------------------------

    async def _sockets(self, world: World) -> None:
        wait_s = BACKOFF_S
        while True:
            token = read_secret(self.token_file)
            world.put(Socket("connecting"))
            try:
                lasted_s = await self._one(world, token)
                wait_s = BACKOFF_S if lasted_s > self.config.reconnect_s_max else wait_s
            except WSInvalidStatusError as error:
                if await self._refused(world, token, error):
                    continue
            except (WSError, OSError, TimeoutError) as error:
                # The address bears the token, so only the kind of error is told.
                world.put(Socket("down", type(error).__name__))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self.config.reconnect_s_max)

    async def _refused(self, world: World, token: str, error: WSInvalidStatusError) -> bool:
        """True once there is another token: a dead one is never tried again."""
        response = error.response
        status = response.status if response is not None else None
        if status != HTTPStatus.FORBIDDEN:
            world.put(Socket("down", f"upgrade answered {status}"))
            return False
        world.put(Socket("refused", "403: the token is dead; log in again and renew the token file"))
        self.log.error("token refused", file=self.token_file.name, do="log in again")
        while (renewed := read_secret(self.token_file)) == token:
            await asyncio.sleep(TOKEN_LOOK_S)
        self.reader.renew(renewed)
        return True

    async def _one(self, world: World, token: str) -> float:
        """One life of the socket. Returns how long it lasted in seconds."""
        listener = Listener(world, [row.instrument_token for row in self.rows])
        transport, _ = await ws_connect(
            lambda: listener,
            f"{self.url}?api_key={self.api_key}&access_token={token}",
            ssl_context=tls(self.config.ca_file) if self.url.startswith("wss") else None,
            websocket_handshake_timeout=CONNECT_S_MAX,
            extra_headers={"X-Kite-Version": "3"},
            enable_auto_ping=True,
            auto_ping_idle_timeout=self.config.silence_s / 2,
            auto_ping_reply_timeout=self.config.silence_s / 2,
            auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
            max_frame_size=FRAME_BYTES_MAX,
            max_redirects=0,
        )
        since = time.monotonic()
        try:
            await self._watch(listener, world)
        finally:
            transport.disconnect()
        return time.monotonic() - since

    async def _watch(self, listener: Listener, world: World) -> None:
        """Until the peer closes, or nothing was heard for too long."""
        step_s = self.config.silence_s / 10
        while not listener.closed.is_set():
            heard = listener.frames
            for _ in range(10):
                try:
                    # Not `wait_for`: before Python 3.12 it loses a cancellation that comes as the socket closes.
                    async with asyncio.timeout(step_s):
                        await listener.closed.wait()
                    break
                except TimeoutError:
                    if listener.frames != heard:
                        break
            else:
                world.put(Socket("silent", f"no frame for {self.config.silence_s:g} s"))
                return
        world.put(Socket("down", "closed by the broker"))


class Listener(WSListener):
    """Subscribes once connected, then passes every frame on as it came."""

    def __init__(self, world: World, tokens: list[int]) -> None:
        self.world, self.tokens = world, tokens
        self.frames = 0
        self.closed = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.world.put(Socket("up"))
        for message in subscription(self.tokens):
            transport.send(WSMsgType.TEXT, message)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.frames += 1
        if frame.msg_type == WSMsgType.BINARY:
            if frame.payload_size > 1:  # a heartbeat is one byte
                self.world.put(Frame(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.TEXT:
            self.world.put(Text(frame.get_payload_as_utf8_text()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed.set()


def subscription(tokens: list[int]) -> Iterable[bytes]:
    """Subscribe and full mode, in messages of a bounded size (Kite WebSocket, kite-protocol 5.2)."""
    for at in range(0, len(tokens), TOKENS_PER_MESSAGE_MAX):
        some = tokens[at : at + TOKENS_PER_MESSAGE_MAX]
        yield json.dumps({"a": "subscribe", "v": some}).encode()
        yield json.dumps({"a": "mode", "v": ["full", some]}).encode()


def tls(ca_file: str) -> ssl.SSLContext:
    """Certificate and host name are checked, always."""
    return ssl.create_default_context(cafile=ca_file or None)


def good(finding: Finding) -> bytes:
    """The data of a read that succeeded; NotRead otherwise."""
    if finding.outcome != "ok":
        raise NotRead(finding.message or finding.error_type or finding.outcome)
    return finding.data


def subscribed(row: instruments.Row, today: date, file_hash: str) -> SubscribedRow:
    """A row of the file as the tape keeps it."""
    return SubscribedRow(
        instrument_token=row.instrument_token,
        exchange=row.exchange,
        tradingsymbol=row.tradingsymbol,
        name=row.name,
        instrument_type=row.instrument_type,
        segment=row.segment,
        expiry=row.expiry,
        strike_e4=row.strike_e4,
        tick_size_e4=row.tick_size_e4,
        lot_size=row.lot_size,
        freeze_quantity=instruments.freeze_quantity(row, today),
        products=row.products,
        file_date=today.isoformat(),
        file_hash=file_hash,
    )


def quote_row(quote: dict[str, Any]) -> QuoteRow:
    """One value of GET /quote's map, its float rupees rounded to 1/10,000."""
    depth = quote.get("depth") or {"buy": [], "sell": []}
    ohlc = quote["ohlc"]
    return QuoteRow(
        instrument_token=quote["instrument_token"],
        last_price_e4=e4(quote["last_price"]),
        open_e4=e4(ohlc["open"]),
        high_e4=e4(ohlc["high"]),
        low_e4=e4(ohlc["low"]),
        close_e4=e4(ohlc["close"]),
        volume=quote.get("volume", 0),
        oi=quote.get("oi", 0),
        bid_e4=best(depth["buy"]),
        ask_e4=best(depth["sell"]),
        lower_circuit_e4=e4(quote.get("lower_circuit_limit", 0)),
        upper_circuit_e4=e4(quote.get("upper_circuit_limit", 0)),
    )


def best(levels: list[dict[str, Any]]) -> int:
    """The first level's price; 0 when that side is empty."""
    return e4(levels[0]["price"]) if levels else 0


def e4(rupees: float | int) -> int:
    """1/10,000 rupee of a JSON number, rounded half to even."""
    return round(Decimal(str(rupees)) * 10_000)
