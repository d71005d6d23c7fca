"""All services in one process on the stepped bus, at one exchange object: the demo without processes and sockets.

Run as a program it runs a market once and prints what came of it as one JSON object:

    python whole.py MARKET FOLDER TICKS_MAX [plain]

With ``plain`` no part of the core hears anything by itself: every event goes through the handlers in Python.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from kitev3 import instruments
from kitev3._core import Exchange, MarketFile, Subscription, session_open_ns
from kitev3.account.account import account_folder_of
from kitev3.account.latch import Latch
from kitev3.broker.direct import DirectBroker
from kitev3.broker.egress import Egress
from kitev3.broker.rest import InlineExecutor
from kitev3.bus.stepped import SteppedBus, VirtualClock
from kitev3.contracts import Arm, Clock, Frame, Instruments, Quotes, Socket, Start, Stop, Text
from kitev3.runtime import setup
from kitev3.runtime.clock import datetime_ns
from kitev3.runtime.service import Context, Driver, World
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.driver import BrokerDriver
from kitev3.services.execution.service import SERVICE as EXECUTION
from kitev3.services.execution.tagkey import tags_of
from kitev3.services.journal.service import SERVICE as JOURNAL
from kitev3.services.marketdata.config import MarketdataConfig
from kitev3.services.marketdata.quotes import quote
from kitev3.services.marketdata.service import SERVICE as MARKETDATA
from kitev3.services.marketdata.subscription import Wanted
from kitev3.services.risk_portfolio.service import SERVICE as RISK_PORTFOLIO
from kitev3.services.strategy.service import SERVICE as STRATEGY
from kitev3.system.market_file import read_market
from kitev3.system.profile import Profile, load

MONO_NS = 1_000_000_000_000
DRAIN_STEPS_MAX = 200


class ExchangeFeed(Driver):
    """The exchange hands its frames over by a call: the same instruments, quotes and messages as over its socket."""

    def __init__(self, exchange: Exchange, config: MarketdataConfig, kept: Path) -> None:
        self.exchange, self.config, self.kept = exchange, config, kept
        self.subscription = Subscription()

    def open(self, world: World) -> None:
        self.world = world
        data, today = self.exchange.instruments_csv().encode(), dt.date.fromisoformat(self.exchange.session)
        file = instruments.parse(data)
        instruments.keep(self.kept, today, data)
        wanted = Wanted(self.config.instruments, self.config.bars)
        chosen = wanted.rows(file)
        world.put(Instruments(tuple(wanted.subscribed(row, today, file.hash) for row in chosen)))
        quotes = self.exchange.quote([row.key for row in chosen])
        world.put(Quotes(tuple(quote(row, quotes[row.key]) for row in chosen)))
        world.put(Socket("up"))
        tokens = [row.instrument_token for row in chosen]
        self.subscription.subscribe(tokens)
        self.subscription.set_mode("full", tokens)

    def cut(self) -> None:
        """The market's next step, and what the exchange says of it."""
        self.exchange.advance(self.exchange.next_cut_ns)
        for _, data in self.exchange.take_order_frames():
            self.world.put(Text(data["order_id"], data["status"], data["filled_quantity"], data["tag"] or ""))
        if (frame := self.exchange.frame(self.subscription)) is not None:
            self.world.put(Frame(frame))


class WholeSystem:
    """The profile's services at one exchange; ``cut`` is one step of the market."""

    def __init__(self, market: str | MarketFile, folder: Path, profile: Profile | None = None) -> None:
        self.profile = profile or load("demo")
        self.folder = folder
        start_ns = datetime_ns(self.profile.start) if self.profile.start else 0
        if isinstance(market, MarketFile):
            start_ns = session_open_ns(market.session)
        self.exchange = Exchange(users=[self.profile.user_id], market=market, seed=self.profile.seed, start_ns=start_ns)
        self.context = Context(
            profile=self.profile.name,
            mode=self.profile.mode,
            account=self.profile.account_id,
            seed=self.profile.seed,
            run_dir=folder,
            session=self.exchange.session,
            start_ns=start_ns,
            settings=self.profile,
        )
        self.bus = SteppedBus(VirtualClock(MONO_NS))
        self.cut_machine_ns = 1_000_000_000 * 1000 // round(self.profile.speed * 1000)
        self.start_ns = start_ns
        self._hang_up()

    def _hang_up(self) -> None:
        execution = self.profile.settings("execution", ExecutionConfig)
        marketdata = self.profile.settings("marketdata", MarketdataConfig)
        self.feed = ExchangeFeed(self.exchange, marketdata, self.folder / "instruments")
        broker = BrokerDriver(
            folder=account_folder_of(self.context.account, self.folder),
            session=dt.date.fromisoformat(self.context.session),
            tags=tags_of(self.context, execution),
            connect=self._direct,
            pace=execution.pace,
            executor=InlineExecutor,
            durable=False,
        )
        self._add(JOURNAL, Driver())
        self._add(EXECUTION, broker)
        self._add(RISK_PORTFOLIO, None)
        self._add(STRATEGY, None)
        self._add(MARKETDATA, self.feed)

    def _add(self, spec: Any, driver: Driver | None) -> None:
        self.bus.add(spec, self.context, self.profile.settings(spec.name, spec.config), driver=driver)

    def _direct(self, egress: Egress) -> DirectBroker:
        return DirectBroker(self.exchange, self.profile.user_id, egress)

    def start(self) -> None:
        """Ready, clock, start, armed: as ``kitev3 up`` does it."""
        self.bus.open()
        self.bus.control(Clock(self.start_ns, self.bus.clock.now_ns, round(self.profile.speed * 1000)))
        self.bus.control(Start(self.context.session))
        latch = Latch(account_folder_of(self.context.account, self.folder))
        latch.raise_to_active()
        latch.close()
        self.bus.control(Arm("test"))
        self.bus.run()

    def cut(self) -> None:
        """One step of the market, and the machine time that it takes."""
        self.feed.cut()
        self.bus.run()
        self.bus.advance(self.cut_machine_ns)

    def run(self, ticks_max: int) -> None:
        """Until so many ticks, or the end of the market."""
        while self.status("marketdata")["ticks"] < ticks_max and not self.exchange.market_ended:
            self.cut()

    def stop(self) -> None:
        """Stops in order; execution is given the time to cancel what is open."""
        for name in ("marketdata", "strategy", "risk_portfolio", "execution"):
            self.bus.control(Stop("end"), name)
        for _ in range(DRAIN_STEPS_MAX):
            if self.status("execution")["drained"]:
                break
            self.bus.advance(100_000_000)
        self.bus.control(Stop("end"), "journal")
        self.bus.advance(1_000_000_000)  # the journal writes its last files a moment after it has answered
        self.bus.close()

    def status(self, name: str) -> dict[str, Any]:
        """What a service says of itself."""
        return dict(self.bus.runners[name].handler.status())  # type: ignore[attr-defined]

    def tapes(self) -> dict[str, str]:
        """File -> SHA-256 of every tape."""
        files = sorted((self.folder / "tape").rglob("*.tape"))
        return {str(f.relative_to(self.folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def without_core() -> None:
    """Every runtime made from here on hands all that it hears to its handler in Python."""
    made = setup.Runtime
    setup.Runtime = lambda **words: made(**words | {"core": None})  # type: ignore[assignment, misc]


def main() -> None:
    market, folder, ticks_max = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if "plain" in sys.argv:
        without_core()
    system = WholeSystem(market if market == "synthetic" else read_market(Path(market)), folder)
    system.start()
    system.run(ticks_max)
    system.stop()
    names = ("marketdata", "strategy", "risk_portfolio", "execution", "journal")
    said = {name: system.status(name) for name in names}
    print(json.dumps({"tapes": system.tapes(), "status": said}, default=str))


if __name__ == "__main__":
    main()
