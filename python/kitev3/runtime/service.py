"""What a service is made of. The process around it, live or stepped, is not its business.

A service is a *handler*: one event in, any number of payloads out. It keeps its state in itself and touches nothing
else, so the same events give the same payloads, live, on replay and in a backtest. What it wants done to the world it
says as an event; its *driver*, if it has one, does it after the event is on the tape, and puts the world's answer back
as another event.

``services/<name>/service.py`` ends with ``SERVICE = ServiceSpec(name=..., config=..., handler=..., ...)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kitev3.contracts import BY_TOPIC, heard_by, said_by
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.runtime.handler import AnyHandler, Handler
from kitev3.system.figure import Figure

if TYPE_CHECKING:
    from kitev3.bus import EventBus
    from kitev3.system.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a service finds itself: the same for all services of a profile, and nothing that changes while it runs."""

    profile: str
    mode: str  # live, paper, sim, backtest
    account: str  # <broker>-<user id>
    seed: int
    run_dir: Path
    session: str  # market date YYYY-MM-DD
    start_ns: int  # market time at which the clock stands until control.clock has been heard
    settings: Profile | None = None  # the profile whole, for what is not the service's own table
    approval_key: bytes = field(default=b"", repr=False)  # handed over by the supervisor

    def whole(self) -> Profile:
        """The profile; ConfigError where there is none."""
        if self.settings is None:
            raise ConfigError(f"{self.profile} has no settings: this service needs a profile")
        return self.settings


class World(ABC):
    """How what happened in the world becomes an event."""

    @abstractmethod
    def put(self, payload: Any) -> None:
        """Brings a ``world.*`` payload into the loop: taped as EXT with its machine time, then handed to the handler.

        From any thread. Within the loop's own thread it is done at once, or right after the event in hand.
        """

    @abstractmethod
    def sync(self) -> None:
        """Waits until all that is on the tape by now is on the disk. From any thread but the loop's."""

    @abstractmethod
    def mono_ns(self) -> int:
        """Machine time; virtual on the stepped bus."""

    def fail(self, error: BaseException) -> None:
        """A thread of the driver's has died: its error comes out of the loop and ends the process. From any thread."""
        raise error


class Driver:
    """Does to the world what the handler says. Owns sockets, threads and clients; decides nothing."""

    topics: frozenset[str] = frozenset()
    """The topics of which ``said`` wants to hear."""

    def open(self, world: World) -> None:
        """Called once, when the tape has been read and the sockets are bound."""

    def said(self, event: Event) -> None:
        """The handler said this and it is on the tape. Must not block; its outcome comes back through ``world.put``.

        Not called for what recovery had to append: nobody knows how much of it was done before the crash, and the
        handler hears ``world.epoch`` to settle that.
        """

    @property
    def drained(self) -> bool:
        """Whether it has finished what ``control.stop`` asks of it."""
        return True

    def status(self) -> Mapping[str, Any]:
        """Plain data for the process's health, beside the handler's: what is of this life and no replay repeats."""
        return {}

    def close(self) -> None:
        """Called once, at the end, after a drain; must return within a second."""


class AsyncDriver(Driver):
    """A driver with an asyncio loop of its own; the process then lives inside that loop."""

    async def run(self, world: World) -> None:
        """Runs until it is cancelled. ``world.put`` from this loop tapes, dispatches and sends before it returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Market data that a service needs: bars of a period, of the instruments whose ``EXCHANGE:SYMBOL`` matches."""

    where: str  # who asks, as an error names it: ``[strategy] run 'cross'``
    instruments: tuple[str, ...]
    bars: str = ""  # a period; empty: ticks are enough


class Watch(Protocol):
    """Looked at before each message."""

    @property
    def word(self) -> memoryview:
        """Some bytes that others write, compared before each message: while they stay as they are nothing is seen."""

    def __call__(self) -> Any:
        """A ``world.*`` payload to be heard first, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A service, as ``kitev3-proc``, the stepped bus, replay and backtest hang it up."""

    name: str
    handler: Callable[[Context, Any], AnyHandler]
    config: type[Any]
    driver: Callable[[Context, Any], Driver] | None = None
    timers: Mapping[str, int] | Callable[[Any], Mapping[str, int]] = field(default_factory=dict)
    """name -> machine time between two, ns: arrives as ``world.timer`` of that name."""
    watch: Callable[[Context, Any], Watch] | None = None
    only: tuple[str, ...] | None = None
    """The topics that it hears, when those are not what the contracts say: for code that is no service."""
    complete: bool = False
    """Whether it needs every message of the day, however late it comes and whatever the contracts say: the journal."""
    hears_own: bool = False
    """Whether it also hears what it says itself, of those topics."""
    asks: Callable[[Any], Iterable[Asked]] = lambda config: ()
    """What it needs of marketdata: so that what is declared once, here, is subscribed and built there."""
    rank: int = 2
    """How far from the market it stands: 0 is the market, 1 hears it, and so on along the stream. A system stops in
    this order, so that each still hears what the one before it had to say, and starts in the opposite one."""
    is_market: bool = False
    """Whether it is the world to the others: it has the access token and the exchange's address, its last words go by
    no bus, and its process ends last."""
    order_path: bool = True
    """Whether no order may leave without it: while it is silent the account is halted."""
    notes: Callable[[Mapping[str, Any]], Iterable[str]] = lambda status: ()
    """What a person may want to know of it, in words, from what it says of itself; empty words are nothing."""
    alarms: Callable[[Mapping[str, Any]], Iterable[str]] = lambda status: ()
    """What a person must hear of at once, likewise: one line each, the same words as long as it is the same trouble."""
    figures: tuple[Figure, ...] = ()
    """What a session of it comes to."""
    code: Callable[[Any], Iterable[Path]] = lambda config: ()
    """The files of others whose code it runs: when one has changed nothing is executed again."""
    asked: Callable[[Path], str] = lambda run_dir: ""
    """Whose code it was running when its last process died, as its run folder says: one that ends the process a second
    time has to be left out by the service itself."""
    alone: Callable[[Sequence[str]], int] | None = None
    """Runs it outside a system, on arguments of its own; the exit code. For a service that is of use by itself:
    ``kitev3-proc NAME`` does so unless it is given a profile or a run folder."""

    @property
    def hears(self) -> tuple[str, ...]:
        return tuple(contract.topic for contract in heard_by(self.name)) if self.only is None else self.only

    @property
    def says(self) -> tuple[str, ...]:
        return tuple(contract.topic for contract in said_by(self.name))

    def timers_of(self, config: Any) -> Mapping[str, int]:
        return self.timers(config) if callable(self.timers) else self.timers


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """What a service needs to hang on a bus."""

    name: str
    enabled: bool = True


class ServiceBase:
    """Hangs a handler on a bus and gives it its life cycle: subscribe, run until stopped, release."""

    def __init__(self, event_bus: EventBus, config: ServiceConfig, handler: Handler) -> None:
        self.event_bus = event_bus
        self.config = config
        self.handler = handler

    def subscribe(self) -> None:
        """Subscribes the handler to its topics that are on the bus."""
        topics = [topic for topic in self.handler.topics if BY_TOPIC[topic].delivery in ("pub", "work")]
        self.event_bus.subscribe(topics, self.handler, name=self.config.name)

    def run_forever(self) -> None:
        """Blocks until the bus is stopped; an error of the handler comes out of here."""
        if not self.config.enabled:
            return
        self.subscribe()
        self.event_bus.run()
