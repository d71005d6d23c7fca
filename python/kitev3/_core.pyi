"""The Rust core in words. stubtest keeps it true."""

from datetime import datetime
from os import PathLike
from typing import Any, ClassVar, final
from uuid import UUID

def build() -> str:
    """The core's version."""

# --- heart --------------------------------------------------------------------------------------------------------

@final
class Event:
    """One event, frozen. Times are ints of nanoseconds; ``ts`` and ``now_ns`` market time, ``mono_ns`` machine time.

    Equal when all that travels is equal. The constructor is for tests; a heart makes the real ones.
    """

    def __new__(
        cls,
        type: str,
        payload: Any,
        *,
        source: str = "test",
        ts: int = 0,
        seq: int = 1,
        epoch: int = 1,
        topic_seq: int = 1,
        cause: UUID | None = None,
        mode: str = "sim",
        mono_ns: int = 0,
        now_ns: int | None = None,
        account: str = "test",
    ) -> Event: ...
    @property
    def event_id(self) -> UUID:
        """Computed from (account, source, epoch, seq): the same on replay."""
    @property
    def event_hex(self) -> str:
        """``event_id.hex``, without the cost of a UUID."""
    @property
    def ts(self) -> int:
        """Market time of its birth."""
    @property
    def type(self) -> str:
        """The topic."""
    @property
    def source(self) -> str:
        """The service that said it, with its shard; ``world`` and ``control`` for what no service said."""
    @property
    def payload(self) -> Any: ...
    @property
    def seq(self) -> int:
        """Its place among what the source said, without holes over restarts and days."""
    @property
    def epoch(self) -> int:
        """Rises at each start of the source."""
    @property
    def topic_seq(self) -> int:
        """Its place among what the source said of this topic, without holes."""
    @property
    def cause(self) -> UUID | None:
        """The id of the event that made this one."""
    @property
    def mode(self) -> str:
        """``live``, ``paper``, ``sim`` or ``backtest``."""
    @property
    def time(self) -> datetime:
        """``ts`` as an aware datetime in UTC."""
    @property
    def mono_ns(self) -> int:
        """Machine time at which this process took it. Does not travel."""
    @property
    def now_ns(self) -> int:
        """Market time at ``mono_ns``: a handler's only *now*. Does not travel."""
    def __hash__(self) -> int: ...
    def __eq__(self, value: object, /) -> bool: ...

# --- tape ---------------------------------------------------------------------------------------------------------

@final
class TapeKind:
    """What a record says; the numbers are on disk."""

    EPOCH: ClassVar[int]
    """The process started: its build, schemas and configuration."""
    IN: ClassVar[int]
    """A whole message that was heard."""
    IN_REF: ClassVar[int]
    """A tick batch that was heard, by its number and CRC."""
    EXT: ClassVar[int]
    """What the world said."""
    OUT: ClassVar[int]
    """A whole message that was said."""
    OUT_REF: ClassVar[int]
    """A tick batch that was said, by its number and CRC."""
    SNAPSHOT: ClassVar[int]
    """The service's state."""

@final
class TapeCorrupt(Exception):
    """A record that was on the disk is not what was written. Nothing may be built on this tape."""

    def __new__(cls, file: str, offset: int, number: int, what: str) -> TapeCorrupt: ...
    @property
    def file(self) -> str: ...
    @property
    def offset(self) -> int:
        """Bytes from the start of the file."""
    @property
    def number(self) -> int:
        """The number that the record there would have, from 0 at the day's start."""
    @property
    def what(self) -> str: ...

class TapeAltered(Exception):
    """The tape, or the side file of its chain, is not what it was when it was hashed."""

@final
class TapeWriter:
    """Appends to one day's tape of one service, behind its last valid record.

    *date* is ``YYYY-MM-DD``; *directory* is made if missing. Raises ``TapeCorrupt`` if a record below the synced offset
    does not hold, ``BlockingIOError`` if the tape has a writer already. An append outlives the process; after ``sync``
    or *sync_every_ms* it outlives the machine. A writer that is dropped leaves the tape as a kill would.
    An ``OSError`` that says that the tape could not be synced stays for good.
    """

    def __new__(
        cls,
        directory: str | PathLike[str],
        date: str,
        *,
        segment_bytes: int = 16777216,
        spare_segments: int = 1,
        sync_every_ms: int = 1000,
    ) -> TapeWriter: ...
    def append(self, kind: int, mono_ns: int, content: bytes) -> int:
        """The record's number, from 0 at the day's start. ``ValueError``: unknown kind, or too long for a segment."""
    def sync(self) -> None:
        """Returns when all that was appended is on the disk. Other threads may append meanwhile."""
    def close(self) -> None:
        """Syncs, cuts the zeros and removes the spare segments. A second call does nothing."""
    @property
    def position(self) -> tuple[int, int, int]:
        """Segment, offset and number of the next record."""
    @property
    def recovered(self) -> int:
        """How many records were there at the opening."""
    @property
    def dropped_bytes(self) -> int:
        """The bytes of a torn tail that the opening has zeroed."""
    def __enter__(self) -> TapeWriter: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class TapeReader:
    """A service's records, ``(number, kind, mono_ns, content)``, in order, also while they are being written.

    Begins with the first day, or with *date*, or at a *position* in it, and goes on to later days. At the end iteration
    stops; iterating again goes on. Raises ``TapeCorrupt``.
    """

    def __new__(
        cls,
        directory: str | PathLike[str],
        date: str | None = None,
        *,
        position: tuple[int, int, int] | None = None,
    ) -> TapeReader: ...
    def poll(self) -> tuple[int, int, int, bytes] | None:
        """The next record; None if there is none yet."""
    def __iter__(self) -> TapeReader: ...
    def __next__(self) -> tuple[int, int, int, bytes]: ...
    @property
    def date(self) -> str | None:
        """The day being read; None before a first has begun."""
    @property
    def position(self) -> tuple[int, int, int] | None:
        """Segment, offset and number of the next record."""

@final
class TapeChain:
    """The SHA-256 chain over a day's tape, 64 KiB a block, kept as ``<date>.chain`` in *side_dir*.

    An anchor is ``(blocks, tail_bytes, hash)``; kept where nobody can write, it shows a change or a cut of all before.
    Only what is synced is hashed.
    """

    def __new__(cls, tape_dir: str | PathLike[str], date: str, side_dir: str | PathLike[str]) -> TapeChain: ...
    def advance(self) -> tuple[int, int, bytes]:
        """Hashes the blocks finished since, and gives the head."""
    def seal(self) -> tuple[int, int, bytes]:
        """The head with the unfinished block: the day's last anchor."""
    def verify(self, anchor: tuple[int, int, bytes] | None = None) -> tuple[int, int, bytes]:
        """Hashes all anew and compares; gives the head. Raises ``TapeAltered``."""
