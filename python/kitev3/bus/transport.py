"""What lies below a runner: how the messages of one service come and go.

A transport promises little: it may lose a message or bring it twice and says nothing of it; it changes none and never
waits when it sends. Numbers, gaps, joining and the tape lie above it, in the runtime, and are written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

from kitev3.bus.topology import links, takes_work, workers

if TYPE_CHECKING:
    from kitev3._core import Runtime
    from kitev3.runtime.runner import Said
    from kitev3.runtime.service import ServiceSpec

Offer: TypeAlias = Literal["publish", "work", "request"]
"""``publish``: to all who hear the topic. ``work``: besides, to the one hearer that takes it from a queue of its own;
where that is not offered he hears it like the others. ``request``: a question to one service, and its answer."""


Ask: TypeAlias = Callable[[str, bytes], bytes | None]
"""Asks a source for a range of its tape; None: no answer in time."""


class Transport(ABC):
    """What a runner needs."""

    offers: ClassVar[frozenset[Offer]]
    ask: Ask | None = None
    """How what is missing of a source is fetched; None: from its tape's file, which lies beside ours."""

    @abstractmethod
    def send(self, frame: bytes, worker: str | None) -> None:
        """Puts a message on the bus: to all, and to the one working hearer if there is a name."""

    @abstractmethod
    def wake(self) -> None:
        """Another thread has put something: ends the loop's wait, from any thread."""


class Receiver(Protocol):
    """Hears for a runtime, as ``_core.PollLoop``: a round ends with whether anything came, and what is to be sent."""

    def receive(self, until_ns: int) -> tuple[bool, Said | None]:
        """Waits for work if there is a queue of it, and hears before each message what others have said; else for
        what others say."""

    def drain(self) -> tuple[bool, Said | None]:
        """Hears what others have said by now, up to a bound."""

    def sleep(self, wait_ms: int, pipe: int) -> tuple[bool, Said | None]:
        """Waits until something comes or *pipe* can be read, at most so long, and hears it. Of a request it is said
        that nothing has come."""


class PolledTransport(Transport):
    """What a loop needs besides: opened, waited on and closed by the loop's thread.

    Args:
        running: the services of the system; whom else the service hears or gives work does not run.
        name: of a shard; else the service's.
    """

    def __init__(self, spec: ServiceSpec, running: Collection[str], name: str = "") -> None:
        offers_work = "work" in self.offers
        heard = links(spec.name, spec.hears, own=spec.hears_own, offers_work=offers_work)
        self.name = name or spec.name
        self.links = [link for link in heard if link.source in running]
        self.workers = [name for name in workers(spec.says) if name in running] if offers_work else []
        self.takes_work = offers_work and takes_work(spec.name, spec.hears)

    @abstractmethod
    def open(self) -> None:
        """Takes up the connections; what is sent before is lost."""

    @abstractmethod
    def carry(self, runtime: Runtime) -> None:
        """Has *runtime* send by itself what it says, if the transport can: else that comes through ``send``."""

    @abstractmethod
    def receiver(self, runtime: Runtime, watch: memoryview | None, answer_ms: int | None) -> Receiver:
        """*watch*: bytes compared before each message. *answer_ms*: how long one who passes work on waits for what
        comes back when there is no more work; None: he does not wait."""

    @abstractmethod
    def set_wait(self, wait_ms: int) -> None:
        """How long a round of the receiver waits for its first message."""

    @property
    @abstractmethod
    def has_come(self) -> bool:
        """Whether a message or a request waits."""

    @property
    def is_asked(self) -> bool:
        """Whether a request waits."""
        return False

    @property
    @abstractmethod
    def descriptors(self) -> tuple[int, ...]:
        """To wait on in an event loop: one can be read once something has come after ``has_come`` was last false."""

    @abstractmethod
    def serve(self, answer: Callable[[bytes], bytes], at_most: int) -> None:
        """Answers the requests that have come."""

    @property
    def left_to_tape(self) -> int:
        """Messages that a worker could not be given, and that he finds on the tape."""
        return 0

    @abstractmethod
    def close(self) -> None:
        """Sends what is queued, for a moment, then closes all."""
