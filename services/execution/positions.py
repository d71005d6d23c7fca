"""Positions: what was brought into the day, what was traded since, and whether the broker says the same.

A position is its opening and the day's trades, nothing else; so whatever the order in which books, trades and positions
are read, it is the sum of what was traded. The broker's own figure is of another moment than the trades that were read
before or after it. It is compared, never taken over: only a person does that, by an ADJUST on the tape, which counts as
a trade of no order.

A difference is explained when the trades that may or may not have been in the figure make it up: those booked after
the read began and traded before its answer came, and those whose order no book has shown yet. One that stays without an
explanation is a mismatch; so does one that the next read shows again, however it was explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import msgspec
from kitev3.contracts import Adjust, Carried, Fill, PositionRow, TradeRow
from kitev3.services.execution.config import MS, S

Key = tuple[str, str, str]  # exchange, tradingsymbol, product

SKEW_NS = 2 * S  # of market time: the exchange's stamps are whole seconds, and its clock is not ours
_INTRADAY = frozenset({"CO", "BO"})  # cover and bracket orders, which others may place


class Doubt(msgspec.Struct, array_like=True, frozen=True):
    """What the broker says of a position and differs from ours."""

    said: Carried  # the broker's quantity and average
    ours: int  # what we had when the read began
    booked: int  # so many trades were booked then
    heard_ns: int  # market time of the answer
    since_ns: int  # machine time since which it differs by as much, or no read was explained
    explained: bool = False  # by trades that may or may not have been in the broker's figure; the next read shows it
    again: bool = False  # the read before had shown as much

    @property
    def more(self) -> int:
        """By how much the broker has more than we."""
        return self.said.quantity - self.ours


class Positions:
    """The positions of the day. *booked* is the book's list of trades, which grows."""

    def __init__(self, booked: list[Fill]) -> None:
        self.booked = booked
        self.carried: dict[Key, Carried] = {}
        self.fixed = False  # what was brought in stands: the book has been reconciled with it, or a person has spoken
        self.doubts: dict[Key, Doubt] = {}
        self.began = 0  # trades booked when the read under way began
        self._net: dict[Key, int] = {}  # of the first so many
        self._counted = 0

    def begin(self) -> None:
        """A read begins: what is booked by now, the broker knew before it answers."""
        self.began = len(self.booked)

    def on_positions(
        self, rows: Iterable[PositionRow], full: bool, held: Sequence[TradeRow], market_ns: int, now_ns: int
    ) -> None:
        """The broker's positions, read just now. Until they were reconciled once, what they bring in is the opening.

        *full*: what is not among them is flat.
        """
        told = _by_key(rows)
        if not self.fixed:
            self.carried = {key: opening for key, row in told.items() if (opening := _opening(row)) is not None}
        net = self._count()
        known = dict.fromkeys((*self.carried, *net, *told))  # a dict: its order is the same on every replay
        before, self.doubts = self.doubts, {}
        for key in known:
            if key not in told and not full:
                continue  # it may be the row that could not be read
            said = told[key].said if key in told else self._flat(key)
            opening = self.carried.get(key)
            ours = net.get(key, 0) + (opening.quantity if opening is not None else 0)
            doubt = Doubt(said, ours, self.began, market_ns, now_ns)
            if not doubt.more:
                continue
            last, since_ns = before.get(key), now_ns
            if last is not None and (last.more == doubt.more or not self._explained(key, last, held)):
                since_ns = last.since_ns
            explained, again = self._explained(key, doubt, held), last is not None and last.more == doubt.more
            self.doubts[key] = msgspec.structs.replace(doubt, since_ns=since_ns, explained=explained, again=again)

    def settle(self, held: Sequence[TradeRow]) -> None:
        """More trades are known, which may explain what is in doubt."""
        for key, doubt in self.doubts.items():
            if not doubt.explained and self._explained(key, doubt, held):
                self.doubts[key] = msgspec.structs.replace(doubt, explained=True)

    def mismatches(self, now_ns: int, differ_ms: int) -> list[str]:
        """Positions that differ for so long, and for no reason that we know."""
        return [
            f"position {' '.join(key)} is {doubt.said.quantity} at the broker, "
            f"{doubt.ours} by what was brought in and traded"
            for key, doubt in self.doubts.items()
            if not doubt.explained and now_ns - doubt.since_ns >= differ_ms * MS
        ]

    def take(self, by: str, reason: str) -> Iterator[Adjust]:
        """A person takes over what the broker says: the difference is booked as if it had been traded.

        What it closes is closed at our own average, since nobody has told us the price: no gain or loss is made up.
        What it opens cost the broker's average, or ours where he tells none. Without any price it stays in doubt.
        """
        self.fixed = True
        for key, doubt in tuple(self.doubts.items()):
            if doubt.explained and not doubt.again:
                continue
            more, (held, average_e4) = doubt.more, self._held(key)
            closed = min(abs(more), abs(held)) if more * held < 0 else 0
            ours_e4, theirs_e4 = average_e4 or doubt.said.average_price_e4, doubt.said.average_price_e4 or average_e4
            if not ours_e4:
                continue
            for quantity, price_e4 in ((closed, ours_e4), (abs(more) - closed, theirs_e4)):
                if quantity:
                    signed = quantity if more > 0 else -quantity
                    adjust = Adjust(*key[:2], doubt.said.instrument_token, key[2], signed, price_e4, by, reason)
                    self.adjust(adjust)
                    yield adjust

    def adjust(self, adjust: Adjust) -> None:
        """Books an ADJUST: a trade of no order, by which nobody is charged."""
        number = sum(not fill.order_id for fill in self.booked) + 1
        self.booked.append(
            Fill(
                tag="",
                order_id="",
                trade_id=f"ADJUST {number}",
                exchange=adjust.exchange,
                tradingsymbol=adjust.tradingsymbol,
                instrument_token=adjust.instrument_token,
                side="BUY" if adjust.quantity > 0 else "SELL",
                product=adjust.product,
                quantity=abs(adjust.quantity),
                price_e4=adjust.price_e4,
                traded_ns=0,
            )
        )
        self.doubts.pop(_key(adjust), None)

    def restore(self, carried: Sequence[Carried], fixed: bool, doubts: Sequence[Doubt], began: int) -> None:
        """Goes on where a snapshot was taken."""
        self.carried = {_key(row): row for row in carried}
        self.fixed, self.began = fixed, began
        self.doubts = {_key(doubt.said): doubt for doubt in doubts}

    def _held(self, key: Key) -> tuple[int, int]:
        """What we hold by all that is booked, and its average: closing leaves it as it is, turning begins it anew."""
        opening = self.carried.get(key)
        quantity = opening.quantity if opening is not None else 0
        average_e4 = Fraction(opening.average_price_e4 if opening is not None else 0)
        for fill in (fill for fill in self.booked if _key(fill) == key):
            signed = fill.quantity if fill.side == "BUY" else -fill.quantity
            after = quantity + signed
            if quantity * signed >= 0:
                average_e4 = (average_e4 * quantity + fill.price_e4 * signed) / after
            elif quantity * after < 0:
                average_e4 = Fraction(fill.price_e4)
            quantity = after
        return quantity, round(average_e4)

    def _count(self) -> dict[Key, int]:
        """What was traded of each position by the trades booked when the read began."""
        if self.began < self._counted:
            self._net, self._counted = {}, 0
        for fill in self.booked[self._counted : self.began]:
            key = _key(fill)
            self._net[key] = self._net.get(key, 0) + (fill.quantity if fill.side == "BUY" else -fill.quantity)
        self._counted = self.began
        return self._net

    def _explained(self, key: Key, doubt: Doubt, held: Sequence[TradeRow]) -> bool:
        """Whether trades that may or may not have been in the broker's figure make up the difference."""
        bought = sold = 0
        for side, quantity in (
            *(
                (fill.side, fill.quantity)
                for fill in self.booked[doubt.booked :]
                if fill.traded_ns <= doubt.heard_ns + SKEW_NS and _key(fill) == key
            ),
            *((row.side, row.quantity) for row in held if _key(row) == key),
        ):
            if side == "BUY":
                bought += quantity
            else:
                sold += quantity
        return -sold <= doubt.more <= bought

    def _flat(self, key: Key) -> Carried:
        """A position that the broker does not name."""
        exchange, tradingsymbol, product = key
        opening = self.carried.get(key)
        token = opening.instrument_token if opening is not None else self._token(key)
        return Carried(exchange, tradingsymbol, token, product, 0, 0)

    def _token(self, key: Key) -> int:
        return next((fill.instrument_token for fill in self.booked if _key(fill) == key), 0)


class _Told(msgspec.Struct):
    """What the broker says of one position."""

    said: Carried
    overnight: int
    overnight_value_e4: int


def _by_key(rows: Iterable[PositionRow]) -> dict[Key, _Told]:
    """The rows by position: cover and bracket orders lie beside the intraday ones."""
    told: dict[Key, _Told] = {}
    for row in rows:
        key = _key(row)
        said = Carried(*key[:2], row.instrument_token, key[2], row.quantity, row.average_price_e4)
        one = _Told(said, row.overnight_quantity, row.overnight_quantity * row.overnight_price_e4)
        if (other := told.get(key)) is not None:
            one.said = msgspec.structs.replace(said, quantity=row.quantity + other.said.quantity)
            one.overnight += other.overnight
            one.overnight_value_e4 += other.overnight_value_e4
        told[key] = one
    return told


def _opening(row: _Told) -> Carried | None:
    if not row.overnight:
        return None
    average_e4 = round(row.overnight_value_e4 / row.overnight) or row.said.average_price_e4
    return msgspec.structs.replace(row.said, quantity=row.overnight, average_price_e4=average_e4)


def _key(row: Adjust | Carried | Fill | PositionRow | TradeRow) -> Key:
    return row.exchange, row.tradingsymbol, "MIS" if row.product in _INTRADAY else row.product
