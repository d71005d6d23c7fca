"""The form of a trigger (GTT), trailing or not: its condition and its orders are JSON inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.client_json import read_json

LEGS_MAX = 2


def read_trigger(fields: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of ``Exchange.place_gtt``. Raises Fault.

    The Go client sends a whole order for each leg, mostly blank: what means nothing to a trigger is left out.
    """
    condition, orders = _json(fields, "condition"), _json(fields, "orders")
    if not isinstance(condition, dict):
        raise Fault.bad("Invalid `condition`.")
    triggers = condition.get("trigger_values")
    if not isinstance(triggers, list) or not len(triggers) <= LEGS_MAX or not all(map(_is_word, triggers)):
        raise Fault.bad("Invalid `trigger_values`.")
    if not isinstance(orders, list) or len(orders) > LEGS_MAX or not all(isinstance(leg, dict) for leg in orders):
        raise Fault.bad("Invalid `orders`.")
    trailing = condition.get("trailing_points") or []
    if not isinstance(trailing, list):
        trailing = [trailing]
    if not len(trailing) <= LEGS_MAX or not all(map(_is_word, trailing)):
        raise Fault.bad("Invalid `trailing_points`.")
    return {
        "kind": fields.get("type", ""),
        "condition": words(condition),
        "triggers": [str(trigger) for trigger in triggers],
        "trailing": [str(points) for points in trailing],
        "orders": [words(leg) for leg in orders],
    }


def words(members: Mapping[str, Any]) -> dict[str, str]:
    """The members of a JSON object that a form could carry, as it would carry them."""
    return {name: str(value) for name, value in members.items() if _is_word(value)}


def _is_word(value: Any) -> bool:
    if isinstance(value, int):  # no form carries a number of thousands of digits
        return not isinstance(value, bool) and abs(value) < 1 << 63
    return isinstance(value, str | float)


def _json(fields: Mapping[str, str], name: str) -> Any:
    try:
        return read_json(fields.get(name, ""))
    except ValueError:
        raise Fault.bad(f"Invalid `{name}`.") from None
