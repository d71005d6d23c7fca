"""What a session came to: counted while it runs, written as ``summary.json``, shown as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from kitev3.contracts import heard_by, said_by
from kitev3.control import Health

BOX = box.ROUNDED
NAMED_MAX = 4  # positions in one line

_SINCE_START = ("gaps_seen", "gaps_filled", "refused_messages", "push_full")
"""Counters of the process, not of the handler: they begin anew with it, so each process's are added up."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From a frame's bytes at marketdata to the approval on execution's tape, in microseconds of machine time."""

    p50: int = 0
    p99: int = 0
    p999: int = 0
    n: int = 0


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """One service's process."""

    pid: int
    rss_mb: float
    cpu_s: float  # of all its processes, restarts included
    restarts: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """``summary.json``. Keys are only ever added."""

    profile: str
    mode: str
    market: str
    speed: float
    seed: int
    started: str
    seconds: float  # of machine time, from start to stop
    exit: int
    ticks: int = 0
    batches: int = 0
    bars: int = 0
    signals: int = 0
    approved: int = 0
    blocked: dict[str, int] = {}  # rule -> signals it refused
    orders: int = 0
    fills: int = 0
    rejects: int = 0
    open_positions: list[dict[str, Any]] = []
    gross_pnl_e4: int = 0
    net_pnl_e4: int = 0
    gaps_seen: int = 0
    gaps_filled: int = 0
    messages_lost: int = 0
    latency_us: Latency = Latency()
    processes: dict[str, ProcessUse] = {}
    stopped_strategies: dict[str, str] = {}  # name -> why, with file and line


class Tally:
    """The newest health of each service, and what its earlier processes had counted."""

    def __init__(self) -> None:
        self.newest: dict[str, Health] = {}
        self._before: dict[str, dict[str, int]] = {}

    def add(self, healths: Mapping[str, Health]) -> None:
        """Takes what the services said of themselves now."""
        for name, health in healths.items():
            last = self.newest.get(name)
            if last is not None and last.pid != health.pid:
                before = self._before.setdefault(name, {})
                for counter in _SINCE_START:
                    before[counter] = before.get(counter, 0) + last.counters.get(counter, 0)
            self.newest[name] = health

    def counter(self, name: str) -> int:
        """One of the bus's counters, over all services and all their processes."""
        now = sum(health.counters.get(name, 0) for health in self.newest.values())
        return now + sum(before.get(name, 0) for before in self._before.values())

    def said(self, service: str, key: str, default: Any = 0) -> Any:
        """What a service's handler says of itself."""
        health = self.newest.get(service)
        return default if health is None else health.service.get(key, default)

    def figures(self) -> dict[str, Any]:
        """What the session has come to so far: the keys of the summary that the services know."""
        return {
            "ticks": self.said("marketdata", "ticks"),
            "batches": self.said("marketdata", "batches"),
            "bars": self.said("marketdata", "bars"),
            "signals": self.said("strategy", "signals"),
            "stopped_strategies": dict(self.said("strategy", "stopped", {})),
            "approved": self.said("risk_portfolio", "approved"),
            "blocked": dict(self.said("risk_portfolio", "blocked", {})),
            "orders": self.said("execution", "orders"),
            "fills": self.said("execution", "fills"),
            "rejects": self.said("execution", "rejects"),
            "open_positions": list(self.said("risk_portfolio", "positions", ())),
            "gross_pnl_e4": self.said("risk_portfolio", "gross_pnl_e4"),
            "net_pnl_e4": self.said("risk_portfolio", "net_pnl_e4"),
            "gaps_seen": self.counter("gaps_seen"),
            "gaps_filled": self.counter("gaps_filled"),
            "latency_us": msgspec.convert(self.said("execution", "latency_us", {}), Latency, strict=False),
        }


def unheard(healths: Mapping[str, Health], services: Iterable[str]) -> dict[tuple[str, str], int]:
    """What was said and not yet applied: (hearer, topic) -> messages. After the drain: what was lost."""
    missing = {}
    names = [name for name in services if name in healths]
    for hearer in names:
        topics = {contract.topic for contract in heard_by(hearer)}
        for speaker in names:
            for contract in said_by(speaker):
                if contract.topic in topics and hearer != speaker:
                    said = healths[speaker].watermarks.get(contract.topic, 0)
                    behind = said - healths[hearer].heard.get(contract.topic, 0)
                    if behind > 0:
                        missing[hearer, contract.topic] = behind
    return missing


def show(summary: Summary, console: Console) -> None:
    """The summary as tables for a person."""
    run = f"{summary.profile}: {summary.market}, seed {summary.seed}"
    rows = Table(
        title=f"{run}, {summary.seconds:.1f} s at {summary.speed:g} x", title_justify="left", show_header=False, box=BOX
    )
    rows.add_column(style="dim")
    rows.add_column(justify="right")
    rows.add_row("ticks in batches", f"{summary.ticks:,} in {summary.batches:,}")
    rows.add_row("bars", f"{summary.bars:,}")
    rows.add_row("signals", f"{summary.signals:,}")
    rows.add_row("approved", f"{summary.approved:,}")
    rows.add_row("blocked", blocked(summary.blocked))
    rows.add_row("orders, fills, rejects", f"{summary.orders:,}, {summary.fills:,}, {summary.rejects:,}")
    rows.add_row("open positions", positions(summary.open_positions))
    rows.add_row("P&L gross, net", f"{rupees(summary.gross_pnl_e4)}, {rupees(summary.net_pnl_e4)}")
    rows.add_row("gaps seen, mended; lost", f"{summary.gaps_seen}, {summary.gaps_filled}; {summary.messages_lost}")
    latency = summary.latency_us
    percentiles = f"{latency.p50:,} / {latency.p99:,} / {latency.p999:,} µs" if latency.n else "no order"
    rows.add_row(f"tick to order p50 / p99 / p99.9 of {latency.n:,}", percentiles)
    console.print(rows)
    for name, why in summary.stopped_strategies.items():
        console.print(f"strategy {name} was stopped: {why}", markup=False, highlight=False, soft_wrap=True)
    used = Table(box=BOX, header_style="dim")
    for column in ("service", "pid", "resident MB", "CPU s", "restarts"):
        used.add_column(column, justify="left" if column == "service" else "right")
    for name, process in summary.processes.items():
        used.add_row(name, str(process.pid), f"{process.rss_mb:.0f}", f"{process.cpu_s:.1f}", str(process.restarts))
    console.print(used)


def positions(rows: Sequence[Mapping[str, Any]]) -> str:
    """``3 (INFY +400, SBIN -100, …)``: how many, and the first few by name."""
    if not rows:
        return "0"
    some = [f"{row['tradingsymbol']} {row['quantity']:+,}" for row in rows[:NAMED_MAX]]
    return f"{len(rows)} ({', '.join(some)}{', …' if len(rows) > NAMED_MAX else ''})"


def blocked(rules: Mapping[str, int]) -> str:
    """``7 (R23 5, R35 2)``, the busiest rule first."""
    if not rules:
        return "0"
    parts = ", ".join(f"{rule} {count:,}" for rule, count in sorted(rules.items(), key=lambda row: (-row[1], row[0])))
    return f"{sum(rules.values()):,} ({parts})"


def rupees(amount_e4: int) -> str:
    """An amount for people: rupees and paise, rounded half away from zero."""
    paise = (abs(amount_e4) + 50) // 100
    return f"{'-' if amount_e4 < 0 and paise else ''}₹{paise // 100:,}.{paise % 100:02d}"
