"""The gate on a bus, killed and started again: with the same limits, with others, and as another build."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from doubles.account import LAST_E4, ROWS, SHARE, WARM_S, WIDE, clean_ticks, order, order_update
from kitev3.account.account import account_folder_of
from kitev3.account.latch import Latch
from kitev3.bus.stepped import SteppedBus, VirtualClock
from kitev3.contracts import (
    Approved,
    Arm,
    Blocked,
    Book,
    Carried,
    Clock,
    Fill,
    Funds,
    Intent,
    OrderPlaced,
    PortfolioSnapshot,
    Reconciled,
    Signal,
    Start,
)
from kitev3.risk import Risk
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.services.risk_portfolio.service import NAME, SERVICE, RiskPortfolioConfig

NS = 1_000_000_000
DAY_NS = 86_400 * NS
MONO_NS = 5_000 * NS
T0_NS = 1_795_062_000 * NS  # Thursday 2026-11-19, 10:30 in India
SESSION = "2026-11-19"
ACCOUNT = "kitesim-KS0001"
DECODE = {"risk.approved": Approved, "risk.blocked": Blocked, "portfolio.snapshot": PortfolioSnapshot}


class Nothing(msgspec.Struct, frozen=True):
    """No settings."""


class Gate:
    """The gate, armed and warm, between senders that say what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.t0_ns = T0_NS
        self.bus = SteppedBus(VirtualClock(MONO_NS), segment_bytes=1 << 20)
        self.bus.keeps_published = True
        self.start(WIDE)
        for name in ("marketdata", "strategy", "execution"):
            only = ("control.clock", "world.epoch")
            silent = ServiceSpec(name=name, config=Nothing, handler=lambda context, config: Handler({}), only=only)
            self.bus.add(silent, self.context(WIDE), Nothing(), driver=Driver())
        self.bus.open()
        self.bus.control(Clock(T0_NS, MONO_NS, 1000), NAME)
        self.bus.control(Start(SESSION), NAME)
        latch = Latch(account_folder_of(ACCOUNT, folder))
        latch.raise_to_active()
        latch.close()
        self.bus.control(Arm("test"), NAME)
        for row in ROWS.values():
            self.say("marketdata", row)
        self.say("execution", Funds(10_00_00_000_0000, 0))
        self.say("execution", Reconciled("", 0, 0))
        self.warm()

    def context(self, risk: Risk) -> Context:
        settings = SimpleNamespace(settings=lambda name, kind: risk, calendar="")
        return Context(
            profile="test", mode="sim", account=ACCOUNT, seed=1, run_dir=self.folder, session=SESSION,
            start_ns=T0_NS, settings=settings,
        )  # fmt: skip

    def start(self, risk: Risk, build: str = "one") -> None:
        self.bus.add(SERVICE, self.context(risk), RiskPortfolioConfig(), about={"build": build})

    def again(self, risk: Risk, build: str = "one") -> None:
        """kill -9, and the next start."""
        driver = self.bus.runners[NAME].driver
        assert driver is not None
        driver.close()
        del driver
        self.bus.remove(NAME)
        gc.collect()  # runner and driver hold each other, and with them the tape
        self.start(risk, build)
        for source in ("marketdata", "strategy", "execution"):
            self.bus.runners[NAME].join(source)
        self.bus.runners[NAME].open()
        self.bus.advance(2 * NS)

    def next_day(self, risk: Risk, build: str = "one") -> None:
        """The same folder on the next trading day: everything begins anew, and its clock says which day it is."""
        self.again(risk, build)
        self.t0_ns += DAY_NS
        for name in ("marketdata", "execution", NAME):
            clock = Clock(self.t0_ns + self.bus.clock.now_ns - MONO_NS, self.bus.clock.now_ns, 1000)
            self.bus.control(clock, name)
        for row in ROWS.values():
            self.say("marketdata", msgspec.structs.replace(row, file_date="2026-11-20"))
        self.warm()

    def warm(self) -> None:
        for _ in range(3):
            self.tick()
            self.bus.advance(WARM_S * NS)
        self.tick()

    def tick(self) -> None:
        self.say("marketdata", clean_ticks(LAST_E4, self.t0_ns + self.bus.clock.now_ns - MONO_NS))

    def say(self, name: str, payload: Any) -> None:
        self.bus.runners[name].publish(payload)
        self.bus.run()

    def said(self) -> list[Any]:
        """What the gate has said since this was last asked."""
        frames = [frame for source, frame in self.bus.published if source == NAME]
        self.bus.published.clear()
        return [self.read(frame) for frame in frames if frame[: frame.index(0)].decode() in DECODE]

    def read(self, frame: bytes) -> Any:
        topic = frame[: frame.index(0)].decode()
        source = frame.index(NAME.encode().ljust(24, b"\0"))
        return msgspec.msgpack.decode(frame[source + 24 :], type=DECODE[topic])

    def asks(self, **fields: Any) -> Approved | Blocked:
        self.tick()
        self.said()
        deadline_ns = self.bus.clock.now_ns + 3 * NS
        self.say("strategy", msgspec.structs.replace(order(**fields), deadline_ns=deadline_ns))
        (answer,) = (said for said in self.said() if not isinstance(said, PortfolioSnapshot))
        return answer

    def places(self, tag: str, **fields: Any) -> Approved:
        approved = self.asks(**fields)
        assert isinstance(approved, Approved), approved.verdict
        self.say("execution", Intent(tag, 1, approved))
        self.say("execution", OrderPlaced(tag, f"O{tag}"))
        return approved

    def fills(self, tag: str, approved: Approved, quantity: int, *, final: bool = False) -> None:
        signal: Signal = approved.signal
        self.say("execution", Fill(
            tag, f"O{tag}", f"T{tag}", signal.exchange, signal.tradingsymbol, signal.instrument_token, "BUY",
            signal.product, quantity, signal.price_e4, 0, signal.strategy,
        ))  # fmt: skip
        self.say("execution", order_update(tag, approved, filled_quantity=quantity, final=final))

    def portfolio(self) -> PortfolioSnapshot:
        self.bus.advance(2 * NS)
        (*_, last) = (said for said in self.said() if isinstance(said, PortfolioSnapshot))
        return last

    def status(self) -> dict[str, Any]:
        return dict(self.bus.runners[NAME].handler.status())  # type: ignore[attr-defined]


@pytest.fixture
def traded(tmp_path: Path) -> Gate:
    """A morning's state: an order that is done, one that is filled in part, one that is open, one refused."""
    gate = Gate(tmp_path)
    done = gate.places("K1", token=SHARE, quantity=10, product="MIS")
    gate.fills("K1", done, 10, final=True)
    part = gate.places("K2", token=SHARE, quantity=20, product="MIS", price_e4=14_990_000)
    gate.fills("K2", part, 5)
    gate.places("K3")
    gate.asks(quantity=64)
    return gate


def test_a_restart_executes_the_same_again(traded: Gate) -> None:
    before = traded.portfolio()
    status = traded.status()
    traded.again(WIDE)

    assert traded.status() == status
    assert before.open_orders == 2
    assert isinstance(traded.asks(), Approved)


def test_entries_stop_within_four_seconds_of_executions_last_beat_and_exits_pass(traded: Gate) -> None:
    assert isinstance(traded.asks(), Approved)
    traded.bus.remove("execution")
    traded.bus.advance(4 * NS)

    assert traded.asks().verdict.rule == "R05"
    assert isinstance(traded.asks(token=SHARE, action="SELL", quantity=5, product="MIS", intent="exit"), Approved)


def test_limits_that_changed_hold_from_the_restart_on_and_earlier_verdicts_stand(traded: Gate) -> None:
    status, before = traded.status(), traded.portfolio()
    traded.again(dataclasses.replace(WIDE, order_quantity_max=65))

    assert traded.status() == status
    assert before.open_orders == 2
    refused = traded.asks(quantity=130)
    assert (refused.verdict.rule, refused.verdict.why) == ("R31", "quantity is 130, at most 65")
    assert isinstance(traded.asks(quantity=65), Approved)
    traded.again(WIDE)
    assert isinstance(traded.asks(quantity=130), Approved)


def test_another_build_takes_over_verdicts_and_positions_and_goes_on(traded: Gate) -> None:
    traded.portfolio()
    before = traded.status()
    traded.again(WIDE, build="two")
    after = traded.status()

    assert [after[name] for name in ("approved", "blocked", "positions")] == [
        before[name] for name in ("approved", "blocked", "positions")
    ]
    exit_ = traded.asks(token=SHARE, action="SELL", quantity=5, product="MIS", intent="exit")
    assert isinstance(exit_, Approved), exit_.verdict


@pytest.mark.parametrize("build", ["one", "two"])
def test_another_day_in_the_folder_begins_with_what_was_carried_and_no_count_of_the_last(
    traded: Gate, build: str
) -> None:
    traded.next_day(WIDE, build)
    assert traded.asks().verdict.rule == "R01"  # HALTED, until a person arms
    traded.bus.control(Arm("test"), NAME)
    assert traded.asks().verdict.rule == "R01"  # RECONCILING, until execution has compared the day's book

    share = ROWS[SHARE]
    carried = Carried(share.exchange, share.tradingsymbol, SHARE, "CNC", 7, LAST_E4[SHARE])
    traded.say("execution", Book((), (), (carried,), "", 1))
    traded.say("execution", Funds(10_00_00_000_0000, 0))
    traded.say("execution", Reconciled("", 1, 0))
    portfolio, status = traded.portfolio(), traded.status()
    held = [(row.product, row.quantity) for row in portfolio.positions if row.quantity]
    assert held == [("CNC", 7)]
    assert (portfolio.open_orders, portfolio.reserved_e4, portfolio.net_pnl_e4) == (0, 0, 0)
    assert (status["approved"], status["blocked"]) == (0, {})
    traded.warm()  # prices of the day before are no reference
    assert isinstance(traded.asks(), Approved)
