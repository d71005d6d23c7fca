"""A server with the faults in front of it. Without an admin address and without a fault there is no such thing, and
clients speak to the server itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from kitev3._core import session_open_ns
from kitev3.services.kitesim.faults import admin
from kitev3.services.kitesim.faults.board import Board
from kitev3.services.kitesim.faults.desk import Desk
from kitev3.services.kitesim.faults.fault import Fault
from kitev3.services.kitesim.faults.market import Halts
from kitev3.services.kitesim.faults.postbacks import PostedTimes
from kitev3.services.kitesim.faults.relay import Relay
from kitev3.services.kitesim.faults.switches import Switches
from kitev3.services.kitesim.faults.wire import BUFFER_BYTES
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.opening import open_exchange
from kitev3.services.kitesim.server import Quiet, Server, address_of, listen

NS = 1_000_000_000
BEHIND = "127.0.0.1:0"
NOBODY = Session("", "")

Make: TypeAlias = Callable[[socket.socket, str], Server]
"""A server on a port, under the address that clients know."""


def in_front(make: Make, public: socket.socket, administration: str, faults: tuple[Fault, ...], seed: int) -> Front:
    """A server with faults on a public port. ConfigError when `administration` is no address for that, or taken."""
    own = listen(admin.loopback(administration)) if administration else None
    behind = listen(BEHIND)
    behind.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return Front(make(behind, address_of(public)), public, own, faults, seed)


class Front:
    """Serves in a server's place until it is cancelled.

    Args:
        public: the port that clients know; the server has one of its own behind it.
        administration: where faults are switched; none: those of the beginning stay as they are.
    """

    def __init__(
        self,
        server: Server,
        public: socket.socket,
        administration: socket.socket | None,
        faults: tuple[Fault, ...],
        seed: int,
    ) -> None:
        self.server, self.public, self.administration = server, public, administration
        self.board = Board(seed, server.stepper.clock_ns)
        for fault in faults:
            self.board.add(fault)
        self._key = secrets.token_urlsafe(24)
        self.switches = Switches(self.board, "" if administration is None else address_of(administration))
        server.watch.switches = self.switches
        controls = ExchangeControls(server, seed)
        host, port = server.listener.getsockname()[:2]
        self.relay = Relay(public, Desk(self.board, controls, (host, port)))
        server.stepper.before_cut = Halts(self.board, controls)
        server.postbacks.times = PostedTimes(self.board)

    async def serve(self) -> None:
        """Answers until it is cancelled: then the server closes its sockets, and the relay lets that through."""
        serving = asyncio.create_task(self.server.serve())
        beside = [asyncio.create_task(self.relay.serve())]
        if self.administration is not None:
            switching = Quiet(admin.server(self.switches, self._key))
            beside.append(asyncio.create_task(switching.serve([self.administration])))
        try:
            # None of them ends by itself: the first that does has failed, and its error is ours.
            done, _ = await asyncio.wait((serving, *beside), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (serving, *beside):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self.close()

    def status(self) -> dict[str, Any]:
        """For the health answer: plain data."""
        return {"faults": [one.fault.NAME for one in self.board.active], "admin": self.switches.address}

    @property
    def link(self) -> str:
        """Where faults are switched, with the key; empty: nowhere."""
        address = self.switches.address
        return f"http://{address}/faults?{admin.PARAMETER}={self._key}" if address else ""

    def greeting(self) -> str:
        """A line about the faults, for people."""
        names = ", ".join(one.fault.NAME for one in self.board.active) or "none yet"
        return f"  faults     {self.link or 'fixed'}, active: {names}"

    def close(self) -> None:
        """Closes the ports."""
        for listener in (self.server.listener, self.public, self.administration):
            if listener is not None:
                listener.close()


class ExchangeControls:
    """The exchange of one server."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server, self.seed = server, seed
        self._earlier: dict[str, Any] = {}  # exchanges of earlier days

    def end_login(self, api_key: str) -> None:
        """The key's access token is worth nothing from now on, and its sockets are dropped."""
        self.server.auth.logins.tokens.pop(api_key, None)
        self.server.sockets.drop(api_key)

    async def instruments(self, days: int, exchange: str | None) -> str:
        """The file as it was on that day; made once, beside the loop."""
        today = date.fromisoformat(self.server.exchange.session)
        day = self.server.exchange.trading_day((today - timedelta(days=days)).isoformat())
        if day not in self._earlier:
            self._earlier[day] = await asyncio.to_thread(self._exchange_of, day)
        return str(self._earlier[day].instruments_csv(exchange))

    def halt(self, why: str | None) -> None:
        """Halts the market, and has it noted with the requests."""
        self.server.exchange.halt(why)
        self.server.auth.heard(NOBODY, "halt", "", "", {} if why is None else {"why": why})

    def _exchange_of(self, day: str) -> Any:
        exchange, _ = open_exchange(
            users=("-",),
            market="frozen",
            seed=self.seed,
            start=datetime.fromtimestamp(session_open_ns(day) // NS, UTC),
            profile=self.server.exchange.profile,
            frame_ms=1000,
        )
        return exchange
