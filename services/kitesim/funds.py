"""Mutual funds: a small table of schemes, orders, SIPs and holdings of each user.

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

import msgspec
from kitev3._core import Exchange, ist_stamp, trading_day
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.schemes import SCHEMES, Scheme, instruments_csv

Row = dict[str, Any]
ORDERS_MAX = 1_000  # of one user
AMOUNT_MAX = 10_000_000
TAG_CHARS_MAX = 20


HELD = ("INF109K016L0", 300.0, 104.22, "3108290884")  # what a fresh user holds: scheme, units, cost of one, folio
FREQUENCIES = {"weekly": 7, "monthly": 30, "quarterly": 91}
INSTALMENT_DAYS = (0, 1, 5, 10, 15, 20, 25)  # 0: the day of the first


class Funds:
    """The fund desk of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.schemes = {scheme.tradingsymbol: scheme for scheme in SCHEMES}
        self.orders_of: dict[str, dict[str, Row]] = {}
        self.sips_of: dict[str, dict[str, Row]] = {}
        self.made = 0

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def price_date(self) -> str:
        """Of the last prices that there are: the trading day before today's."""
        yesterday = dt.date.fromisoformat(self.exchange.session) - dt.timedelta(days=1)
        return trading_day(yesterday.isoformat())

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

    def sips(self, user: str) -> list[Row]:
        return list(self.sips_of.get(user, {}).values())

    def order(self, user: str, order_id: str) -> Row:
        """Raises Fault when the user has none of that number."""
        return _of(self.orders_of.get(user, {}), order_id, "order_id")

    def sip(self, user: str, sip_id: str) -> Row:
        """Raises Fault when the user has none of that number."""
        return _of(self.sips_of.get(user, {}), sip_id, "sip_id") | {"fund_source": "pool"}

    # --- what is done ------------------------------------------------------------------------------------------------

    def place(self, user: str, fields: Mapping[str, str], variety: str = "regular") -> str:
        """A new order's number. Raises Fault."""
        scheme = self._scheme(fields)
        side = fields.get("transaction_type")
        if side not in ("BUY", "SELL"):
            raise Fault.bad("Invalid `transaction_type`.")
        amount, quantity = 0.0, 0.0
        if side == "BUY":
            amount = self._amount(scheme, fields.get("amount", ""), "amount")
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
        order_id = self._number(user)
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
            "order_timestamp": self._now(),
            "exchange_timestamp": None,
            "exchange_order_id": None,
            "settlement_id": None,
            "placed_by": user,
            "variety": variety,
            "tag": _tag(fields),
        }
        return order_id

    def cancel(self, user: str, order_id: str) -> None:
        """Raises Fault when there is nothing to cancel."""
        order = self.order(user, order_id)
        if order["status"] != "OPEN":
            raise Fault(400, "OrderException", "Order cannot be cancelled as it is already processed.")
        order["status"], order["status_message"] = "CANCELLED", "Cancelled by the user."

    def place_sip(self, user: str, fields: Mapping[str, str]) -> Row:
        """A new SIP's number, and that of its first order when it has an initial amount. Raises Fault."""
        scheme = self._scheme(fields)
        frequency = fields.get("frequency", "")
        if frequency not in FREQUENCIES:
            raise Fault.bad("Invalid `frequency`.")
        instalments = _instalments(fields.get("instalments", ""))
        day = _instalment_day(fields.get("instalment_day") or "0")
        amount = self._amount(scheme, fields.get("amount", ""), "amount")
        step_up = _step_up(fields.get("step_up", ""))
        mine = self.sips_of.setdefault(user, {})
        if len(mine) >= ORDERS_MAX:
            raise Fault.bad(f"There can be at most {ORDERS_MAX} SIPs.")
        first = fields.get("initial_amount", "")
        order_id = self.place(user, {**fields, "transaction_type": "BUY", "amount": first}, "sip") if first else None
        sip_id = str(int(self._number(user).replace("-", ""), 16) % 10**15).zfill(15)
        mine[sip_id] = {
            "sip_id": sip_id,
            "sip_reg_num": None,
            "sip_type": fields.get("sip_type") or "sip",
            "status": "ACTIVE",
            "tradingsymbol": scheme.tradingsymbol,
            "fund": scheme.name,
            "dividend_type": scheme.dividend_type,
            "transaction_type": "BUY",
            "instalment_amount": amount,
            "instalments": instalments,
            "completed_instalments": 0,
            "pending_instalments": instalments,
            "instalment_day": day,
            "next_instalment": self._next(frequency, day),
            "last_instalment": None,
            "created": self._now(),
            "frequency": frequency,
            "trigger_price": 0,
            "step_up": step_up,
            "tag": _tag(fields),
        }
        return {"sip_id": sip_id} if order_id is None else {"sip_id": sip_id, "order_id": order_id}

    def modify_sip(self, user: str, sip_id: str, fields: Mapping[str, str]) -> None:
        """Raises Fault, and changes nothing, for what cannot be."""
        sip = _of(self.sips_of.get(user, {}), sip_id, "sip_id")
        change: Row = {}
        if text := fields.get("status"):
            if text.lower() not in ("active", "paused"):
                raise Fault.bad("Invalid `status`.")
            change["status"] = text.upper()
        if text := fields.get("frequency"):
            if text not in FREQUENCIES:
                raise Fault.bad("Invalid `frequency`.")
            change["frequency"] = text
        if text := fields.get("instalments"):
            change["instalments"] = change["pending_instalments"] = _instalments(text)
        if text := fields.get("instalment_day"):
            change["instalment_day"] = _instalment_day(text)
        if text := fields.get("amount"):
            change["instalment_amount"] = self._amount(self.schemes[sip["tradingsymbol"]], text, "amount")
        if text := fields.get("step_up"):
            change["step_up"] = _step_up(text)
        sip |= change
        sip["next_instalment"] = self._next(sip["frequency"], sip["instalment_day"])

    def cancel_sip(self, user: str, sip_id: str) -> None:
        """Raises Fault when there is none."""
        sip = _of(self.sips_of.get(user, {}), sip_id, "sip_id")
        if sip["status"] == "CANCELLED":
            raise Fault.bad("The SIP is cancelled already.")
        sip["status"], sip["next_instalment"] = "CANCELLED", None

    def _scheme(self, fields: Mapping[str, str]) -> Scheme:
        scheme = self.schemes.get(fields.get("tradingsymbol", ""))
        if scheme is None:
            raise Fault.bad("Invalid `tradingsymbol`.")
        return scheme

    def _amount(self, scheme: Scheme, text: str, name: str) -> float:
        amount = _number(text, name)
        if not scheme.purchase_allowed:
            raise Fault.bad("Purchase is not allowed in this scheme.")
        if amount < scheme.minimum or amount % scheme.multiplier:
            raise Fault.bad(f"Minimum purchase amount is {scheme.minimum}, in multiples of {scheme.multiplier}.")
        return amount

    def _next(self, frequency: str, day: int) -> str:
        """The date of the next instalment: `day` of a month, or a period from today."""
        today = dt.date.fromisoformat(self.exchange.session)
        if not day or frequency == "weekly":
            return (today + dt.timedelta(days=FREQUENCIES[frequency])).isoformat()
        months = 1 if frequency == "monthly" else 3
        month = today.month - 1 + (0 if day > today.day and months == 1 else months)
        return dt.date(today.year + month // 12, month % 12 + 1, day).isoformat()

    def _number(self, user: str) -> str:
        self.made += 1
        digest = hashlib.sha256(f"fund {user} {self.made}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def _now(self) -> str:
        return ist_stamp(self.exchange.now_ns)


def _of(rows: Mapping[str, Row], number: str, name: str) -> Row:
    if number not in rows:
        raise Fault.bad(f"Couldn't find that `{name}`.")
    return rows[number]


def _number(text: str, name: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) or not 0 < float(text) <= AMOUNT_MAX:
        raise Fault.bad(f"Invalid `{name}`.")
    return float(text)


def _instalments(text: str) -> int:
    if not re.fullmatch(r"-1|[1-9]\d{0,3}", text):
        raise Fault.bad("Invalid `instalments`.")
    return int(text)


def _instalment_day(text: str) -> int:
    if not text.isdecimal() or int(text[:3]) not in INSTALMENT_DAYS:
        raise Fault.bad("Invalid `instalment_day`.")
    return int(text[:3])


def _tag(fields: Mapping[str, str]) -> str | None:
    tag = fields.get("tag") or None
    if tag is not None and len(tag) > TAG_CHARS_MAX:
        raise Fault.bad(f"Invalid `tag`. It can have at most {TAG_CHARS_MAX} characters.")
    return tag


def _step_up(text: str) -> dict[str, int]:
    """``{"15-02": 10}``: from that day and month on, so many percent more each year."""
    try:
        step_up = msgspec.json.decode(text or "{}", type=dict[str, int])
    except (msgspec.MsgspecError, OverflowError, RecursionError, UnicodeEncodeError):
        raise Fault.bad("Invalid `step_up`.") from None
    if not all(re.fullmatch(r"\d\d-\d\d", day) and 0 < percent <= 100 for day, percent in step_up.items()):
        raise Fault.bad("Invalid `step_up`.")
    return step_up
