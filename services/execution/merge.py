"""One order out of many sightings of it: out of order, repeated or lost, they end in the same state.

A sighting is a row of the book and the number of the read that saw it. Two things are kept apart, and each only moves
up: the row of the highest (rank, the exchange's time, read), which says what the order is, and the highest filled
quantity with its average price. So a lower rank with more filled raises the filled quantity only, and a final
state never goes back. Kite's pending and cancelled quantities contradict themselves; they are not used.
"""

from __future__ import annotations

import msgspec
from kitev3.contracts import OrderRow

FINAL = 9
_WORKING = 3
_RANKS = {
    "PUT ORDER REQ RECEIVED": 0,
    "VALIDATION PENDING": 1,
    "OPEN PENDING": 2,
    "COMPLETE": FINAL,
    "CANCELLED": FINAL,
    "CANCELLED AMO": FINAL,
    "REJECTED": FINAL,
}


def rank(status: str) -> int:
    """How far an order has come. A status that nobody has told us of is taken for a working order: it counts."""
    return _RANKS.get(status, _WORKING)


class Merged(msgspec.Struct, frozen=True, array_like=True):
    """What all sightings of one order together say."""

    row: OrderRow  # the furthest sighting
    read: int  # the read that made it
    filled_quantity: int
    average_price_e4: int
    filled_ns: int
    filled_read: int

    @property
    def final(self) -> bool:
        """Nothing more will happen to it."""
        return rank(self.row.status) == FINAL

    @property
    def pending_quantity(self) -> int:
        """What may still be filled."""
        return 0 if self.final else max(self.row.quantity - self.filled_quantity, 0)


def merge(known: Merged | None, row: OrderRow, read: int) -> Merged:
    """*known* and one more sighting. Commutative, associative and idempotent over all sightings of an order."""
    seen = Merged(row, read, row.filled_quantity, row.average_price_e4, row.updated_ns, read)
    if known is None:
        return seen
    state = max(known, seen, key=_state_key)
    fill = max(known, seen, key=_fill_key)
    return Merged(state.row, state.read, fill.filled_quantity, fill.average_price_e4, fill.filled_ns, fill.filled_read)


def _state_key(merged: Merged) -> tuple[int, int, int]:
    return rank(merged.row.status), merged.row.updated_ns, merged.read


def _fill_key(merged: Merged) -> tuple[int, int, int]:
    return merged.filled_quantity, merged.filled_ns, merged.filled_read
