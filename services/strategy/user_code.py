"""Calling code of others: what goes wrong in it is said, with its place, and costs nobody else."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from kitev3._core import Callbacks, CallRecord
from kitev3.contracts import Instrument
from kitev3.errors import readable
from kitev3.events import Event
from kitev3.services.strategy.hosted import Hosted
from kitev3.services.strategy.in_hand import InHand, Stuck
from kitev3.services.strategy.output import Output, about
from kitev3.strategy.place import place_of_error, words_of

WHY_CHARS_MAX = 2_000  # of file, line and words


class UserCode:
    """What stands around each call of a strategy, and which strategies are called no more.

    Args:
        files: strategy -> the file in which it is written. in_hand: None where nothing has to outlive the process.
    """

    def __init__(self, files: Mapping[str, str], log: Any, in_hand: InHand | None = None) -> None:
        self._files, self._log, self._in_hand = files, log, in_hand
        self._stuck: Mapping[str, Stuck] = in_hand.look_back(lambda name: files.get(name, name)) if in_hand else {}
        self._record = CallRecord(in_hand.record) if in_hand else None
        self.answered: Callable[[], None] = in_hand.answered if in_hand else lambda: None
        """What was asked last is done with, and what it wanted may be said."""
        self._output = Output(log, self._is_live)
        self.stopped: dict[str, str] = {}  # strategy -> why, with file and line
        for name, stuck in self._stuck.items():
            log.error("strategy is left out", strategy=name, error=stuck.why)

    def begin(self, event: Event, strategy: str, row: Instrument) -> None:
        """One call, of no callback."""
        if self._in_hand is not None:
            self._in_hand.take(event)
            self._in_hand.ask(strategy)
        self._output.begin(event, lambda: (0, strategy, row))

    def begin_all(self, event: Event, calls: Callbacks) -> None:
        """The calls that *calls* makes."""
        left_out = None
        if self._stuck:
            left_out = {name: stuck.number for name, stuck in self._stuck.items() if stuck.is_at(event)}
        calls.begin(event, self._record, left_out)

        def asked() -> tuple[int, str, Instrument] | None:
            hosted = calls.hosted
            return (calls.number, hosted.run.name, hosted.instrument) if isinstance(hosted, Hosted) else None

        self._output.begin(event, asked)

    def end(self) -> None:
        self._output.end()
        self.answered()

    def why_stuck(self, strategy: str) -> str:
        return self._stuck[strategy].why

    def failed(
        self, event: Event, strategy: str, row: Instrument, callback: str, error: BaseException, begin: tuple[str, int]
    ) -> None:
        """A call has raised, or has answered what nothing can be made of. *begin*: the place, if no line tells it."""
        file, line = place_of_error(error, self._files[strategy], begin)
        words = words_of(error)
        trace = "".join(traceback.format_exception(error))
        self.stop(event, strategy, row, f"{file}:{line}: {words}", callback=callback, file=file, line=line, trace=trace)

    def stop(self, event: Event, strategy: str, row: Instrument, why: str, **more: Any) -> None:
        self.stopped[strategy] = why = readable(why, WHY_CHARS_MAX)
        if self._is_live():
            self._log.error("strategy stopped", **about(event, strategy, row), error=why, **more)

    def _is_live(self) -> bool:
        return self._in_hand is None or self._in_hand.is_live
