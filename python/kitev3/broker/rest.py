"""The one thread that all broker REST runs on, so that nothing else ever waits for the broker.

Cancels go before exits, exits before entries, writes before reads. A read that failed is tried again after a pause,
during which writes pass; a write is tried once, whatever comes of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from kitev3.broker.classify import Finding
from kitev3.runtime.worker import Worker

QUEUE_MAX = 4_096
READ_PAUSES_NS = (100_000_000, 400_000_000)  # before the second and the third try of a read
CLOSE_S_MAX = 0.5


class Priority(IntEnum):
    """Who goes first."""

    CANCEL = 0
    EXIT = 1
    ENTRY = 2
    READ = 3


@dataclass(slots=True)
class _Job:
    priority: Priority
    number: int
    call: Callable[[], Finding]
    done: Callable[[Finding], None]
    wait_ns: Callable[[], int] | None
    not_before_ns: int = 0
    tries: int = 0


class Executor(Protocol):
    """Where the broker's calls run."""

    def submit(
        self,
        priority: Priority,
        call: Callable[[], Finding],
        done: Callable[[Finding], None],
        wait_ns: Callable[[], int] | None = None,
    ) -> bool: ...

    def close(self) -> None: ...


_NOT_ITS_TURN = Finding(outcome="throttled", error_type="Refused", message="its turn has not come")


class InlineExecutor:
    """Runs each call where it is submitted: what the stepped bus needs, where nothing waits.

    A write whose turn has not come is given back. Reads are counted by nobody there.
    """

    def __init__(self, died: Callable[[BaseException], None]) -> None:
        """*died* is never called: there is nothing that dies apart from its caller."""

    def submit(
        self,
        priority: Priority,
        call: Callable[[], Finding],
        done: Callable[[Finding], None],
        wait_ns: Callable[[], int] | None = None,
    ) -> bool:
        waits = priority is not Priority.READ and wait_ns is not None and wait_ns() > 0
        done(_NOT_ITS_TURN if waits else call())
        return True

    def close(self) -> None:
        """Holds nothing."""


def _nothing() -> None:
    """Nothing to do first."""


class RestThread:
    """Runs calls one at a time, in order of priority, and hands each finding to its ``done``, on this thread.

    An error that comes out of a call or of ``done`` is our bug: it stops the thread, and its owner is told at once:
    whoever waits for an answer would wait for ever.
    """

    def __init__(self, died: Callable[[BaseException], None], begin: Callable[[], None] = _nothing) -> None:
        """*begin* is called first on the thread, for what is its own: on which core it runs.

        *died* hears, on the thread, of the error that ends it.
        """
        self._died = died
        self._begin = begin
        self._turn = threading.Condition()
        self._jobs: list[_Job] = []
        self._submitted = 0
        self._closing = False
        self._error: BaseException | None = None
        self._thread = Worker("rest", self._run, self._end)
        self._thread.start()

    def submit(
        self,
        priority: Priority,
        call: Callable[[], Finding],
        done: Callable[[Finding], None],
        wait_ns: Callable[[], int] | None = None,
    ) -> bool:
        """Queues a call; false when the queue is full, and then nothing will come of it.

        Args:
            wait_ns: asked before the call: how long it should still wait for its turn.
        """
        with self._turn:
            if self._error is not None:
                raise RuntimeError("the REST thread has stopped") from self._error
            if len(self._jobs) >= QUEUE_MAX or self._closing:
                return False
            self._submitted += 1
            self._jobs.append(_Job(priority, self._submitted, call, done, wait_ns))
            self._turn.notify()
            return True

    def close(self) -> None:
        """Drops what is queued and waits a little for the call in hand; a hanging broker does not hold us up."""
        with self._turn:
            self._closing = True
            self._jobs.clear()
            self._turn.notify()
        self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        self._begin()
        while (job := self._next()) is not None:
            self._work(job)

    def _end(self, error: BaseException) -> None:
        with self._turn:
            self._error = error
        self._died(error)

    def _next(self) -> _Job | None:
        with self._turn:
            while not self._closing:
                now_ns = time.monotonic_ns()
                ready = [job for job in self._jobs if job.not_before_ns <= now_ns]
                if ready:
                    job = min(ready, key=lambda job: (job.priority, job.number))
                    self._jobs.remove(job)
                    return job
                first_ns = min((job.not_before_ns for job in self._jobs), default=None)
                self._turn.wait(None if first_ns is None else (first_ns - now_ns) / 1e9)
            return None

    def _work(self, job: _Job) -> None:
        wait_ns = job.wait_ns() if job.wait_ns is not None else 0
        if wait_ns > 0:
            self._later(job, wait_ns)
            return
        finding = job.call()
        if job.priority is Priority.READ and finding.outcome != "ok" and job.tries < len(READ_PAUSES_NS):
            job.tries += 1
            self._later(job, READ_PAUSES_NS[job.tries - 1])
            return
        job.done(finding)

    def _later(self, job: _Job, wait_ns: int) -> None:
        with self._turn:
            if not self._closing:
                job.not_before_ns = time.monotonic_ns() + wait_ns
                self._jobs.append(job)
