"""The journal: events in, Parquet files out, and a SHA-256 chain beside every tape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kitev3.contracts import heard_by
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.system.profile import ServiceSettings
from kitev3.system.settings import Count, Seconds

if TYPE_CHECKING:
    import pyarrow as pa

NS = 1_000_000_000
LOOK_NS = NS // 4  # how soon after the stop the rest is written
ROWS_MAX = 16_384
"""Rows of one topic that wait in memory; then they become a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalConfig(ServiceSettings):
    """``[journal]`` of the profile."""

    flush_s: Seconds = 30.0  # machine time after which waiting rows become a file
    rows_max: Count = ROWS_MAX
    chain_s: Seconds = 5.0


class Store(Protocol):
    """Where tables go, and what they hold already."""

    def write(self, topic: str, date: str, number: int, table: pa.Table) -> None: ...

    def held(self, topic: str, date: str) -> tuple[int, dict[str, tuple[int, int]]]:
        """The number of the last table of the topic's day, and how far its rows go: epoch and number of each source."""


class JournalHandler(Handler):
    """Each event once, whatever of its day is heard again: what lies above the last place in a topic's files is new."""

    def __init__(self, store: Store, date: str, rows_max: int) -> None:
        from kitev3.journal.columns import Rows  # Arrow is loaded by the process that writes alone

        self.new_rows = Rows
        self.store, self.date, self.rows_max = store, date, rows_max
        self.waiting: dict[str, Any] = {}
        self.numbers: dict[str, int] = {}  # of the last file of each topic
        self.applied: dict[str, dict[str, tuple[int, int]]] = {}  # by topic and source: in a file, or waiting for one
        self.events = self.rows = self.files = 0
        self.stopped = False
        kept = {contract.topic: self.take for contract in heard_by("journal") if contract.delivery != "world"}
        super().__init__({**kept, "control.start": self.start, "control.stop": self.stop, "world.timer": self.timer})

    def timer(self, event: Event) -> Iterable[Payload]:
        """Writes what waits, in its rhythm; after the stop at every look."""
        if self.stopped or event.payload.name == "flush":
            self.flush()
        return ()

    def start(self, event: Event) -> Iterable[Payload]:
        """What was stopped goes on, in its own rhythm."""
        self.stopped = False
        return self.take(event)

    def stop(self, event: Event) -> Iterable[Payload]:
        """Written at the next look: whoever asked does not wait for the disk."""
        self.stopped = True
        return self.take(event)

    @property
    def drained(self) -> bool:
        """After the stop: whether all that came is a file."""
        return self.stopped and not self.waiting

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        waiting = sum(rows.count for rows in self.waiting.values())
        return {"events": self.events, "rows": self.rows, "files": self.files, "waiting": waiting}

    def take(self, event: Event) -> Iterable[Payload]:
        """One event more of its topic."""
        applied = self.applied.get(event.type)
        if applied is None:
            self.numbers[event.type], applied = self.store.held(event.type, self.date)
            self.applied[event.type] = applied
        place = event.epoch, event.seq
        if place <= applied.get(event.source, (0, -1)):
            return ()
        applied[event.source] = place
        rows = self.waiting.get(event.type)
        if rows is None:
            rows = self.waiting[event.type] = self.new_rows(event.type)
        before = rows.count
        rows.add(event)
        self.events += 1
        self.rows += rows.count - before
        if rows.count >= self.rows_max:
            self.write(event.type)
        return ()

    def flush(self) -> None:
        """All that waits becomes files."""
        for topic in list(self.waiting):
            self.write(topic)

    def write(self, topic: str) -> None:
        """What waits of one topic becomes its next file."""
        rows = self.waiting.pop(topic)
        number = self.numbers[topic] = self.numbers[topic] + 1
        self.store.write(topic, self.date, number, rows.table())
        self.files += 1


def _handler(context: Context, config: JournalConfig) -> JournalHandler:
    from kitev3.journal.catch_up import write_commands
    from kitev3.journal.store import ParquetStore

    write_commands(context.run_dir, context.account)  # under another build they are not heard again
    return JournalHandler(ParquetStore(context.run_dir / "journal"), context.session, config.rows_max)


def _driver(context: Context, config: JournalConfig) -> Driver:
    from kitev3.services.journal.driver import Chains

    return Chains(context.run_dir, context.session, config.chain_s)


def _timers(config: JournalConfig) -> dict[str, int]:
    return {"flush": int(config.flush_s * NS), "look": LOOK_NS}


SERVICE = ServiceSpec(
    name="journal",
    config=JournalConfig,
    handler=_handler,
    driver=_driver,
    timers=_timers,
    complete=True,
    rank=5,
    order_path=False,
)
