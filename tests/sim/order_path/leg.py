"""One order at the broker, as execution knows it: the merge of updates by rank, and the most that may still come
of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.order_path.records import Id, Role, Row, Signal, State, Tag

RANK = {
    "PUT ORDER REQ RECEIVED": 0,
    "VALIDATION PENDING": 1,
    "OPEN PENDING": 2,
    "OPEN": 3,
    "TRIGGER PENDING": 3,
    "CANCEL PENDING": 3,
    "MODIFIED": 3,
    "COMPLETE": 9,
    "CANCELLED": 9,
    "REJECTED": 9,
}
FINAL = 9
OVER = frozenset({"DONE", "ABSENT", "REJECT", "NOT SENT"})
"""States in which nothing more is expected of an order."""
LONG_AGO = -1_000_000


@dataclass(slots=True)
class Change:
    """A modify that is on its way: the larger of both quantities counts until the book shows which holds."""

    quantity: int
    price: int
    answers: Id | None
    ended_at: int | None = None  # of the attempt
    reads: int = 0  # whole reads, long after it, that did not show it


@dataclass(slots=True)
class Leg:
    """SENDING → ACK | UNKNOWN | REJECT | NOT SENT; shown in the book: LIVE → DONE; never shown: ABSENT."""

    tag: Tag
    symbol: int
    side: int
    quantity: int
    serial: int = 0  # of the write that placed it
    state: str = "SENDING"
    status: str = ""  # the book's, by rank
    rank: int = -1
    updated: int = -1
    order_id: int = 0  # of a GTT that of the order that it became
    trigger_id: int = 0
    filled: int = 0  # as the book says
    traded: int = 0  # by its trades
    price: int = 0
    is_shown: bool = False
    ended_at: int | None = None  # of the attempt, where its outcome is not known to be final
    reads: int = 0  # whole reads, long after it, without it
    cancelled_at: int = LONG_AGO
    rested_since: int = 0
    change: Change | None = None
    changes: int = 0

    @property
    def intent(self) -> Id:
        return self.tag.intent

    @property
    def role(self) -> Role:
        return self.tag.role

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_settled(self) -> bool:
        """Over, and every unit that the book says was filled has its trade."""
        return self.state in OVER and self.filled <= self.traded

    @property
    def most(self) -> int:
        """The larger quantity while a modify is on its way."""
        return self.quantity if self.change is None else max(self.quantity, self.change.quantity)

    def open(self) -> int:
        """The most that may still be filled beyond its trades."""
        return max(0, (self.filled if self.state in OVER else self.most) - self.traded)

    def as_state(self) -> State:
        return State(
            self.tag,
            self.state,
            self.status,
            self.filled,
            self.quantity,
            self.price,
            self.updated,
            self.order_id,
            self.trigger_id,
        )

    def merge(self, row: Row, by_rank: bool) -> bool:
        """Takes a row of the book or an update, in whatever order they come. Whether anything changed."""
        rank = RANK[row.status]
        before = (self.rank, self.status, self.filled, self.quantity, self.price)
        self.is_shown = True
        if by_rank:
            self.filled = max(self.filled, row.filled)
            if rank < self.rank or self.rank == FINAL:
                return self.filled != before[2]
            if rank > self.rank or row.updated > self.updated:
                self.rank, self.status = rank, row.status
            if row.updated > self.updated:
                self.updated, self.quantity, self.price = row.updated, row.quantity, row.price
        else:
            self.rank, self.status, self.filled = rank, row.status, row.filled
            self.updated, self.quantity, self.price = row.updated, row.quantity, row.price
        self.state = "DONE" if rank == FINAL else "LIVE"
        return (self.rank, self.status, self.filled, self.quantity, self.price) != before


@dataclass(slots=True)
class Bracket:
    """An entry with all that may reduce what it holds."""

    intent: Id
    strategy: int
    symbol: int
    side: int
    protect: str
    has_target: bool
    entry: Leg
    exits: list[Leg] = field(default_factory=list)
    wants_flat: bool = False
    wants_cancel: bool = False
    is_closed: bool = False  # its entry is settled, and the gate was told
    is_alarmed: bool = False
    flat_since: int = 0  # the wish, in this life
    is_overdue: bool = False  # a person was told that it takes long
    not_before: int = 0  # the next exit or stop, after one that failed
    attempts: int = 0

    @classmethod
    def of(cls, signal: Signal, entry: Leg) -> Bracket:
        return cls(signal.id, signal.strategy, signal.symbol, signal.side, signal.protect, signal.has_target, entry)

    @property
    def held(self) -> int:
        held = self.entry.traded
        for leg in self.exits:
            held -= leg.traded
        return held

    @property
    def out(self) -> int:
        """What exits and stops may still take, the unknown ones whole."""
        out = 0
        for leg in self.exits:
            out += leg.open()
        return out
