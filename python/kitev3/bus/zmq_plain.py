"""The sockets of one process through pyzmq alone: where libzmq's functions cannot be had by address.

What the core does in ``ZmqSockets`` and ``PollLoop``, message by message and slower; nothing else is different.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import zmq

from kitev3._core import ZmqSockets

if TYPE_CHECKING:
    from kitev3._core import Runtime
    from kitev3.runtime.runner import Said

DRAIN_MAX = 1_000


class PlainSockets:
    """Sends.

    Args:
        workers: PUSH sockets, by the service at their other end.
    """

    def __init__(self, publisher: zmq.Socket[bytes], workers: Mapping[str, zmq.Socket[bytes]]) -> None:
        self._publisher, self._workers = publisher, workers
        self.push_full = 0

    def send(self, frames: list[bytes], worker: str | None) -> None:
        if (push := self._workers.get(worker or "")) is not None:
            for frame in frames:
                try:
                    push.send(frame, zmq.DONTWAIT)
                except zmq.Again:
                    self.push_full += 1
        for frame in frames:
            self._publisher.send(frame, zmq.DONTWAIT)


class PlainReceiver:
    """Hears for one runtime; see ``kitev3.bus.transport.Receiver``."""

    def __init__(
        self,
        runtime: Runtime,
        sub: zmq.Socket[bytes],
        pull: zmq.Socket[bytes] | None,
        router: zmq.Socket[bytes],
        watch: memoryview | None,
    ) -> None:
        self._runtime, self._sub, self._pull, self._router, self._watch = runtime, sub, pull, router, watch
        self._poller = zmq.Poller()
        for socket in (sub, router, pull):
            if socket is not None:
                self._poller.register(socket, zmq.POLLIN)
        self._seen = b""
        self._held: bytes | None = None

    def receive(self, until_ns: int) -> tuple[bool, Said | None]:
        if self._held is None:
            try:
                frame = (self._pull or self._sub).recv()
            except zmq.Again:
                return False, None
            if frame == ZmqSockets.WAKE:
                return True, None
            self._held = frame
        if self._pull is not None and (ended := self.drain())[0]:
            return ended
        if self._has_seen():
            return True, None
        frame, self._held = self._held, None
        return True, self._runtime.hear(frame, time.monotonic_ns())

    def drain(self) -> tuple[bool, Said | None]:
        is_woken = False
        for _ in range(DRAIN_MAX):
            if self._has_seen():
                return True, None
            try:
                frame = self._sub.recv(zmq.DONTWAIT)
            except zmq.Again:
                break
            if frame == ZmqSockets.WAKE:
                is_woken = True
            elif (said := self._runtime.hear(frame, time.monotonic_ns())) is not None:
                return True, said
        return is_woken, None

    def sleep(self, wait_ms: int, pipe: int) -> tuple[bool, Said | None]:
        self._poller.register(pipe, zmq.POLLIN)
        come = dict(self._poller.poll(wait_ms))
        if come.pop(self._router, None) or not come:
            return False, None
        _, said = self.drain()
        return True, said

    def _has_seen(self) -> bool:
        """Whether the watched bytes are others than when this was last asked."""
        if self._watch is None or (now := bytes(self._watch)) == self._seen:
            return False
        self._seen = now
        return True
