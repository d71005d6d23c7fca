"""The sockets of one process: one PUB, one PULL if it takes work, one ROUTER, one SUB, a PUSH per worker.

ZeroMQ moves messages and promises little: a PUB drops at its high-water mark without a word, a killed PULL takes its
queue with it, an ipc address can be bound twice. What is promised is promised by numbers and tapes, not here.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
import zmq.backend.cython._zmq as compiled

from kitev3._core import Runtime, ZmqSockets
from kitev3.bus.topology import HEARTBEAT, SourceLink

MESSAGE_BYTES_MAX = 2 << 20  # a tick batch at its largest, and its header
REQUEST_BYTES_MAX = 1 << 20
RECONNECT_MS = 20
LINGER_MS = 300
_INPROC = "inproc://wake"
_FUNCTIONS = ("errno", "getsockopt", "msg_close", "msg_data", "msg_init", "msg_recv", "msg_size", "poll", "send")


def libzmq() -> dict[str, int]:
    """The addresses of libzmq's functions that a ``ZmqSockets`` calls: of the one library that pyzmq has loaded."""
    library = ctypes.CDLL(compiled.__file__)
    return {name: ctypes.cast(library[f"zmq_{name}"], ctypes.c_void_p).value or 0 for name in _FUNCTIONS}


class Sockets:
    """Bound and connected by ``open``; all but ``wake`` belong to the thread that opened them.

    Args:
        folder: of the sockets, 0700.
        links: how this service takes each of its sources; those not in *senders* do not run.
        workers: the services that take work from this one.
        high_water: messages a socket holds before a PUB drops and a PUSH is left to the tape.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        links: Sequence[SourceLink],
        senders: Collection[str],
        workers: Sequence[str],
        takes_work: bool,
        high_water: int,
        context: zmq.Context[Any] | None = None,
    ) -> None:
        self.folder, self.name = folder, name
        self.links = [link for link in links if link.source in senders]
        self.workers, self.takes_work = workers, takes_work
        self._high_water = high_water
        self._context = context or zmq.Context()
        self._lock = threading.Lock()
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
        for link in self.links:
            for topic in (*link.received, HEARTBEAT):
                self.sub.subscribe(topic.encode() + b"\0")
            self.sub.connect(self.endpoint(link.source, "pub"))
        pushes = []
        for worker in self.workers:
            push = self._socket(zmq.PUSH)
            push.set(zmq.IMMEDIATE, 1)  # else messages queue for a connection that is not there
            push.connect(self.endpoint(worker, "pull"))
            pushes.append((worker, push))
        self._open_wake()
        self._pushes = [push for _, push in pushes]  # a socket that nobody holds is closed
        self.wire = ZmqSockets(
            libzmq(),
            sub=int(self.sub.underlying),
            pull=int(self.pull.underlying) if self.pull is not None else None,
            publisher=int(self.pub.underlying),
            workers=[(worker, int(push.underlying)) for worker, push in pushes],
        )

    def endpoint(self, name: str, kind: str) -> str:
        return f"ipc://{self.folder / name}.{kind}"

    def send(self, frame: bytes, worker: str | None) -> None:
        """Work to its worker, who comes first since others only look on; then to all.

        If the worker is away, or its queue full, it will find it on the tape.
        """
        self.wire.send(frame, worker)

    def carry(self, runtime: Runtime) -> None:
        """Has *runtime* send by itself what it says."""
        runtime.attach(self.wire)

    @property
    def push_full(self) -> int:
        """Messages that a worker could not be given."""
        return self.wire.push_full

    def wake(self) -> None:
        """Ends the loop's wait, from any thread."""
        with self._lock:
            if self._waker is not None and not self._waker.closed:
                self._waker.send(ZmqSockets.WAKE, zmq.DONTWAIT)

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
            self.sub.subscribe(ZmqSockets.WAKE)
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
