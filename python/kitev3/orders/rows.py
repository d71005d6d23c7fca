"""The rows of Kite's order book, trade book, positions, holdings and margins, as far as we use them.

A row that cannot be read never costs the good ones beside it, but a read with such a row is not a full read: it proves
the presence of orders, not their absence. Kite's numbers are JSON numbers in rupees, its times naive IST.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from kitev3._core import IST_NS

_EPOCH = dt.datetime(1970, 1, 1)
_SECOND = dt.timedelta(seconds=1)


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of GET /orders: the latest state of one order, of whatever origin."""

    order_id: str
    status: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    transaction_type: str
    product: str
    order_type: str
    quantity: int
    filled_quantity: int
    price: float = 0.0
    trigger_price: float = 0.0
    average_price: float = 0.0
    variety: str = "regular"
    status_message: str | None = None
    exchange_update_timestamp: str | None = None
    tag: str | None = None
    tags: list[str] | None = None

    @property
    def updated_ns(self) -> int:
        """When the exchange last changed it (UTC, whole seconds); 0: never, or unreadable."""
        return ist_ns(self.exchange_update_timestamp) or 0

    @property
    def all_tags(self) -> tuple[str, ...]:
        """Its tags, wherever they stand: of orders that the broker converted they move from ``tag`` to ``tags``."""
        return tuple(tag for tag in (self.tag, *(self.tags or ())) if tag)


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of GET /trades: one fill. It carries no tag, so an order is found by its id."""

    trade_id: str
    order_id: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    transaction_type: str
    product: str
    quantity: int
    average_price: float
    fill_timestamp: str | None = None
    exchange_timestamp: str | None = None

    @property
    def traded_ns(self) -> int | None:
        """When it traded, the exchange's time (UTC, whole seconds)."""
        return ist_ns(self.fill_timestamp) or ist_ns(self.exchange_timestamp)


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the net positions."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    product: str
    quantity: int
    average_price: float = 0.0
    overnight_quantity: int = 0  # what was brought into the day, of all that was bought and sold
    multiplier: float = 1.0
    buy_value: float = 0.0
    sell_value: float = 0.0
    day_buy_value: float = 0.0
    day_sell_value: float = 0.0

    @property
    def overnight_value(self) -> float:
        """What was brought into the day cost, in rupees a unit of quantity; negative when short."""
        bought, sold = self.buy_value - self.day_buy_value, self.sell_value - self.day_sell_value
        return (bought if self.overnight_quantity > 0 else -sold) / (self.multiplier or 1.0)


class Positions(msgspec.Struct, frozen=True):
    """GET /portfolio/positions."""

    net: list[msgspec.Raw]


class HoldingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of GET /portfolio/holdings."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    quantity: int
    used_quantity: int = 0
    average_price: float = 0.0


class Available(msgspec.Struct, frozen=True):
    """The part of a segment's margins that may still be used."""

    live_balance: float = 0.0


class Utilised(msgspec.Struct, frozen=True):
    """The part of a segment's margins that is in use."""

    debits: float = 0.0


class Segment(msgspec.Struct, frozen=True):
    """One segment of GET /user/margins."""

    net: float
    available: Available
    utilised: Utilised


class Margins(msgspec.Struct, frozen=True):
    """GET /user/margins."""

    equity: Segment | None = None
    commodity: Segment | None = None


Row = TypeVar("Row", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """The rows that could be read, and how many could not."""

    good: tuple[Row, ...]
    bad: int

    @property
    def full(self) -> bool:
        """Nothing is missing that the broker sent."""
        return self.bad == 0


def read_rows(body: bytes, kind: type[Row]) -> Rows[Row]:
    """The rows of a JSON list.

    Raises:
        msgspec.DecodeError: it is no JSON list.
    """
    return _read(msgspec.json.decode(body, type=list[msgspec.Raw]), kind)


def read_positions(body: bytes) -> Rows[PositionRow]:
    """The net positions.

    Raises:
        msgspec.DecodeError: it is not the object that Kite answers.
    """
    return _read(msgspec.json.decode(body, type=Positions).net, PositionRow)


def read_margins(body: bytes) -> Margins:
    """The margins.

    Raises:
        msgspec.DecodeError: it is not the object that Kite answers.
    """
    return msgspec.json.decode(body, type=Margins)


def e4(rupees: float) -> int:
    """Rupees to 1/10,000 rupee. Exact for every price that Kite can send: doubles carry 15 digits."""
    return round(rupees * 10_000)


def ist_ns(text: str | None) -> int | None:
    """Kite's ``YYYY-MM-DD HH:MM:SS`` in IST to nanoseconds UTC; none when it is missing or something else."""
    if text is None or len(text) != 19:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time - _EPOCH) // _SECOND * 1_000_000_000 - IST_NS


def _read(raws: list[msgspec.Raw], kind: type[Row]) -> Rows[Row]:
    good: list[Row] = []
    bad = 0
    decoder = msgspec.json.Decoder(kind)
    for raw in raws:
        try:
            good.append(decoder.decode(raw))
        except msgspec.DecodeError:
            bad += 1
    return Rows(tuple(good), bad)
