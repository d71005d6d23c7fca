"""The risk service: events to the gate, verdicts out, a trip into the account's latch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from doubles.account import LAST_E4, ROWS, SHARE, WARM_S, WIDE, Desk, by_deadline, clean_ticks, order, order_update
from doubles.gate import CoreGate
from kitev3._core import Event, gate_handler, risk_limits
from kitev3.account.latch import Latch, LatchState
from kitev3.contracts import (
    Approved,
    Beat,
    Blocked,
    Fill,
    Funds,
    Intent,
    Kill,
    LatchRead,
    PortfolioSnapshot,
    Reconciled,
    SequenceGap,
    Signal,
    Stop,
    Timer,
    heard_by,
)
from kitev3.errors import ConfigError
from kitev3.runtime.service import Context, World
from kitev3.services.risk_portfolio.service import SERVICE, GateDriver, RiskPortfolioConfig
from kitev3.system.profile import load


class Service:
    """The handler, hearing events at the desk's time."""

    def __init__(self, risk: Any = WIDE) -> None:
        self.gate = CoreGate(risk.limits())
        self.desk = Desk(self.gate, ready=False)

    def hears(self, topic: str, payload: Any, *, epoch: int = 1) -> list[Any]:
        self.gate.epoch = epoch
        desk = self.desk
        seq = next(desk.ids)
        return self.gate.hear(payload, topic=topic, now_ns=desk.now_ns, mono_ns=desk.mono_ns, seq=seq)

    def ready(self) -> None:
        self.hears("world.beat", Beat("execution"))
        for row in ROWS.values():
            self.hears("marketdata.instrument", row)
        self.hears("world.latch", LatchRead("ACTIVE"))
        self.hears("execution.funds", Funds(10_00_00_000_0000, 0))
        self.hears("execution.reconciled", Reconciled("", 0, 0))
        for _ in range(2):
            self.hears("marketdata.tick", clean_ticks(LAST_E4, self.desk.now_ns))
            self.desk.wait(WARM_S)
        self.hears("marketdata.tick", clean_ticks(LAST_E4, self.desk.now_ns))

    def asks(self, signal: Signal) -> Any:
        answers = self.hears("strategy.signal", by_deadline(self.desk, signal))
        assert len(answers) == 1
        return answers[0]


def test_a_signal_becomes_an_approval_or_a_refusal_with_its_own_event_id() -> None:
    service = Service()
    service.ready()
    passed, refused = service.asks(order()), service.asks(order(quantity=64))

    assert isinstance(passed, Approved)
    assert isinstance(refused, Blocked)
    assert len({passed.intent_id, refused.intent_id, "0" * 32}) == 3
    assert refused.verdict.rule == "R15"
    status = service.gate.status()
    assert (status["approved"], status["blocked"], status["state"]) == (1, {"R15": 1}, "ACTIVE")


def test_hold_asks_for_nothing() -> None:
    service = Service()
    service.ready()

    assert service.hears("strategy.signal", order(action="HOLD")) == []


def test_every_topic_of_the_contract_changes_something_or_is_known_not_to() -> None:
    ignored = {"control.start"}
    heard = {contract.topic for contract in heard_by("risk_portfolio")}

    assert heard - set(gate_handler(["strategy.signal"]).topics) == ignored


def test_a_fill_is_a_position_in_the_next_snapshot_and_nothing_new_is_not_said() -> None:
    service = Service()
    service.ready()
    approved = service.asks(order(SHARE, quantity=10, product="MIS"))
    service.hears("execution.intent", Intent("K1", 1, approved))
    fill = Fill("K1", "O1", "T1", "NSE", "INFY", SHARE, "BUY", "MIS", 10, 15_000_000, service.desk.now_ns)
    service.hears("execution.fill", fill)
    service.hears("execution.update", order_update("K1", approved, filled_quantity=10, final=True))
    (said,) = service.hears("world.timer", Timer("snapshot"))

    assert isinstance(said, PortfolioSnapshot)
    (position,) = said.positions
    assert (position.tradingsymbol, position.quantity, position.average_price_e4) == ("INFY", 10, 15_000_000)
    assert (said.reserved_e4, said.open_orders, said.state) == (0, 0, "ACTIVE")
    assert said.net_pnl_e4 == said.gross_pnl_e4 - said.charges_e4 < 0
    assert service.hears("world.timer", Timer("snapshot")) == []
    assert service.hears("control.stop", Stop()) == []


def test_a_new_epoch_of_execution_reconciles_before_anything_passes() -> None:
    service = Service()
    service.ready()
    service.hears("execution.funds", Funds(10_00_00_000_0000, 0), epoch=2)
    between = service.asks(order())
    service.hears("execution.reconciled", Reconciled("", 0, 0), epoch=2)

    assert between.verdict.rule == "R01"
    assert isinstance(service.asks(order()), Approved)


def test_a_sequence_gap_of_execution_holds_entries_and_skipped_ticks_warm_up_anew() -> None:
    service = Service()
    service.ready()
    service.hears("world.sequence_gap", SequenceGap("execution", True))
    held = service.asks(order())
    service.hears("world.sequence_gap", SequenceGap("execution", False))
    service.hears("world.sequence_gap", SequenceGap("marketdata", False, ("marketdata.tick",)))

    assert held.verdict.rule == "R04"
    assert service.asks(order()).verdict.rule == "R26"


def test_a_kill_halts_at_once_and_arming_means_the_latch() -> None:
    service = Service()
    service.ready()
    (snapshot,) = service.hears("control.kill", Kill("a test"))
    service.hears("control.arm", Kill("nobody raised the latch"))
    service.hears("world.latch", LatchRead("HALTED"))
    halted = service.asks(order())
    service.hears("world.latch", LatchRead("ACTIVE"))

    assert snapshot.state == "HALTED"
    assert halted.verdict.rule == "R01"
    assert isinstance(service.asks(order()), Approved)


def test_the_days_loss_is_said_as_a_trip() -> None:
    service = Service(dataclasses.replace(WIDE, capital_e4=1_00_000_0000, gross_pct_max=100_000, net_pct_max=100_000))
    service.ready()
    approved = service.asks(order(SHARE, quantity=100, product="MIS"))
    service.hears("execution.intent", Intent("K1", 1, approved))
    fill = Fill("K1", "O1", "T1", "NSE", "INFY", SHARE, "BUY", "MIS", 100, 15_000_000, service.desk.now_ns)
    service.hears("execution.fill", fill)
    service.hears("marketdata.tick", clean_ticks({SHARE: 14_700_000}, service.desk.now_ns))  # 3,000 of 1,00,000 rupees
    (snapshot,) = service.hears("world.timer", Timer("snapshot"))

    assert (snapshot.state, snapshot.tripped) == ("REDUCING", "R44")


class Nowhere(World):
    def put(self, payload: Any) -> None: ...
    def sync(self) -> None: ...
    def mono_ns(self) -> int:
        return 0


@pytest.mark.parametrize(("tripped", "state"), [
    ("", LatchState.ACTIVE), ("R44", LatchState.REDUCING), ("a sum left its range", LatchState.HALTED),
])  # fmt: skip
def test_a_trip_alone_lowers_the_accounts_latch(tmp_path: Path, tripped: str, state: LatchState) -> None:
    context = Context(
        profile="demo", mode="sim", account="kitesim-KS0001", seed=1, run_dir=tmp_path, session="2026-11-19",
        start_ns=0, settings=load("demo", environment={}),
    )  # fmt: skip
    latch = Latch(tmp_path / "account")
    latch.raise_to_active()
    driver = GateDriver(context)
    driver.open(Nowhere())
    snapshot = PortfolioSnapshot((), 0, 0, 0, 0, 0, 0, "REDUCING", (), tripped)
    driver.said(Event("portfolio.snapshot", snapshot, source="risk_portfolio"))
    driver.close()

    assert latch.read() is state


class Told(Nowhere):
    """Keeps what a driver says of the world."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def put(self, payload: Any) -> None:
        self.told.append(payload)


@pytest.mark.parametrize("name", ["demo", "bench"])
def test_the_gate_is_told_a_profiles_limits_and_they_are_whole(tmp_path: Path, name: str) -> None:
    profile = load(name, environment={})
    context = Context(
        profile=name, mode="sim", account=profile.account_id, seed=1, run_dir=tmp_path, session="2026-11-19",
        start_ns=0, settings=profile,
    )  # fmt: skip
    assert SERVICE.driver is not None
    driver, world = SERVICE.driver(context, RiskPortfolioConfig()), Told()
    driver.open(world)
    driver.close()

    (told,) = world.told
    assert set(told.limits) == {name for name, *_ in risk_limits()}


def test_without_a_profile_there_is_no_gate(tmp_path: Path) -> None:
    context = Context(
        profile="x", mode="sim", account="kitesim-1", seed=1, run_dir=tmp_path, session="2026-11-19", start_ns=0
    )

    with pytest.raises(ConfigError, match="needs a profile"):
        SERVICE.handler(context, RiskPortfolioConfig())


def test_a_share_outside_the_closing_auction_trades_on() -> None:
    service = Service()
    service.gate.outside = {"NSE:INFY"}
    service.gate.tell_limits()
    service.ready()
    service.desk.now_ns += (5 * 60 + 20) * 60 * 1_000_000_000  # 15:21 and a little

    assert isinstance(service.asks(order(SHARE, quantity=1)), Approved)
