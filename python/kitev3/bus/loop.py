"""The loop of one service over a transport: waits for messages, and looks at the rest in between.

What is done with a message is the affair of the transport's receiver, over ZeroMQ in the core: it goes on hearing and
sending until there is something that only Python can do.

Three kinds, by what a service is:

- a *hearer* waits on its SUB;
- a *worker* waits on its PULL, and drains its SUB before each message and every 10 ms. One that passes work on (the
  gate) also hears, while nobody waits for it, what comes back at once, since hearing it before its next message would
  make that wait;
- one whose driver has an asyncio loop (marketdata, kitesim) lives in that, and looks at its sockets when they stir.

Waking a sleeping core costs more than all that a loop does with a message, so none spins, and while messages flow none
waits on two things. Once nothing has come for a moment a process sleeps on all its sockets at once, because a
system that wakes for nothing, at 400 times a second, takes a tenth of a core for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kitev3.bus.transport import PolledTransport, Receiver
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import AsyncDriver

NS_PER_MS = 1_000_000
LOOK_MS = 20
SLEEP_MS_MAX = 500  # until the watch is looked at again: what it sees is also asked for, or read before the deed
REQUESTS_PER_LOOK_MAX = 64
QUIET_MS = 50  # a drain ends when nothing has come for so long
DRAIN_MS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTiming:
    """How often, in machine time."""

    heartbeat_ms: int = 1_000
    hello_ms: int = 50  # between heartbeats until control.start
    drain_ms: int = 10


class Loop:
    """Runs a runner over an open transport until it is told to stop.

    Args:
        answer: a request's bytes to its answer's.
        each_second: looked at once a second, for what must end the process.
    """

    def __init__(
        self,
        runner: Runner,
        transport: PolledTransport,
        timing: LoopTiming,
        *,
        answer: Callable[[bytes], bytes],
        each_second: Callable[[], None] = lambda: None,
    ) -> None:
        self.runner, self.transport, self.timing = runner, transport, timing
        self._answer, self._each_second = answer, each_second
        self._stopping = False
        self._look_ns = self._beat_ns = self._second_ns = 0
        self._look_every_ns = (timing.drain_ms if transport.takes_work else LOOK_MS) * NS_PER_MS
        self._left_to_tape = 0

    def stop(self) -> None:
        """Ends the loop after what has arrived; from a signal handler or any thread."""
        self._stopping = True

    def run(self) -> None:
        """Blocks until stopped; what a handler raises comes out of here."""
        transport = self.transport
        is_answered = any(link.source in transport.workers for link in transport.links)
        transport.carry(self.runner.runtime)
        receiver = transport.receiver(
            self.runner.runtime, self.runner.watched, self.timing.drain_ms if is_answered else None
        )
        with self._signalled() as pipe:
            if isinstance(self.runner.driver, AsyncDriver):
                asyncio.run(self._live(self.runner.driver, receiver, pipe))
            elif transport.takes_work:
                self._work(receiver, pipe)
            else:
                self._listen(receiver, pipe)
        self._drain(receiver)

    # --- the three kinds ---

    def _listen(self, receiver: Receiver, pipe: int) -> None:
        self.transport.set_wait(LOOK_MS)
        while not self._stopping:
            if not self.runner.poll(receiver.receive, self._look_ns):
                self._sleep(receiver, pipe)
            self._look_if_due()

    def _work(self, receiver: Receiver, pipe: int) -> None:
        self.transport.set_wait(self.timing.drain_ms)
        while not self._stopping:
            if not self.runner.poll(receiver.receive, self._look_ns):
                self._hear_others(receiver)
                self.runner.settle()
                self._sleep(receiver, pipe)
            self._look_if_due()

    def _look_if_due(self) -> None:
        if time.monotonic_ns() >= self._look_ns:
            self._look()
        else:
            self.runner.look()

    async def _live(self, driver: AsyncDriver, receiver: Receiver, pipe: int) -> None:
        running = asyncio.create_task(driver.run(self.runner))
        stirred, descriptors = asyncio.Event(), (*self.transport.descriptors, pipe)
        for descriptor in descriptors:
            asyncio.get_running_loop().add_reader(descriptor, stirred.set)
        while not self._stopping and not running.done():
            stirred.clear()
            self._hear_others(receiver)
            self._look()
            if self.transport.has_come:
                await asyncio.sleep(0)  # there was more than one look takes; a descriptor stirs once only for it
                continue
            try:
                async with asyncio.timeout(self._idle_ms() / 1e3):
                    await stirred.wait()
            except TimeoutError:
                pass  # something is due, or it is time for a look
        for descriptor in descriptors:
            asyncio.get_running_loop().remove_reader(descriptor)
        if not running.done():
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    # --- in between ---

    @contextmanager
    def _signalled(self) -> Iterator[int]:
        """A pipe that can be read when a signal has come: one that comes while libzmq is busy interrupts no wait."""
        ours, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        on_main = threading.current_thread() is threading.main_thread()
        before = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False) if on_main else -1
        try:
            yield ours
        finally:
            if on_main:
                signal.set_wakeup_fd(before)
            os.close(ours)
            os.close(theirs)

    def _sleep(self, receiver: Receiver, pipe: int) -> None:
        """Waits until a message comes. What is asked or due in between is done, and sleep goes on."""
        while not self._stopping:
            if not self.transport.is_asked and self.runner.poll(receiver.sleep, self._idle_ms(), pipe):
                break
            self._look()
            if self.transport.takes_work:
                self.runner.settle()

    def _idle_ms(self) -> int:
        """How long there is nothing to do by ourselves, rounded up; at least a millisecond."""
        due_ns = min(self.runner.due_ns, self._beat_ns, self._second_ns) - time.monotonic_ns()
        return min(max(-(-due_ns // NS_PER_MS), 1), SLEEP_MS_MAX)

    def _hear_others(self, receiver: Receiver) -> None:
        while self.runner.poll(receiver.drain):
            self.runner.look()

    def _look(self) -> None:
        """Timers, requests, the heartbeat: whatever is due."""
        self.runner.look()
        self.transport.serve(self._answer, REQUESTS_PER_LOOK_MAX)
        now_ns = time.monotonic_ns()
        if self.transport.left_to_tape != self._left_to_tape:
            # What a worker could not be given it finds on the tape as soon as it hears how far we are.
            self._left_to_tape = self.transport.left_to_tape
            self._beat_ns = now_ns
        if now_ns >= self._beat_ns:
            self._beat(now_ns)
        if now_ns >= self._second_ns:
            self._second_ns = now_ns + 1_000 * NS_PER_MS
            self._each_second()
        self._look_ns = min(now_ns + self._look_every_ns, self.runner.due_ns, self._beat_ns)

    def _beat(self, now_ns: int) -> None:
        every_ms = self.timing.hello_ms if self.runner.runtime.phase == 0 else self.timing.heartbeat_ms
        self._beat_ns = now_ns + every_ms * NS_PER_MS
        self.transport.send(self.runner.runtime.heartbeat(now_ns), None)

    def _drain(self, receiver: Receiver) -> None:
        """Hears what has already been sent to us, for a bounded moment, and says for the last time how far we are."""
        until_ns = time.monotonic_ns() + DRAIN_MS_MAX * NS_PER_MS
        self.transport.set_wait(QUIET_MS)
        while time.monotonic_ns() < until_ns:
            self._hear_others(receiver)
            if not self.runner.poll(receiver.receive, until_ns):
                break
        self.runner.look()
        self._beat(time.monotonic_ns())
