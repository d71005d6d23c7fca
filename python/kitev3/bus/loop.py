"""The loop of one process: waits on one socket, hands messages to the desk, looks at the rest in between.

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

import zmq

from kitev3.bus.sockets import DONTWAIT, EVENTS, POLLIN, WAKE, Sockets, bare
from kitev3.desk import Desk
from kitev3.service import AsyncDriver

NS_PER_MS = 1_000_000
LOOK_MS = 20
SLEEP_MS_MAX = 500  # until the watch is looked at again: what it sees is also asked for, or read before the deed
REQUESTS_PER_LOOK_MAX = 64
DRAIN_MAX = 1_000  # messages taken from the SUB before the PULL has its turn again
QUIET_MS = 50  # a drain ends when nothing has come for so long
DRAIN_MS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often, in machine time."""

    heartbeat_ms: int = 1_000
    hello_ms: int = 50  # between heartbeats until control.start
    drain_ms: int = 10


class Loop:
    """Runs a desk over sockets until it is told to stop.

    Args:
        answer: a request's bytes to its answer's.
        each_second: looked at once a second, for what must end the process.
    """

    def __init__(
        self,
        desk: Desk,
        sockets: Sockets,
        pace: Pace,
        *,
        answer: Callable[[bytes], bytes],
        each_second: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.desk, self.sockets, self.pace = desk, sockets, pace
        self._answer, self._each_second, self._clock = answer, each_second, clock
        self._stopping = False
        self._look_ns = self._beat_ns = self._second_ns = 0
        self._look_every_ns = (pace.drain_ms if sockets.takes_work else LOOK_MS) * NS_PER_MS
        self._pushed_full = 0
        self._poller = zmq.Poller()
        self._answers = zmq.Poller()
        self._is_answered = any(lane.source in sockets.workers for lane in sockets.lanes)

    def stop(self) -> None:
        """Ends the loop after what has arrived; from a signal handler or any thread."""
        self._stopping = True

    def run(self) -> None:
        """Blocks until stopped; what a handler raises comes out of here."""
        self._sub_events, self._sub_receive = bare(self.sockets.sub, "get"), bare(self.sockets.sub, "recv")
        for socket in (self.sockets.sub, self.sockets.router, self.sockets.pull):
            if socket is not None:
                self._poller.register(socket, zmq.POLLIN)
        with self._signalled() as pipe:
            self._poller.register(pipe, zmq.POLLIN)
            self._run(pipe)
        self._drain()

    def _run(self, pipe: int) -> None:
        if isinstance(self.desk.driver, AsyncDriver):
            asyncio.run(self._live(self.desk.driver, pipe))
        elif self.sockets.pull is not None:
            self._work(self.sockets.pull)
        else:
            self._listen()

    # --- the three kinds ---

    def _listen(self) -> None:
        receive, hear, clock = bare(self.sockets.sub, "recv"), self.desk.hear, self._clock
        self.sockets.sub.set(zmq.RCVTIMEO, LOOK_MS)
        while not self._stopping:
            try:
                frame = receive()
            except zmq.Again:
                self._sleep()
            else:
                if frame != WAKE:
                    hear(frame)
            if clock() >= self._look_ns:
                self._look()
            elif self.desk.waiting:
                self.desk.look()

    def _work(self, pull: zmq.Socket[bytes]) -> None:
        receive, hear, clock = bare(pull, "recv"), self.desk.hear, self._clock
        pull.set(zmq.RCVTIMEO, self.pace.drain_ms)
        for socket in (pull, self.sockets.sub):
            self._answers.register(socket, zmq.POLLIN)
        while not self._stopping:
            try:
                frame = receive()
            except zmq.Again:
                self._take_sub()
                self.desk.settle()
                self._sleep()
                self._take_sub()
            else:
                self._take_sub()
                if frame != WAKE:
                    hear(frame)
                if self._is_answered and not has_come(pull):
                    self._answers.poll(self.pace.drain_ms)
                    self._take_sub()
            if clock() >= self._look_ns:
                self._look()
            elif self.desk.waiting:
                self.desk.look()

    async def _live(self, driver: AsyncDriver, pipe: int) -> None:
        running = asyncio.create_task(driver.run(self.desk))
        stirred, sockets = asyncio.Event(), (self.sockets.sub, self.sockets.router)
        handles = (*(int(socket.get(zmq.FD)) for socket in sockets), pipe)
        for handle in handles:
            asyncio.get_running_loop().add_reader(handle, stirred.set)
        while not self._stopping and not running.done():
            stirred.clear()
            self._take_sub()
            self._look()
            if any(has_come(socket) for socket in sockets):
                await asyncio.sleep(0)  # there was more than one look takes; a socket stirs once only for it
                continue
            try:
                async with asyncio.timeout(self._idle_ms() / 1e3):
                    await stirred.wait()
            except TimeoutError:
                pass  # something is due, or it is time for a look
        for handle in handles:
            asyncio.get_running_loop().remove_reader(handle)
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

    def _sleep(self) -> None:
        """Waits on everything until a message comes. What is asked or due in between is done, and sleep goes on."""
        while not self._stopping:
            come = dict(self._poller.poll(self._idle_ms()))
            if come.pop(self.sockets.router, 0) or not come:
                self._look()
            if come:
                return
            if self.sockets.pull is not None:
                self.desk.settle()

    def _idle_ms(self) -> int:
        """How long there is nothing to do by ourselves, rounded up; at least a millisecond."""
        due_ns = min(self.desk.due_ns, self._beat_ns, self._second_ns) - self._clock()
        return min(max(-(-due_ns // NS_PER_MS), 1), SLEEP_MS_MAX)

    def _take_sub(self) -> None:
        events, receive, hear = self._sub_events, self._sub_receive, self.desk.hear
        for _ in range(DRAIN_MAX):
            if not events(EVENTS) & POLLIN:  # much cheaper than a receive that finds nothing
                return
            frame = receive(DONTWAIT)
            if frame != WAKE:
                hear(frame)

    def _look(self) -> None:
        """Timers, requests, the heartbeat: whatever is due."""
        self.desk.look()
        for _ in range(REQUESTS_PER_LOOK_MAX):
            if not has_come(self.sockets.router):
                break
            self._serve(self.sockets.router.recv_multipart(zmq.DONTWAIT))
        now_ns = self._clock()
        if self.sockets.push_full != self._pushed_full:
            # What a worker could not be given it finds on the tape as soon as it hears how far we are.
            self._pushed_full = self.sockets.push_full
            self._beat_ns = now_ns
        if now_ns >= self._beat_ns:
            self._beat(now_ns)
        if now_ns >= self._second_ns:
            self._second_ns = now_ns + 1_000 * NS_PER_MS
            self._each_second()
        self._look_ns = min(now_ns + self._look_every_ns, self.desk.due_ns, self._beat_ns)

    def _beat(self, now_ns: int) -> None:
        every_ms = self.pace.hello_ms if self.desk.heart.phase == 0 else self.pace.heartbeat_ms
        self._beat_ns = now_ns + every_ms * NS_PER_MS
        self.sockets.send(self.desk.heart.heartbeat(now_ns), None)

    def _serve(self, parts: list[bytes]) -> None:
        if len(parts) == 2:  # a DEALER's one frame; anything else is nobody of ours
            self.sockets.router.send_multipart([parts[0], self._answer(parts[1])], zmq.DONTWAIT)

    def _drain(self) -> None:
        """Hears what has already been sent to us, for a bounded moment, and says for the last time how far we are."""
        until_ns = self._clock() + DRAIN_MS_MAX * NS_PER_MS
        waits = self.sockets.pull if self.sockets.pull is not None else self.sockets.sub
        waits.set(zmq.RCVTIMEO, QUIET_MS)
        while self._clock() < until_ns:
            self._take_sub()
            try:
                frame = waits.recv()
            except zmq.Again:
                break
            if frame != WAKE:
                self.desk.hear(frame)
        self.desk.look()
        self._beat(self._clock())


def has_come(socket: zmq.Socket[bytes]) -> bool:
    """Whether a message waits; much cheaper than a receive that finds none."""
    return bool(int(socket.get(zmq.EVENTS)) & POLLIN)
