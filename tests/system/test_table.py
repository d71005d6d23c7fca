"""The live table says what is known, and stale data looks stale."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from kitev3.control import Health
from kitev3.system.profile import known_services
from kitev3.system.session import lateness
from kitev3.system.summary import Tally
from kitev3.system.table import CALLS_MAX, LINE_S, Display, LiveTable, PlainLines, Row, note, view
from rich.console import Console

SECOND_NS = 1_000_000_000


def health(**fields: Any) -> Health:
    return Health(**{"pid": 5, "state": "running", **fields})


def test_a_rate_is_of_the_last_interval() -> None:
    row = Row("strategy")

    row.update(health(counters={"heard": 100, "said": 10}), 5, 0, False, 0)
    assert row.rate == 0
    row.update(health(counters={"heard": 1000, "said": 110}, lag_ms=1.5), 5, 0, False, 2 * SECOND_NS)

    assert (row.state, row.pid, row.rate, row.lag_ms) == ("running", 5, 500.0, 1.5)


def test_a_new_process_begins_a_new_rate() -> None:
    row = Row("strategy")
    row.update(health(counters={"heard": 100_000}), 5, 0, False, 0)

    row.update(health(pid=6, counters={"heard": 10}), 6, 1, False, SECOND_NS)

    assert (row.rate, row.restarts) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "pid", "down", "state"),
    [
        (None, 5, False, "silent"),
        (None, None, False, "gone"),
        (None, None, True, "down"),
        (health(pid=4), 5, False, "silent"),
        (health(state="refused", counters={"heard": 10}), 5, False, "refused"),
    ],
)
def test_what_is_not_known_is_not_shown_as_running(
    answer: Health | None, pid: int | None, down: bool, state: str
) -> None:
    row = Row("marketdata")
    row.update(health(counters={"heard": 10}), 5, 0, False, 0)

    row.update(answer, pid, 0, down, SECOND_NS)

    assert (row.state, row.rate) == (state, 0)


def test_plain_lines_come_rarely_and_name_who_is_ill() -> None:
    out = io.StringIO()
    lines = PlainLines(Console(file=out, width=80))
    rows = [Row("strategy"), Row("journal")]
    rows[0].update(health(), 5, 0, False, 0)

    for seconds in (0.0, 1.0, LINE_S - 0.1, float(LINE_S), LINE_S + 1.0):
        lines.show(rows, Tally(known_services()).lines(live=True), "2026-11-19 09:20:00", seconds)

    written = out.getvalue().splitlines()
    assert len(written) == 2
    assert written[0].endswith("fills 0  journal starting")
    assert "2026-11-19 09:20:00" in written[0]


def test_a_terminal_gets_the_table_with_every_service_and_figure() -> None:
    out = io.StringIO()
    live = view(Console(file=out, width=100, height=40, force_terminal=True))
    assert isinstance(live, LiveTable)
    row = Row("risk_portfolio")
    row.update(health(pid=4711), 4711, 3, False, 0)

    tally = Tally(known_services())
    tally.add({"risk_portfolio": health(service={"blocked": {"R23": 2}, "net_pnl_e4": -12_300})})
    live.show([row], tally.lines(live=True), "09:20:00", 1.0)
    live.say("armed [by] profile demo")
    live.close()

    text = out.getvalue()
    for words in (
        "risk_portfolio",
        "4711",
        "running",
        "3",
        "ticks",
        "signals",
        "approved",
        "R23 2",
        "-₹1.23",
        "armed [by]",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("market_lag_ms", "speed", "shown"),
    [(0, 30.0, ""), (15_000, 30.0, ""), (15_001, 30.0, " (15 s behind: its hearers are slow)"), (60_000, 600.0, "")],
)
def test_a_market_that_its_hearers_hold_up_is_called_late(market_lag_ms: int, speed: float, shown: str) -> None:
    assert lateness(market_lag_ms, speed) == shown


def test_without_a_terminal_there_are_lines() -> None:
    assert isinstance(view(Console(file=io.StringIO())), PlainLines)


def test_a_strategy_that_was_stopped_is_named_with_its_reason() -> None:
    said = health(name="strategy", service={"stopped": {"mine": "mine.py:7: ZeroDivisionError"}})

    assert note(said) == "strategy mine is stopped: mine.py:7: ZeroDivisionError"


class Broken:
    """A view whose output is gone, or whose reader never reads."""

    def __init__(self, how: Callable[[], None]) -> None:
        self.how, self.shown = how, 0

    def show(self, *_: Any) -> None:
        self.shown += 1
        self.how()

    def say(self, line: str) -> None:
        self.show()

    def close(self) -> None:
        self.how()


def gone() -> None:
    raise BrokenPipeError


def closed() -> None:
    raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("how", [gone, closed])
def test_a_broken_output_breaks_nothing_else(how: Callable[[], None]) -> None:
    broken = Broken(how)
    display = Display(broken)

    for _ in range(2 * CALLS_MAX):
        display.show([], {}, "", 0.0)
        display.say("so it is")
    display.close()

    assert broken.shown == 1


def test_a_reader_who_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kitev3.system.table.CLOSE_S_MAX", 0.01)
    reads = threading.Event()
    broken = Broken(lambda: void(reads.wait()))
    display = Display(broken)

    for _ in range(2 * CALLS_MAX):
        display.say("so it is")
    display.close()

    assert broken.shown <= 1
    reads.set()


def void(_: object) -> None:
    """What it was does not matter."""


def test_what_was_said_is_shown_in_its_order_before_it_closes() -> None:
    out = io.StringIO()
    display = Display(PlainLines(Console(file=out)))

    for number in range(CALLS_MAX - 2):
        display.say(str(number))
    display.close()

    assert out.getvalue().split() == [str(number) for number in range(CALLS_MAX - 2)]
