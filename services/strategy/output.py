"""What strategies print and log: lines of the process's log, each with the strategy and the event."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from typing import Any

from kitev3.contracts import Instrument
from kitev3.events import Event
from kitev3.services.strategy.hosted import name_of
from kitev3.system.log import OURS, TAKEN, kept

LINE_CHARS_MAX = 2_000
LINES_MAX = 1_000
"""In one callback: what is more is counted."""
LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (0, "info"))


class Output(io.TextIOBase):
    """Stands for stdout and stderr while a strategy is asked, and takes what `logging` is given then.

    Args:
        log: where the lines go. is_live: whether they go there: what is executed again has been written already.
    """

    def __init__(self, log: Any, is_live: Callable[[], bool] = lambda: True) -> None:
        self._log, self._is_live = log, is_live
        self._whose: tuple[Event, str, Instrument] | None = None  # of the callback that runs
        self._before: tuple[Any, Any] = (None, None)
        self._text = ""
        self._lines = 0
        _records_go_to(self)

    def begin(self, event: Event, strategy: str, row: Instrument) -> None:
        """A callback runs from now on. One that ran before and has not been ended, ends here."""
        if self._text or self._lines:
            self._finish()
        self._whose = (event, strategy, row)
        if sys.stdout is not self:
            self._before = sys.stdout, sys.stderr
            sys.stdout = sys.stderr = self

    def end(self) -> None:
        if self._text or self._lines:
            self._finish()
        if sys.stdout is self:
            sys.stdout, sys.stderr = self._before
        self._whose = None

    def _finish(self) -> None:
        if self._text:
            self.write("\n")
        if self._lines > LINES_MAX:
            self._line("warning", f"and {self._lines - LINES_MAX:,} lines more", {}, True)
        self._lines = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._text = (self._text + text).split("\n")
        for line in whole:
            self._line("info", line, {})
        if len(self._text) > LINE_CHARS_MAX:
            self._text = self._text[: LINE_CHARS_MAX + 1]
        return len(text)

    def record(self, record: logging.LogRecord) -> bool:
        """Takes a record of `logging`, if a strategy made it."""
        if self._whose is None or record.name == OURS:
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
