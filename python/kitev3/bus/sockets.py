"""The sockets of one process: one PUB, one PULL if it takes work, one ROUTER, one SUB, a PUSH per worker.

ZeroMQ moves messages and promises little: a PUB drops at its high-water mark without a word, a killed PULL takes its
queue with it, an ipc address can be bound twice. What is promised is promised by numbers and tapes, not here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import zmq
import zmq.backend

from kitev3.bus.topology import HEARTBEAT, Lane

MESSAGE_BYTES_MAX = 2 << 20  # a tick batch at its largest, and its header
REQUEST_BYTES_MAX = 1 << 20
RECONNECT_MS = 20
LINGER_MS = 300
WAKE = b"bus.wake\0"
_INPROC = "inproc://wake"
DONTWAIT = int(zmq.DONTWAIT)  # as flags of an enum these cost a microsecond at each use
EVENTS = int(zmq.EVENTS)
POLLIN = int(zmq.POLLIN)

Deed: TypeAlias = Callable[..., Any]


def bare(socket: zmq.Socket[bytes], name: str) -> Deed:
    """A method of a socket without the layer in Python above it, which costs more than a message does."""
    deed: Deed = getattr(zmq.backend.Socket, name).__get__(socket)
    return deed


class Sockets:
    """Bound and connected by ``open``; all but ``wake`` belong to the thread that opened them.

    Args:
        folder: of the sockets, 0700.
        lanes: how this service takes each of its sources; those not in *senders* do not run.
        workers: the services that take work from this one.
        high_water: messages a socket holds before a PUB drops and a PUSH is left to the tape.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        lanes: Sequence[Lane],
        senders: Collection[str],
        workers: Sequence[str],
        takes_work: bool,
        high_water: int,
        context: zmq.Context[Any] | None = None,
    ) -> None:
        self.folder, self.name = folder, name
        self.lanes = [lane for lane in lanes if lane.source in senders]
        self.workers, self.takes_work = workers, takes_work
        self.push_full = 0
        self._high_water = high_water
        self._context = context or zmq.Context()
        self._lock = threading.Lock()
        self._send_to: dict[str | None, Deed] = {}  # by worker, of those that run
        self._waker: zmq.Socket[bytes] | None = None

    def open(self) -> None:
        """Binds and connects. Files of sockets that a killed process left are taken over: the tape's lock is ours."""
        umask = os.umask(0o077)
        try:
            self.pub = self._socket(zmq.PUB)
            self._bind(self.pub, "pub")
            self.router = self._socket(zmq.ROUTER)
            self.router.set(zmq.MAXMSGSIZE, REQUEST_BYTES_MAX)
            self._bind(self.router, "router")
            self.pull = self._socket(zmq.PULL) if self.takes_work else None
            if self.pull is not None:
                self._bind(self.pull, "pull")
        finally:
            os.umask(umask)
        self.sub = self._socket(zmq.SUB)
        for lane in self.lanes:
            for topic in (*lane.received, HEARTBEAT):
                self.sub.subscribe(topic.encode() + b"\0")
            self.sub.connect(self.endpoint(lane.source, "pub"))
        for worker in self.workers:
            push = self._socket(zmq.PUSH)
            push.set(zmq.IMMEDIATE, 1)  # else messages queue for a connection that is not there
            push.connect(self.endpoint(worker, "pull"))
            self._send_to[worker] = bare(push, "send")
        self._say = bare(self.pub, "send")
        self._open_wake()

    def endpoint(self, name: str, kind: str) -> str:
        return f"ipc://{self.folder / name}.{kind}"

    def send(self, frame: bytes, worker: str | None) -> None:
        """Work to its worker, who comes first since others only look on; then to all.

        If the worker is away, or its queue full, it will find it on the tape.
        """
        if worker in self._send_to:
            try:
                self._send_to[worker](frame, DONTWAIT)
            except zmq.Again:
                self.push_full += 1
        self._say(frame, DONTWAIT)

    def wake(self) -> None:
        """Ends the loop's wait, from any thread."""
        with self._lock:
            if self._waker is not None and not self._waker.closed:
                self._waker.send(WAKE, zmq.DONTWAIT)

    def close(self) -> None:
        """Sends what is queued, for a moment, then closes all."""
        with self._lock:
            self._context.destroy(linger=LINGER_MS)
        for kind in ("pub", "pull", "router"):
            with suppress(FileNotFoundError):
                (self.folder / f"{self.name}.{kind}").unlink()

    def _open_wake(self) -> None:
        """A socket of our own into the one that the loop waits on."""
        if self.pull is not None:
            self.pull.bind(_INPROC)
            self._waker = self._socket(zmq.PUSH)
            self._waker.connect(_INPROC)
        else:
            self._waker = self._socket(zmq.PUB)
            self._waker.bind(_INPROC)
            self.sub.subscribe(WAKE)
            self.sub.connect(_INPROC)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.set(zmq.LINGER, LINGER_MS)
        socket.set(zmq.SNDHWM, self._high_water)
        socket.set(zmq.RCVHWM, self._high_water)
        socket.set(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        return socket

    def _bind(self, socket: zmq.Socket[bytes], kind: str) -> None:
        socket.bind(self.endpoint(self.name, kind))
