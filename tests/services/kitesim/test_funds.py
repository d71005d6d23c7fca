"""The fund desk."""

from __future__ import annotations

import pytest
from kiteconnect import exceptions as kite

from services.books_rig import HELD, SCHEME, ask
from services.kitesim_rig import Kitesim


def test_fund_orders_are_taken_shown_and_cancelled(running: Kitesim) -> None:
    client = running.client()
    assert {row["tradingsymbol"] for row in client.mf_instruments()} >= {SCHEME, HELD}
    assert client.mf_orders() == []

    order_id = client.place_mf_order(SCHEME, "BUY", amount=5000, tag="mine")["order_id"]
    sale = client.place_mf_order(HELD, "SELL", quantity=100)["order_id"]

    order = client.mf_orders(order_id)
    assert (order["status"], order["amount"], order["tag"]) == ("OPEN", 5000, "mine")
    assert [row["order_id"] for row in client.mf_orders()] == [order_id, sale]
    client.cancel_mf_order(order_id)
    assert client.mf_orders(order_id)["status"] == "CANCELLED"
    with pytest.raises(kite.OrderException):
        client.cancel_mf_order(order_id)
    with pytest.raises(kite.GeneralException, match="Insufficient holdings"):
        client.place_mf_order(HELD, "SELL", quantity=201)
    assert [row["quantity"] for row in client.mf_holdings()] == [300]
    assert ask(running, "GET", f"/mf/holdings/{HELD}")[1][0]["tradingsymbol"] == HELD


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tradingsymbol": "NOPE"}),
        ("/mf/orders", {"transaction_type": "HOLD", "amount": "5000"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "1"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "1e9"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "-5000"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tradingsymbol": "INF090I01239"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tag": "x" * 21}),
        ("/mf/sips", {"amount": "1000", "instalments": "0", "frequency": "monthly"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "daily"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "instalment_day": "31"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "step_up": '{"now": 5}'}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "step_up": '{"31-02": 5}'}),
        ("/mf/sips", {"amount": "\u0967\u0966\u0966\u0966", "instalments": "12", "frequency": "monthly"}),
    ],
)
def test_a_broken_fund_order_is_refused_and_nothing_is_made(
    running: Kitesim, path: str, fields: dict[str, str]
) -> None:
    before = ask(running, "GET", path)[1]

    assert ask(running, "POST", path, **{"tradingsymbol": SCHEME} | fields)[0] == 400
    assert ask(running, "GET", path)[1] == before
