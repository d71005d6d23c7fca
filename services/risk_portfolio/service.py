"""The gate as a service: signals in, verdicts out; everything else only changes what it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from kitev3._core import Gate
from kitev3.account.account import account_folder_of
from kitev3.account.latch import Latch, LatchState, LatchWatch
from kitev3.calendar import read
from kitev3.contracts import Hole, Instrument, LatchRead, LostTail, PortfolioSnapshot, Reconciled
from kitev3.events import Event, Payload
from kitev3.risk import Risk, gate
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec, Watch, World
from kitev3.system.figure import Figure, by_rule, positions, rupees

MS = 1_000_000
NOTHING: tuple[Payload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPortfolioConfig:
    """``[risk_portfolio]`` of the profile; capital and limits stand in ``[risk]``."""

    enabled: bool = True
    cpu: int | None = None
    snapshot_ms: int = 1_000  # machine time between two looks at whether the portfolio has changed


class RiskPortfolio(Handler):
    """Judges signals; keeps positions and reservations, which execution's events alone change."""

    def __init__(self, gate: Gate, outside_closing_auction: Iterable[str] = ()) -> None:
        self.gate = gate
        self.outside_closing_auction = frozenset(outside_closing_auction)
        self.native = {"marketdata.tick": gate, "strategy.signal": gate}
        self.execution_epoch = 0
        self.now_ns = 0
        self.said: PortfolioSnapshot | None = None
        super().__init__(
            {
                "marketdata.tick": self.ticks,
                "strategy.signal": self.signal,
                "marketdata.quote": self.quote,
                "marketdata.instrument": self.instrument,
                "marketdata.health": self.health,
                "marketdata.gap": self.gap,
                "execution.intent": self.of_execution(lambda event: gate.on_intent(event.payload)),
                "execution.order_placed": self.of_execution(lambda event: gate.on_placed(event.payload)),
                "execution.update": self.of_execution(lambda event: gate.on_update(event.payload)),
                "execution.fill": self.of_execution(lambda event: gate.on_fill(event.payload, event.now_ns)),
                "execution.reject": self.of_execution(lambda event: gate.on_reject(event.payload)),
                "execution.unknown": self.of_execution(lambda event: gate.on_unknown(event.payload)),
                "execution.book": self.of_execution(lambda event: gate.on_book(event.payload, event.now_ns)),
                "execution.holdings": self.of_execution(lambda event: gate.on_holdings(event.payload)),
                "execution.funds": self.of_execution(lambda event: gate.on_funds(event.payload)),
                "execution.reconciled": self.of_execution(self.reconciled),
                "control.kill": self.kill,
                "control.arm": self.arm,
                "control.stop": self.snapshot_now,
                "world.latch": self.latch,
                "world.hole": self.hole,
                "world.lost_tail": self.lost_tail,
                "world.timer": self.snapshot_now,
            }
        )

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        portfolio: PortfolioSnapshot = self.gate.snapshot(self.now_ns)
        return {
            "positions": [msgspec.structs.asdict(row) for row in portfolio.positions if row.quantity],
            "gross_pnl_e4": portfolio.gross_pnl_e4,
            "net_pnl_e4": portfolio.net_pnl_e4,
            "state": self.gate.standing(self.now_ns),
            "missing": self.gate.missing(),
            "fault": self.gate.fault or "",
            "approved": self.gate.approved,
            "blocked": self.gate.blocked,
        }

    # Signals ------------------------------------------------------------------------------------------------------

    def signal(self, event: Event) -> Iterable[Payload]:
        """Approved or Blocked, with every rule's result. HOLD asks for nothing, so it gets no verdict."""
        signal = event.payload
        if signal.action == "HOLD":
            return NOTHING
        return (self.gate.judge(signal, event.event_hex, event.now_ns, event.mono_ns),)

    # The market ---------------------------------------------------------------------------------------------------

    def ticks(self, event: Event) -> Iterable[Payload]:
        self.gate.on_ticks(event.payload, event.now_ns, event.mono_ns)
        return NOTHING

    def quote(self, event: Event) -> Iterable[Payload]:
        self.gate.on_quote(event.payload)
        return NOTHING

    def instrument(self, event: Event) -> Iterable[Payload]:
        row: Instrument = event.payload
        closing_auction = f"{row.exchange}:{row.tradingsymbol}" not in self.outside_closing_auction
        self.gate.on_instrument(row, closing_auction)
        return NOTHING

    def health(self, event: Event) -> Iterable[Payload]:
        self.gate.on_feed(event.payload.state == "up")
        return NOTHING

    def gap(self, event: Event) -> Iterable[Payload]:
        self.gate.on_gap(event.payload.instrument_tokens)
        return NOTHING

    # The account --------------------------------------------------------------------------------------------------

    def of_execution(self, learn: Callable[[Event], None]) -> Callable[[Event], Iterable[Payload]]:
        """What execution says. A new epoch of it has not compared its book with its tape yet."""

        def handle(event: Event) -> Iterable[Payload]:
            if event.epoch != self.execution_epoch:
                self.execution_epoch = event.epoch
                self.gate.on_execution_restarted()
            learn(event)
            return NOTHING

        return handle

    def reconciled(self, event: Event) -> None:
        payload: Reconciled = event.payload
        self.gate.on_reconciled(not payload.mismatches)

    # Who may ------------------------------------------------------------------------------------------------------

    def kill(self, event: Event) -> Iterable[Payload]:
        self.gate.on_kill()
        return self.snapshot_now(event)

    def arm(self, event: Event) -> Iterable[Payload]:
        self.gate.on_arm(event.now_ns)
        return self.snapshot_now(event)

    def latch(self, event: Event) -> Iterable[Payload]:
        """The account's latch, which kill lowers and arm raises before either is said."""
        read: LatchRead = event.payload
        self.gate.on_latch(read.state, event.now_ns)
        return self.snapshot_now(event)

    def hole(self, event: Event) -> Iterable[Payload]:
        hole: Hole = event.payload
        self.gate.on_hole(hole.source, hole.open)
        if "marketdata.tick" in hole.skipped:
            self.gate.on_gap(())
        return NOTHING

    def lost_tail(self, event: Event) -> Iterable[Payload]:
        lost: LostTail = event.payload
        if lost.source.partition(".")[0] == "execution":
            self.gate.on_execution_restarted()
        return NOTHING

    # The portfolio ------------------------------------------------------------------------------------------------

    def snapshot_now(self, event: Event) -> Iterable[Payload]:
        """The portfolio, if it is not what was said last."""
        self.now_ns = event.now_ns
        snapshot: PortfolioSnapshot = self.gate.snapshot(event.now_ns)
        if snapshot == self.said:
            return NOTHING
        self.said = snapshot
        return (snapshot,)


class LowersLatch(Driver):
    """Lowers the account's latch when the gate has tripped, so that the trip outlives the process and the power."""

    topics = frozenset({"portfolio.snapshot"})

    def __init__(self, context: Context) -> None:
        self.folder = account_folder_of(context.account, context.run_dir)
        self.latch: Latch | None = None

    def open(self, world: World) -> None:
        self.latch = Latch(self.folder)

    def said(self, event: Event) -> None:
        snapshot: PortfolioSnapshot = event.payload
        if snapshot.tripped and self.latch is not None:
            self.latch.lower(LatchState.REDUCING if snapshot.tripped == "R44" else LatchState.HALTED)

    def close(self) -> None:
        if self.latch is not None:
            self.latch.close()
            self.latch = None


def _handler(context: Context, config: RiskPortfolioConfig) -> RiskPortfolio:
    risk: Risk = context.whole().settings("risk", Risk)
    return RiskPortfolio(gate(risk, context.account, read(context.whole().calendar)), risk.outside_closing_auction)


def _driver(context: Context, config: RiskPortfolioConfig) -> Driver:
    return LowersLatch(context)


def _timers(config: RiskPortfolioConfig) -> Mapping[str, int]:
    return {"snapshot": config.snapshot_ms * MS}


def _watch(context: Context, config: RiskPortfolioConfig) -> Watch:
    return LatchWatch(account_folder_of(context.account, context.run_dir))


BY_MACHINE_TIME = ("R09", "R23", "R52")
"""Deadlines, ages and pace: another run of the same day, or a slower machine, decides these otherwise."""


def _by_machine_time(status: Mapping[str, Any]) -> int:
    return sum(status.get("blocked", {}).get(rule, 0) for rule in BY_MACHINE_TIME)


def _notes(status: Mapping[str, Any]) -> Iterable[str]:
    missing = status.get("missing", ())
    return status.get("state", ""), status.get("fault", ""), f"not set: {', '.join(missing)}" if missing else ""


SERVICE = ServiceSpec(
    name="risk_portfolio",
    config=RiskPortfolioConfig,
    handler=_handler,
    driver=_driver,
    timers=_timers,
    watch=_watch,
    rank=3,
    notes=_notes,
    figures=(
        Figure(key="approved", label="approved", live=True),
        Figure(key="blocked", label="blocked", none={}, form=by_rule, live=True),
        Figure(key="machine_time", label="blocked by machine time, which no run repeats", said=_by_machine_time),
        Figure(key="open_positions", label="positions", said="positions", none=[], form=positions, live=True),
        Figure(key="gross_pnl_e4", label="gross P&L", form=rupees),
        Figure(key="net_pnl_e4", label="net P&L", form=rupees, live=True),
    ),
)
