"""The bus of one machine, for code that is no service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import zmq

from kitev3.bus.loop import LoopTiming
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
        timing: LoopTiming | None = None,
        high_water: int = HIGH_WATER,
        answer_ms: int | None = None,
        settings: Mapping[str, Any] = MappingProxyType({}),
        zmq_context: zmq.Context[Any] | None = None,
    ) -> None:
        def connect(spec: ServiceSpec) -> ZmqTransport:
            tape = context.run_dir / "tape" / name
            return ZmqTransport(
                spec, senders, sockets, tape, high_water=high_water, answer_ms=answer_ms, context=zmq_context
            )

        super().__init__(name, context, connect, timing=timing or LoopTiming(), settings=settings)
