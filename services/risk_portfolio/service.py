"""The gate as a service. What it hears and how it judges is in the core; here is what makes it one of this profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kitev3._core import ApprovalKey, NativeHandler, gate_handler
from kitev3.account.account import account_folder_of
from kitev3.account.approvals import key_of
from kitev3.account.latch import Latch, LatchState, LatchWatch
from kitev3.calendar import read
from kitev3.contracts import PortfolioSnapshot, heard_by
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.risk import Risk, limits
from kitev3.runtime.service import Context, Driver, ServiceSpec, Watch, World
from kitev3.system.figure import Figure, by_rule, positions, rupees
from kitev3.system.log import LOG
from kitev3.system.profile import ServiceSettings
from kitev3.system.settings import Count

MS = 1_000_000
NAME = "risk_portfolio"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPortfolioConfig(ServiceSettings):
    """``[risk_portfolio]`` of the profile; capital and limits stand in ``[risk]``."""

    snapshot_ms: Count = 1_000  # machine time between two looks at whether the portfolio has changed


class GateDriver(Driver):
    """Tells the gate its limits, and lowers the account's latch when it has tripped, so that the trip outlives the
    process and the power."""

    topics = frozenset({"portfolio.snapshot"})

    def __init__(self, context: Context) -> None:
        assert context.settings is not None  # the handler has asked
        self.limits = limits(context.settings.settings("risk", Risk), context.account)
        self.folder = account_folder_of(context.account, context.run_dir)
        self.latch: Latch | None = None
        self.was = ("", "")  # trading state, and what has tripped

    def open(self, world: World) -> None:
        self.latch = Latch(self.folder)
        world.put(self.limits)

    def said(self, event: Event) -> None:
        snapshot: PortfolioSnapshot = event.payload
        now = (snapshot.state, snapshot.tripped)
        if now != self.was:
            self.was = now
            tell = LOG.warning if snapshot.tripped or snapshot.state in PASSES else LOG.info
            tell("trading state", state=snapshot.state, tripped=snapshot.tripped)
        if snapshot.tripped and self.latch is not None:
            self.latch.lower(LatchState.REDUCING if snapshot.tripped == "R44" else LatchState.HALTED)

    def close(self) -> None:
        if self.latch is not None:
            self.latch.close()
            self.latch = None


def _handler(context: Context, config: RiskPortfolioConfig) -> NativeHandler:
    if context.settings is None:
        raise ConfigError("risk_portfolio needs a profile: its [risk] holds capital and limits")
    signals = [contract.topic for contract in heard_by(NAME) if contract.worker == NAME]
    return gate_handler(signals, read(context.settings.calendar), ApprovalKey(key_of(context)))


def _driver(context: Context, config: RiskPortfolioConfig) -> Driver:
    return GateDriver(context)


def _timers(config: RiskPortfolioConfig) -> Mapping[str, int]:
    return {"snapshot": config.snapshot_ms * MS}


def _watch(context: Context, config: RiskPortfolioConfig) -> Watch:
    return LatchWatch(account_folder_of(context.account, context.run_dir))


BY_MACHINE_TIME = ("R09", "R23", "R52")
"""Deadlines, ages and pace: another run of the same day, or a slower machine, decides these otherwise."""


def _by_machine_time(status: Mapping[str, Any]) -> int:
    return sum(status.get("blocked", {}).get(rule, 0) for rule in BY_MACHINE_TIME)


def _notes(status: Mapping[str, Any]) -> Iterable[str]:
    missing, state = status.get("missing", ()), status.get("state", "")
    return "" if state in PASSES else state, f"not set: {', '.join(missing)}" if missing else ""


PASSES = {"HALTED": "cancels only, until a person arms", "REDUCING": "exits only"}
"""What the gate still lets through, where that is less than it does on a good day."""


def _alarms(status: Mapping[str, Any]) -> Iterable[str]:
    state, tripped = status.get("state", ""), status.get("tripped", "")
    if tripped == "R44":
        yield "R44: the day's loss has reached its limit: no entry any more today"
    elif tripped:
        yield f"the gate trusts its numbers no more: {tripped}"
    if state in PASSES:
        yield f"{state}: {PASSES[state]}"


SERVICE = ServiceSpec(
    name=NAME,
    config=RiskPortfolioConfig,
    handler=_handler,
    driver=_driver,
    timers=_timers,
    watch=_watch,
    rank=3,
    notes=_notes,
    alarms=_alarms,
    figures=(
        Figure(key="trading_state", label="trading state", said="state", none="", form=str),
        Figure(key="tripped", label="tripped", none="", form=lambda rule: rule or "none"),
        Figure(key="approved", label="approved", live=True),
        Figure(key="blocked", label="blocked", none={}, form=by_rule, live=True),
        Figure(key="machine_time", label="blocked by machine time, which no run repeats", said=_by_machine_time),
        Figure(key="open_positions", label="positions", said="positions", none=[], form=positions, live=True),
        Figure(key="gross_pnl_e4", label="gross P&L", form=rupees),
        Figure(key="net_pnl_e4", label="net P&L", form=rupees, live=True),
    ),
)
