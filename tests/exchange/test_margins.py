"""What contracts tie up: the exchange's scan against its twin in plain Python, and through baskets and accounts."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3 import _core
from kitev3._core import Exchange, ExchangeRefusal

from exchange.span_twin import Contract, Market, exposure, span, value

OPEN_NS = _core.session_open_ns("2026-11-19")
USER = "KS0001"
LOT = 65


def an_exchange(**changes: Any) -> Exchange:
    whole: dict[str, Any] = {"users": [USER], "market": "frozen", "seed": 3, "start_ns": OPEN_NS, "universe": "full"}
    exchange = Exchange(**(whole | {"profile": "legacy"} | changes))
    exchange.advance(exchange.next_cut_ns)
    return exchange


@cache
def the_exchange() -> Exchange:
    return an_exchange()


def _rows(exchange: Exchange) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exchange.instruments_csv("NFO"))))


@cache
def contracts() -> list[Contract]:
    """NIFTY's futures and the strikes around the money, of all expiries."""
    found = []
    for row in _rows(the_exchange()):
        if row["name"] != "NIFTY":
            continue
        closes = datetime.fromisoformat(row["expiry"]).replace(tzinfo=UTC) + timedelta(hours=10)
        kind, strike = row["instrument_type"], float(row["strike"])
        if kind == "FUT":
            found.append(Contract(row["tradingsymbol"], closes.timestamp()))
        elif abs(strike - 26_000) <= 1_000:
            found.append(Contract(row["tradingsymbol"], closes.timestamp(), strike, kind == "CE"))
    assert len(found) > 200
    return found


@cache
def the_market() -> Market:
    exchange = the_exchange()
    quote = exchange.quote(["NSE:NIFTY 50"])["NSE:NIFTY 50"]
    return Market(quote["last_price"], quote["ohlc"]["close"], exchange.now_ns / 1e9, OPEN_NS / 1e9)


def item(symbol: str, units: int, price: float = 1.0, **changes: Any) -> dict[str, Any]:
    """An order of a basket: sold when the units are below zero."""
    order = {
        "exchange": "NFO", "tradingsymbol": symbol, "transaction_type": "BUY" if units > 0 else "SELL",
        "variety": "regular", "product": "NRML", "order_type": "LIMIT", "quantity": abs(units), "price": price,
    }  # fmt: skip
    return order | changes


def final(orders: list[dict[str, Any]], exchange: Exchange | None = None, *, beside: bool = False) -> dict[str, float]:
    basket = (exchange or the_exchange()).basket_margins(USER, orders, consider_positions=beside)
    return basket["final"]  # type: ignore[no-any-return]


def portfolios() -> st.SearchStrategy[dict[Contract, int]]:
    lots = st.integers(-20, 20).filter(bool)
    return st.dictionaries(st.integers(0, len(contracts()) - 1), lots, min_size=1, max_size=8).map(
        lambda held: {contracts()[place]: lots * LOT for place, lots in held.items()}
    )


@settings(max_examples=150)
@given(st.data())
def test_the_scan_is_its_twins(data: st.DataObject) -> None:
    held = data.draw(portfolios())

    found = final([item(contract.symbol, units) for contract, units in held.items()])

    units = sum(abs(units) for units in held.values())
    # The twin's normal distribution is exact, the market's within a ten-millionth: of 26,000 rupees a third of a paisa.
    assert found["span"] == pytest.approx(span(the_market(), held), abs=0.01 * units)
    assert found["exposure"] == pytest.approx(exposure(the_market(), held), abs=0.01)
    premium = sum(units * (1.0 if units > 0 else value(the_market(), contract, the_market().last))
                  for contract, units in held.items() if contract.strike is not None)  # fmt: skip
    least = -found["span"] - found["exposure"]
    assert found["option_premium"] == pytest.approx(max(premium, least), abs=0.01 * units)


@settings(max_examples=100)
@given(st.data())
def test_a_basket_never_needs_more_than_its_orders(data: st.DataObject) -> None:
    held = data.draw(portfolios())

    basket = the_exchange().basket_margins(
        USER, [item(contract.symbol, units, price=150.0) for contract, units in held.items()], consider_positions=False
    )

    assert basket["initial"]["total"] == pytest.approx(sum(row["total"] for row in basket["orders"]))
    assert 0 <= basket["final"]["total"] <= basket["initial"]["total"] + 0.01


def option(strike: int, kind: str, month: str = "NOV") -> str:
    return f"NIFTY26{month}{strike}{kind}"


def price_of(exchange: Exchange, symbol: str) -> float:
    return float(exchange.ltp([f"NFO:{symbol}"])[f"NFO:{symbol}"]["last_price"])


def needed(*legs: tuple[str, int]) -> dict[str, float]:
    return final([item(symbol, units, price_of(the_exchange(), symbol)) for symbol, units in legs])


def test_a_bought_option_is_paid_in_full_and_nothing_more() -> None:
    symbol = option(26_000, "CE")

    margin = needed((symbol, LOT))

    assert margin["total"] == margin["option_premium"] == pytest.approx(LOT * price_of(the_exchange(), symbol))
    assert margin["span"] == margin["exposure"] == 0


def test_a_debit_spread_needs_its_net_premium_and_an_exposure() -> None:
    bought, sold = option(26_000, "CE"), option(26_200, "CE")

    spread = needed((bought, LOT), (sold, -LOT))

    assert spread["span"] == 0
    net = LOT * (price_of(the_exchange(), bought) - price_of(the_exchange(), sold))
    assert spread["option_premium"] == pytest.approx(net, abs=LOT)
    assert spread["total"] < needed((sold, -LOT))["total"] / 3


def test_known_shapes_need_less_than_their_legs() -> None:
    legs = [(option(25_800, "PE"), -LOT), (option(26_200, "CE"), -LOT)]
    wings = [(option(25_500, "PE"), LOT), (option(26_500, "CE"), LOT)]
    apart = sum(needed(leg)["total"] for leg in legs)

    strangle = needed(*legs)["total"]
    condor = needed(*legs, *wings)["total"]
    calendar = needed(("NIFTY26NOVFUT", LOT), ("NIFTY26DECFUT", -LOT))["total"]

    assert condor < strangle < 0.75 * apart
    assert calendar < 0.5 * needed(("NIFTY26NOVFUT", LOT))["total"]


def place(exchange: Exchange, symbol: str, units: int, **changes: Any) -> str:
    form = {
        "variety": "regular", "exchange": "NFO", "tradingsymbol": symbol, "order_type": "MARKET", "product": "NRML",
        "transaction_type": "BUY" if units > 0 else "SELL", "quantity": str(abs(units)),
    }  # fmt: skip
    return exchange.place(USER, **(form | changes))


def net(exchange: Exchange) -> float:
    return float(exchange.margins(USER)["equity"]["net"])


def test_a_hedge_that_is_there_lets_a_short_be_sold_that_would_be_refused_without() -> None:
    bare = an_exchange()
    sold, bought = option(26_000, "CE"), option(26_400, "CE")
    with pytest.raises(ExchangeRefusal, match="Insufficient funds"):
        place(bare, sold, -8 * LOT)

    hedged = an_exchange()
    place(hedged, bought, 8 * LOT)
    place(hedged, sold, -8 * LOT)

    assert net(hedged) > 0


def test_an_open_order_of_a_hedge_is_not_one_yet() -> None:
    exchange = an_exchange()
    bought = option(26_400, "CE")
    bid = exchange.quote([f"NFO:{bought}"])[f"NFO:{bought}"]["depth"]["buy"][4]["price"]
    place(exchange, bought, 8 * LOT, order_type="LIMIT", price=str(bid))

    with pytest.raises(ExchangeRefusal, match="Insufficient funds"):
        place(exchange, option(26_000, "CE"), -8 * LOT)


def test_selling_the_hedge_is_refused_when_the_rest_would_be_bare() -> None:
    exchange = an_exchange()
    sold, bought = option(26_000, "CE"), option(26_400, "CE")
    place(exchange, bought, 8 * LOT)
    place(exchange, sold, -8 * LOT)

    with pytest.raises(ExchangeRefusal, match="Insufficient funds"):
        place(exchange, bought, -8 * LOT)
    place(exchange, sold, 8 * LOT)
    place(exchange, bought, -8 * LOT)

    utilised = exchange.margins(USER)["equity"]["utilised"]
    assert utilised["span"] == utilised["exposure"] == utilised["option_premium"] == 0


def test_a_basket_beside_positions_counts_the_hedge_that_is_there() -> None:
    exchange = an_exchange()
    place(exchange, option(26_400, "CE"), LOT)
    short = item(option(26_000, "CE"), -LOT, price_of(exchange, option(26_000, "CE")))

    alone, beside = final([short], exchange), final([short], exchange, beside=True)
    (margin,) = exchange.order_margins(USER, [short])

    assert beside["span"] < alone["span"] / 2
    assert margin["total"] < alone["total"]


def test_what_trading_ties_up_is_what_the_basket_said() -> None:
    exchange = an_exchange()
    sold = option(26_000, "PE")
    margin = final([item(sold, -LOT)], exchange)
    place(exchange, sold, -LOT)

    utilised = exchange.margins(USER)["equity"]["utilised"]

    assert utilised["span"] == pytest.approx(margin["span"])
    assert utilised["exposure"] == pytest.approx(margin["exposure"])
    (row,) = exchange.positions(USER)["net"]
    assert utilised["option_premium"] == pytest.approx(-row["sell_value"])


def test_the_product_makes_no_difference_to_the_risk() -> None:
    exchange = an_exchange()
    future = "NIFTY26NOVFUT"
    of_day = final([item(future, LOT, product="MIS")], exchange)
    assert of_day == final([item(future, LOT)], exchange)

    both = final([item(future, LOT, product="MIS"), item(future, -LOT)], exchange)

    assert both["span"] == both["exposure"] == 0


@pytest.mark.parametrize("units", [LOT, -LOT])
def test_losses_that_are_not_realised_are_debited_and_gains_are_not_credited(units: int) -> None:
    exchange = an_exchange(market="synthetic")
    place(exchange, "NIFTY26NOVFUT", units)
    unrealised = []
    for _ in range(12):
        exchange.advance(exchange.now_ns + 300 * 1_000_000_000)
        utilised = exchange.margins(USER)["equity"]["utilised"]
        tied = utilised["span"] + utilised["exposure"]
        lost = max(0.0, -utilised["m2m_unrealised"])
        assert utilised["debits"] == pytest.approx(tied + lost, abs=1_000), "and what the order itself cost"
        unrealised.append(utilised["m2m_unrealised"])
    assert max(unrealised) > 1_000 or min(unrealised) < -1_000
