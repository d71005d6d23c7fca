"""What stands on the tapes and travels over the bus. All of it is immutable; times are machine time in milliseconds."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Role = Literal["entry", "stop", "gtt", "exit"]
Outcome = Literal["ACK", "REJECT", "NOT SENT", "UNKNOWN"]
Id = tuple[int, int]
"""Of an intent: epoch and number of the signal at its source, so that it is the same however often it is told."""


class Tag(NamedTuple):
    """What the broker echoes. The check is keyed, so that a foreign or mistyped tag is none of ours."""

    intent: Id
    role: Role
    attempt: int
    check: int

    def __str__(self) -> str:
        return f"{self.role} {self.intent}/{self.attempt}"


def tag_of(intent: Id, role: Role, attempt: int) -> Tag:
    return Tag(intent, role, attempt, _check(intent, role, attempt))


def is_ours(tag: Tag | None) -> bool:
    return tag is not None and tag.check == _check(tag.intent, tag.role, tag.attempt)


def _check(intent: Id, role: Role, attempt: int) -> int:
    return (intent[0] * 31 + intent[1] * 7 + attempt * 13 + len(role) * 101 + 5) % 997


# From the strategy and the gate ---------------------------------------------------------------------------------------


class Signal(NamedTuple):
    """A wish.

    *target* is the intent that an exit, cancel or modify is about; *held* what the strategy knew that it holds of it.
    """

    id: Id
    kind: Literal["enter", "exit", "cancel", "modify"]
    target: Id
    strategy: int
    symbol: int
    side: int  # of the entry: 1 buys, -1 sells
    quantity: int
    protect: Literal["", "stop", "gtt"]
    has_target: bool
    boot: int
    deadline: int  # machine time of that boot
    deadline_wall: int
    held: int


class Approved(NamedTuple):
    """The verdict that passes, with signal and reservation whole, so that execution's tape alone holds all of it."""

    signal: Signal
    reserved: int


class Blocked(NamedTuple):
    intent: Id
    why: str


# From execution -------------------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """One write to the broker. Appended as SENDING and synced before its first byte leaves."""

    verb: Literal["POST", "PUT", "DELETE"]
    tag: Tag
    symbol: int
    side: int
    quantity: int
    price: int  # which price: a number that rises with every change of it
    order_id: int
    answers: Id | None  # of a modify the signal that asked for it
    opens: bool  # an entry, which may not leave while the account reduces
    boot: int
    deadline: int
    deadline_wall: int
    epoch: int
    serial: int  # of execution's writes


class Intent(NamedTuple):
    approved: Approved


class Sending(NamedTuple):
    request: Request


class Wished(NamedTuple):
    """What an intent is to come to: an accepted exit or cancel, or a touched target. It outlives its deadline."""

    intent: Id
    what: Literal["flat", "cancel"]


class Placed(NamedTuple):
    """OUTCOME of a POST, or what took its place: found in the book, or absent."""

    tag: Tag
    outcome: str
    order_id: int
    trigger_id: int


class State(NamedTuple):
    """What the book shows of an order, where that changed."""

    tag: Tag
    state: str
    status: str
    filled: int
    quantity: int
    price: int
    updated: int
    order_id: int
    trigger_id: int


class Fill(NamedTuple):
    """A trade of ours."""

    tag: Tag
    quantity: int
    trade_id: int

    @property
    def intent(self) -> Id:
        return self.tag.intent

    @property
    def is_entry(self) -> bool:
        return self.tag.role == "entry"


class Modified(NamedTuple):
    """An entry's quantity, once the book shows it, and which modify that answers."""

    intent: Id
    quantity: int
    answers: Id


class Closed(NamedTuple):
    """An entry at its end, with all its trades: nothing of its reservation is needed any more."""

    intent: Id
    why: str


class External(NamedTuple):
    """An order by hand, in the worst case: what it holds and what it may still buy or sell."""

    order_id: int
    symbol: int
    net: int
    buys: int
    sells: int


class ExternalTrigger(NamedTuple):
    """A GTT made by hand. It is said so that it is never taken for one of ours of the same content."""

    trigger_id: int


class Reclaimed(NamedTuple):
    """What had looked external is the order of a GTT of ours."""

    order_id: int


class Orphan(NamedTuple):
    """Our tag, unknown to our tape."""

    intent: Id
    strategy: int
    symbol: int
    side: int
    quantity: int


class Line(NamedTuple):
    """A line of the book: an intent as the gate counts it."""

    intent: Id
    strategy: int
    symbol: int
    side: int
    quantity: int
    filled: int
    held: int
    is_closed: bool
    is_unknown: bool


class Book(NamedTuple):
    """What execution holds after reconciliation, and up to where it has heard the gate."""

    lines: tuple[Line, ...]
    externals: tuple[External, ...]
    trades: frozenset[int]
    after: tuple[int, int]
    boot: int


class Alarm(NamedTuple):
    words: str


# From the world -------------------------------------------------------------------------------------------------------


class Boot(NamedTuple):
    """A start. *unsent* are writes that recovery alone said: what stands before them never left."""

    epoch: int
    boot: int
    unsent: frozenset[int]


class TailLost(NamedTuple):
    """A source continues after a smaller number than what was applied of it."""

    source: str
    epoch: int
    seq: int


class Answer(NamedTuple):
    """What a write came to."""

    serial: int
    said: str
    order_id: int


class Row(NamedTuple):
    """An order as the book shows it."""

    order_id: int
    tag: Tag | None
    symbol: int
    side: int
    status: str
    quantity: int
    filled: int
    price: int
    updated: int


class Trade(NamedTuple):
    trade_id: int
    order_id: int
    symbol: int
    side: int
    quantity: int


class TriggerRow(NamedTuple):
    """A GTT. *order_id* is 0 until its order's number is known, -1 where it got none."""

    trigger_id: int
    symbol: int
    side: int
    quantity: int
    status: str
    order_id: int


class Rows(NamedTuple):
    """A read of the broker's books, begun at that time. The orders are read first, then trades and GTTs."""

    begun: int
    orders: tuple[Row, ...]
    trades: tuple[Trade, ...]
    triggers: tuple[TriggerRow, ...] | None  # None: that part could not be read


class Unread(NamedTuple):
    """A read that failed."""

    is_token_dead: bool


class Update(NamedTuple):
    """An order update from the socket: a hint, with a row in it."""

    row: Row


class LatchRead(NamedTuple):
    latch: str


class Touched(NamedTuple):
    """The market reached an intent's target, or its stop is to trail."""

    intent: Id
    what: Literal["target", "trail"]


Payload = Any
