"""Ends the process when a strategy does not return, having noted which one and where: it comes back without it.

Python code cannot be interrupted soundly from outside: an exception thrown into it may hit the core, or the line after
the callback. Ending the process is what the tape is made for: it comes back within a second, at the same event, and
leaves that one strategy out.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from kitev3.runtime.clock import NS
from kitev3.runtime.service import Driver, World
from kitev3.runtime.worker import Worker
from kitev3.services.strategy.in_hand import InHand
from kitev3.strategy.place import LIBRARY

CALL_S_MAX = 1.0
"""How long a call of a strategy may take, of machine time; a good one takes some microseconds. With the restart it is
less than the three seconds of silence that halt the account."""
LOOKS = 8
"""How often it is looked at within that time. It must have been seen so often, so that a process that was stopped for
a while is not taken for stuck."""
HELD_S_MAX = 10.0
"""How long nothing in Python may run at all: a call of C code that holds the interpreter, as a regular expression may.
faulthandler ends it then, without us, and its trace says where. The silence has halted the account by then; if it were
shorter, a process that was stopped for a moment would be ended too."""
FAILED = 1


class Watchdog(Driver):
    """A thread beside the loop's.

    Args:
        log: of the process. end: what ends it.
    """

    def __init__(
        self,
        in_hand: InHand,
        log: Any,
        *,
        call_s_max: float = CALL_S_MAX,
        held_s_max: float = HELD_S_MAX,
        end: Callable[[int], Any] = os._exit,
    ) -> None:
        self._in_hand, self._log, self._end = in_hand, log, end
        self._call_s_max, self._held_s_max = call_s_max, held_s_max
        self._closed = threading.Event()
        self._thread: Worker | None = None
        self._seen, self._looks, self._since_ns = 0, 0, 0

    def open(self, world: World) -> None:
        self._in_hand.go_live()
        self._loop_thread = threading.get_ident()
        self._trace = self._in_hand.trace_file.open("w")
        self._held()
        self._thread = Worker("watchdog", partial(self._watch, world.mono_ns), world.fail)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
            faulthandler.cancel_dump_traceback_later()
            self._trace.close()
            self._in_hand.trace_file.unlink(missing_ok=True)

    def _watch(self, mono_ns: Callable[[], int]) -> None:
        held_s = time.monotonic()
        while not self._closed.wait(self._call_s_max / LOOKS):
            if time.monotonic() - held_s > self._held_s_max / LOOKS:  # each makes a thread anew
                held_s = time.monotonic()
                self._held()
            self._look(mono_ns())

    def _held(self) -> None:
        faulthandler.dump_traceback_later(self._held_s_max, exit=True, file=self._trace)

    def _look(self, now_ns: int) -> None:
        """Whether the call that was seen last still goes on. On a virtual clock no time passes within a call."""
        call, strategy = self._in_hand.asked()
        if not strategy or call != self._seen:
            self._seen, self._looks, self._since_ns = call, 0, now_ns
            return
        self._looks += 1
        if self._looks >= LOOKS and now_ns - self._since_ns >= self._call_s_max * NS:
            self._stuck(strategy, now_ns - self._since_ns)

    def _stuck(self, strategy: str, since_ns: int) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        stack = traceback.extract_stack(frame)
        foreign = [one for one in stack if not one.filename.startswith(LIBRARY)]
        own = [one for one in foreign if not one.filename.startswith((sys.prefix, sys.base_prefix))]
        last = (own or foreign or stack)[-1]
        if not self._in_hand.end(self._seen, strategy):
            return  # it has come back while we looked
        why = f"{last.filename}:{last.lineno}: did not return within {since_ns / NS:.1f} s"
        self._in_hand.note(strategy, why)
        self._log.critical(
            "strategy is stuck",
            strategy=strategy,
            error=f"strategy {strategy} is stuck at {why}; it is left out from now on",
            trace="".join(traceback.format_list(stack)),
        )
        self._end(FAILED)
