"""The sockets of one process: one PUB, one PULL if it takes work, one ROUTER, one SUB, a PUSH per worker.

ZeroMQ moves messages and promises little: a PUB drops at its high-water mark without a word, a killed PULL takes its
queue with it, an ipc address can be bound twice. What is promised is promised by numbers and tapes, not here.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
import zmq.backend.cython._zmq as compiled

from kitev3._core import PollLoop, Runtime, ZmqSockets
from kitev3.bus.topology import HEARTBEAT
from kitev3.bus.transport import PolledTransport
from kitev3.runtime.service import ServiceSpec

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


class ZmqTransport(PolledTransport):
    """Bound and connected by ``open``; all but ``wake`` belong to the thread that opened it.

    Args:
        folder: of the sockets, 0700.
        high_water: messages a socket holds before a PUB drops and a PUSH is left to the tape.
    """

    offers = frozenset({"publish", "work", "request"})

    def __init__(
        self,
        spec: ServiceSpec,
        running: Collection[str],
        folder: Path,
        *,
        high_water: int,
        context: zmq.Context[Any] | None = None,
    ) -> None:
        super().__init__(spec, running)
        self.folder = folder
        self._high_water = high_water
        self._context = context or zmq.Context()
        self._poller = zmq.Poller()
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
        for socket in (self.sub, self.router, self.pull):
            if socket is not None:
                self._poller.register(socket, zmq.POLLIN)
        self._sockets = ZmqSockets(
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
        self._sockets.send(frame, worker)

    def carry(self, runtime: Runtime) -> None:
        runtime.attach(self._sockets)

    def receiver(self, runtime: Runtime, watch: memoryview | None, answer_ms: int | None) -> PollLoop:
        return PollLoop(runtime, self._sockets, watch=watch, answer_ms=answer_ms)

    def set_wait(self, wait_ms: int) -> None:
        (self.pull or self.sub).set(zmq.RCVTIMEO, wait_ms)

    @property
    def has_come(self) -> bool:
        return has_come(self.sub) or has_come(self.router)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return int(self.sub.get(zmq.FD)), int(self.router.get(zmq.FD))

    def sleep(self, wait_ms: int, pipe: int) -> bool:
        self._poller.register(pipe, zmq.POLLIN)
        come = dict(self._poller.poll(wait_ms))
        come.pop(self.router, None)
        return bool(come)

    def serve(self, answer: Callable[[bytes], bytes], at_most: int) -> None:
        for _ in range(at_most):
            if not has_come(self.router):
                break
            parts = self.router.recv_multipart(zmq.DONTWAIT)
            if len(parts) == 2:  # a DEALER's one frame; anything else is nobody of ours
                self.router.send_multipart([parts[0], answer(parts[1])], zmq.DONTWAIT)

    @property
    def left_to_tape(self) -> int:
        return self._sockets.push_full

    def wake(self) -> None:
        with self._lock:
            if self._waker is not None and not self._waker.closed:
                self._waker.send(ZmqSockets.WAKE, zmq.DONTWAIT)

    def close(self) -> None:
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


def has_come(socket: zmq.Socket[bytes]) -> bool:
    """Whether a message waits; much cheaper than a receive that finds none."""
    return bool(int(socket.get(zmq.EVENTS)) & zmq.POLLIN)
