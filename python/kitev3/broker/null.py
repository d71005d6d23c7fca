"""An account without a broker: empty books, ample funds, and nothing that is ever sent.

What the way to the broker costs can be measured on it without one.
"""

from __future__ import annotations

from kitev3.broker.classify import Finding
from kitev3.broker.interface import Order, Permit

_EMPTY = Finding(outcome="ok", data=b"[]")
_NOT_SENT = Finding(outcome="not_sent", error_type="Refused", message="this account has no broker")
_FUNDS = b'{"equity":{"net":1000000000,"available":{"live_balance":1000000000},"utilised":{"debits":0}}}'


class NullBroker:
    """The `Broker` end that leads nowhere."""

    def place(self, order: Order, permit: Permit) -> Finding:
        return _NOT_SENT

    def modify(self, order_id: str, order: Order, permit: Permit) -> Finding:
        return _NOT_SENT

    def cancel(self, order_id: str, permit: Permit, variety: str = "regular") -> Finding:
        return _NOT_SENT

    def orders(self) -> Finding:
        return _EMPTY

    def trades(self) -> Finding:
        return _EMPTY

    def positions(self) -> Finding:
        return Finding(outcome="ok", data=b'{"net":[],"day":[]}')

    def holdings(self) -> Finding:
        return _EMPTY

    def margins(self) -> Finding:
        return Finding(outcome="ok", data=_FUNDS)

    def close(self) -> None:
        """Holds nothing."""
