"""Mutual funds, month after month: standing orders (SIPs) at the fund desk.

A market of one day reaches no instalment: a SIP is taken, changed and ended, and its first order is one like any other.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.client_json import read_json
from kitev3.services.kitesim.funds import ORDERS_MAX, Funds, Row, of, tag

FREQUENCIES = {"weekly": 7, "monthly": 30, "quarterly": 91}
LEAP_YEAR = 2024  # which has every day that some year has
INSTALMENT_DAYS = (0, 1, 5, 10, 15, 20, 25)  # 0: the day of the first


class Sips:
    """The standing orders of an exchange's fund desk."""

    def __init__(self, desk: Funds) -> None:
        self.desk = desk
        self.sips_of: dict[str, dict[str, Row]] = {}

    def all(self, user: str) -> list[Row]:
        """A user's, oldest first."""
        return list(self.sips_of.get(user, {}).values())

    def sip(self, user: str, sip_id: str) -> Row:
        """Raises Fault when the user has none of that number."""
        return of(self.sips_of.get(user, {}), sip_id, "sip_id") | {"fund_source": "pool"}

    def place(self, user: str, fields: Mapping[str, str]) -> Row:
        """A new SIP's number, and that of its first order when it has an initial amount. Raises Fault."""
        scheme = self.desk.scheme(fields)
        frequency = fields.get("frequency", "")
        if frequency not in FREQUENCIES:
            raise Fault.bad("Invalid `frequency`.")
        instalments = _instalments(fields.get("instalments", ""))
        day = _instalment_day(fields.get("instalment_day") or "0")
        amount = self.desk.amount(scheme, fields.get("amount", ""), "amount")
        step_up = _step_up(fields.get("step_up", ""))
        mine = self.sips_of.setdefault(user, {})
        if len(mine) >= ORDERS_MAX:
            raise Fault.bad(f"There can be at most {ORDERS_MAX} SIPs.")
        first = fields.get("initial_amount", "")
        order_id = None
        if first:
            order_id = self.desk.place(user, {**fields, "transaction_type": "BUY", "amount": first}, "sip")
        sip_id = str(int(self.desk.number(user).replace("-", ""), 16) % 10**15).zfill(15)
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
            "created": self.desk.now(),
            "frequency": frequency,
            "trigger_price": 0,
            "step_up": step_up,
            "tag": tag(fields),
        }
        return {"sip_id": sip_id} if order_id is None else {"sip_id": sip_id, "order_id": order_id}

    def modify(self, user: str, sip_id: str, fields: Mapping[str, str]) -> None:
        """Raises Fault, and changes nothing, for what cannot be."""
        sip = of(self.sips_of.get(user, {}), sip_id, "sip_id")
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
            change["instalment_amount"] = self.desk.amount(self.desk.schemes[sip["tradingsymbol"]], text, "amount")
        if text := fields.get("step_up"):
            change["step_up"] = _step_up(text)
        sip |= change
        sip["next_instalment"] = self._next(sip["frequency"], sip["instalment_day"])

    def cancel(self, user: str, sip_id: str) -> None:
        """Raises Fault when there is none."""
        sip = of(self.sips_of.get(user, {}), sip_id, "sip_id")
        if sip["status"] == "CANCELLED":
            raise Fault.bad("The SIP is cancelled already.")
        sip["status"], sip["next_instalment"] = "CANCELLED", None

    def _next(self, frequency: str, day: int) -> str:
        """The date of the next instalment: `day` of a month, or a period from today."""
        today = dt.date.fromisoformat(self.desk.exchange.session)
        if not day or frequency == "weekly":
            return (today + dt.timedelta(days=FREQUENCIES[frequency])).isoformat()
        months = 1 if frequency == "monthly" else 3
        month = today.month - 1 + (0 if day > today.day and months == 1 else months)
        return dt.date(today.year + month // 12, month % 12 + 1, day).isoformat()


def _instalments(text: str) -> int:
    if not re.fullmatch(r"-1|[1-9]\d{0,3}", text, re.ASCII):
        raise Fault.bad("Invalid `instalments`.")
    return int(text)


def _instalment_day(text: str) -> int:
    if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or int(text) not in INSTALMENT_DAYS:
        raise Fault.bad("Invalid `instalment_day`.")
    return int(text)


def _step_up(text: str) -> dict[str, int]:
    """``{"15-02": 10}``: from that day and month on, so many percent more each year."""
    try:
        step_up: dict[str, int] = read_json(text or "{}", dict[str, int])
    except ValueError:
        raise Fault.bad("Invalid `step_up`.") from None
    if not all(_is_day(day) and 0 < percent <= 100 for day, percent in step_up.items()):
        raise Fault.bad("Invalid `step_up`.")
    return step_up


def _is_day(text: str) -> bool:
    """Of some year, as ``DD-MM``."""
    if not re.fullmatch(r"\d\d-\d\d", text, re.ASCII):
        return False
    try:
        dt.date(LEAP_YEAR, int(text[3:]), int(text[:2]))
    except ValueError:
        return False
    return True
