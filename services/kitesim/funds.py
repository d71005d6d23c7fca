"""Mutual funds: orders in a small table of schemes, and what each user holds; `sips` are beside it.

An order is taken at the day's price and allotted on the next working day, which a market of one day does not reach: it
stays OPEN until it is cancelled. So what a fresh user holds he holds all day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from kitev3._core import Exchange, ist_stamp
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.schemes import SCHEMES, Scheme, instruments_csv

Row = dict[str, Any]
ORDERS_MAX = 1_000  # of one user
AMOUNT_MAX = 10_000_000
TAG_CHARS_MAX = 20

HELD = ("INF109K016L0", 300.0, 104.22, "3108290884")  # what a fresh user holds: scheme, units, cost of one, folio


class Funds:
    """The fund desk of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.schemes = {scheme.tradingsymbol: scheme for scheme in SCHEMES}
        self.orders_of: dict[str, dict[str, Row]] = {}
        self.made = 0

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def price_date(self) -> str:
        """Of the last prices that there are: the trading day before today's."""
        yesterday = dt.date.fromisoformat(self.exchange.session) - dt.timedelta(days=1)
        return self.exchange.trading_day(yesterday.isoformat())

    def csv(self) -> str:
        """The instruments file."""
        return instruments_csv(self.price_date)

    def holdings(self, user: str) -> list[Row]:
        scheme, (_, quantity, average, folio) = self.schemes[HELD[0]], HELD
        return [
            {
                "folio": folio,
                "fund": scheme.name,
                "tradingsymbol": scheme.tradingsymbol,
                "average_price": average,
                "last_price": scheme.price,
                "last_price_date": self.price_date,
                "pledged_quantity": 0,
                "quantity": quantity,
                "pnl": round((scheme.price - average) * quantity, 4),
            }
        ]

    def holding(self, user: str, isin: str) -> list[Row]:
        """How a holding came about. Raises Fault when it is none."""
        for row in self.holdings(user):
            if row["tradingsymbol"] == isin:
                shown = {name: row[name] for name in ("fund", "tradingsymbol", "average_price", "folio", "quantity")}
                amount = round(row["average_price"] * row["quantity"], 4)
                return [shown | {"variety": "regular", "exchange_timestamp": "2025-04-01", "amount": amount}]
        raise Fault.bad("Couldn't find that holding.")

    def orders(self, user: str) -> list[Row]:
        return list(self.orders_of.get(user, {}).values())

    def order(self, user: str, order_id: str) -> Row:
        """Raises Fault when the user has none of that number."""
        return of(self.orders_of.get(user, {}), order_id, "order_id")

    # --- what is done ------------------------------------------------------------------------------------------------

    def place(self, user: str, fields: Mapping[str, str], variety: str = "regular") -> str:
        """A new order's number. Raises Fault."""
        scheme = self.scheme(fields)
        side = fields.get("transaction_type")
        if side not in ("BUY", "SELL"):
            raise Fault.bad("Invalid `transaction_type`.")
        amount, quantity = 0.0, 0.0
        if side == "BUY":
            amount = self.amount(scheme, fields.get("amount", ""), "amount")
        else:
            quantity = _number(fields.get("quantity", ""), "quantity")
            held = sum(row["quantity"] for row in self.holdings(user) if row["tradingsymbol"] == scheme.tradingsymbol)
            leaving = sum(
                row["quantity"]
                for row in self.orders(user)
                if (row["tradingsymbol"], row["status"]) == (scheme.tradingsymbol, "OPEN")
            )
            if quantity < scheme.redemption:
                raise Fault.bad(f"Minimum redemption quantity is {scheme.redemption}.")
            if quantity > held - leaving:
                raise Fault(400, "HoldingException", "Insufficient holdings.")
        mine = self.orders_of.setdefault(user, {})
        if len(mine) >= ORDERS_MAX:
            raise Fault.bad(f"There can be at most {ORDERS_MAX} orders a day.")
        order_id = self.number(user)
        mine[order_id] = {
            "order_id": order_id,
            "status": "OPEN",
            "status_message": None,
            "purchase_type": "FRESH" if side == "BUY" else None,
            "transaction_type": side,
            "tradingsymbol": scheme.tradingsymbol,
            "fund": scheme.name,
            "folio": HELD[3] if side == "SELL" else None,
            "amount": amount,
            "quantity": quantity,
            "average_price": 0,
            "last_price": scheme.price,
            "last_price_date": self.price_date,
            "order_timestamp": self.now(),
            "exchange_timestamp": None,
            "exchange_order_id": None,
            "settlement_id": None,
            "placed_by": user,
            "variety": variety,
            "tag": tag(fields),
        }
        return order_id

    def cancel(self, user: str, order_id: str) -> None:
        """Raises Fault when there is nothing to cancel."""
        order = self.order(user, order_id)
        if order["status"] != "OPEN":
            raise Fault(400, "OrderException", "Order cannot be cancelled as it is already processed.")
        order["status"], order["status_message"] = "CANCELLED", "Cancelled by the user."

    # --- what standing orders need too --------------------------------------------------------------------------------

    def scheme(self, fields: Mapping[str, str]) -> Scheme:
        """The scheme of a form. Raises Fault."""
        scheme = self.schemes.get(fields.get("tradingsymbol", ""))
        if scheme is None:
            raise Fault.bad("Invalid `tradingsymbol`.")
        return scheme

    def amount(self, scheme: Scheme, text: str, name: str) -> float:
        """Rupees that may be paid into a scheme. Raises Fault."""
        amount = _number(text, name)
        if not scheme.purchase_allowed:
            raise Fault.bad("Purchase is not allowed in this scheme.")
        if amount < scheme.minimum or amount % scheme.multiplier:
            raise Fault.bad(f"Minimum purchase amount is {scheme.minimum}, in multiples of {scheme.multiplier}.")
        return amount

    def number(self, user: str) -> str:
        """One that nothing else here has; the same requests get the same numbers."""
        self.made += 1
        digest = hashlib.sha256(f"fund {user} {self.made}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def now(self) -> str:
        """As answers show it."""
        return ist_stamp(self.exchange.now_ns)


def of(rows: Mapping[str, Row], number: str, name: str) -> Row:
    """The row of a number. Raises Fault."""
    if number not in rows:
        raise Fault.bad(f"Couldn't find that `{name}`.")
    return rows[number]


def _number(text: str, name: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII) or not 0 < float(text) <= AMOUNT_MAX:
        raise Fault.bad(f"Invalid `{name}`.")
    return float(text)


def tag(fields: Mapping[str, str]) -> str | None:
    """The tag of a form, if there is one. Raises Fault."""
    text = fields.get("tag") or None
    if text is not None and len(text) > TAG_CHARS_MAX:
        raise Fault.bad(f"Invalid `tag`. It can have at most {TAG_CHARS_MAX} characters.")
    return text
