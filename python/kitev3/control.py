"""Asking the services: requests on their ROUTER sockets, each answered within a bound or said to be unanswered.

A request is one msgpack map, sent by a DEALER as one frame; its answer is one frame with the same ``id``:

    {"id": 1, "do": "health"}                                                  -> Health
    {"id": 2, "do": "control", "topic": "control.start", "payload": [...], "by": "up"}   -> {"id": 2, "ok": true}
    a refusal                                                                  -> {"id": 2, "ok": false, "error": "..."}

A control request is answered when it is on the service's tape: from then on it survives the process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, TypeAlias

import msgspec
import zmq

from kitev3.contracts import TOPIC_OF, Arm, Clock, Kill, Start, Stop, TakePositions
from kitev3.system.runfolder import RunFolder

Command: TypeAlias = Clock | Start | Stop | Kill | Arm | TakePositions
State: TypeAlias = Literal["starting", "ready", "running", "draining", "stopped"]
ANSWER_MS_MAX = 1_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself."""

    id: int = 0
    name: str = ""
    pid: int = 0
    build: str = ""
    state: State = "starting"
    epoch: int = 0
    seq: int = 0  # said so far
    market_ns: int = 0  # market time; before the run's clock has come, where an earlier run had come to
    ready: bool = False
    missing: tuple[str, ...] = ()  # what it still waits for
    counters: dict[str, int] = {}  # heard, said, refused_messages, gaps_seen, gaps_filled, push_full
    watermarks: dict[str, int] = {}  # topic -> topic_seq of the last one said
    heard: dict[str, int] = {}  # topic -> topic_seq of the last one applied
    lag_ms: float = 0.0
    service: dict[str, Any] = {}  # what the handler's status() adds
    refused: str = ""  # the last event whose payload was not what its schema says, and why


class ControlAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a control request is on the service's tape."""

    id: int = 0
    ok: bool = True
    error: str = ""


class Control:
    """Sends requests to the services of one run folder. Not for several threads at once."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._context = zmq.Context()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        self._id = 0

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the sockets; what was not sent is dropped."""
        self._context.destroy(linger=0)

    def health(self, services: Iterable[str], wait_ms_max: int = ANSWER_MS_MAX) -> dict[str, Health]:
        """The health of those that answered in time."""
        answers = self.ask(services, {"do": "health"}, wait_ms_max)
        return {name: msgspec.msgpack.decode(answer, type=Health) for name, answer in answers.items()}

    def send(
        self, services: Iterable[str], command: Command, by: str, wait_ms_max: int = ANSWER_MS_MAX
    ) -> dict[str, str]:
        """Sends a command to all at once; service -> why, for those that refused it or did not answer in time."""
        names = tuple(services)
        request = {"do": "control", "topic": TOPIC_OF[type(command)], "payload": command, "by": by}
        answers = self.ask(names, request, wait_ms_max)
        failed = {}
        for name in names:
            if name not in answers:
                failed[name] = f"did not answer within {wait_ms_max} ms"
            elif not (answer := msgspec.msgpack.decode(answers[name], type=ControlAnswer)).ok:
                failed[name] = answer.error
        return failed

    def ask(self, services: Iterable[str], request: Mapping[str, Any], wait_ms_max: int) -> dict[str, bytes]:
        """Sends one request to each service and gathers the answers that come in time, undecoded."""
        self._id += 1
        frame = msgspec.msgpack.encode({"id": self._id, **request})
        poller = zmq.Poller()
        waiting: dict[Any, str] = {}
        for name in services:
            socket = self._socket(name)
            try:
                socket.send(frame, zmq.DONTWAIT)
            except zmq.Again:
                continue  # its queue is full of what it never took: it will not answer this one either
            poller.register(socket, zmq.POLLIN)
            waiting[socket] = name
        answers: dict[str, bytes] = {}
        until_ns = time.monotonic_ns() + wait_ms_max * 1_000_000
        while waiting and (left_ms := (until_ns - time.monotonic_ns()) // 1_000_000) >= 0:
            for socket, _ in poller.poll(max(left_ms, 1)):
                answer = socket.recv()
                heard = msgspec.msgpack.decode(answer, type=ControlAnswer)
                if heard.id == self._id:  # else: too late for an earlier one
                    answers[waiting.pop(socket)] = answer
                    poller.unregister(socket)
        for name in waiting.values():
            self._drop(name)
        return answers

    def _socket(self, name: str) -> zmq.Socket[bytes]:
        if name not in self._sockets:
            socket = self._context.socket(zmq.DEALER)
            socket.set(zmq.LINGER, 0)
            socket.set(zmq.RECONNECT_IVL, 20)  # a service that was not there yet is found within a blink
            socket.connect(self._folder.endpoint(name, "router"))
            self._sockets[name] = socket
        return self._sockets[name]

    def _drop(self, name: str) -> None:
        """A socket whose request went unanswered: what still lies in it must not reach a later process."""
        self._sockets.pop(name).close(linger=0)
