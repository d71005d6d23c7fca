"""Alerts: conditions on what the market shows; of the kind `ato`, orders that go out when they are met.

An alert is met when its condition becomes true, not for as long as it is. What happens to it is said through `heard`
like every write, so that an exchange that comes back has its alerts again without looking for them in the past.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping

from kitev3._core import Exchange, ist_stamp
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.baskets import Place, Row, ordered
from kitev3.services.kitesim.conditions import Side, Terms, read_terms
from kitev3.services.kitesim.logins import Session

ALERTS_MAX = 500  # of one user
HISTORY_MAX = 1_000  # meetings of one alert that are kept


class Alert:
    """One alert and its history."""

    def __init__(self, uuid_: str, owner: Session, terms: Terms, now: str) -> None:
        self.uuid, self.owner, self.terms = uuid_, owner, terms
        self.status, self.disabled_reason = "enabled", ""
        self.created_at = self.updated_at = now
        self.was_met = False
        self.count = 0
        self.history: list[Row] = []

    def row(self) -> Row:
        terms, rhs = self.terms, self.terms.rhs
        side = rhs if isinstance(rhs, Side) else Side("", "", "")
        row = {
            "type": terms.type,
            "user_id": self.owner.user_id,
            "uuid": self.uuid,
            "name": terms.name,
            "status": self.status,
            "disabled_reason": self.disabled_reason,
            "lhs_exchange": terms.lhs.exchange,
            "lhs_tradingsymbol": terms.lhs.tradingsymbol,
            "lhs_attribute": terms.lhs.attribute,
            "operator": terms.operator,
            "rhs_type": "instrument" if isinstance(rhs, Side) else "constant",
            "rhs_exchange": side.exchange,
            "rhs_tradingsymbol": side.tradingsymbol,
            "rhs_attribute": side.attribute,
            "rhs_constant": 0 if isinstance(rhs, Side) else rhs,
            "alert_count": self.count,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }
        return row if terms.basket is None else row | {"basket": terms.basket}

    def happened(self, quotes: Mapping[str, Row], now: str, orders: list[Row]) -> None:
        """Its condition was met; of an `ato` that is the end."""
        self.count += 1
        self.updated_at = now
        meta = [
            row | {"exchange": name.partition(":")[0], "tradingsymbol": name.partition(":")[2]}
            for name, row in sorted(quotes.items())
            if name in self.terms.names
        ]
        self.history.append(
            {
                "uuid": self.uuid,
                "type": self.terms.type,
                "meta": meta,
                "condition": str(self.terms),
                "created_at": now,
                "order_meta": orders or None,
            }
        )
        del self.history[:-HISTORY_MAX]
        if self.terms.basket is not None:
            self.status, self.disabled_reason = "disabled", "Triggered."


class Alerts:
    """The alerts of all users of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.all: dict[str, Alert] = {}
        self.made = 0

    def of(self, user: str) -> list[Alert]:
        """A user's, oldest first."""
        return [alert for alert in self.all.values() if alert.owner.user_id == user]

    def find(self, user: str, uuid_: str) -> Alert:
        """Raises Fault when the user has none of that name."""
        alert = self.all.get(uuid_)
        if alert is None or alert.owner.user_id != user:
            raise Fault.bad("Couldn't find that alert.")
        return alert

    def place(self, owner: Session, fields: Mapping[str, str]) -> Alert:
        """A new alert. Raises Fault."""
        if len(self.of(owner.user_id)) >= ALERTS_MAX:
            raise Fault.bad(f"There can be at most {ALERTS_MAX} alerts.")
        terms = read_terms(fields, self._listed)
        self.made += 1
        digest = hashlib.sha256(f"{owner.user_id} {self.made}".encode()).digest()
        alert = Alert(str(uuid.UUID(bytes=digest[:16], version=4)), owner, terms, self._now())
        self.all[alert.uuid] = alert
        return alert

    def modify(self, user: str, uuid_: str, fields: Mapping[str, str]) -> Alert:
        """Other terms for an alert, which waits anew. Raises Fault."""
        alert, terms = self.find(user, uuid_), read_terms(fields, self._listed)
        status = fields.get("status") or "enabled"
        if status not in ("enabled", "disabled"):
            raise Fault.bad("Invalid `status`.")
        alert.terms, alert.status, alert.disabled_reason = terms, status, ""
        alert.was_met, alert.updated_at = False, self._now()
        return alert

    def delete(self, user: str, uuids: list[str]) -> None:
        """Raises Fault, and deletes none, when one of them is not the user's."""
        for uuid_ in [self.find(user, uuid_).uuid for uuid_ in uuids]:
            self.all.pop(uuid_, None)

    def look(self, place: Place, met: Callable[[Alert, list[Row]], None]) -> None:
        """Looks at every condition after a step of the market.

        Args:
            place: places an order of a variety for a session and answers its id; raises ExchangeRefusal.
            met: told of each alert that was met, with what became of its orders.
        """
        waiting = [alert for alert in self.all.values() if alert.status == "enabled"]
        if not waiting:
            return
        quotes = self.exchange.quote(sorted(set().union(*(alert.terms.names for alert in waiting))))
        for alert in waiting:
            is_met = alert.terms.met(quotes)
            if is_met and not alert.was_met:
                orders = [ordered(place, alert.owner, item) for item in (alert.terms.basket or {}).get("items", [])]
                alert.happened(quotes, self._now(), orders)
                met(alert, orders)
            alert.was_met = is_met

    def met_before(self, uuid_: str, orders: list[Row]) -> None:
        """An alert was met at this time, before a crash."""
        alert = self.all[uuid_]
        alert.was_met = True
        alert.happened(self.exchange.quote(sorted(alert.terms.names)), self._now(), orders)

    def _listed(self, name: str) -> bool:
        return bool(self.exchange.ltp([name]))

    def _now(self) -> str:
        return ist_stamp(self.exchange.now_ns)
