"""Keeps the broker's socket open and brings in what it says; reads instruments and quotes over REST.

Everything here waits for the world, so everything here is in machine time.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Literal, Protocol

from kitev3 import instruments
from kitev3.account.secret import read_secret
from kitev3.broker.classify import Finding
from kitev3.contracts import Instruments, LeftOut, Quotes, Socket
from kitev3.errors import ConfigError, KiteError
from kitev3.runtime.service import AsyncDriver, World
from kitev3.services.marketdata import quotes
from kitev3.services.marketdata.config import MarketdataConfig
from kitev3.services.marketdata.listener import MESSAGE_BYTES_MAX, Listener
from kitev3.services.marketdata.subscription import Wanted
from kitev3.system.log import LOG
from picows import WSAutoPingStrategy, WSError, WSInvalidStatusError, ws_connect

BACKOFF_S = 0.5
TOKEN_LOOK_S = 0.5
CONNECT_S_MAX = 10.0
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
        wanted: what to subscribe.
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
        wanted: Wanted,
    ) -> None:
        self.wanted = wanted
        self.config, self.api_key, self.token_file = config, api_key, token_file
        self.new_reader, self.url, self.today, self.kept = reader, url, today, kept
        self.rows: list[instruments.Row] = []
        self.log = LOG

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
                read, bad = await asyncio.to_thread(self._read_instruments)
                break
            except ConfigError:
                raise  # a person has to mend it
            except KiteError as error:
                self._left_out(world, "instruments", 1, str(error))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self.config.reconnect_s_max)
        world.put(read)
        if bad:
            self._left_out(world, "instruments", len(bad), str(bad[0]))
        await self._read_quotes(world)

    def _read_instruments(self) -> tuple[Instruments, tuple[instruments.BadLine, ...]]:
        data = good(self.reader.instruments())
        file = instruments.parse(data)
        instruments.check(file, self.today, self.today)
        instruments.keep(self.kept, self.today, data)
        self.rows = self.wanted.rows(file)
        rows = tuple(self.wanted.subscribed(row, self.today, file.hash) for row in self.rows)
        return Instruments(rows), file.bad

    async def _quotes(self, world: World) -> None:
        wait_s = BACKOFF_S
        while True:
            await asyncio.sleep(min(wait_s, self.config.quote_interval_s))
            # An instrument that has no quote yet is not tradable, so an answer that failed is asked for again soon.
            wait_s = self.config.quote_interval_s if await self._read_quotes(world) else wait_s * 2

    async def _read_quotes(self, world: World) -> bool:
        """Whether every answer could be read."""
        failed = False
        for at in range(0, len(self.rows), QUOTE_KEYS_MAX):
            asked = {row.key: row for row in self.rows[at : at + QUOTE_KEYS_MAX]}
            try:
                rows, bad = quotes.read(good(await asyncio.to_thread(self.reader.quote, list(asked))), asked)
            except KiteError as error:
                self._left_out(world, "quote", len(asked), str(error))
                failed = True
            else:
                world.put(Quotes(rows))
                if bad:
                    self._left_out(world, "quote", len(bad), bad[0])
        return not failed

    def _left_out(self, world: World, what: Literal["instruments", "quote"], count: int, why: str) -> None:
        self.log.warning("left out", what=what, count=count, why=why)
        world.put(LeftOut(what, count, why))

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
            max_frame_size=MESSAGE_BYTES_MAX,
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
        world.put(Socket("down", listener.why))


def tls(ca_file: str) -> ssl.SSLContext:
    """Certificate and host name are checked, always."""
    return ssl.create_default_context(cafile=ca_file or None)


def good(finding: Finding) -> bytes:
    """The data of a read that succeeded; NotRead otherwise."""
    if finding.outcome != "ok":
        raise NotRead(finding.message or finding.error_type or finding.outcome)
    return finding.data
