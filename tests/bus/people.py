"""Services for the bus's tests: a speaker under the name of marketdata, a relay as strategy, a worker, a listener.

They are real services in all but their work: the speaker says one numbered bar for each world.text it is given, the
relay a signal for each bar, the worker remembers signals, the listener everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitev3._core import Bar, BarBatch
from kitev3.contracts import FeedHealth, Signal, Text, heard_by
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, ServiceSpec

DAY = "2026-11-19"
START_NS = 1795059900_000_000_000  # 09:15 in India


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    enabled: bool = True


def context(run_dir: Path, mode: str = "sim") -> Context:
    return Context(
        profile="test", mode=mode, account="kitesim-KS0001", seed=1, run_dir=run_dir, session=DAY, start_ns=START_NS
    )


def bar(number: int) -> BarBatch:
    return BarBatch.of([Bar(256265, "1m", 0, 60, 10_000, 10_000, 10_000, 10_000, number, 0, 1)])[0]


def signal(event: Event) -> Signal:
    number = int(event.payload.volume[0])
    return Signal(
        "relay", "NSE", "NIFTY 50", 256265, "BUY", "enter", number, "LIMIT", 10_000, 0, "MIS", "DAY",
        1.0, 0, (), event.ts, "a bar", {},
    )  # fmt: skip


class Speaker(Handler):
    """Says a bar for a text that is a number, and its health for any other."""

    def __init__(self) -> None:
        self.said = 0
        super().__init__({"world.text": self.text})

    def text(self, event: Event) -> Iterable[Any]:
        if not event.payload.order_id.isdigit():
            return (FeedHealth("up", self.said, 0, 0, 0, 0, event.payload.order_id),)
        self.said += 1
        return (bar(int(event.payload.order_id)),)


class Listener(Handler):
    """Remembers what it heard, as (topic, source, seq, volume or quantity)."""

    def __init__(self, service: str = "journal") -> None:
        self.heard: list[tuple[str, str, int, int]] = []
        on_bus = (contract.topic for contract in heard_by(service) if contract.delivery in ("pub", "work"))
        super().__init__(dict.fromkeys(on_bus, self.hear))

    def hear(self, event: Event) -> Iterable[Any]:
        is_bar = isinstance(event.payload, BarBatch)
        number = int(event.payload.volume[0]) if is_bar else getattr(event.payload, "quantity", 0)
        self.heard.append((event.type, event.source, event.seq, number))
        return ()


class Relay(Listener):
    def __init__(self) -> None:
        super().__init__("strategy")

    def hear(self, event: Event) -> Iterable[Any]:
        super().hear(event)
        return (signal(event),) if event.type == "marketdata.ohlc" else ()


def made(kind: Callable[..., Handler], *words: Any) -> Callable[[Context, Any], Handler]:
    """A service's handler that needs neither context nor settings."""
    return lambda context, config: kind(*words)


SPEAKER = ServiceSpec(name="marketdata", config=NoConfig, handler=made(Speaker))
RELAY = ServiceSpec(name="strategy", config=NoConfig, handler=made(Relay))
WORKER = ServiceSpec(name="risk_portfolio", config=NoConfig, handler=made(Listener, "risk_portfolio"))
LISTENER = ServiceSpec(name="journal", config=NoConfig, handler=made(Listener), complete=True)


def text(number: int) -> Text:
    return Text(str(number))
