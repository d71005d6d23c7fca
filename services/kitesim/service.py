"""kitesim as a service: control moves its market, its tape holds what it accepted, so that it comes back from a crash
with its orders and positions. The exchange itself is the driver's; see `driver`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from kitev3.contracts import Accepted, Clock, MarketRun, Origin, Request
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.services.kitesim.config import KitesimConfig

State: TypeAlias = Literal["waiting", "running", "stopped"]
NOTHING: tuple[Payload, ...] = ()


class _Kept(msgspec.Struct, array_like=True):
    state: State
    clock: Clock | None
    requests: list[Request]
    origin: Origin | None = None


class MarketHours(Handler):
    """Whether the market runs, by which clock, and what the exchange has accepted so far."""

    def __init__(self) -> None:
        self.kept = _Kept("waiting", None, [])
        super().__init__(
            {
                "control.clock": self.clock,
                "control.start": self.start,
                "control.stop": self.stop,
                "world.exchange": self.exchange,
                "world.request": self.request,
                "world.epoch": self.epoch,
            }
        )

    def clock(self, event: Event) -> Iterable[Payload]:
        """Another clock moves a market that runs, at once."""
        self.kept.clock = event.payload
        return (self.market(),) if self.kept.state == "running" else NOTHING

    def start(self, event: Event) -> Iterable[Payload]:
        """The market opens; without a clock it cannot."""
        if self.kept.clock is None:
            return NOTHING
        self.kept.state = "running"
        return (self.market(),)

    def stop(self, event: Event) -> Iterable[Payload]:
        """The market stands; what is asked of the exchange is still answered."""
        self.kept.state = "stopped"
        return (self.market(),)

    def exchange(self, event: Event) -> Iterable[Payload]:
        """The first is the one that all requests are asked of: the driver goes on with no other."""
        if self.kept.origin is not None:
            return NOTHING
        self.kept.origin = event.payload
        return (self.market(),)

    def request(self, event: Event) -> Iterable[Payload]:
        """One write more that was accepted."""
        self.kept.requests.append(event.payload)
        return (Accepted(event.payload),)

    def epoch(self, event: Event) -> Iterable[Payload]:
        """The driver's exchange is a new one and must be told everything. It goes on where it was after a crash; a new
        run has a clock of its own, and until that comes the market waits.
        """
        if event.payload.begins_run:
            self.kept.state, self.kept.clock = "waiting", None
        if self.kept.origin is None:
            return NOTHING
        return (self.market(tuple(self.kept.requests)),)

    def market(self, requests: tuple[Request, ...] = ()) -> MarketRun:
        """What the driver is to do."""
        clock = self.kept.clock or Clock(0, 0, 0)
        return MarketRun(self.kept.state, clock.t0_ns, clock.m0_ns, clock.speed_e3, requests, self.kept.origin)

    def snapshot(self) -> bytes:
        """For the tape."""
        return msgspec.msgpack.encode(self.kept)

    def restore(self, snapshot: bytes) -> None:
        """From the tape."""
        self.kept = msgspec.msgpack.decode(snapshot, type=_Kept)

    def rebuild(self, event: Event) -> None:
        """From what another build said: the exchange is a function of the requests and the clock."""
        said = event.payload
        if isinstance(said, Accepted):
            self.kept.requests.append(said.request)
        else:
            clock = Clock(said.t0_ns, said.m0_ns, said.speed_e3)
            self.kept.state, self.kept.clock = said.state, clock if said.speed_e3 else None
            self.kept.origin = said.origin

    def status(self) -> dict[str, Any]:
        """For the health answer; the driver adds the rest."""
        return {"market": self.kept.state, "accepted": len(self.kept.requests)}


def _handler(context: Context, config: KitesimConfig) -> MarketHours:
    return MarketHours()


def _driver(context: Context, config: KitesimConfig) -> Driver:
    from kitev3.services.kitesim.driver import ExchangeDriver  # the server is loaded by the process that serves

    return ExchangeDriver(context, config)


def _alone(arguments: Sequence[str]) -> int:
    from kitev3.services.kitesim.standalone import main

    return main(arguments)


SERVICE = ServiceSpec(
    name="kitesim",
    config=KitesimConfig,
    handler=_handler,
    driver=_driver,
    alone=_alone,
    rank=0,
    is_market=True,
    order_path=False,
)
