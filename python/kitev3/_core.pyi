"""The Rust core in words. stubtest keeps it true."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, ClassVar, Final, Self, TypeAlias, final
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

from kitev3.broker.interface import Order

def build() -> str:
    """The core's version."""

# --- runtime --------------------------------------------------------------------------------------------------------

@final
class Event:
    """One event, frozen. Times are ints of nanoseconds; ``ts`` and ``now_ns`` market time, ``mono_ns`` machine time.

    Equal when all that travels is equal. The constructor is for tests; a runtime makes the real ones.
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
        """Its place among what the source said, without gaps over restarts and days."""
    @property
    def epoch(self) -> int:
        """Rises at each start of the source."""
    @property
    def topic_seq(self) -> int:
        """Its place among what the source said of this topic, without gaps."""
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
    def taped_ns(self) -> int:
        """Of what a driver hears: machine time at which it was on the tape. Of all else, ``mono_ns``."""
    @property
    def now_ns(self) -> int:
        """Market time at ``mono_ns``: a handler's only *now*. Does not travel."""
    def __hash__(self) -> int: ...
    def __eq__(self, value: object, /) -> bool: ...

_Said: TypeAlias = list[tuple[bytes, str | None, Event | None]]

class RecoveryError(Exception):
    """A tape cannot be executed again: it says something else than this build does with the same input."""

@final
class NativeHandler:
    """A handler of the core, as whoever makes it hands it to its runtime. See ``kitev3.runtime.handler``."""

    @property
    def topics(self) -> tuple[str, ...]: ...
    @property
    def drained(self) -> bool: ...
    @property
    def waits_for(self) -> tuple[str, ...]: ...
    def status(self) -> dict[str, Any]: ...
    def snapshot(self) -> bytes | None: ...
    def restore(self, snapshot: bytes) -> None: ...
    def handle(
        self, event: Event, payload: bytes, says: list[str], *, last_value: bool = False
    ) -> list[tuple[str, bytes]]:
        """Hands it one event without a runtime: what it says. ValueError: the payload is not what its schema says."""

@final
class TapeSync:
    """Waits for the disk; may be used from another thread than the runtime."""

    def sync(self) -> None:
        """Returns when all that has been appended by now is on the disk."""

@final
class TapeFollower:
    """What a source said, read from its tape day after day, as it went over the wire (``topic NUL header payload``)."""

    def __new__(cls, directory: str | PathLike[str], date: str) -> TapeFollower: ...
    def poll(self, topics: list[str] | None = None, after_seq: int = 0) -> bytes | None:
        """The next message of these topics and above this number; None at the end, for now."""

def tape_range(directory: str | PathLike[str], request: bytes) -> bytes:
    """What a source answers, of its tape there, to who asks for a range of it; empty: that was no such request."""

@final
class Runtime:
    """A process's loop without its sockets: checks, numbers, tapes and hands on; see ``kitev3.runtime.setup``.

    What a call makes the handler say is returned to be sent, in order: ``(frame, worker, event)``, the frame for PUB,
    the name of the service that also gets it by PUSH, and the event if the driver hears of its topic. None: nothing.
    An error of the handler comes out of the call; the runtime then takes nothing more, and ``in_hand`` names the event.
    """

    def __new__(
        cls,
        *,
        service: str,
        account: str,
        mode: str,
        day: str,
        start_ns: int,
        tapes: str | PathLike[str],
        subscriptions: list[tuple[str, type[Any], list[tuple[int, Callable[[bytes], Any]]], bool, str, str | None]],
        publications: list[tuple[str, type[Any], int, Callable[[bytes], Any], str | None, bool, str | None]],
        sequence_modes: list[tuple[str, str]],
        handler: object,
        encode: Callable[[Any], bytes],
        about: bytes,
        methods: dict[str, Callable[[Event], Iterable[Any]]],
        core: dict[str, Any] | None = None,
        ask: Callable[[str, bytes], bytes | None] | None = None,
        segment_bytes: int = 16777216,
        spare_segments: int = 1,
        sync_every_ms: int = 1000,
    ) -> Runtime: ...
    def recover(self) -> _Said | None:
        """Executes again what the own tape says was heard; gives what a kill had kept from the tape, now on it.

        Raises ``RecoveryError`` when the handler says something else than it said before, ``TapeCorrupt``.
        """
    def begin(self, mono_ns: int, *, begins_run: bool = False) -> tuple[int, int]:
        """Begins an epoch, synced: its number and the last ``seq`` before it.

        With *begins_run* market time stands where it had come to, until the run's own ``control.clock`` and ``.start``.
        """
    def hear(self, frame: bytes, mono_ns: int) -> _Said | None:
        """A message from the bus. A gap is filled before this returns."""
    def world(self, payload: Any, mono_ns: int) -> _Said | None:
        """Something the world said."""
    def control(self, payload: Any, mono_ns: int) -> _Said | None:
        """A command; it is on the tape when this returns."""
    def publish(self, payload: Any, mono_ns: int) -> _Said | None:
        """Says something that no event made."""
    def join(self, source: str, mono_ns: int) -> _Said | None:
        """Takes up a source: from where it was left, or as a late hearer."""
    def settle(self, mono_ns: int) -> _Said | None:
        """When the PULL is empty: fills gaps of working sources whose heartbeat was ahead of it, if they still are."""
    def heartbeat(self, mono_ns: int) -> bytes:
        """The message that tells hearers how far this service has come."""
    def market_ns(self, mono_ns: int) -> int:
        """Market time at a machine time."""
    def attach(self, sockets: ZmqSockets) -> None:
        """From here on what is said is sent at once and nothing is returned, unless the driver hears of it first."""
    def sync_handle(self) -> TapeSync: ...
    def close(self) -> None:
        """Syncs and trims the tape. Nothing can be heard or said after it."""
    @property
    def epoch(self) -> int: ...
    @property
    def seq(self) -> int:
        """Of the last event said."""
    @property
    def phase(self) -> int:
        """0 before ``control.start``, 1 after it, 2 after ``control.stop``; read off the tape after a restart."""
    @property
    def lag_ms(self) -> float:
        """Machine time between the birth of the last message and its arrival here."""
    @property
    def recovered(self) -> tuple[int, int, bool]:
        """Records read, events that had to be appended, whether the tape was another build's."""
    @property
    def watermarks(self) -> dict[str, int]:
        """topic -> ``topic_seq`` of the last one said"""
    @property
    def heard(self) -> dict[str, int]:
        """topic -> ``topic_seq`` of the last one applied"""
    @property
    def applied(self) -> dict[str, tuple[int, int]]:
        """source -> (epoch, ``seq``) of the last one applied"""
    @property
    def connected(self) -> list[str]:
        """Sources of which a heartbeat has come."""
    @property
    def counters(self) -> dict[str, int]: ...
    @property
    def last_refused(self) -> str:
        """The last event whose payload was not what its schema says, and why; empty if there was none."""
    @property
    def in_hand(self) -> tuple[str, str, str] | None:
        """Topic, source and id of the event that the handler had when an error came."""

@final
class Schedule:
    """What comes next in a stepped run: deliveries by (delivery time, order of publishing), heartbeats, timers.

    Each second of machine time all say their heartbeats, then settle; when anybody's timer runs out all look. In each
    round the services take their turns as they were hung up, and before the next all that is due is delivered.
    A step is what to do (``deliver``, ``beat``, ``settle``, ``look``), by which service, and the message to deliver.
    """

    def __new__(cls, now_ns: int) -> Self: ...
    @property
    def now_ns(self) -> int:
        """Machine time."""

    def hang_up(
        self, name: str, hears: Sequence[tuple[str, str]], says: Sequence[tuple[str, bool, str | None]]
    ) -> None:
        """*hears*: services, and how each is counted (``all``, ``sparse``, ``work``). *says*: topics, whether dense,
        and the service that takes it as work."""

    def take_down(self, name: str) -> None:
        """The service is gone, and all that was on its way to it."""

    def set_due(self, name: str, due_ns: int) -> None:
        """When its next timer runs out."""

    def send(self, source: str, frame: bytes, loses: Callable[[str, bytes], bool]) -> None:
        """To all who hear it, unless *loses* says of a hearer that he does not get it."""

    def beat(self) -> None:
        """Has all say their heartbeats now."""

    def next_now(self) -> tuple[str, str, bytes | None] | None:
        """The next step of this moment."""

    def next(self, until_ns: int) -> tuple[str, str, bytes | None] | None:
        """The next step up to then, with machine time moved to it; None: machine time is *until_ns*."""

@final
class Kernel:
    """Runtimes driven stepped, of services whose handlers are native, their tapes on a disk in memory.

    Payloads are encoded as the topic's newest schema. A service that stops by itself raises ``RuntimeError``.
    """

    def __new__(cls, now_ns: int, *, segment_bytes: int = 16777216) -> Self: ...
    def hang_up(
        self,
        *,
        service: str,
        account: str,
        mode: str,
        day: str,
        start_ns: int,
        subscriptions: Sequence[tuple[str, Sequence[int], bool, str, str | None]],
        publications: Sequence[tuple[str, int, bool, str | None, str | None]],
        sequence_modes: Sequence[tuple[str, str]],
        recorded: str | PathLike[str],
        handler: NativeHandler | None,
        about: bytes,
        timers: Sequence[tuple[str, int]],
    ) -> None:
        """Hangs a service up whose world answers as the tape in the folder *recorded* says.

        Without a *handler* that tape also says what the service said, of the same events.

        Args:
            subscriptions: topic, schemas (the newest first), whether bulk, how to join, the service that it stands on.
            publications: topic, schema, whether dense, who takes it as work, the service that it stands on.
            timers: name, and machine time between two.
        """

    @property
    def now_ns(self) -> int:
        """Machine time."""

    def open(self) -> None:
        """Every service takes up those it hears."""

    def world(self, name: str, topic: str, payload: bytes) -> None:
        """The world says something to a service now."""

    def control(self, name: str, topic: str, payload: bytes) -> None:
        """Gives a command to a service."""

    def show(self, name: str, from_ns: int, topic: str, payload: bytes) -> None:
        """The service's watch sees this when it looks at that machine time or later."""

    def run(self) -> None:
        """Delivers until nothing is on its way."""

    def advance_to(self, until_ns: int) -> None:
        """Lets machine time pass."""

    def close(self) -> None:
        """Closes all tapes."""

    def files(self, name: str) -> dict[str, bytes]:
        """The files of a service's tape."""

def recorded_inputs(directory: str | PathLike[str], date: str) -> tuple[list[tuple[int, bool, str, bytes]], int]:
    """What a tape says that came to its service from outside (machine time, whether a command, topic, payload), and
    the machine time of its last record."""

@final
class PollLoop:
    """Polls the sockets for a runtime: what comes is heard and what is said is sent, without Python in between.

    Each call ends with whether anything came, and with what was said of which the driver hears first, as ``Runtime``'s.
    It ends when the socket's own time ran out (nothing came), at *until_ns* of machine time, when another thread has
    woken the loop, when a signal came, or when a byte of *watch* has changed: then the message in hand is kept for the
    next call.

    Args:
        watch: bytes that are compared before each message.
        answer_ms: of a worker that passes work on: how long it waits for what comes back when there is no more work.
    """

    def __new__(
        cls, runtime: Runtime, sockets: ZmqSockets, *, watch: memoryview | None = None, answer_ms: int | None = None
    ) -> PollLoop: ...
    def receive(self, until_ns: int) -> tuple[bool, _Said | None]:
        """A worker's: waits on the PULL, and hears before each message what has come on the SUB; one that stands on
        what has not come yet waits for that, at most 2 ms. A hearer's: waits on the SUB."""
    def drain(self) -> tuple[bool, _Said | None]:
        """Hears what has come on the SUB, up to a bound; whether there was something that the loop must look at."""
    def sleep(self, wait_ms: int, pipe: int) -> tuple[bool, _Said | None]:
        """Waits until a message, a request or a byte of *pipe* comes, at most so long; after a message it goes on as
        ``receive``, for at most 10 ms."""

# --- wire ---------------------------------------------------------------------------------------------------------

@final
class ZmqSockets:
    """The sockets of a ``kitev3.bus.zmq_transport`` by their addresses, for messages to come and go without Python.

    Args:
        functions: the addresses of libzmq's functions, by their names without ``zmq_``.
        sub, pull: the address of the socket, and its descriptor.
        workers: PUSH sockets, by the service at their other end.
    """

    WAKE: ClassVar[bytes]
    """A message that ends a wait and is handed to nobody."""

    def __new__(
        cls,
        functions: dict[str, int],
        *,
        sub: tuple[int, int],
        pull: tuple[int, int] | None,
        router_fd: int,
        publisher: int,
        workers: list[tuple[str, int]],
    ) -> ZmqSockets: ...
    def send(self, frames: list[bytes], worker: str | None) -> None:
        """To all, and before them to the one worker if there is a name and it runs. Never waits.

        Those that follow each other to the same worker, or on one topic, go as the parts of one message: libzmq's
        thread is woken once for them.
        """
    @property
    def push_full(self) -> int:
        """Messages that a worker could not be given: it finds them on the tape."""

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
FLAG_TIME_AHEAD: Final[int]
"""The exchange time is one that the machine's clock has not come to."""
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
    def __iter__(self) -> Iterator[Tick]: ...
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
    believes_clock: bool
    """Whether times are compared with the machine's clock: once somebody has told it."""
    def decode(self, frame: bytes, now_ns: int = 0) -> TickBatch:
        """The frame's good ticks, flagged; everything else is counted. `now_ns`: market time by the machine's clock."""
    def clear(self) -> None:
        """Forgets all instruments' times: a new day. Counts stay."""
    @property
    def frames(self) -> int: ...
    @property
    def batches(self) -> int:
        """Frames that had a good tick."""
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
    def flagged_time_ahead(self) -> int: ...
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

# --- indicators -----------------------------------------------------------------------------------------------------

INDICATOR_KINDS: Mapping[str, Mapping[str, float | None]]
"""Every kind of indicator: its parameters and their defaults, None where one must be given."""

@final
class Indicator:
    """One indicator of any kind, for one stream of inputs: ``Indicator("macd", 12, 26, signal=9)``.

    Parameters as in INDICATOR_KINDS, in their order or by name. Values are TA-Lib's where it has the function; NaN
    until the warm-up is over, which begins anew after an input that is not a number. Any mixture of ``update`` and
    ``batch`` over the same inputs gives the same bits.

    ================  =========================================  ===============================================
    kind              takes                                      gives
    ================  =========================================  ===============================================
    adx, atr          high, low, close                           one value
    bollinger         price                                      upper, middle, lower
    donchian          high, low                                  upper, middle, lower
    ema, sma, wma     price                                      one value
    macd              price                                      macd, signal, histogram
    rsi               price                                      one value, 0 to 100
    session_vwap      time_ns, high, low, close, volume          one value, begun anew with each Indian day
    stochastic        high, low, close                           k, d, 0 to 100
    supertrend        high, low, close                           line; trend, +1.0 up or -1.0 down
    ================  =========================================  ===============================================

    ValueError says which kinds and parameters there are; TypeError what a kind takes.
    """

    def __new__(cls, kind: str, *parameters: float, **named: float) -> Indicator: ...
    def update(self, *inputs: float) -> Any:
        """The value, or a tuple of several, with this input."""
    def batch(self, *inputs: ArrayLike) -> Any:
        """What ``update`` would answer to each row: an array, or a tuple of several: the rows of one.

        Runs without the interpreter's lock. ValueError for columns of different lengths.
        """
    def reset(self) -> None:
        """Forgets all inputs."""
    @property
    def inputs(self) -> list[str]:
        """The names of what it takes."""
    @property
    def value(self) -> Any:
        """The newest answer."""
    @property
    def warmup(self) -> int:
        """How many clean inputs it takes until the first value."""

@final
class IndicatorEngine:
    """All declared indicators of all instruments, updated in one call a batch.

    A declaration is (name, kind, parameters), as in ``("fast", "ema", {"period": 5})``; kinds are adx, atr, bollinger,
    donchian, ema, macd, rsi, session_vwap, sma, stochastic, supertrend and wma, parameters those of the classes. A
    kind of several values is read as ``name.upper``, ``name.middle`` and so on. An instrument's states are made when
    it is first seen. ValueError says what is wrong with a declaration.
    """

    def __new__(cls, declarations: Sequence[tuple[str, str, Mapping[str, float]]]) -> IndicatorEngine: ...
    @property
    def names(self) -> list[str]:
        """The values' names, in the order of a row."""
    @property
    def tokens(self) -> list[int]:
        """The instruments seen, in the order of first sight."""
    def update(
        self,
        tokens: NDArray[np.uint32],
        price_e4: NDArray[np.int64],
        flags: NDArray[np.uint16],
        volume: NDArray[np.uint32] | None = None,
        time_ns: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Takes ticks; answers a row of values for each, as they are with it. A flagged tick is passed over: NaN.

        ``volume`` is the day's so far and ``time_ns`` the exchange's time, ns UTC, 0 where a tick does not say: both
        for session_vwap alone, which is NaN without a time. High, low and close of a tick are its price.
        """
    def update_ticks(self, batch: TickBatch) -> NDArray[np.float64]:
        """As ``update``, from a batch's columns."""
    def update_bars(
        self,
        tokens: NDArray[np.uint32],
        time_ns: NDArray[np.int64],
        high_e4: NDArray[np.int64],
        low_e4: NDArray[np.int64],
        close_e4: NDArray[np.int64],
        volume: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Takes finished bars; answers a row of values for each, as they are with it. ``time_ns`` is a bar's begin."""
    def update_bar_batch(self, batch: BarBatch, period: str, *, gapped: bool = False) -> None:
        """Takes the batch's bars of a period and of the instruments that were added; gapped ones where told to."""
    def add(self, token: int) -> None:
        """Makes room for an instrument before its first tick or bar."""
    def value(self, token: int, name: str) -> float:
        """The newest value; NaN while warming up or never seen. KeyError for a name not declared."""
    def row(self, token: int) -> NDArray[np.float64]:
        """All newest values, in the order of ``names``."""
    def warm(self, token: int) -> bool:
        """Whether every value is a number."""
    def forget(self, token: int) -> None:
        """After a gap: the instrument's indicators warm up anew."""

@final
class Newest:
    """The newest clean tick of each instrument: what a strategy looks at between ticks. 0 where there is none."""

    def __new__(cls) -> Newest: ...
    def update(self, batch: TickBatch) -> None:
        """Takes a batch; flagged ticks change nothing, a form without depth keeps bid and ask."""
    def last_e4(self, token: int) -> int: ...
    def bid_e4(self, token: int) -> int: ...
    def ask_e4(self, token: int) -> int: ...
    def exchange_ns(self, token: int) -> int: ...

@disjoint_base
class InstrumentView:
    """What a strategy may look at of one instrument: its newest prices, 0 where there is none, and its indicators."""

    def __new__(cls, token: int, newest: Newest, engine: IndicatorEngine | None, strategy: Any, name: str) -> Self: ...
    @property
    def strategy(self) -> Any: ...
    @property
    def last_e4(self) -> int: ...
    @property
    def bid_e4(self) -> int: ...
    @property
    def ask_e4(self) -> int: ...
    @property
    def warm(self) -> bool:
        """Whether every indicator has a value."""
    def value(self, name: str) -> float:
        """An indicator's newest value; NaN while warming up. KeyError for a name not declared."""
    @property
    def bars_since(self) -> tuple[int, int]:
        """Epoch and topic_seq of the first bars that its strategy heard, or that its indicators took."""
    def forget_bars(self) -> None: ...

@final
class PlainCheck:
    """Knows an object whose fields are of their very types and within their bounds; hands any other to *otherwise*.

    Args:
        rules: of each field the words it may be, or how long an ASCII text may be, or the least and most of an int or
            of a float.
        fields: an object's fields in their order, as its ``__struct_fields__`` names them. Objects of the class that is
            seen first are known.
    """

    def __new__(
        cls,
        rules: dict[str, frozenset[str] | int | tuple[int, int] | tuple[float, float]],
        fields: Callable[[Any], tuple[Any, ...]],
        otherwise: Callable[[Any], None],
    ) -> PlainCheck: ...
    def __call__(self, made: Any) -> None: ...

@final
class CallRecord:
    """Who is asked and about what, in a *buffer* that outlives the process. BufferError where it cannot be."""

    def __new__(cls, buffer: memoryview) -> CallRecord: ...

@final
class Callbacks:
    """Asks strategies, one after the other, and gives those that want something or have raised.

    Each as (who, about what, its answer or a generator's first, that generator, what it raised); the last three are
    None for one that is left out.
    """

    @staticmethod
    def of_bars(batch: BarBatch, hearers: dict[str, dict[int, list[Any]]], place: tuple[int, int]) -> Callbacks:
        """Of each bar those that *hearers*, by period and token, has; a gapped one only those that want it.

        *place*: epoch and topic_seq of the batch.
        """
    @staticmethod
    def of_ticks(batch: TickBatch, hearers: dict[int, list[Any]]) -> Callbacks:
        """Of each clean tick those that *hearers* has by token."""
    @staticmethod
    def of_one(name: str, what: Any, hosted: InstrumentView) -> Callbacks: ...
    @property
    def name(self) -> str: ...
    @property
    def number(self) -> int:
        """Calls so far."""
    @property
    def hosted(self) -> InstrumentView | None:
        """Who is asked, or was asked last."""
    def begin(self, event: Event, record: CallRecord | None, left_out: dict[str, int] | None) -> None:
        """*record*: where *event* and each call is noted. *left_out*: strategy to the number of the call that it is not
        asked."""
    def pass_over(self) -> None:
        """Asks nobody; whose bars they are has taken them."""
    def __iter__(self) -> Callbacks: ...
    def __next__(self) -> tuple[Any, Any, Any, Any, BaseException | None]: ...

# --- market -------------------------------------------------------------------------------------------------------

BAR_SERIES_MAX: Final[int]
"""Most series (an instrument with a spec) of one BarBuilder."""

def marketdata_handler(calendar: Calendar | None = None) -> NativeHandler:
    """The service marketdata: frames, rows and texts in, batches and bars out. The shipped calendar unless given."""

def bar_spec(text: str) -> str:
    """The one name of a bar spec: "60s" is "1m".

    Time from 1s to 1d ("5s", "1m", "1h", "1d"), ticks ("500t"), volume ("10000v"), rupees ("5000000r"). Raises
    ValueError naming these for anything else.
    """

@final
class Bar:
    """One closed bar. Prices and value in 1/10,000 rupee, times in ns UTC.

    A time bar starts at its place in the session and ends where the next would begin, or with the session before it;
    any other starts and ends with its first and last tick. `value_e4` takes each tick's volume at its last price.
    """

    def __new__(
        cls,
        instrument_token: int,
        period: str,
        start_ns: int,
        end_ns: int,
        open_e4: int,
        high_e4: int,
        low_e4: int,
        close_e4: int,
        volume: int = 0,
        value_e4: int = 0,
        ticks: int = 1,
        short: bool = False,
        gapped: bool = False,
    ) -> Bar: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def instrument_token(self) -> int: ...
    @property
    def period(self) -> str:
        """As `bar_spec` names it: `5s`, `1m`, `500t` (ticks), `10000v` (volume), `5000000r` (rupees)."""
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def open_e4(self) -> int: ...
    @property
    def high_e4(self) -> int: ...
    @property
    def low_e4(self) -> int: ...
    @property
    def close_e4(self) -> int: ...
    @property
    def volume(self) -> int: ...
    @property
    def value_e4(self) -> int: ...
    @property
    def ticks(self) -> int: ...
    @property
    def short(self) -> bool:
        """Closed with the session, before it was complete."""
    @property
    def gapped(self) -> bool:
        """Ticks of it are missing: it began before anybody listened, or spans an outage."""

@final
class BarBatch:
    """Closed bars in columns, in the order in which they closed: the payload of ``marketdata.ohlc``.

    No instrument stands in it twice, so whoever takes it whole has each instrument as it was with its own bar. A column
    is a read-only view of the batch's own memory, which is also its wire form.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]
    @staticmethod
    def of(bars: list[Bar]) -> list[BarBatch]:
        """Batches of the bars, in their order: an instrument's second bar begins the next."""
    @staticmethod
    def from_bytes(data: bytes) -> BarBatch:
        """Takes the wire form, by one copy. Raises ValueError for any other bytes."""
    def to_bytes(self) -> bytes:
        """The wire form."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Bar: ...
    def __iter__(self) -> Iterator[Bar]: ...
    @property
    def instrument_token(self) -> NDArray[np.uint32]: ...
    @property
    def period(self) -> list[str]: ...
    @property
    def start_ns(self) -> NDArray[np.int64]: ...
    @property
    def end_ns(self) -> NDArray[np.int64]: ...
    @property
    def open_e4(self) -> NDArray[np.int64]: ...
    @property
    def high_e4(self) -> NDArray[np.int64]: ...
    @property
    def low_e4(self) -> NDArray[np.int64]: ...
    @property
    def close_e4(self) -> NDArray[np.int64]: ...
    @property
    def volume(self) -> NDArray[np.int64]: ...
    @property
    def value_e4(self) -> NDArray[np.int64]: ...
    @property
    def ticks(self) -> NDArray[np.int64]: ...
    @property
    def short(self) -> NDArray[np.bool_]: ...
    @property
    def gapped(self) -> NDArray[np.bool_]: ...
    @property
    def gapped_at(self) -> list[int]:
        """Which bars are gapped."""

@final
class BarBuilder:
    """Builds the bars of many instruments from batches of ticks, by the ticks' exchange timestamps alone.

    `specs` maps tokens to bar specs. Sessions are the hours that `calendar` (the shipped one) has in force on a day for
    the segment that the token tells, on a holiday too. Raises ValueError for a spec that is none or given twice. A time
    bar without ticks does not exist. A bar closes with its own instrument's first tick after it, or with the session;
    flagged ticks and ticks without exchange time enter no bar and are counted.
    """

    def __new__(cls, specs: Mapping[int, Sequence[str]], calendar: Calendar | None = None) -> BarBuilder: ...
    def update(self, batch: TickBatch) -> list[Bar]:
        """The bars that the batch's ticks closed: in the ticks' order, those of one tick in their specs' order."""
    def close_session(self, at_ns: int | None = None) -> list[Bar]:
        """Closes all bars at market time `at_ns`, or at the newest exchange time seen.

        In the specs' order. Bars that did not run their length are short. Later ticks of this day are left out.
        """
    @property
    def entered(self) -> int:
        """Ticks that entered their instrument's bars."""
    @property
    def flagged(self) -> int:
        """Flagged ticks, and those without a price."""
    @property
    def timeless(self) -> int:
        """Ticks without exchange time: ltp and quote packets."""
    @property
    def late(self) -> int:
        """Ticks before one already taken."""
    @property
    def outside(self) -> int:
        """Ticks outside the session, or of one that was closed."""
    @property
    def volume_back(self) -> int:
        """Ticks whose day's volume was below one already seen; they entered with no volume."""
    @property
    def value_overflow(self) -> int:
        """Bars whose value did not fit 64 bits."""

# --- exchange -----------------------------------------------------------------------------------------------------

SUBSCRIPTION_TOKENS_MAX: Final[int]
"""Instruments of one connection."""
QUOTES_MAX: Final[int]
"""Instruments of one ``/quote``."""
LTPS_MAX: Final[int]
"""Instruments of one ``/quote/ohlc`` or ``/quote/ltp``."""

def exchange_rules(profile: str) -> dict[str, bool | int | str | list[int]]:
    """Every rule of a profile by its name. ValueError for a profile that is none."""

@final
class ExchangeRefusal(Exception):
    """A request that the exchange's front door turned away; it had no effect. ``str`` is the message.

    ``status`` is the HTTP status and ``error_type`` Kite's name of the kind, as in its error envelope.
    """

    def __new__(cls, status: int, error_type: str, message: str) -> ExchangeRefusal: ...
    @property
    def status(self) -> int: ...
    @property
    def error_type(self) -> str: ...
    @property
    def message(self) -> str: ...

class MarketFileError(ValueError):
    """A market file that cannot be read; the message names the line and what was wanted there."""

@final
class MarketFile:
    """Real days of NIFTY 50: one of ``time,value`` lines, IST and rupees, with or without a header, or days of minute
    bars, told by their header ``Instrument,Date,Time,Open,High,Low,Close``.

    MarketFileError names the first bad line. A path begins with the first value at or after 09:15; in a file of one
    day its first value stands in for the previous close. Within a bar the path goes through its four prices.
    """

    def __new__(cls, text: str) -> MarketFile: ...
    @staticmethod
    def of_ticks(times_ns: Sequence[int], values_e4: Sequence[int], /) -> MarketFile:
        """One day from what its ticks told, in order of time."""
    @property
    def session(self) -> str:
        """Its first date, YYYY-MM-DD."""
    @property
    def sessions(self) -> list[str]:
        """Its dates, oldest first."""
    @property
    def last_ns(self) -> int:
        """Market time of its first day's last value."""
    def __len__(self) -> int:
        """Values of its first day from 09:15 on."""

@final
class Subscription:
    """A socket's instruments and their modes, at most so many.

    Args:
        nco_divisor: what the reader divides NCO's prices by: 10000 or 100, depending on whom you ask.
    """

    def __new__(cls, tokens_max: int = ..., /, *, nco_divisor: int = 10_000) -> Subscription: ...
    def __contains__(self, token: int, /) -> bool: ...
    def subscribe(self, tokens: Sequence[int]) -> bool:
        """Adds instruments in quote mode; known ones keep theirs. False when some did not fit."""
    def set_mode(self, mode: str, tokens: Sequence[int]) -> bool:
        """``ltp``, ``quote`` or ``full``; adds new ones. False when some did not fit; ValueError for another mode."""
    def unsubscribe(self, tokens: Sequence[int]) -> None: ...
    @property
    def modes(self) -> dict[int, str]: ...
    def __len__(self) -> int: ...

IST_NS: Final[int]
"""India's clock is ahead of UTC by this, all year."""

class CalendarError(ValueError):
    """Rows of a calendar that cannot be read, or a day that it does not cover."""

@final
class Calendar:
    """Dated facts of the exchanges. Dates are YYYY-MM-DD; one that is none raises ValueError.

    Segments are indices, shares (those that have derivatives), other shares, futures, options, currency, currency on
    its last day, commodity. A *key* is ``EXCHANGE:NAME``.

    Args:
        own: rows in the form of the shipped ones, laid over them. CalendarError names the line that is none.
        provisional: rows that are guesses count too.
    """

    def __new__(cls, own: str = "", *, provisional: bool = False) -> Calendar: ...
    @property
    def sha256(self) -> str:
        """Of all rows that it was made of, hex."""
    def covers(self, date: str) -> bool:
        """Whether it knows the day at all; nothing trades on one that it does not."""
    def trades(self, date: str, segment: str = "shares") -> bool: ...
    def trading_day(self, date: str, segment: str = "shares") -> str:
        """This date, or the last one before it on which a segment trades. CalendarError when it does not know."""
    def session(self, date: str, segment: str) -> tuple[int, int] | None:
        """Continuous trading, ns of the day in India; None when it does not trade then."""
    def hours(
        self, date: str, exchange: str, instrument_type: str, closing_auction: bool = True
    ) -> dict[str, int] | None:
        """Until when orders may be placed, ns of the day in India; None when it does not trade, or nothing is known.

        Keys: open_ns, entry_until_ns, exit_until_ns, mis_entry_until_ns, mis_square_off_ns, broker_square_off_ns.
        """
    def expiries(self, key: str, date: str, count: int) -> list[tuple[str, bool]]:
        """The next expiries from a date on, and whether each is its month's last; fewer where the calendar ends."""
    def lot(self, key: str, expiry: str) -> int | None:
        """Units in a lot of a contract that ends on *expiry*."""
    def freeze_quantity(self, key: str, date: str, lot: int = 1) -> int | None:
        """The largest single order, in units; *lot* is for names whose figure is in lots."""
    def band_percent(self, key: str, date: str) -> int | None:
        """How far from its previous close a name may trade."""

def session_open_ns(session: str) -> int:
    """09:15 IST of a date YYYY-MM-DD, ns UTC. ValueError when it is no date."""

def ist_stamp(time_ns: int) -> str:
    """``2026-11-19 09:20:00``: a time in India as Kite writes it."""

@final
class Exchange:
    """The local exchange: a market, a matching engine and accounts. What kitesim serves over HTTP and WebSocket.

    All times are market time, ns UTC. What it shows of the market is a function of market, seed and time alone; what
    becomes of orders also of the orders and the times at which they come. Orders meet the market maker's quotes
    and each other by price and time; they never move what is shown. Not for several threads at once.

    Answers are what ``json.loads`` would make of Kite's ``data``: amounts in rupees (whole ones are ints), times
    as IST text. Every call of an unknown user raises KeyError.

    Args:
        users: each gets a fresh account of ten lakh and two holdings.
        market: ``synthetic``, ``frozen`` (one snapshot, which still trades) or a MarketFile.
        start_ns: the market has run from its day's beginning to here when the exchange is made. Its date is the
            session's.
        profile: ``strict-2026`` or ``legacy``.
        frame_ms: market time between two cuts.
        universe: ``house`` (some twenty instruments) or ``full`` (some 3,150).
        hours: ``plain`` (everything trades from 09:15 until the path ends), ``dated`` (each segment's own sessions of
            the date, with call auctions) or ``always-open``, which begins five minutes before the start.
        rules: those that are not to be the profile's, by name. ValueError for what a rule cannot be.
        calendar: the shipped one, with guesses, unless given. CalendarError for a day that it does not cover.
    """

    def __new__(
        cls,
        *,
        users: Sequence[str],
        market: str | MarketFile,
        seed: int,
        start_ns: int,
        profile: str = "strict-2026",
        frame_ms: int = 1000,
        universe: str = "house",
        hours: str = "plain",
        rules: Mapping[str, bool | int | str | Sequence[int]] | None = None,
        calendar: Calendar | None = None,
    ) -> Exchange: ...
    def trading_day(self, date: str) -> str:
        """This date, or the last trading day before it. CalendarError when its calendar does not know."""
    @property
    def session(self) -> str:
        """The market date, YYYY-MM-DD."""
    @property
    def profile(self) -> str: ...
    @property
    def rules(self) -> dict[str, bool | int | str | list[int]]:
        """All of them by name."""
    @property
    def now_ns(self) -> int:
        """Of the last cut or request."""
    @property
    def next_cut_ns(self) -> int:
        """When the market moves next. A request that claims to be later is taken as coming right before."""
    @property
    def next_due_ns(self) -> int:
        """When something happens next by itself: a cut, or an order that is under way arrives before it."""
    @property
    def market_ended(self) -> bool:
        """The path is at its end; orders still match against what was quoted last. A frozen market never ends."""
    @property
    def tokens(self) -> list[int]:
        """Of all instruments, in the order of the instruments file."""
    def advance(self, market_ns: int) -> int:
        """Makes every cut up to this time; how many there were. For each frame, advance to ``next_cut_ns`` only."""
    def frame(self, subscription: Subscription, since_ns: int | None = None, /) -> bytes | None:
        """The binary frame of the last cut: what changed in it of what is subscribed.

        With `since_ns`, what changed after that time, in its last state: for who missed the cuts between.
        """
    def snapshot(self, subscription: Subscription, tokens: Sequence[int]) -> bytes | None:
        """These of the subscribed instruments as they stand: what is sent at once after a subscribe."""
    def take_order_frames(self) -> list[tuple[str, dict[str, Any]]]:
        """(user, data) of each order update since the last call: ``{"type": "order", "data": data}`` on the socket."""
    def place(self, user: str, /, *, variety: str = "regular", at_ns: int | None = None, **fields: Any) -> str:
        """The new order's id. Fields as ``KiteConnect.place_order`` takes them; None is left out.

        Three more say what goes wrong with it: ``order_fault`` (``stuck`` in PUT ORDER REQ RECEIVED, or acknowledged
        and then ``rejected``), ``order_fault_ms`` of market time, ``order_fault_message`` of the rejection.

        ExchangeRefusal: it never was an order.
        """
    def place_order(self, user: str, order: Order, /, *, tag: str, at_ns: int | None = None) -> str:
        """The new order's id. ExchangeRefusal: it never was an order. ValueError: a word that no order has."""
    def modify_order(self, user: str, order_id: str, order: Order, /, *, at_ns: int | None = None) -> None:
        """The order becomes *order*. ExchangeRefusal: it is as it was. ValueError: a word that no order has."""
    def read(self, user: str, what: str) -> bytes:
        """The JSON of an account's ``orders``, ``trades``, ``positions``, ``holdings`` or ``margins``."""
    def place_sliced(
        self, user: str, /, *, variety: str = "regular", at_ns: int | None = None, **fields: Any
    ) -> dict[str, Any]:
        """``order_id`` and, if it was more than the freeze quantity, ``children``: each slice's id or error.

        ``order_fault="slices"``: from slice ``order_fault_slices`` on, counted from 0, they are refused with
        ``order_fault_message``.
        ExchangeRefusal: not one of them was placed.
        """
    def modify(
        self, user: str, order_id: str, /, *, variety: str = "regular", at_ns: int | None = None, **fields: Any
    ) -> None:
        """Fields as ``KiteConnect.modify_order`` takes them. ExchangeRefusal: it is as it was."""
    def cancel(
        self, user: str, order_id: str, /, *, variety: str = "regular", at_ns: int | None = None, **fields: Any
    ) -> None:
        """``order_fault="filled"``: it comes too late. ExchangeRefusal: there is no such order, or it is over."""
    def orders(self, user: str) -> list[dict[str, Any]]: ...
    def order_history(self, user: str, order_id: str) -> list[dict[str, Any]]:
        """Every state, oldest first. ExchangeRefusal: there is no such order."""
    def order_trades(self, user: str, order_id: str) -> list[dict[str, Any]]:
        """ExchangeRefusal: there is no such order."""
    def trades(self, user: str) -> list[dict[str, Any]]: ...
    def positions(self, user: str) -> dict[str, list[dict[str, Any]]]: ...
    def holdings(self, user: str) -> list[dict[str, Any]]: ...
    def margins(self, user: str) -> dict[str, dict[str, Any]]:
        """``equity`` and ``commodity``."""
    def quote(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """By ``EXCHANGE:SYMBOL`` or token, keyed as asked; unknown ones are absent."""
    def ohlc(self, names: Sequence[str]) -> dict[str, dict[str, Any]]: ...
    def ltp(self, names: Sequence[str]) -> dict[str, dict[str, Any]]: ...
    def instruments_csv(self, exchange: str | None = None, /) -> str:
        """Kite's instruments file, whole or of one exchange."""
    def instruments_json(self, exchange: str | None = None, /) -> str:
        """The same as JSON, a line each."""
    def holdings_compact(self, user: str) -> list[dict[str, Any]]: ...
    def holdings_summary(self, user: str) -> dict[str, Any]: ...
    def auctions(self, user: str) -> list[dict[str, Any]]:
        """The holdings with the number of the auction in which each can be offered."""
    def trigger_range(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Where a cover order's trigger may be; keyed as asked, unknown ones are absent."""
    def convert(self, user: str, /, *, at_ns: int | None = None, **fields: Any) -> None:
        """A part of a position under another product. Fields as ``KiteConnect.convert_position`` takes them.

        ExchangeRefusal: there is not so much, it cannot be, or there is no money for it; nothing has changed.
        """
    def place_gtt(
        self,
        user: str,
        /,
        *,
        kind: str,
        condition: Mapping[str, Any],
        triggers: Sequence[str],
        orders: Sequence[Mapping[str, Any]],
        trailing: Sequence[str] = ...,
        at_ns: int | None = None,
        gtt_id: str | None = None,
    ) -> int:
        """The number of a new trigger, or of `gtt_id` with other terms; ``kind`` is ``single``, ``two-leg``,
        ``trailing-single`` or ``trailing-two-leg``. `trailing`: rupees by which each leg follows, or the stop alone.

        ExchangeRefusal: it never was one, or is as it was.
        """
    def delete_gtt(self, user: str, gtt_id: str, /, *, at_ns: int | None = None) -> int:
        """ExchangeRefusal: there is no such trigger, or it is over."""
    def gtts(self, user: str) -> list[dict[str, Any]]: ...
    def gtt(self, user: str, gtt_id: str) -> dict[str, Any]:
        """ExchangeRefusal: there is no such trigger."""
    def order_margins(
        self, user: str, orders: Sequence[Mapping[str, Any]], /, *, compact: bool = False
    ) -> list[dict[str, Any]]:
        """What each order would tie up beyond what the account has, and cost. ExchangeRefusal names a bad field."""
    def basket_margins(
        self,
        user: str,
        orders: Sequence[Mapping[str, Any]],
        /,
        *,
        consider_positions: bool = True,
        compact: bool = False,
    ) -> dict[str, Any]:
        """``initial``: each order for itself, summed; ``final``: all together, beside the account's or alone."""
    def contract_note(self, orders: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What executed orders cost; each has its ``order_id`` and ``average_price``."""
    def candles(self, token: str, interval: str, /, **fields: Any) -> dict[str, Any]:
        """``candles`` of an instrument: ``from``, ``to``, ``continuous`` and ``oi`` as Kite takes them.

        Today's are what was printed so far. Those of days before are a function of seed, instrument and date.
        ExchangeRefusal: no such token, interval or date, or more days than the profile gives at once.
        """
    def admit_read(self, api_key: str, kind: str = "other", /, *, at_ns: int) -> None:
        """Counts a request that is no order against its API key's windows of market time. ExchangeRefusal: too many.

        ``kind`` is ``quote``, ``history`` or ``other``.
        """
    def halt(self, why: str | None) -> None:
        """Nothing trades, new orders are rejected with these words, none is modified; None: it goes on."""
    @property
    def halted(self) -> bool:
        """Whether the market stands because it was told to."""
    def phases(self) -> list[dict[str, str]]:
        """Where the day of each ``segment`` stands: ``phase`` is closed, pause, auction, open or post-close."""
    def prices(self, tokens: Sequence[int]) -> list[list[int | float]]:
        """Of each known one of them (at most 1,000): token, last price, yesterday's close, bid, ask, volume.

        In rupees; no bid or ask is 0.
        """
    def newest_orders(
        self, most: int, /, *, user: str | None = None, token: int | None = None, open: bool = False
    ) -> list[dict[str, Any]]:
        """Orders of all accounts, or of one, as they stand, the newest first; `open`: those that are not over.

        Times are ms UTC. At most 1,000. KeyError: no such user or token.
        """
    def newest_trades(self, most: int) -> list[dict[str, Any]]:
        """Both sides of trades of all accounts, the newest first. At most 1,000."""
    def order_story(self, order_id: str) -> dict[str, Any]:
        """An order, whoever's it is, with its ``states``, oldest first, and its ``fills``. KeyError: none such."""
    def replaying(self, replaying: bool) -> None:
        """Whether the requests to come are those of before a crash: they count, and no limit refuses them again."""

# --- portfolio ----------------------------------------------------------------------------------------------------

@final
class Charges:
    """What one executed order cost, exactly: ``_e15`` is in 1/10^15 rupee."""

    @property
    def brokerage_e15(self) -> int: ...
    @property
    def transaction_tax_e15(self) -> int:
        """STT or CTT."""
    @property
    def exchange_e15(self) -> int:
        """The exchange's charge with its investor fund's part."""
    @property
    def sebi_e15(self) -> int: ...
    @property
    def stamp_e15(self) -> int: ...
    @property
    def gst_e15(self) -> int: ...
    @property
    def total_e15(self) -> int: ...
    @property
    def total_e4(self) -> int:
        """To 1/10,000 rupee, half to even."""
    def __eq__(self, value: object, /) -> bool: ...

def charges(exchange: str, instrument_type: str, product: str, side: str, turnover_e4: int, date: str) -> Charges:
    """The charges of one executed order: its whole turnover (of options the premium), on a date ``YYYY-MM-DD``.

    Rates are rows of the shipped calendar, with their sources. Raises ValueError when they do not cover the kind of
    order on that day.
    """

def risk_rules() -> list[tuple[str, str, str]]:
    """Every rule in evaluation order: (id, stage, title)."""

def risk_limits() -> list[tuple[str, str, int, int]]:
    """Every limit: (name, the rule that needs it, hard ceiling live, hard ceiling on the local exchange)."""

def check_risk_limits(payload: bytes) -> None:
    """Raises ValueError if a payload of ``world.limits`` allows what cannot be allowed, or names what there is not."""

def gate_handler(
    signals: Sequence[str], calendar: Calendar | None = None, key: ApprovalKey | None = None
) -> NativeHandler:
    """The only gate, HALTED, without limits, instruments or funds.

    Args:
        signals: the topics of signals, which it judges.
        calendar: whose hours and days hold; the shipped one unless given.
        key: whose check its approvals bear; none where nobody asks for it.
    """

# --- payloads -------------------------------------------------------------------------------------------------------

def payload_fields() -> list[tuple[str, list[str]]]:
    """The topics whose payloads the core reads and writes by itself, each with the names of its fields in order."""

def payload_reread(topic: str, payload: bytes) -> bytes:
    """A payload read and written again.

    Raises ValueError, which names topic and field, for what is not exactly a payload of the topic's newest schema.
    """

# --- orders ---------------------------------------------------------------------------------------------------------

GATE: Final[str]
"""Who alone approves."""
EVALUATED_OF_A_CANCEL: Final[int]
"""The rules that the gate evaluates of a cancel, which always passes: bit n stands for rule Rn."""

@final
class ApprovalKey:
    """The key of a run's approvals: 16 bytes of an HMAC-SHA-256 over the message whole, as 32 hex digits at its end."""

    def __new__(cls, key: bytes) -> ApprovalKey:
        """Raises ValueError for a key of fewer than 16 bytes."""
    def check(self, before: bytes) -> str:
        """The check of a message of which everything before it is given."""
    def bears(self, message: bytes) -> bool:
        """Whether a whole message ends with its check."""

@final
class Placing:
    """How a new order is placed when the core hears its approval: it checks it and says INTENT and SENDING.

    Args:
        key: by which an approval is known to be the gate's; what does not bear its check the handler hears.
        take: of strategy and intent id: the order's tag and the account's epoch; None when no new order may leave, or
            the intent is not new. Then, as for whatever is not plainly a good approval, the handler hears the event.
        placed: of the approval's event, the tag and the epoch: keeps the order; what was said of it, as payloads.
    """

    def __new__(
        cls,
        *,
        key: ApprovalKey,
        take: Callable[[str, str], tuple[str, int] | None],
        placed: Callable[[Event, str, int], tuple[Any, ...]],
    ) -> Placing: ...
    def seen(self) -> bool | None:
        """Whether the message that the handler hears now bore its check; None when the core has not seen it."""

@final
class TagMaker:
    """The tags of one account's orders; see ``kitev3.broker.tags``."""

    def __new__(cls, key: bytes) -> TagMaker:
        """Raises ValueError for a key of fewer than 16 bytes."""
    def encode(self, strategy: int, epoch: int, sequence: int, leg: int, attempt: int) -> str:
        """The 20 characters. Raises AssertionError for a field that does not fit."""
    def decode(self, text: str) -> tuple[int, int, int, int, int] | None:
        """The five fields, if this key made the text."""
