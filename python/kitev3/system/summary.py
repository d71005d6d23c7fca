"""What a session came to: counted while it runs, written as ``summary.json``, shown as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kitev3.contracts import heard_by, said_by
from kitev3.control import Health
from kitev3.runtime.registry import spec, stop_order

BOX = box.ROUNDED

_SINCE_START = ("gaps_seen", "gaps_filled", "refused_messages", "push_full")
"""Counters of the process, not of the handler: they begin anew with it, so each process's are added up."""


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """One service's process."""

    pid: int
    rss_mb: float
    cpu_s: float  # of all its processes, restarts included
    restarts: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a session came to. ``summary.json`` has the figures beside the rest; its keys are only ever added."""

    profile: str
    mode: str
    market: str
    speed: float
    seed: int
    started: str
    seconds: float  # of machine time, from start to stop
    exit: int
    figures: dict[str, Any] = {}  # of the services
    gaps_seen: int = 0
    gaps_filled: int = 0
    messages_lost: int = 0
    complete: bool = False  # whether who needs every message of the day had it, and finished
    processes: dict[str, ProcessUse] = {}

    def written(self) -> bytes:
        """``summary.json``."""
        plain = msgspec.to_builtins(self)
        figures = plain.pop("figures")
        return msgspec.json.format(msgspec.json.encode(plain | figures))


class Tally:
    """The newest health of each service, and what its earlier processes had counted."""

    def __init__(self, names: Iterable[str]) -> None:
        self.specs = [spec(name) for name in stop_order(names)]
        self.newest: dict[str, Health] = {}
        self._before: dict[str, dict[str, int]] = {}
        self._alarms: set[str] = set()  # at the last look
        self._told: set[str] = set()  # of these, what has been said

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

    def status(self, name: str) -> Mapping[str, Any]:
        """What a service says of itself; nothing while it has not been heard."""
        health = self.newest.get(name)
        return {} if health is None else health.service

    def figures(self) -> dict[str, Any]:
        """What the session has come to so far, along the stream."""
        return {figure.key: figure.of(self.status(one.name)) for one in self.specs for figure in one.figures}

    def lines(self, *, live: bool) -> dict[str, str]:
        """Label -> figure, for people; *live*: only what is shown while the session runs."""
        return {
            figure.label: figure.form(figure.of(self.status(one.name)))
            for one in self.specs
            for figure in one.figures
            if figure.label and (figure.live or not live)
        }

    def news(self) -> list[str]:
        """What a person is to hear of now: new alarms, at the second look in a row that finds them.

        What passes within a second is no news, and what comes again is.
        """
        alarms = {line: None for one in self.specs for line in one.alarms(self.status(one.name)) if line}
        news = [line for line in alarms if line in self._alarms and line not in self._told]
        self._told = {line for line in alarms if line in self._told} | set(news)
        self._alarms = set(alarms)
        return news

    def troubles(self) -> Iterator[str]:
        """What of the figures should not be there at the end."""
        for one in self.specs:
            for figure in one.figures:
                if figure.trouble and (value := figure.of(self.status(one.name))) != figure.none:
                    yield f"{one.name}: {figure.form(value)} {figure.trouble}"


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


def show(summary: Summary, lines: Mapping[str, str], console: Console) -> None:
    """The summary as tables for a person; *lines*: its figures in words."""
    run = f"{summary.profile}: {summary.market}, seed {summary.seed}"
    rows = Table(
        title=f"{run}, {summary.seconds:.1f} s at {summary.speed:g} x", title_justify="left", show_header=False, box=BOX
    )
    rows.add_column(style="dim")
    rows.add_column(justify="right")
    gaps = {"gaps seen, filled; lost": f"{summary.gaps_seen}, {summary.gaps_filled}; {summary.messages_lost}"}
    for label, value in {**lines, **gaps}.items():
        rows.add_row(label, Text(value))
    console.print(rows)
    used = Table(box=BOX, header_style="dim")
    for column in ("service", "pid", "resident MB", "CPU s", "restarts"):
        used.add_column(column, justify="left" if column == "service" else "right")
    for name, process in summary.processes.items():
        used.add_row(name, str(process.pid), f"{process.rss_mb:.0f}", f"{process.cpu_s:.1f}", str(process.restarts))
    console.print(used)
