"""The sockets of one process: one PUB, one PULL if it takes work, one ROUTER, one SUB, a PUSH per worker.

ZeroMQ moves messages and promises little: a PUB drops at its high-water mark without a word, a killed PULL takes its
queue with it, an ipc address can be bound twice. What is promised is promised by numbers and tapes, not here.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
import zmq.backend.cython._zmq as compiled

from kitev3._core import PollLoop, Runtime, ZmqSockets, tape_range
from kitev3.bus.topology import HEARTBEAT
from kitev3.bus.transport import PolledTransport, Receiver
from kitev3.bus.zmq_plain import PlainReceiver, PlainSockets
from kitev3.runtime.service import ServiceSpec

log = logging.getLogger(__name__)

MESSAGE_BYTES_MAX = 2 << 20  # a tick batch at its largest, and its header
REQUEST_BYTES_MAX = 1 << 20
RECONNECT_MS = 20
CONNECT_MS = 100  # a source that is there is connected within a blink
LINGER_MS = 300
LIBZMQ = 4  # the version whose interface is called by address
_INPROC = "inproc://wake"
_FUNCTIONS = ("errno", "msg_close", "msg_data", "msg_init", "msg_recv", "msg_size", "send")


def libzmq() -> dict[str, int]:
    """The addresses of libzmq's functions that a ``ZmqSockets`` calls: of the one library that pyzmq has loaded.

    Empty where they cannot be had: pyzmq links it in another way, or it is of another version.
    """
    if zmq.zmq_version_info()[0] != LIBZMQ:
        return {}
    try:
        library = ctypes.CDLL(compiled.__file__)
        return {name: ctypes.cast(library[f"zmq_{name}"], ctypes.c_void_p).value or 0 for name in _FUNCTIONS}
    except (AttributeError, OSError):
        return {}


class ZmqTransport(PolledTransport):
    """Bound and connected by ``open``; all but ``wake`` belong to the thread that opened it.

    Args:
        folder: of the sockets, 0700.
        tape: the folder of the own tape, of which others may ask for a range.
        answer_ms: how long a source that is asked for a range may take; None: nobody is asked, files are read.
        high_water: messages a socket holds before a PUB drops and a PUSH is left to the tape.
    """

    offers = frozenset({"publish", "work", "request"})

    def __init__(
        self,
        spec: ServiceSpec,
        running: Collection[str],
        folder: Path,
        tape: Path,
        *,
        high_water: int,
        answer_ms: int | None = None,
        context: zmq.Context[Any] | None = None,
    ) -> None:
        super().__init__(spec, running)
        self.folder = folder
        self.ask = None if answer_ms is None else self._ask
        self._tape, self._answer_ms = str(tape), answer_ms or 0
        self._asked: dict[str, zmq.Socket[bytes]] = {}
        self._served: list[zmq.Socket[bytes]] = []  # the ROUTER, once it is bound
        self._requests: deque[list[bytes]] = deque()
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
            self._served = [self.router]
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
        functions = libzmq()
        if not functions:
            log.warning("libzmq's functions have no addresses: messages go through Python, which is slower")
            self._sockets: ZmqSockets | PlainSockets = PlainSockets(self.pub, dict(pushes))
            return
        self._sockets = ZmqSockets(
            functions,
            sub=_waited(self.sub),
            pull=_waited(self.pull) if self.pull is not None else None,
            router_fd=int(self.router.get(zmq.FD)),
            publisher=int(self.pub.underlying),
            workers=[(worker, int(push.underlying)) for worker, push in pushes],
        )

    def endpoint(self, name: str, kind: str) -> str:
        return f"ipc://{self.folder / name}.{kind}"

    def send(self, frame: bytes, worker: str | None) -> None:
        """Work to its worker, who comes first since others only look on; then to all.

        If the worker is away, or its queue full, it will find it on the tape.
        """
        self._sockets.send([frame], worker)

    def carry(self, runtime: Runtime) -> None:
        if isinstance(self._sockets, ZmqSockets):
            runtime.attach(self._sockets)

    def receiver(self, runtime: Runtime, watch: memoryview | None, answer_ms: int | None) -> Receiver:
        if isinstance(self._sockets, PlainSockets):
            return PlainReceiver(runtime, self.sub, self.pull, self.router, watch)
        return PollLoop(runtime, self._sockets, watch=watch, answer_ms=answer_ms)

    def set_wait(self, wait_ms: int) -> None:
        (self.pull or self.sub).set(zmq.RCVTIMEO, wait_ms)

    @property
    def has_come(self) -> bool:
        return self.is_asked or has_come(self.sub)

    @property
    def is_asked(self) -> bool:
        return bool(self._requests) or has_come(self.router)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return int(self.sub.get(zmq.FD)), int(self.router.get(zmq.FD))

    def serve(self, answer: Callable[[bytes], bytes], at_most: int) -> None:
        for _ in range(at_most):
            if has_come(self.router):
                self._take_request()
            elif not self._requests:
                break
            if self._requests:
                asker, request = self._requests.popleft()
                self.router.send_multipart([asker, answer(request)], zmq.DONTWAIT)

    def _take_request(self) -> None:
        """Keeps a request for ``serve``. One for a range of the tape is answered at once: that takes no more than the
        file, and who asks may be whom we ask at this moment."""
        match self.router.recv_multipart(zmq.DONTWAIT):
            case [asker, request]:
                self._requests.append([asker, request])
            case [asker, b"range", request]:
                self.router.send_multipart([asker, tape_range(self._tape, request)], zmq.DONTWAIT)
            case _:
                pass  # nobody of ours

    def _ask(self, source: str, request: bytes) -> bytes | None:
        socket = self._asked.get(source)
        if socket is None:
            socket = self._asked[source] = self._socket(zmq.DEALER)
            socket.set(zmq.IMMEDIATE, 1)
            socket.set(zmq.MAXMSGSIZE, 2 * MESSAGE_BYTES_MAX)  # an answer may end with a message at its largest
            socket.connect(self.endpoint(source, "router"))
        if socket.poll(CONNECT_MS, zmq.POLLOUT):
            socket.send_multipart([b"range", request], zmq.DONTWAIT)
            poller = zmq.Poller()
            for one in (socket, *self._served):
                poller.register(one, zmq.POLLIN)
            until_ns = time.monotonic_ns() + self._answer_ms * 1_000_000
            while (left_ms := (until_ns - time.monotonic_ns()) // 1_000_000) > 0:
                come = dict(poller.poll(left_ms))
                if socket in come:
                    return socket.recv()
                if come:
                    self._take_request()
        self._asked.pop(source).close(linger=0)  # an answer that comes late is nobody's
        return None

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


def _waited(socket: zmq.Socket[bytes]) -> tuple[int, int]:
    """Address and descriptor."""
    return int(socket.underlying), int(socket.get(zmq.FD))


def has_come(socket: zmq.Socket[bytes]) -> bool:
    """Whether a message waits; much cheaper than a receive that finds none."""
    return bool(int(socket.get(zmq.EVENTS)) & zmq.POLLIN)
