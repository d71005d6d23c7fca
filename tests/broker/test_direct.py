"""The exchange asked with our own structs says what it says to a form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from kitev3._core import Exchange, ExchangeRefusal
from kitev3.broker.interface import Order
from kitev3.broker.terms import percent, rupees
from strategies import orders

USER = "KS0001"
GOOD: dict[str, Any] = {
    "exchange": "NSE", "tradingsymbol": "INFY", "side": "BUY", "quantity": 1, "product": "MIS", "order_type": "LIMIT",
    "price_e4": 14_800_000, "trigger_price_e4": 0, "validity": "DAY", "market_protection_bp": 0,
}  # fmt: skip
START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20 in India


def an_exchange() -> Exchange:
    return Exchange(users=[USER], market="frozen", seed=1, start_ns=START_NS, rules={"orders_per_second": 0})


def form(order: Order) -> dict[str, Any]:
    """What the official client would send of it."""
    return {
        "exchange": order.exchange,
        "tradingsymbol": order.tradingsymbol,
        "transaction_type": order.side,
        "product": order.product,
    } | terms(order)


def terms(order: Order) -> dict[str, Any]:
    return {
        "quantity": order.quantity,
        "order_type": order.order_type,
        "price": rupees(order.price_e4),
        "trigger_price": rupees(order.trigger_price_e4),
        "validity": order.validity,
        "market_protection": percent(order.market_protection_bp),
    }


def said(call: Any) -> Any:
    try:
        return call()
    except ExchangeRefusal as refusal:
        return refusal.status, refusal.error_type, refusal.message


@given(orders(), orders())
def test_an_order_and_its_change_come_to_the_same_as_structs_and_as_forms(first: Order, then: Order) -> None:
    structs, forms = an_exchange(), an_exchange()

    placed = (
        said(lambda: structs.place_order(USER, first, tag="T")),
        said(lambda: forms.place(USER, tag="T", **form(first))),
    )
    changed = (
        said(lambda: structs.modify_order(USER, str(placed[0]), then)),
        said(lambda: forms.modify(USER, str(placed[1]), **terms(then))),
    )

    assert placed[0] == placed[1]
    assert changed[0] == changed[1]
    assert json.loads(structs.read(USER, "orders")) == forms.orders(USER)


@pytest.mark.parametrize(
    "wrong", [{"side": "buy"}, {"validity": "TTL"}, {"variety": "co"}, {"exchange": "XYZ"}, {"quantity": 0}]
)
def test_a_word_that_no_order_has_is_a_bug_of_ours(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no order"):
        an_exchange().place_order(USER, Order(**(GOOD | wrong)), tag="T")


@pytest.mark.parametrize("wrong", [{"quantity": 2**62}, {"price_e4": 2**62}, {"price_e4": -1}])
def test_no_number_is_too_large_to_be_refused(wrong: dict[str, Any]) -> None:
    exchange = an_exchange()

    with pytest.raises(ExchangeRefusal, match="Invalid"):
        exchange.place_order(USER, Order(**(GOOD | wrong)), tag="T")

    assert exchange.orders(USER) == []
