"""kitesim's calculators, through the official client: what orders would tie up, and what executed ones cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from waiting import S_MAX

from services.kitesim_rig import API_KEY, TOKEN, Kitesim, kitesim


def order(**changes: Any) -> dict[str, Any]:
    fields = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular", "product": "CNC",
        "order_type": "LIMIT", "quantity": 10, "price": 1500, "trigger_price": 0,
    }  # fmt: skip
    return fields | changes


def future(client: KiteConnect) -> dict[str, Any]:
    return next(row for row in client.instruments("NFO") if (row["name"], row["instrument_type"]) == ("NIFTY", "FUT"))


# The protocol's page, worked in decimals: exactly what its formulas make of its rates, to ten places. Brokerage in
# rupees; tax, exchange, SEBI and stamp in percent of the turnover; the page's sum. Its SENSEX option is reckoned in
# Rust alone: of SENSEX the exchange lists futures.
VECTORS: dict[str, tuple[dict[str, Any], str, tuple[str, ...], str]] = {
    "delivery": ({"quantity": 10, "average_price": 1500}, "0", ("0.1", "0.00307", "0.0001", "0.015"), "17.8111"),
    "intraday": (
        {"product": "MIS", "transaction_type": "SELL", "quantity": 100, "average_price": 505},
        "15.15", ("0.025", "0.00307", "0.0001", "0"), "32.3910",
    ),
    "future": (
        {"transaction_type": "SELL", "quantity": 65, "average_price": 25100},
        "20", ("0.05", "0.00183", "0.0001", "0"), "876.5058",
    ),
    "option bought": ({"quantity": 65, "average_price": 100}, "20", ("0", "0.03553", "0.0001", "0.003"), "26.5278"),
    "option sold": (
        {"transaction_type": "SELL", "quantity": 65, "average_price": 110},
        "20", ("0.15", "0.03553", "0.0001", "0"), "37.3311",
    ),
    # 100 barrels a lot: the turnover is 700,000.
    "commodity": (
        {"transaction_type": "SELL", "quantity": 1, "average_price": 7000},
        "20", ("0.01", "0.0021", "0.0001", "0"), "111.772",
    ),
}  # fmt: skip
INSTRUMENTS = {
    "future": ("NFO", "NIFTY", "FUT"), "option bought": ("NFO", "NIFTY", "CE"), "option sold": ("NFO", "NIFTY", "PE"),
    "commodity": ("MCX", "CRUDEOIL", "FUT"),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Iterator[KiteConnect]:
    with kitesim("--market", "frozen", "--profile", "legacy", "--universe", "full") as one:
        yield one.client()


@pytest.mark.parametrize("name", VECTORS)
def test_what_an_executed_order_costs_is_the_pages(whole: KiteConnect, name: str) -> None:
    changes, brokerage, rates, shown = VECTORS[name]
    executed = order(order_id="1") | changes
    if name in INSTRUMENTS:
        exchange, underlying, kind = INSTRUMENTS[name]
        rows = (
            row for row in whole.instruments(exchange) if (row["name"], row["instrument_type"]) == (underlying, kind)
        )
        executed |= {"exchange": exchange, "tradingsymbol": next(rows)["tradingsymbol"], "product": "NRML"}

    (note,) = whole.get_virtual_contract_note([executed])

    turnover = Decimal(executed["quantity"] * executed["average_price"] * (100 if name == "commodity" else 1))
    tax, at_exchange, sebi, stamp = (turnover * Decimal(rate) / 100 for rate in rates)
    gst = (Decimal(brokerage) + at_exchange + sebi) * 18 / 100
    parts = {
        "transaction_tax": tax, "exchange_turnover_charge": at_exchange, "sebi_turnover_charge": sebi,
        "brokerage": Decimal(brokerage), "stamp_duty": stamp,
    }  # fmt: skip
    charges = note["charges"]
    for part, worth in parts.items():
        assert charges[part] == pytest.approx(float(worth), abs=1e-10), part
    assert charges["gst"]["total"] == pytest.approx(float(gst), abs=1e-10)
    total = sum(parts.values(), gst)
    assert charges["total"] == pytest.approx(float(total), abs=1e-9)
    assert charges["total"] == pytest.approx(float(shown), abs=5.1e-5), "as the page shows it"
    assert (note["price"], note["quantity"]) == (executed["average_price"], executed["quantity"])
    assert charges["transaction_tax_type"] == ("ctt" if name == "commodity" else "stt")


def test_what_trading_takes_from_the_account_is_what_the_calculator_says() -> None:
    with kitesim("--market", "frozen", "--profile", "legacy") as one:
        client = one.client()
        assert client.margins("equity")["net"] == 1_000_000
        cost = 0.0
        for side in ("BUY", "SELL"):
            placed = order(product="MIS", transaction_type=side, order_type="MARKET", price=0)
            order_id = client.place_order(**{key: placed[key] for key in placed if key != "trigger_price"})
            (trade,) = client.order_trades(order_id)
            executed = placed | {"order_id": order_id, "average_price": trade["average_price"]}
            cost += client.get_virtual_contract_note([executed])[0]["charges"]["total"]
        (row,) = client.positions()["net"]

        equity = client.margins("equity")

        assert cost > 0
        assert equity["net"] == pytest.approx(1_000_000 + row["pnl"] - cost, abs=0.001)
        assert equity["utilised"]["debits"] == pytest.approx(cost - row["pnl"], abs=0.001)
        assert equity["available"]["opening_balance"] == 1_000_000


def test_a_basket_shows_what_a_hedge_saves(whole: KiteConnect) -> None:
    chain = [row for row in whole.instruments("NFO") if row["name"] == "NIFTY" and row["instrument_type"] == "CE"]
    first = min(row["expiry"] for row in chain)
    near = sorted((row for row in chain if row["expiry"] == first), key=lambda row: abs(row["strike"] - 26_000))
    sold, bought = near[0], next(row for row in near if row["strike"] == near[0]["strike"] + 200)
    last = whole.ltp([f"NFO:{row['tradingsymbol']}" for row in (sold, bought)])
    legs = [
        order(
            exchange="NFO", tradingsymbol=row["tradingsymbol"], product="NRML", transaction_type=side,
            quantity=row["lot_size"], price=last[f"NFO:{row['tradingsymbol']}"]["last_price"],
        )
        for row, side in ((sold, "SELL"), (bought, "BUY"))
    ]  # fmt: skip

    basket = whole.basket_order_margins(legs, consider_positions=False)
    naked = whole.basket_order_margins(legs[:1], consider_positions=False)

    width = 200 * sold["lot_size"]
    initial, final = basket["initial"], basket["final"]
    assert initial["total"] == pytest.approx(sum(row["total"] for row in basket["orders"]))
    assert final["span"] <= width < initial["span"]
    assert final["total"] < 0.5 * naked["final"]["total"]
    assert final["exposure"] == initial["exposure"] == pytest.approx(naked["final"]["exposure"])


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


@settings(max_examples=40)
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
        answer = requests.post(running.root + path, body.encode("latin-1"), headers=headers, timeout=S_MAX)
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
        requests.post(f"{running.root}/margins/basket{query}", json=[way_out], headers=headers, timeout=S_MAX).json()[
            "data"
        ]
        for query in ("?consider_positions=true", "?consider_positions=false", "")
    )

    assert silent == without
    assert with_them["final"]["total"] < without["final"]["total"]
