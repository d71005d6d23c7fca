"""The exchange of a profile, served; moved by what the handler says."""

from __future__ import annotations

import secrets
import socket
from datetime import UTC, datetime
from typing import Any

from kitev3.account.secret import read_secret
from kitev3.contracts import MarketRun, Request
from kitev3.events import Event
from kitev3.runtime.clock import MarketClock
from kitev3.runtime.service import AsyncDriver, Context, World
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.config import KitesimConfig
from kitev3.services.kitesim.faults.catalogue import read_faults
from kitev3.services.kitesim.faults.front import Front, in_front
from kitev3.services.kitesim.logins import Application, Logins, Session
from kitev3.services.kitesim.opening import open_exchange
from kitev3.services.kitesim.replay import replay
from kitev3.services.kitesim.server import Server, address_of, listen
from kitev3.services.kitesim.state import check
from kitev3.system.private import write_whole
from kitev3.system.profile import Profile
from kitev3.system.runfolder import RunFolder

NS = 1_000_000_000
PAGE_FILE = "kitesim.page"  # of mode 0600
FAULTS_FILE = "kitesim.faults"  # the same


class ExchangeDriver(AsyncDriver):
    """Owns the port and the exchange. The market stands at its start until the handler says that it runs."""

    topics = frozenset({"kitesim.market"})

    def __init__(self, context: Context, config: KitesimConfig) -> None:
        assert isinstance(context.settings, Profile)
        self.profile: Profile = context.settings
        self.run_dir = context.run_dir
        self.config = config
        self._make(context.start_ns)
        self.admin, self.faults, self.seed = config.admin, read_faults(config.fault), context.seed
        self.front: Front | None = None
        self.world: World | None = None
        self.server: Server | None = None
        self.wanted: MarketRun | None = None
        self.refused_again = 0  # requests of before a crash that this build refuses

    def open(self, world: World) -> None:
        """Takes the port."""
        self.world = world
        listener = listen(self.profile.exchange)
        application = Application(
            api_key=self.profile.api_key,
            # The system has its token already. Who logs in anew does so at an exchange of his own, run alone.
            api_secret=secrets.token_hex(16),
            user_id=self.profile.user_id,
            redirect_url=f"http://{address_of(listener)}/connect/done",
        )
        token = read_secret(self.profile.token_file or RunFolder(self.run_dir).token)
        logins = Logins((application,), {application.api_key: token}, world.mono_ns)

        def server(port: socket.socket, address: str) -> Server:
            return Server(self.exchange, logins, port, world.mono_ns, self._heard, address, self.books)

        if self.admin or self.faults:
            self.front = in_front(server, listener, self.admin, self.faults, self.seed)
            self.server = self.front.server
            if self.front.link:
                write_whole(self.run_dir / FAULTS_FILE, f"{self.front.link}\n".encode())
        else:
            self.server = server(listener, address_of(listener))
        self.server.entrance.announce = self._announce
        self._announce()
        world.put(self.origin)
        if self.wanted is not None:
            self._do(self.server, self.wanted)

    def _announce(self) -> None:
        """Nobody sees what a service prints: the page's link is in a file of the run folder."""
        assert self.server is not None
        if not self.server.page_off:
            write_whole(self.run_dir / PAGE_FILE, f"{self.server.page_link}\n".encode())

    def said(self, event: Event) -> None:
        """Runs or stops the market; of one that was before first brings the accounts back.

        ConfigError when it was another exchange: what was asked of one, asked of another, makes orders that never were.
        """
        run: MarketRun = event.payload
        if run.origin is not None and run.origin != self.origin:
            if run.origin.session == self.origin.session:
                self._make(run.origin.start_ns)  # another start within the day goes on with it
            check(run.origin, self.origin, str(self.run_dir), "start a new run folder")
        self.refused_again += replay(self.exchange, self.books, run.requests)
        self.wanted = run
        if self.server is not None:
            self._do(self.server, run)

    async def run(self, world: World) -> None:
        """Serves until it is cancelled."""
        assert self.server is not None
        await (self.front or self.server).serve()

    def close(self) -> None:
        """The port is closed with `run`; one that never ran is closed here."""
        if self.front is not None:
            self.front.close()
        elif self.server is not None:
            self.server.listener.close()

    def status(self) -> dict[str, Any]:
        """Adds to the process's health."""
        status = self.server.status() if self.server is not None else {}
        status["refused_again"] = self.refused_again
        return status | (self.front.status() if self.front is not None else {})

    def _make(self, start_ns: int) -> None:
        config, profile = self.config, self.profile
        self.exchange, self.origin = open_exchange(
            users=(profile.user_id,),
            market=profile.market,
            seed=profile.seed,
            start=datetime.fromtimestamp(start_ns / NS, UTC),
            profile=config.profile,
            frame_ms=config.frame_ms,
            universe=config.universe,
            hours=config.hours,
            rules=config.rules,
            calendar=profile.calendar,
        )
        self.books = Books(self.exchange)

    def _do(self, server: Server, run: MarketRun) -> None:
        if run.state == "running":
            server.run_market(MarketClock(run.t0_ns, run.m0_ns, run.speed_e3))
        elif run.state == "stopped":
            server.stop_market()

    def _heard(self, caller: Session, verb: Any, order_id: str, variety: str, fields: dict[str, str]) -> None:
        assert self.world is not None
        self.world.put(Request(self.exchange.now_ns, caller.user_id, verb, order_id, variety, fields))
