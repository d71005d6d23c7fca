"""The live table of a running system; plain lines where no terminal is."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kitev3.control import Health
from kitev3.runtime.registry import spec
from kitev3.system.profile import known_services
from kitev3.system.summary import BOX

CALLS_MAX = 100  # of what is not shown yet
CLOSE_S_MAX = 2.0
LINE_S = 5
"""Seconds between two plain lines: a log is read later, not watched."""


class Row:
    """One service as the table shows it. Rates are messages heard and said in a second, over the last interval."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid: int | None = None
        self.state = "starting"
        self.rate = 0.0
        self.lag_ms = 0.0
        self.restarts = 0
        self._last: tuple[int, int, int] | None = None  # pid, messages, machine time

    def update(self, health: Health | None, pid: int | None, restarts: int, down: bool, mono_ns: int) -> None:
        """Takes what is known now; without a health the process is dead, silent, or on its way."""
        self.pid, self.restarts = pid, restarts
        if health is None or health.pid != pid:
            self.state = "down" if down else "silent" if pid else "gone"
            self.rate, self._last = 0.0, None
            return
        self.state = health.state
        self.lag_ms = health.lag_ms
        messages = health.counters.get("heard", 0) + health.counters.get("said", 0)
        if self._last is not None and self._last[0] == health.pid and mono_ns > self._last[2]:
            self.rate = (messages - self._last[1]) * 1e9 / (mono_ns - self._last[2])
        self._last = (health.pid, messages, mono_ns)


class View(Protocol):
    """Where a session shows how it goes."""

    def show(self, rows: list[Row], figures: Mapping[str, str], market_time: str, seconds: float) -> None: ...
    def say(self, line: str) -> None: ...
    def close(self) -> None: ...


class LiveTable:
    """The table in a terminal, redrawn once a second: drawing more often costs more than the rest of an idle system."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, rows: list[Row], figures: Mapping[str, str], market_time: str, seconds: float) -> None:
        self._live.update(Group(_services(rows), _figures(figures, market_time, seconds)), refresh=True)

    def say(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()


class PlainLines:
    """One line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0

    def show(self, rows: list[Row], figures: Mapping[str, str], market_time: str, seconds: float) -> None:
        if seconds < self._next_s:
            return
        self._next_s = seconds + LINE_S
        ill = [f"{row.name} {row.state}" for row in rows if row.state != "running"]
        self.say("  ".join([f"{seconds:5.0f} s", market_time, *map(" ".join, figures.items()), *ill]))

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        pass


class Display:
    """A view in a thread of its own: who watches may be slow, stop reading or shut the window, and no session waits for
    it or ends by it. What nobody reads any more is dropped."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue(CALLS_MAX)
        self._thread = threading.Thread(target=self._draw, name="display", daemon=True)
        self._thread.start()

    def show(self, rows: list[Row], figures: Mapping[str, str], market_time: str, seconds: float) -> None:
        self._put(partial(self._view.show, [copy(row) for row in rows], figures, market_time, seconds))

    def say(self, line: str) -> None:
        self._put(partial(self._view.say, line))

    def close(self) -> None:
        """Waits a moment for what is still to be shown."""
        self._put(None)
        self._thread.join(CLOSE_S_MAX)

    def _put(self, call: Callable[[], None] | None) -> None:
        with suppress(queue.Full):
            self._calls.put_nowait(call)

    def _draw(self) -> None:
        with suppress(OSError, ValueError):  # its file broke, or was closed
            while (call := self._calls.get()) is not None:
                call()
            self._view.close()


def view(console: Console) -> View:
    """What suits the console."""
    return LiveTable(console) if console.is_terminal else PlainLines(console)


def note(health: Health) -> str:
    """What a person should know of a service: what it waits for, what keeps the gate shut, what is not settled."""
    refused = f"refused {health.refused}" if health.refused else ""
    waits = f"waits for {', '.join(health.missing)}" if health.missing else ""
    about = spec(health.name) if health.name in known_services() else None
    own = (*about.alarms(health.service), *about.notes(health.service)) if about is not None else ()
    return "; ".join(part for part in (refused, waits, *own) if part)


def _services(rows: list[Row]) -> Table:
    table = Table(box=BOX, header_style="dim")
    for name in ("service", "pid", "state", "messages/s", "lag ms", "restarts"):
        table.add_column(name, justify="left" if name in ("service", "state") else "right")
    for row in rows:
        style = "green" if row.state == "running" else "red" if row.state == "down" else "yellow"
        table.add_row(
            row.name,
            str(row.pid or ""),
            Text(row.state, style),
            f"{row.rate:,.0f}",
            f"{row.lag_ms:.1f}",
            Text(str(row.restarts), "red" if row.restarts else ""),
        )
    return table


def _figures(figures: Mapping[str, str], market_time: str, seconds: float) -> Table:
    title = f"market time {market_time}, {seconds:.0f} s"
    table = Table(show_header=False, title=title, title_justify="left", title_style="bold", box=BOX)
    table.add_column(style="dim")
    table.add_column()
    for label, value in figures.items():
        table.add_row(label, Text(value))
    return table
