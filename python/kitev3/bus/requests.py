"""What a process answers on its ROUTER: health and control. msgpack maps both ways, the ``id`` returned.

{"id": 1, "do": "health"}
{"id": 2, "do": "control", "topic": "control.start", "payload": [...], "by": "up"}    answered when it is taped

A request comes from outside like anything else: one that makes no sense is answered so, and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from kitev3.contracts import BY_TOPIC, WORDS_MAX, Kill, Start
from kitev3.runtime.clock import machine_ns
from kitev3.runtime.runner import Runner
from kitev3.runtime.setup import decoder

if TYPE_CHECKING:
    from kitev3.control import State

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading bytes raises that are not what they should be; ValueError: text that is no UTF-8."""


class ServiceRequest(msgspec.Struct, kw_only=True):
    """Any request; which fields count depends on what it asks for."""

    do: str
    id: int = 0
    topic: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"\xc0")
    by: str = ""


class Requests:
    """Answers for one runner.

    Args:
        missing: what the process still waits for before it is ready.
        build: of the library, so that two processes can be told to be of one.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        missing: Callable[[], tuple[str, ...]],
        build: str = "",
        more_counters: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self.runner = runner
        self._missing, self._more_counters, self._build = missing, more_counters, build
        self._decode = msgspec.msgpack.Decoder(ServiceRequest).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def answer(self, request: bytes) -> bytes:
        """Never raises for what somebody asks wrongly; a handler's error in a control goes its way."""
        try:
            asked = self._decode(request)
        except UNREADABLE as error:
            return self._encode({"id": 0, "ok": False, "error": f"not a request: {error}"})
        deeds = {"health": self.health, "control": self.control}
        if asked.do not in deeds:
            return self._encode({"id": asked.id, "ok": False, "error": f"{asked.do!r} is none of {', '.join(deeds)}"})
        return self._encode({"id": asked.id, **deeds[asked.do](asked)})

    def state(self) -> State:
        """Where the process stands."""
        match self.runner.runtime.phase:
            case 0:
                return "starting" if self._missing() else "ready"
            case 1:
                return "running"
            case _:
                return "stopped" if self.runner.drained else "draining"

    def health(self, asked: ServiceRequest) -> dict[str, Any]:
        runtime = self.runner.runtime
        missing = self._missing()
        return {
            "name": self.runner.name,
            "pid": os.getpid(),
            "build": self._build,
            "state": self.state(),
            "epoch": runtime.epoch,
            "seq": runtime.seq,
            "market_ns": runtime.market_ns(machine_ns()),
            "ready": not missing,
            "missing": missing,
            "counters": {**runtime.counters, **self._more_counters()},
            "watermarks": runtime.watermarks,
            "heard": runtime.heard,
            "lag_ms": runtime.lag_ms,
            "service": self.runner.status(),
            "refused": runtime.last_refused,
        }

    def control(self, asked: ServiceRequest) -> dict[str, Any]:
        if asked.topic not in self.runner.spec.hears or not asked.topic.startswith("control."):
            return {"ok": False, "error": f"{self.runner.name} does not hear {asked.topic!r}"}
        try:
            payload = decoder(BY_TOPIC[asked.topic].payload)(bytes(asked.payload))
        except UNREADABLE as error:
            return {"ok": False, "error": f"{asked.topic}: {error}"}
        if isinstance(payload, Start) and payload.session != self.runner.session:
            own, other = self.runner.session, payload.session[:WORDS_MAX]
            return {"ok": False, "error": f"control.start: this is a process of {own}, not of {other!r}"}
        if isinstance(payload, Kill):  # never refused for the length of its words
            payload = Kill(payload.reason[:WORDS_MAX], (payload.by or asked.by)[:WORDS_MAX])
        self.runner.control(payload)
        if asked.topic in ("control.kill", "control.arm"):
            self.runner.sync()  # these two must outlive the machine's power
        return {"ok": True}
