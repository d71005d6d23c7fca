"""Alerts: conditions on what the market shows; of the kind `ato`, orders that go out when they are met.

An alert is met when its condition becomes true, not for as long as it is. What happens to it is said through `heard`
like every write, so that an exchange that comes back has its alerts again without looking for them in the past.
"""

from __future__ import annotations

import hashlib
import operator
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from kitev3._core import Exchange, ExchangeRefusal, ist_stamp
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Session

ALERTS_MAX = 500  # of one user
BASKET_ORDERS_MAX = 20
HISTORY_MAX = 1_000  # meetings of one alert that are kept
Row = dict[str, Any]

OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq}
)
ATTRIBUTES: Mapping[str, Callable[[Row], float]] = MappingProxyType(
    {
        "LastTradedPrice": lambda row: row["last_price"],
        "OpenPrice": lambda row: row["ohlc"]["open"],
        "HighPrice": lambda row: row["ohlc"]["high"],
        "LowPrice": lambda row: row["ohlc"]["low"],
        "ClosePrice": lambda row: row["ohlc"]["close"],
        "DayChange": lambda row: row["net_change"],
        "DayChangePercent": lambda row: row["net_change"] / row["ohlc"]["close"] * 100,
        "AverageTradedPrice": lambda row: row["average_price"],
        "LastTradedQuantity": lambda row: row["last_quantity"],
        "TotalTradedQuantity": lambda row: row["volume"],
        "TotalBuyQuantity": lambda row: row["buy_quantity"],
        "TotalSellQuantity": lambda row: row["sell_quantity"],
        "OI": lambda row: row["oi"],
        "OIDayHigh": lambda row: row["oi_day_high"],
        "OIDayLow": lambda row: row["oi_day_low"],
    }
)
ORDER_FIELDS = (
    "transaction_type",
    "product",
    "order_type",
    "validity",
    "validity_ttl",
    "quantity",
    "price",
    "trigger_price",
    "disclosed_quantity",
    "market_protection",
)


class Side(msgspec.Struct, frozen=True):
    """One side of a condition that is an instrument's."""

    exchange: str
    tradingsymbol: str
    attribute: str

    @property
    def name(self) -> str:
        """As the quote routes take it. Alerts call the exchange of an index INDICES."""
        return f"{'NSE' if self.exchange == 'INDICES' else self.exchange}:{self.tradingsymbol}"

    def value(self, quotes: Mapping[str, Row]) -> float:
        return float(ATTRIBUTES[self.attribute](quotes[self.name]))

    def __str__(self) -> str:
        return f'{self.attribute}("{self.exchange}:{self.tradingsymbol}")'


class Terms(msgspec.Struct, frozen=True):
    """What an alert waits for and what it then does, as it was asked for."""

    name: str
    type: str
    lhs: Side
    operator: str
    rhs: Side | float
    basket: Row | None

    @property
    def names(self) -> set[str]:
        return {side.name for side in (self.lhs, self.rhs) if isinstance(side, Side)}

    def met(self, quotes: Mapping[str, Row]) -> bool:
        rhs = self.rhs.value(quotes) if isinstance(self.rhs, Side) else self.rhs
        return OPERATORS[self.operator](self.lhs.value(quotes), rhs)

    def __str__(self) -> str:
        return f"{self.lhs} {self.operator} {self.rhs}"


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
        terms = self.terms(fields)
        self.made += 1
        digest = hashlib.sha256(f"{owner.user_id} {self.made}".encode()).digest()
        alert = Alert(str(uuid.UUID(bytes=digest[:16], version=4)), owner, terms, self._now())
        self.all[alert.uuid] = alert
        return alert

    def modify(self, user: str, uuid_: str, fields: Mapping[str, str]) -> Alert:
        """Other terms for an alert, which waits anew. Raises Fault."""
        alert, terms = self.find(user, uuid_), self.terms(fields)
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

    def terms(self, fields: Mapping[str, str]) -> Terms:
        """Reads a form. Raises Fault."""
        kind, name = fields.get("type", ""), fields.get("name", "").strip()
        if kind not in ("simple", "ato"):
            raise Fault.bad("Invalid `type`.")
        if not name or len(name) > 200:
            raise Fault.bad("Invalid `name`.")
        if fields.get("operator") not in OPERATORS:
            raise Fault.bad("Invalid `operator`.")
        lhs = self._side(fields, "lhs")
        rhs: Side | float
        match fields.get("rhs_type"):
            case "constant":
                rhs = _number(fields.get("rhs_constant", ""))
            case "instrument":
                rhs = self._side(fields, "rhs")
            case _:
                raise Fault.bad("Invalid `rhs_type`.")
        basket = _basket(fields.get("basket", "")) if kind == "ato" else None
        return Terms(name, kind, lhs, fields["operator"], rhs, basket)

    def look(self, place: Callable[[Session, str, Row], str], met: Callable[[Alert, list[Row]], None]) -> None:
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
                orders = [_ordered(place, alert, item) for item in (alert.terms.basket or {}).get("items", [])]
                alert.happened(quotes, self._now(), orders)
                met(alert, orders)
            alert.was_met = is_met

    def met_before(self, uuid_: str, orders: list[Row]) -> None:
        """An alert was met at this time, before a crash."""
        alert = self.all[uuid_]
        alert.was_met = True
        alert.happened(self.exchange.quote(sorted(alert.terms.names)), self._now(), orders)

    def _side(self, fields: Mapping[str, str], which: str) -> Side:
        exchange, symbol, attribute = (
            fields.get(f"{which}_{name}", "") for name in ("exchange", "tradingsymbol", "attribute")
        )
        side = Side(exchange, symbol, attribute)
        if attribute not in ATTRIBUTES:
            raise Fault.bad(f"Invalid `{which}_attribute`.")
        if not self.exchange.ltp([side.name]):
            raise Fault.bad(f"Invalid `{which}_tradingsymbol`.")
        return side

    def _now(self) -> str:
        return ist_stamp(self.exchange.now_ns)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Fault.bad("Invalid `rhs_constant`.") from None
    if not abs(number) < 1e12:
        raise Fault.bad("Invalid `rhs_constant`.")
    return number


def _basket(text: str) -> Row:
    """The basket of an `ato`: a name and items, each an instrument and the parameters of its order."""
    try:
        basket = msgspec.json.decode(text)
    except (msgspec.MsgspecError, OverflowError, RecursionError, UnicodeEncodeError):
        basket = None
    items = basket.get("items") if isinstance(basket, dict) else None
    if not isinstance(items, list) or not 0 < len(items) <= BASKET_ORDERS_MAX or not all(map(_is_item, items)):
        raise Fault.bad("Invalid `basket`.")
    assert isinstance(basket, dict)
    return basket


def _is_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("exchange"), str)
        and isinstance(item.get("tradingsymbol"), str)
        and isinstance(item.get("params"), dict)
        and all(map(_is_word, item["params"].values()))
    )


def _is_word(value: Any) -> bool:
    """A value that a form could hold; no form holds a number of thousands of digits."""
    if isinstance(value, int):
        return abs(value) < 1 << 63
    return value is None or isinstance(value, str | float | dict | list)


def _ordered(place: Callable[[Session, str, Row], str], alert: Alert, item: Row) -> Row:
    """Places one order of a basket; what became of it."""
    params = item["params"]
    given = {
        name: value for name in (*ORDER_FIELDS, "variety") if isinstance(value := params.get(name), str | int | float)
    }
    fields = {name: str(value) for name, value in given.items() if value}
    variety = fields.pop("variety", "regular")
    fields |= {"exchange": item["exchange"], "tradingsymbol": item["tradingsymbol"]}
    try:
        return {"order_id": place(alert.owner, variety, fields)}
    except ExchangeRefusal as refusal:
        return {"error": {"code": refusal.status, "error_type": refusal.error_type, "message": refusal.message}}
