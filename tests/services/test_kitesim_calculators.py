"""kitesim's calculators, through the official client: what orders would tie up, and what executed ones cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite

from services.kitesim_rig import API_KEY, TOKEN, Kitesim, kitesim


@pytest.fixture(scope="module")
def running() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as one:
        yield one


@pytest.fixture(scope="module")
def client(running: Kitesim) -> KiteConnect:
    return running.client()


def order(**changes: Any) -> dict[str, Any]:
    fields = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular", "product": "CNC",
        "order_type": "LIMIT", "quantity": 10, "price": 1500, "trigger_price": 0,
    }  # fmt: skip
    return fields | changes


def future(client: KiteConnect) -> dict[str, Any]:
    return next(row for row in client.instruments("NFO") if (row["name"], row["instrument_type"]) == ("NIFTY", "FUT"))


# Equity and futures of the protocol's page; the sums are unrounded, shown to four places there.
@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ({"product": "CNC", "quantity": 10, "average_price": 1500}, 17.8111),
        ({"product": "MIS", "transaction_type": "SELL", "quantity": 100, "average_price": 505}, 32.3910),
        ({"tradingsymbol": "FUT", "transaction_type": "SELL", "quantity": 65, "average_price": 25100}, 876.5058),
    ],
)
def test_what_an_executed_order_costs_is_the_pages(client: KiteConnect, changes: dict[str, Any], total: float) -> None:
    executed = order(order_id="1") | changes
    if executed["tradingsymbol"] == "FUT":
        executed |= {"exchange": "NFO", "tradingsymbol": future(client)["tradingsymbol"], "product": "NRML"}

    (note,) = client.get_virtual_contract_note([executed])

    charges = note["charges"]
    assert charges["total"] == pytest.approx(total, abs=5e-5)
    parts = ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge", "brokerage", "stamp_duty")
    assert charges["total"] == pytest.approx(sum(charges[part] for part in parts) + charges["gst"]["total"])
    assert (note["price"], note["quantity"]) == (executed["average_price"], executed["quantity"])


def test_an_order_ties_up_what_placing_it_does(client: KiteConnect) -> None:
    price = round(client.ltp(["NSE:TCS"])["NSE:TCS"]["last_price"] * 0.96, 1)
    wanted = order(tradingsymbol="TCS", quantity=3, price=price, product="MIS")
    (margin,) = client.order_margins([wanted])
    before = client.margins("equity")["net"]

    order_id = client.place_order(**{name: value for name, value in wanted.items() if name != "trigger_price"})
    tied = before - client.margins("equity")["net"]
    client.cancel_order("regular", order_id)

    assert margin["total"] == pytest.approx(tied)
    assert (margin["leverage"], margin["var"]) == (5, margin["total"])
    assert margin["total"] == pytest.approx(price * 3 / 5, abs=0.01)


def test_an_order_without_a_price_is_counted_at_the_last(client: KiteConnect) -> None:
    last = client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"]

    market, at_last = client.order_margins([order(order_type="MARKET", price=0), order(price=last)])

    assert market["total"] == at_last["total"] == pytest.approx(last * 10)


def test_a_basket_that_closes_itself_ties_up_less_than_its_orders(client: KiteConnect) -> None:
    contract = future(client)
    price = client.ltp([contract["instrument_token"]])[str(contract["instrument_token"])]["last_price"]
    leg = order(
        exchange="NFO",
        tradingsymbol=contract["tradingsymbol"],
        product="NRML",
        quantity=contract["lot_size"],
        price=price,
    )

    basket = client.basket_order_margins([leg, leg | {"transaction_type": "SELL"}], consider_positions=False)

    assert basket["initial"]["total"] == pytest.approx(sum(row["total"] for row in basket["orders"]))
    assert basket["initial"]["total"] > 0
    assert basket["final"]["total"] == 0, "what is bought and sold again leaves nothing"
    cost = sum(row["charges"]["total"] for row in basket["orders"])
    assert basket["charges"]["total"] == pytest.approx(cost)
    compact = client.basket_order_margins([leg], consider_positions=False, mode="compact")
    assert compact["final"].keys() == {"type", "tradingsymbol", "exchange", "total"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    legs=st.lists(
        st.tuples(st.sampled_from(["INFY", "TCS"]), st.sampled_from(["BUY", "SELL"]), st.integers(1, 500)),
        min_size=1,
        max_size=6,
    )
)
def test_a_basket_never_ties_up_more_than_its_orders_nor_less_than_nothing(
    client: KiteConnect, legs: list[tuple[str, str, int]]
) -> None:
    common = {"product": "MIS", "price": 0, "order_type": "MARKET"}
    orders = [
        order(tradingsymbol=symbol, transaction_type=side, quantity=quantity, **common)
        for symbol, side, quantity in legs
    ]

    basket = client.basket_order_margins(orders, consider_positions=False)

    assert 0 <= basket["final"]["total"] <= basket["initial"]["total"] + 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {"exchange": "LSE"}, {"tradingsymbol": "NOPE"}, {"tradingsymbol": "NIFTY 50"}, {"transaction_type": "HOLD"},
        {"variety": "odd"}, {"product": "XYZ"}, {"order_type": "ICE"}, {"quantity": 0}, {"quantity": -1},
        {"quantity": 10**12}, {"quantity": 1.5}, {"price": -1}, {"price": "much"}, {"quantity": None},
    ],
)  # fmt: skip
def test_a_broken_order_is_an_input_exception(client: KiteConnect, change: dict[str, Any]) -> None:
    with pytest.raises(kite.InputException):
        client.order_margins([order(**change)])
    with pytest.raises(kite.InputException):
        client.basket_order_margins([order(**change)])


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[1]", "[[]]", '"x"', "1e999", "[" * 5000, "\xff", "[{}]", '[{"quantity": 1' + "0" * 5000 + "}]"],
)
def test_what_is_no_array_of_orders_is_refused(running: Kitesim, body: str) -> None:
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}", "Content-Type": "application/json"}
    for path in ("/margins/orders", "/margins/basket", "/charges/orders"):
        answer = requests.post(running.root + path, body.encode("latin-1"), headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["error_type"]) == (400, "InputException"), path


def test_an_executed_order_has_a_number(client: KiteConnect) -> None:
    with pytest.raises(kite.InputException, match="order_id"):
        client.get_virtual_contract_note([order(average_price=1500)])
    with pytest.raises(kite.InputException, match="At most 200 orders"):
        client.order_margins([order()] * 201)


def test_a_contract_that_is_counted_in_lots_ties_up_the_same_alone_and_in_a_basket() -> None:
    with kitesim("--market", "frozen", "--profile", "legacy", "--universe", "full") as whole:
        client = whole.client()
        for exchange in ("CDS", "MCX"):
            row = next(row for row in client.instruments(exchange) if row["instrument_type"] == "FUT")
            symbol, lot = row["tradingsymbol"], row["lot_size"]
            item = order(exchange=exchange, tradingsymbol=symbol, product="NRML", quantity=lot, price=0)

            (margin,) = client.order_margins([item])
            basket = client.basket_order_margins([item], consider_positions=False)

            last = client.ltp([row["instrument_token"]])[str(row["instrument_token"])]["last_price"]
            assert basket["final"]["total"] == basket["initial"]["total"] == margin["total"]
            assert margin["total"] > last * lot, "a lot stands for many units"


def test_positions_are_considered_when_they_are_asked_for(running: Kitesim, client: KiteConnect) -> None:
    """The official clients of Go and Java say so by leaving the parameter out."""
    row = future(client)
    what = {"exchange": "NFO", "tradingsymbol": row["tradingsymbol"], "product": "NRML", "quantity": row["lot_size"]}
    client.place_order("regular", **what, transaction_type="BUY", order_type="MARKET")
    way_out = order(**what, transaction_type="SELL", price=row["last_price"])
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}"}

    with_them, without, silent = (
        requests.post(f"{running.root}/margins/basket{query}", json=[way_out], headers=headers, timeout=5).json()[
            "data"
        ]
        for query in ("?consider_positions=true", "?consider_positions=false", "")
    )

    assert silent == without
    assert with_them["final"]["total"] < without["final"]["total"]
