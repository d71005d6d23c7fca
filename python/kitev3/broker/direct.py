"""The exchange object in this process, asked with our own structs: no form and no HTTP between.

What the exchange refuses is put into Kite's envelope and judged by the same table as a reply over HTTP, so that both
ends prove the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from kitev3._core import ExchangeRefusal
from kitev3.broker.classify import Finding, Reply, classify_write
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Order, Part, Permit
from kitev3.errors import Refused

_JSON = "application/json"


class Exchange(Protocol):
    """The part of the exchange that a broker's end needs."""

    def place_order(self, user: str, order: Order, /, *, tag: str) -> str: ...
    def modify_order(self, user: str, order_id: str, order: Order, /) -> None: ...
    def cancel(self, user: str, order_id: str, /, *, variety: str = "regular") -> None: ...
    def read(self, user: str, what: Part, /) -> bytes: ...


class DirectBroker:
    """The `Broker` end on an exchange object. Requests arrive at the exchange's own market time."""

    def __init__(self, exchange: Exchange, user: str, egress: Egress) -> None:
        self._exchange = exchange
        self._user = user
        self._egress = egress

    def place(self, order: Order, permit: Permit) -> Finding:
        return self._write(permit, lambda: self._exchange.place_order(self._user, order, tag=permit.tag))

    def modify(self, order_id: str, order: Order, permit: Permit) -> Finding:
        def change() -> str:
            self._exchange.modify_order(self._user, order_id, order)
            return order_id

        return self._write(permit, change)

    def cancel(self, order_id: str, permit: Permit, variety: str = "regular") -> Finding:
        def end() -> str:
            self._exchange.cancel(self._user, order_id, variety=variety)
            return order_id

        return self._write(permit, end)

    def orders(self) -> Finding:
        return Finding(outcome="ok", data=self._exchange.read(self._user, "orders"))

    def trades(self) -> Finding:
        return Finding(outcome="ok", data=self._exchange.read(self._user, "trades"))

    def positions(self) -> Finding:
        return Finding(outcome="ok", data=self._exchange.read(self._user, "positions"))

    def holdings(self) -> Finding:
        return Finding(outcome="ok", data=self._exchange.read(self._user, "holdings"))

    def margins(self) -> Finding:
        return Finding(outcome="ok", data=self._exchange.read(self._user, "margins"))

    def close(self) -> None:
        """The exchange is somebody else's."""

    def _write(self, permit: Permit, call: Callable[[], str]) -> Finding:
        try:
            self._egress.let_through(permit)
        except Refused as refused:
            return Finding(outcome="not_sent", error_type="Refused", message=str(refused))
        try:
            order_id = call()
        except ExchangeRefusal as refusal:
            return classify_write(_refused(refusal))
        return Finding(outcome="ok", order_id=order_id)


def _refused(refusal: ExchangeRefusal) -> Reply:
    envelope = {
        "status": "error",
        "message": refusal.message,
        "data": None,
        "error_type": refusal.error_type,
    }
    return Reply(refusal.status, _JSON, msgspec.json.encode(envelope))
