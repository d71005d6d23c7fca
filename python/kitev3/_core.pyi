"""The Rust core in words. stubtest keeps it true."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, ClassVar, Final, final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

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

# --- kite ---------------------------------------------------------------------------------------------------------

BATCH_TICKS_MAX: Final[int]
"""Most ticks of a batch, and packets of a frame: what one Kite connection may subscribe."""
FRAME_BYTES_MAX: Final[int]
"""Most bytes of a batch on the bus."""
TICK_KINDS: Final[list[str]]
"""The names of the `kind` column's numbers: ltp, index_quote, index_full, quote, full."""
FLAG_PRICE: Final[int]
"""The last price is 0 or less."""
FLAG_TIME_BACK: Final[int]
"""The exchange time lies before one already seen for the instrument."""
FLAG_CROSSED: Final[int]
"""The best buy is at or above the best sell."""
FLAG_UNKNOWN_PAST: Final[int]
"""More instruments than the decoder keeps, so nobody knows whether this one's time went back."""

class TickBatchError(ValueError):
    """Bytes or ticks that are not a tick batch."""

class EncodeError(ValueError):
    """A value that Kite's packet cannot carry, or too many ticks for a frame; the message names tick and field."""

@final
class Tick:
    """One instrument's state as one packet tells it.

    Prices are integers of 1/10,000 rupee, times integer ns UTC; 0 where the kind carries nothing.
    `kind` is the fullest that the instrument has unless given. Depth: 0–4 buys, 5–9 sells, best first.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __new__(
        cls,
        token: int,
        last_price_e4: int,
        *,
        kind: str | None = None,
        flags: int = 0,
        exchange_ns: int = 0,
        open_e4: int = 0,
        high_e4: int = 0,
        low_e4: int = 0,
        close_e4: int = 0,
        average_price_e4: int = 0,
        last_quantity: int = 0,
        volume: int = 0,
        buy_quantity: int = 0,
        sell_quantity: int = 0,
        last_trade_ns: int = 0,
        oi: int = 0,
        oi_high: int = 0,
        oi_low: int = 0,
        depth_price_e4: Sequence[int] = ...,
        depth_quantity: Sequence[int] = ...,
        depth_orders: Sequence[int] = ...,
    ) -> Tick: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    @property
    def token(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def flags(self) -> int: ...
    @property
    def exchange_ns(self) -> int: ...
    @property
    def last_price_e4(self) -> int: ...
    @property
    def open_e4(self) -> int: ...
    @property
    def high_e4(self) -> int: ...
    @property
    def low_e4(self) -> int: ...
    @property
    def close_e4(self) -> int: ...
    @property
    def average_price_e4(self) -> int: ...
    @property
    def last_quantity(self) -> int: ...
    @property
    def volume(self) -> int: ...
    @property
    def buy_quantity(self) -> int: ...
    @property
    def sell_quantity(self) -> int: ...
    @property
    def last_trade_ns(self) -> int: ...
    @property
    def oi(self) -> int: ...
    @property
    def oi_high(self) -> int: ...
    @property
    def oi_low(self) -> int: ...
    @property
    def depth_price_e4(self) -> list[int]: ...
    @property
    def depth_quantity(self) -> list[int]: ...
    @property
    def depth_orders(self) -> list[int]: ...

@final
class TickBatch:
    """Ticks in columns. Columns are read-only numpy views of the batch's own memory, which they keep alive.

    Columns have shape (n,), depth (n, 10): 0–4 buys, 5–9 sells, best first. Prices are int64 of 1/10,000 rupee,
    times int64 ns UTC. What no tick of the batch carries is zeros. `to_bytes` is the wire form.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]
    @staticmethod
    def from_bytes(data: bytes) -> TickBatch:
        """The batch of a wire form, by one copy. Raises TickBatchError for any other bytes."""
    @staticmethod
    def from_ticks(ticks: TickBatch | Iterable[Tick]) -> TickBatch:
        """Packs ticks. Raises TickBatchError for more than BATCH_TICKS_MAX."""
    def to_bytes(self) -> bytes: ...
    def flagged(self) -> list[tuple[int, int]]:
        """(index, flags) of the ticks that are not clean: what a tape records beside the frame."""
    def with_flags(self, flagged: Sequence[tuple[int, int]]) -> TickBatch:
        """A copy with recorded flags put on. Raises TickBatchError for an index beyond the batch."""
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Tick: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    @property
    def exchange_ns(self) -> NDArray[np.int64]:
        """0 where the packet carries no time."""
    @property
    def last_price_e4(self) -> NDArray[np.int64]: ...
    @property
    def token(self) -> NDArray[np.uint32]: ...
    @property
    def flags(self) -> NDArray[np.uint16]:
        """FLAG_ bits; 0 is a clean tick, and only a clean tick may trade."""
    @property
    def kind(self) -> NDArray[np.uint8]:
        """Indices into TICK_KINDS."""
    @property
    def open_e4(self) -> NDArray[np.int64]: ...
    @property
    def high_e4(self) -> NDArray[np.int64]: ...
    @property
    def low_e4(self) -> NDArray[np.int64]: ...
    @property
    def close_e4(self) -> NDArray[np.int64]:
        """The previous session's close while the market is open."""
    @property
    def average_price_e4(self) -> NDArray[np.int64]: ...
    @property
    def last_quantity(self) -> NDArray[np.uint32]: ...
    @property
    def volume(self) -> NDArray[np.uint32]:
        """Traded since the day began."""
    @property
    def buy_quantity(self) -> NDArray[np.uint32]: ...
    @property
    def sell_quantity(self) -> NDArray[np.uint32]: ...
    @property
    def last_trade_ns(self) -> NDArray[np.int64]: ...
    @property
    def oi(self) -> NDArray[np.uint32]: ...
    @property
    def oi_high(self) -> NDArray[np.uint32]: ...
    @property
    def oi_low(self) -> NDArray[np.uint32]: ...
    @property
    def depth_price_e4(self) -> NDArray[np.int64]: ...
    @property
    def depth_quantity(self) -> NDArray[np.uint32]: ...
    @property
    def depth_orders(self) -> NDArray[np.uint16]: ...

@final
class Decoder:
    """Kite's binary frames to batches, flagging ticks by what was seen before. Any bytes decode.

    `nco_divisor` (100 or 10000) is what a rupee counts on NSE commodity; Kite's clients disagree.
    """

    def __new__(cls, *, nco_divisor: int = 10_000) -> Decoder: ...
    def decode(self, frame: bytes) -> TickBatch:
        """The frame's good ticks, flagged; everything else is counted."""
    def clear(self) -> None:
        """Forgets all instruments' times: a new day. Counts stay."""
    @property
    def frames(self) -> int: ...
    @property
    def ticks(self) -> int: ...
    @property
    def heartbeats(self) -> int: ...
    @property
    def errors(self) -> int:
        """unknown + truncated + trailing + excess."""
    @property
    def unknown(self) -> int:
        """Packets of an unknown length, skipped."""
    @property
    def truncated(self) -> int:
        """Frames that end before the packets they announce."""
    @property
    def trailing(self) -> int:
        """Frames with bytes after the packets they announce."""
    @property
    def excess(self) -> int:
        """Packets beyond BATCH_TICKS_MAX, dropped."""
    @property
    def flagged(self) -> int:
        """Ticks with any flag."""
    @property
    def flagged_price(self) -> int: ...
    @property
    def flagged_time_back(self) -> int: ...
    @property
    def flagged_crossed(self) -> int: ...
    @property
    def flagged_unknown_past(self) -> int: ...

def decode_plain(frame: bytes, *, nco_divisor: int = 10_000) -> TickBatch:
    """Decodes without state: the same bytes always give the same batch, unflagged."""

def encode_frame(
    ticks: TickBatch | Iterable[Tick], mode: str | Iterable[str] | None = None, *, nco_divisor: int = 10_000
) -> bytes:
    """A frame of the ticks, in modes "ltp", "quote" or "full": one for all, one each, or each tick's own kind's.

    Prices are rounded half-even to the segment's unit and times cut to whole seconds. Raises EncodeError.
    """
