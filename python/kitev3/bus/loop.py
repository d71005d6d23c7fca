"""The loop of one process: waits on one socket, hands messages to the desk, looks at the rest in between.

Three kinds, by what a service is:

- a *hearer* waits on its SUB;
- a *worker* waits on its PULL, and drains its SUB before each message and every 10 ms;
- one whose driver has an asyncio loop (marketdata, kitesim) lives in that, and looks at its sockets every 20 ms.

Waking a sleeping core costs more than all that a loop does with a message, so none spins and none waits on two things.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from kitev3.bus.sockets import WAKE, Sockets
from kitev3.desk import Desk
from kitev3.service import AsyncDriver

NS_PER_MS = 1_000_000
LOOK_MS = 20
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

    def stop(self) -> None:
        """Ends the loop after what has arrived; from a signal handler or any thread."""
        self._stopping = True

    def run(self) -> None:
        """Blocks until stopped; what a handler raises comes out of here."""
        if isinstance(self.desk.driver, AsyncDriver):
            asyncio.run(self._live(self.desk.driver))
        elif self.sockets.pull is not None:
            self._work(self.sockets.pull)
        else:
            self._listen()
        self._drain()

    # --- the three kinds ---

    def _listen(self) -> None:
        receive, hear, clock = self.sockets.sub.recv, self.desk.hear, self._clock
        self.sockets.sub.set(zmq.RCVTIMEO, LOOK_MS)
        while not self._stopping:
            try:
                frame = receive()
            except zmq.Again:
                pass
            else:
                if frame != WAKE:
                    hear(frame)
            if clock() >= self._look_ns:
                self._look()
            elif self.desk.waiting:
                self.desk.look()

    def _work(self, pull: zmq.Socket[bytes]) -> None:
        receive, hear, clock = pull.recv, self.desk.hear, self._clock
        pull.set(zmq.RCVTIMEO, self.pace.drain_ms)
        while not self._stopping:
            try:
                frame = receive()
            except zmq.Again:
                self._take_sub()
                self.desk.settle()
            else:
                self._take_sub()
                if frame != WAKE:
                    hear(frame)
            if clock() >= self._look_ns:
                self._look()
            elif self.desk.waiting:
                self.desk.look()

    async def _live(self, driver: AsyncDriver) -> None:
        running = asyncio.create_task(driver.run(self.desk))
        while not self._stopping and not running.done():
            self._take_sub()
            self._look()
            await asyncio.sleep(min(LOOK_MS * NS_PER_MS, max(self.desk.due_ns - self._clock(), NS_PER_MS)) / 1e9)
        if not running.done():
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    # --- in between ---

    def _take_sub(self) -> None:
        sub, hear = self.sockets.sub, self.desk.hear
        for _ in range(DRAIN_MAX):
            if not has_come(sub):
                return
            frame = sub.recv(zmq.DONTWAIT)
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
    return bool(int(socket.get(zmq.EVENTS)) & zmq.POLLIN)
