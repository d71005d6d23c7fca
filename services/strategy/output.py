"""What strategies print and log: lines of the process's log, each with the strategy and the event."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from kitev3.contracts import Instrument
from kitev3.events import Event
from kitev3.services.strategy.hosted import name_of
from kitev3.system.log import OURS, TAKEN, kept

LINE_CHARS_MAX = 2_000
LINES_MAX = 1_000
"""In one callback: what is more is counted."""
Asked: TypeAlias = Callable[[], tuple[int, str, Instrument] | None]
"""Number, strategy and instrument of the callback that runs."""


class Output(io.TextIOBase):
    """Stands for stdout and stderr while a strategy is asked, and takes what `logging` is given then.

    Args:
        log: where the lines go. is_live: whether they go there: what is executed again has been written already.
    """

    def __init__(self, log: Any, is_live: Callable[[], bool] = lambda: True) -> None:
        self._log, self._is_live = log, is_live
        self._event: Event | None = None  # while callbacks run
        self._asked: Asked = lambda: None
        self._number = -1  # of the callback whose lines these are
        self._whose: tuple[Event, str, Instrument] | None = None
        self._before: tuple[Any, Any] = (None, None)
        self._text = ""
        self._lines = 0
        _records_go_to(self)

    def begin(self, event: Event, asked: Asked) -> None:
        """Callbacks run from now on, of which most say nothing: who is asked is looked at when one does."""
        self._event, self._asked = event, asked
        if sys.stdout is not self:
            self._before = sys.stdout, sys.stderr
            sys.stdout = sys.stderr = self

    def end(self) -> None:
        if self._whose is not None:
            self._finish()
        if sys.stdout is self:
            sys.stdout, sys.stderr = self._before
        self._event = None

    def _turn(self) -> None:
        """Another callback than before has something to say."""
        if self._event is not None and (asked := self._asked()) is not None and asked[0] != self._number:
            self._finish()
            self._number, self._whose = asked[0], (self._event, *asked[1:])

    def _finish(self) -> None:
        """The callback that spoke last is done."""
        if self._text:
            self._lines_of("\n")
        if self._lines > LINES_MAX:
            self._line("warning", f"and {self._lines - LINES_MAX:,} lines more", {}, True)
        self._lines, self._number, self._whose = 0, -1, None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._turn()
        self._lines_of(text)
        return len(text)

    def _lines_of(self, text: str) -> None:
        *whole, self._text = (self._text + text).split("\n")
        for line in whole:
            self._line("info", line, {})
        if len(self._text) > LINE_CHARS_MAX:
            self._text = self._text[: LINE_CHARS_MAX + 1]

    def record(self, record: logging.LogRecord) -> bool:
        """Takes a record of `logging`, if a strategy made it."""
        if record.name == OURS:
            return False
        self._turn()
        if self._whose is None:
            return False
        level = (
            "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        )
        words = record.getMessage()
        if record.exc_info:
            words += "\n" + logging.Formatter().formatException(record.exc_info)
        self._line(level, words, {"file": record.pathname, "line": record.lineno})
        return True

    def _line(self, level: str, text: str, place: dict[str, Any], is_last: bool = False) -> None:
        self._lines += 1
        whose = self._whose
        if whose is None or not self._is_live() or (self._lines > LINES_MAX and not is_last):
            return
        self._whose = None  # a log that is itself made with `logging` does not come here again
        getattr(self._log, level)("strategy said", **about(*whose), **place, text=text[:LINE_CHARS_MAX])
        self._whose = whose


def about(event: Event, strategy: str, row: Instrument) -> dict[str, str]:
    """Whose line of the log it is."""
    return {
        "strategy": strategy,
        "instrument": name_of(row),
        "topic": event.type,
        "event_id": event.event_hex,
    }


class _Records(logging.Handler):
    """Hands the records of strategies on, and does with others what is done without any handler."""

    output: Output | None = None

    def emit(self, record: logging.LogRecord) -> None:
        last = logging.lastResort
        if self.output is not None and self.output.record(record):
            setattr(record, TAKEN, True)
        elif not kept() and last is not None and record.levelno >= last.level:
            last.handle(record)


_RECORDS = _Records()


def _records_go_to(output: Output) -> None:
    root = logging.getLogger()
    if _RECORDS not in root.handlers:
        root.handlers.insert(0, _RECORDS)  # before the log's own, which leaves out what was taken here
        if root.level == logging.WARNING:  # as it is when nobody has said anything
            root.setLevel(logging.INFO)
    _RECORDS.output = output
