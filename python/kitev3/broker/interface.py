"""What every end of the broker can do, and the permit without which nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from kitev3.broker.classify import Finding

Verb: TypeAlias = Literal["place", "modify", "cancel"]
Part: TypeAlias = Literal["orders", "trades", "positions", "holdings", "margins"]
Kind: TypeAlias = Literal["enter", "exit", "cancel"]
"""What a write does to the risk: ``enter`` may add some, ``exit`` and ``cancel`` only take away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the broker is asked for it. Zero prices mean none."""

    exchange: str
    tradingsymbol: str
    side: str  # BUY or SELL
    quantity: int
    product: str
    order_type: str
    price_e4: int
    trigger_price_e4: int
    validity: str
    market_protection_bp: int  # hundredths of a percent, -1 automatic, 0 none
    variety: str = "regular"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What one write is, as the egress judges it. A tag is placed once, unless the broker did not take it."""

    tag: str
    verb: Verb
    kind: Kind
    attempt: int
    epoch: int  # of the account
    deadline_ns: int  # machine time; no byte leaves after it


class Broker(Protocol):
    """Both ends. Every call says what it came to and raises nothing but our own bugs.

    A write's finding is ``ok`` (with the order id), ``not_sent``, ``throttled``, ``reject`` or ``unknown``; a read's
    ``ok`` with Kite's JSON in ``data``, or ``error``.
    """

    def place(self, order: Order, permit: Permit) -> Finding:
        """Asks for an order that carries the permit's tag."""

    def modify(self, order_id: str, order: Order, permit: Permit) -> Finding:
        """Asks that an open order become *order*."""

    def cancel(self, order_id: str, permit: Permit, variety: str = "regular") -> Finding:
        """Asks that an open order end."""

    def orders(self) -> Finding:
        """The whole order book of the day."""

    def trades(self) -> Finding:
        """The trades of the day."""

    def positions(self) -> Finding:
        """Net and day positions."""

    def holdings(self) -> Finding:
        """Shares in the demat account."""

    def margins(self) -> Finding:
        """Funds, by segment."""

    def close(self) -> None:
        """Lets go of sockets."""
