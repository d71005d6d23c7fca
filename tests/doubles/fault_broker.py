"""A broker that fails as real ones have: for tests of everything that stands behind the order path.

It keeps a book of its own, in the shape of Kite's rows. What happens to the next write is scripted; without a script it
is acknowledged. The faults are those that were seen: replies lost after the order was taken, HTTP 400 for an order that
appeared seconds later, requests that never arrived, books that show an order late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec
from kitev3.broker.classify import Finding, Reply, classify_failure, classify_write
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Order, Permit
from kitev3.errors import Refused

Fault: TypeAlias = Literal[
    "none",
    "unreachable",  # no connection: nothing was sent
    "rejected",  # HTTP 400, a definite refusal
    "lost_request",  # sent, never arrived
    "lost_reply",  # taken, the reply never arrived
    "late",  # taken after a while; the reply said HTTP 400, timed out
    "too_many",  # HTTP 429
    "garbled",  # taken; the reply cannot be read
]
FINAL = frozenset({"COMPLETE", "CANCELLED", "REJECTED"})
JSON = "application/json"


@dataclass(slots=True)
class BookedOrder:
    """One order at the broker."""

    order_id: str
    tag: str
    order: Order
    shown_ns: int  # from when on the book shows it
    status: str = "OPEN"
    filled: int = 0
    value_e4: int = 0
    updated_s: int = 0


@dataclass(slots=True)
class FaultBroker:
    """The `Broker` end on a book in memory, with its faults scripted.

    Args:
        clock_ns: machine time.
        egress: the door of every write; it stays even if the process behind it is started anew.
    """

    clock_ns: Callable[[], int]
    egress: Egress
    lag_ns: int = 0  # how late a *late* order is taken and shown
    faults: deque[Fault] = field(default_factory=deque)
    reads_fail: int = 0  # so many reads to come fail
    between_reads: deque[tuple[str, int]] = field(default_factory=deque)  # fills right after the next read
    trades_lag_ns: int = 0  # how late a trade is shown, which positions have at once
    damaged: bool = False  # the book has a row that cannot be read
    carried: dict[str, int] = field(default_factory=dict)  # by symbol, of those that were traded: brought into the day
    booked: dict[str, BookedOrder] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)  # tags of what was taken for an order, in order
    _traded_shown_ns: dict[str, int] = field(default_factory=dict)  # by trade id

    # As the `Broker` ----------------------------------------------------------------------------------------------

    def place(self, order: Order, permit: Permit) -> Finding:
        return self._write(permit, lambda late: self._book(order, permit.tag, late))

    def modify(self, order_id: str, order: Order, permit: Permit) -> Finding:
        def change(late: bool) -> str:
            booked = self.booked[order_id]
            if booked.status not in FINAL:
                booked.order = order
                booked.updated_s += 1
            return order_id

        return self._write(permit, change)

    def cancel(self, order_id: str, permit: Permit, variety: str = "regular") -> Finding:
        def end(late: bool) -> str:
            booked = self.booked[order_id]
            if booked.status not in FINAL:
                booked.status = "CANCELLED"
                booked.updated_s += 1
            return order_id

        return self._write(permit, end)

    def orders(self) -> Finding:
        rows = [self._row(booked) for booked in self.shown()]
        return self._read([*rows, {}] if self.damaged else rows)

    def trades(self) -> Finding:
        shown, now_ns = {booked.order_id for booked in self.shown()}, self.clock_ns()
        return self._read(
            [row for row in self.rows if row["order_id"] in shown and self._traded_shown_ns[row["trade_id"]] <= now_ns]
        )

    def positions(self) -> Finding:
        net: dict[tuple[str, str, str], dict[str, Any]] = {}
        for row in self.rows:
            held = net.setdefault(
                (row["exchange"], row["tradingsymbol"], row["product"]),
                {key: row[key] for key in ("exchange", "tradingsymbol", "instrument_token", "product")}
                | {"quantity": self.carried.get(row["tradingsymbol"], 0), "average_price": row["average_price"]},
            )
            held["overnight_quantity"] = self.carried.get(row["tradingsymbol"], 0)
            held["quantity"] += row["quantity"] if row["transaction_type"] == "BUY" else -row["quantity"]
        return self._read({"net": list(net.values()), "day": []})

    def holdings(self) -> Finding:
        return self._read([])

    def margins(self) -> Finding:
        segment = {"net": 1e6, "available": {"live_balance": 1e6}, "utilised": {"debits": 0}}
        return self._read({"equity": segment})

    def close(self) -> None:
        """The book stays: processes come and go, the broker does not."""

    # What the market does -----------------------------------------------------------------------------------------

    def fill(self, order_id: str, quantity: int) -> None:
        """Trades up to *quantity* of what is left of an open order."""
        booked = self.booked[order_id]
        quantity = min(quantity, booked.order.quantity - booked.filled)
        if booked.status in FINAL or quantity <= 0:
            return
        booked.filled += quantity
        booked.value_e4 += quantity * booked.order.price_e4
        booked.updated_s += 1
        if booked.filled == booked.order.quantity:
            booked.status = "COMPLETE"
        trade_id = str(len(self.rows) + 1)
        self._traded_shown_ns[trade_id] = self.clock_ns() + self.trades_lag_ns
        self.rows.append(
            self._names(booked)
            | {
                "trade_id": trade_id,
                "quantity": quantity,
                "average_price": booked.order.price_e4 / 10_000,
                "fill_timestamp": _time(booked.updated_s),
            }
        )

    def shown(self) -> list[BookedOrder]:
        """What the book shows now."""
        return [booked for booked in self.booked.values() if booked.shown_ns <= self.clock_ns()]

    # Inside -------------------------------------------------------------------------------------------------------

    def _write(self, permit: Permit, deed: Callable[[bool], str]) -> Finding:
        fault = self.faults.popleft() if self.faults else "none"
        if fault == "unreachable":
            return classify_failure(first_byte_sent=False, error_type="ConnectionError", message="refused")
        try:
            self.egress.let_through(permit)
        except Refused as refused:
            return classify_failure(first_byte_sent=False, error_type="Refused", message=str(refused))
        if fault == "rejected":
            return classify_write(_failed(400, "InputException", "Quantity should be a multiple of 65."))
        if fault == "too_many":
            return classify_write(_failed(429, "NetworkException", "Too many requests"))
        if fault == "lost_request":
            return classify_failure(first_byte_sent=True, error_type="ReadTimeout", message="no answer in 10 s")
        order_id = deed(fault == "late")
        if fault == "lost_reply":
            return classify_failure(first_byte_sent=True, error_type="ReadTimeout", message="no answer in 10 s")
        if fault == "late":
            return classify_write(_failed(400, "OrderException", "Order request timed out. Check the order book."))
        if fault == "garbled":
            return classify_write(Reply(200, "text/html", b"<html>"))
        return classify_write(
            Reply(200, JSON, msgspec.json.encode({"status": "success", "data": {"order_id": order_id}}))
        )

    def _read(self, data: object) -> Finding:
        if self.reads_fail > 0:
            self.reads_fail -= 1
            return Finding(outcome="error", error_type="NetworkException", message="OMS not reachable")
        finding = Finding(outcome="ok", data=msgspec.json.encode(data))
        if self.between_reads:
            self.fill(*self.between_reads.popleft())
        return finding

    def _book(self, order: Order, tag: str, late: bool) -> str:
        order_id = f"26111900000{len(self.booked):04d}"
        shown_ns = self.clock_ns() + (self.lag_ns if late else 0)
        self.booked[order_id] = BookedOrder(order_id, tag, order, shown_ns)
        self.arrived.append(tag)
        return order_id

    def _row(self, booked: BookedOrder) -> dict[str, Any]:
        order = booked.order
        return self._names(booked) | {
            "status": booked.status,
            "order_type": order.order_type,
            "quantity": order.quantity,
            "filled_quantity": booked.filled,
            "price": order.price_e4 / 10_000,
            "average_price": booked.value_e4 / 10_000 / booked.filled if booked.filled else 0,
            "exchange_update_timestamp": _time(booked.updated_s),
            "tag": booked.tag,
        }

    @staticmethod
    def _names(booked: BookedOrder) -> dict[str, Any]:
        order = booked.order
        return {
            "order_id": booked.order_id,
            "exchange": order.exchange,
            "tradingsymbol": order.tradingsymbol,
            "instrument_token": 408065,
            "transaction_type": order.side,
            "product": order.product,
        }


def _failed(status: int, error_type: str, message: str) -> Reply:
    envelope = {"status": "error", "message": message, "data": None, "error_type": error_type}
    return Reply(status, JSON, msgspec.json.encode(envelope))


def _time(second: int) -> str:
    return f"2026-11-19 {9 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
