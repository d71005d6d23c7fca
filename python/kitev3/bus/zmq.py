"""The bus of one machine, for code that is no service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import zmq

from kitev3.bus.loop import Pace
from kitev3.bus.member import Member
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.runtime.service import Context, ServiceSpec

HIGH_WATER = 100_000


class ZmqEventBus(Member):
    """A member of a system of processes.

    Args:
        sockets: the folder of the system's sockets.
        answer_ms: how long a source may take that is asked for what is missing of it; None: its tape lies beside ours.
        senders: the services that run.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        sockets: Path,
        *,
        senders: Collection[str],
        pace: Pace | None = None,
        high_water: int = HIGH_WATER,
        answer_ms: int | None = None,
        settings: Mapping[str, Any] = MappingProxyType({}),
        zmq_context: zmq.Context[Any] | None = None,
    ) -> None:
        super().__init__(name, context, pace=pace or Pace(), settings=settings)
        self._folder, self._senders, self._zmq = sockets, senders, zmq_context
        self._high_water, self._answer_ms = high_water, answer_ms

    def connect(self, spec: ServiceSpec) -> ZmqTransport:
        return ZmqTransport(
            spec,
            self._senders,
            self._folder,
            self.context.run_dir / "tape" / self.name,
            high_water=self._high_water,
            answer_ms=self._answer_ms,
            context=self._zmq,
        )
