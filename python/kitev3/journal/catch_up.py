"""Makes the journal of a run whole that ended without a last word: what its tapes hold and its files lack is written.

``python -m kitev3.journal.catch_up RUN_DIR ACCOUNT`` is what `kitev3 up` runs before it puts such a run aside.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pyarrow as pa

from kitev3._core import Event, RecoveryError, TapeCorrupt, TapeFollower, TapeKind, TapeReader
from kitev3.bus.message import MODES, Message
from kitev3.calendar import IST
from kitev3.contracts import BY_TOPIC
from kitev3.journal.columns import Rows
from kitev3.journal.store import NOWHERE, ParquetStore, Place
from kitev3.runtime.setup import decoder
from kitev3.system.private import UMASK

NS = 1_000_000_000
FILE_ROWS = 16_384
"""Rows of one topic that wait in memory; then they become a file."""
COMMANDS = "control"
HEARD_BY_JOURNAL = f"{COMMANDS}@journal"
"""Commands have ids of the process that heard them: the same words said to two services are two events."""
_BROKEN = (RecoveryError, TapeCorrupt, OSError)


@dataclass(slots=True)
class CaughtUp:
    """What came of it."""

    rows: dict[str, int] = field(default_factory=dict)  # written, by topic
    unread: int = 0  # messages of another build, or undecodable
    broken: dict[str, str] = field(default_factory=dict)  # tapes that could not be read to their end, and why

    def __str__(self) -> str:
        said = [f"{sum(self.rows.values())} rows of {len(self.rows)} topics written from the tapes"]
        said += [f"{self.unread} messages are of another build"] if self.unread else []
        return "; ".join(said + [f"{name}: {why}" for name, why in self.broken.items()])


def catch_up(run_dir: Path, account: str) -> CaughtUp:
    """Writes the rows that are missing; a second time there are none.

    A journal takes each source in the order of its numbers, so what is missing of a topic is what lies above the
    highest place that its files hold of a source.

    Args:
        account: ``<broker>-<user id>``, which names the events.
    """
    done = CaughtUp()
    _write_missing(_messages(run_dir / "tape", done), run_dir, account, done)
    return done


def write_commands(run_dir: Path, account: str) -> None:
    """Writes the commands that the journal's own tape holds and its files lack: nobody says them again.

    A tape that does not hold ends the reading; whoever goes on with it says so.
    """
    folder = run_dir / "tape" / "journal"
    if any(folder.glob("*.tape")):
        with contextlib.suppress(*_BROKEN):
            _write_missing(_commands(folder), run_dir, account, CaughtUp())


def _write_missing(messages: Iterable[Message], run_dir: Path, account: str, done: CaughtUp) -> None:
    store = ParquetStore(run_dir / "journal")
    known: dict[tuple[str, str], dict[str, Place]] = {}
    waiting: dict[tuple[str, str], Rows] = {}
    for message in messages:
        event = _event(message, account)
        if event is None:
            done.unread += 1
            continue
        place = (message.topic, datetime.fromtimestamp(message.ts_ns // NS, IST).date().isoformat())
        if place not in known:
            _, known[place] = store.held(*place)
        if (message.epoch, message.seq) <= known[place].get(message.source, NOWHERE):
            continue
        rows = waiting.setdefault(place, Rows(message.topic))
        rows.add(event)
        if rows.count >= FILE_ROWS:
            _write(store, place, waiting.pop(place), done)
    for place, rows in waiting.items():
        _write(store, place, rows, done)


def _messages(tapes: Path, done: CaughtUp) -> Iterator[Message]:
    """What every service said, and the commands that the journal heard: those stand on no speaker's tape."""
    for folder in sorted(tapes.iterdir()) if tapes.is_dir() else ():
        dates = sorted({file.name[:10] for file in folder.glob("*.tape")})
        if not dates:
            continue
        said = _commands(folder) if folder.name == "journal" else _said(folder, dates[0])
        try:
            yield from said
        except _BROKEN as error:
            done.broken[folder.name] = str(error).splitlines()[0]


def _said(folder: Path, date: str) -> Iterator[Message]:
    follower = TapeFollower(folder, date)
    while (frame := follower.poll()) is not None:
        yield Message.parse(frame)


def _commands(folder: Path) -> Iterator[Message]:
    for _, kind, _, content in TapeReader(folder):
        if kind == TapeKind.IN and bytes(content).startswith(b"control."):
            yield Message.parse(bytes(content))


def _event(message: Message, account: str) -> Event | None:
    contract = BY_TOPIC.get(message.topic)
    if contract is None or contract.schema != message.schema:
        return None
    try:
        payload = decoder(contract.payload)(message.payload)
    except (msgspec.DecodeError, ValueError, struct.error):
        return None
    return Event(
        message.topic,
        payload,
        source=HEARD_BY_JOURNAL if message.source == COMMANDS else message.source,
        ts=message.ts_ns,
        seq=message.seq,
        epoch=message.epoch,
        topic_seq=message.topic_seq,
        cause=UUID(bytes=message.cause) if any(message.cause) else None,
        mode=MODES[message.mode],
        account=account,
    )


def _write(store: ParquetStore, place: tuple[str, str], rows: Rows, done: CaughtUp) -> None:
    number = store.held(*place)[0] + 1
    table = rows.table()
    if place[0].startswith(f"{COMMANDS}."):
        at = table.schema.get_field_index("source")
        table = table.set_column(at, "source", pa.array([COMMANDS] * len(table)))
    store.write(*place, number, table)
    done.rows[place[0]] = done.rows.get(place[0], 0) + rows.count


if __name__ == "__main__":
    os.umask(UMASK)
    print(catch_up(Path(sys.argv[1]), sys.argv[2]))
