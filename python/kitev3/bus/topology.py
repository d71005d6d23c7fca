"""Who hears whom, and how: read off the contracts.

A hearer counts each of its sources in one of three ways (its sequence mode), so that every loss shows at the
very next message:

- ``all``: it hears some of the source's dense topics, so it receives all that the source says; ``seq`` has no gaps;
- ``sparse``: it receives all but its dense topics (ticks, bars, work); ``sparse_seq`` has no gaps;
- ``work``: it takes the source's one working topic from its PULL; ``topic_seq`` has no gaps.

What it receives and does not hear is counted and dropped: a few messages a minute, for the certainty that nothing is
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kitev3.contracts import BY_TOPIC, CONTRACTS, Contract

SequenceMode: TypeAlias = Literal["all", "sparse", "work"]
HEARTBEAT = "bus.heartbeat"


@dataclass(frozen=True, slots=True)
class SourceLink:
    """One source, as one hearer takes it."""

    source: str  # a service, without shard
    mode: SequenceMode
    received: tuple[str, ...]  # topics that arrive by SUB; of a working link none


def base(source: str) -> str:
    """A source's service: ``strategy.2`` is a shard of ``strategy``."""
    return source.partition(".")[0]


def links(
    service: str, topics: Iterable[str], *, own: bool = False, offers_work: bool = True
) -> tuple[SourceLink, ...]:
    """How *service*, which hears *topics*, takes each of its sources; itself only if it asks for its *own*.

    Over a transport that *offers_work* it takes its working topics from a queue of its own.
    """
    heard = [contract for topic in topics if _is_on_bus(contract := BY_TOPIC[topic])]
    sources = dict.fromkeys(speaker for contract in heard for speaker in contract.speakers)
    worker = base(service) if offers_work else None
    return tuple(_link(worker, source, heard) for source in sources if own or source != base(service))


def _link(worker: str | None, source: str, heard: list[Contract]) -> SourceLink:
    own = [contract for contract in heard if source in contract.speakers]
    if any(contract.worker == worker for contract in own):
        # Two sockets keep no order between them, so what comes by the PULL comes alone.
        assert len(own) == 1, f"{worker} takes work from {source} and hears {len(own) - 1} more topics of it"
        return SourceLink(source, "work", ())
    everything = any(contract.dense for contract in own)
    said = (c for c in CONTRACTS if source in c.speakers and _is_on_bus(c) and (everything or not c.dense))
    return SourceLink(source, "all" if everything else "sparse", tuple(contract.topic for contract in said))


def takes_work(service: str, topics: Iterable[str]) -> bool:
    """Whether *service* binds a PULL."""
    return any(BY_TOPIC[topic].worker == base(service) for topic in topics)


def workers(topics: Iterable[str]) -> tuple[str, ...]:
    """The services that take work from one that says *topics*."""
    return tuple(dict.fromkeys(worker for topic in topics if (worker := BY_TOPIC[topic].worker)))


def matching(pattern: str) -> tuple[str, ...]:
    """The topics of the bus that *pattern* means: one by its name, ``execution.*`` by segments, or ``*`` for all."""
    names = [contract.topic for contract in CONTRACTS if _is_on_bus(contract)]
    if pattern == "*":
        return tuple(names)
    if pattern.endswith(".*"):
        return tuple(name for name in names if name.startswith(pattern[:-1]))
    return (pattern,) if pattern in BY_TOPIC else ()


def matches(pattern: str, topic: str) -> bool:
    """Whether *topic* is one that *pattern* means."""
    if pattern == "*":
        return True
    return topic.startswith(pattern[:-1]) if pattern.endswith(".*") else topic == pattern


class Routes:
    """Who hears a message among those that hang on one process's bus, in the order in which they were hung up."""

    def __init__(self) -> None:
        self._filters: dict[str, Mapping[str, frozenset[str]]] = {}
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def add(self, name: str, taken: Iterable[SourceLink]) -> None:
        self._filters[name] = {link.source: frozenset((*link.received, HEARTBEAT)) for link in taken}
        self._known.clear()

    def remove(self, name: str) -> None:
        del self._filters[name]
        self._known.clear()

    def hearers(self, source: str, topic: str, worker: str | None = None) -> tuple[str, ...]:
        """Of what *source* says on *topic*, which *worker* takes as work."""
        route = self._known.get((source, topic))
        if route is None:
            route = self._known[source, topic] = tuple(
                name
                for name, filters in self._filters.items()
                if topic in filters.get(base(source), ()) or worker == base(name)
            )
        return route


def _is_on_bus(contract: Contract) -> bool:
    return contract.delivery in ("pub", "work")
