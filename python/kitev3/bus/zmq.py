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
        settings: Mapping[str, Any] = MappingProxyType({}),
        zmq_context: zmq.Context[Any] | None = None,
    ) -> None:
        super().__init__(name, context, pace=pace or Pace(), settings=settings)
        self._folder, self._senders, self._high_water, self._zmq = sockets, senders, high_water, zmq_context

    def connect(self, spec: ServiceSpec) -> ZmqTransport:
        return ZmqTransport(spec, self._senders, self._folder, high_water=self._high_water, context=self._zmq)
