"""The basket of an alert: orders that go out when it is met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from kitev3._core import ExchangeRefusal
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.client_json import read_json
from kitev3.services.kitesim.logins import Session

ORDERS_MAX = 20  # of one basket
Row = dict[str, Any]
Place: TypeAlias = Callable[[Session, str, Row], str]
"""Places an order of a variety for a session and answers its id; raises ExchangeRefusal."""

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


def read_basket(text: str) -> Row:
    """Of an `ato`: a name and items, each an instrument and the parameters of its order. Raises Fault."""
    try:
        basket = read_json(text)
    except ValueError:
        basket = None
    items = basket.get("items") if isinstance(basket, dict) else None
    if not isinstance(items, list) or not 0 < len(items) <= ORDERS_MAX or not all(map(_is_item, items)):
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


def ordered(place: Place, owner: Session, item: Row) -> Row:
    """Places one order of a basket; what became of it."""
    params = item["params"]
    given = {
        name: value for name in (*ORDER_FIELDS, "variety") if isinstance(value := params.get(name), str | int | float)
    }
    fields = {name: str(value) for name, value in given.items() if value}
    variety = fields.pop("variety", "regular")
    fields |= {"exchange": item["exchange"], "tradingsymbol": item["tradingsymbol"]}
    try:
        return {"order_id": place(owner, variety, fields)}
    except ExchangeRefusal as refusal:
        error = {"code": refusal.status, "error_type": refusal.error_type, "message": refusal.message, "data": None}
        return {"error": error}
