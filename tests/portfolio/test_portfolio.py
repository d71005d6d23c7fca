"""Positions and charges: nothing is lost between cash, positions and profit, and every charge is a sum one can do."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import Portfolio, charges

DAY = "2026-11-19"
SYMBOLS = ("INFY", "RELIANCE", "ITC")

trades = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS),
        st.sampled_from(("BUY", "SELL")),
        st.integers(1, 500),
        st.integers(1, 50_000_000),
        st.integers(1, 5),
    ),
    max_size=60,
)


def filled(portfolio: Portfolio, symbol: str, side: str, quantity: int, price_e4: int, order: int) -> int:
    return portfolio.fill(
        order_id=f"{symbol}{side}{order}",
        exchange="NSE",
        tradingsymbol=symbol,
        instrument_type="EQ",
        product="MIS",
        side=side,
        quantity=quantity,
        price_e4=price_e4,
        date=DAY,
    )


@given(trades, st.integers(1, 50_000_000))
def test_cash_and_positions_at_mark_are_conserved(some: list[tuple[str, str, int, int, int]], last_e4: int) -> None:
    portfolio, cash_e4 = Portfolio(), 0
    held = dict.fromkeys(SYMBOLS, 0)
    for symbol, side, quantity, price_e4, order in some:
        sign = 1 if side == "BUY" else -1
        portfolio.mark(filled(portfolio, symbol, side, quantity, price_e4, order), last_e4)
        cash_e4 -= sign * quantity * price_e4
        held[symbol] += sign * quantity

    rows = {row.tradingsymbol: row for row in portfolio.positions()}
    assert {symbol: row.quantity for symbol, row in rows.items()} == {s: held[s] for s in rows}
    assert portfolio.gross_e4 == cash_e4 + sum(row.quantity * last_e4 for row in rows.values())
    assert portfolio.gross_e4 == sum(row.realised_e4 + row.unrealised_e4 for row in rows.values())
    assert all(row.pnl_e4 == row.realised_e4 + row.unrealised_e4 for row in rows.values())


@given(trades)
def test_charges_go_by_the_order_however_it_was_filled(some: list[tuple[str, str, int, int, int]]) -> None:
    portfolio = Portfolio()
    turnover: dict[tuple[str, str, int], int] = {}
    for symbol, side, quantity, price_e4, order in some:
        filled(portfolio, symbol, side, quantity, price_e4, order)
        key = (symbol, side, order)
        turnover[key] = turnover.get(key, 0) + quantity * price_e4

    whole_e15 = sum(
        charges("NSE", "EQ", "MIS", side, sum_e4, DAY).total_e15 for (_, side, _), sum_e4 in turnover.items()
    )
    assert portfolio.charges_e4 == round(Fraction(whole_e15, 10**11))


@given(st.sampled_from(("BUY", "SELL")), st.integers(0, 10**15))
def test_an_intraday_order_costs_what_the_tariff_says(side: str, turnover_e4: int) -> None:
    turnover = Decimal(turnover_e4) / 10_000
    brokerage = min(turnover * Decimal("0.0003"), Decimal(20))
    exchange, sebi = turnover * Decimal("0.0000307"), turnover * Decimal("0.000001")
    tax = turnover * Decimal("0.00025") if side == "SELL" else Decimal(0)
    stamp = turnover * Decimal("0.00003") if side == "BUY" else Decimal(0)
    gst = (brokerage + exchange + sebi) * Decimal("0.18")

    made = charges("NSE", "EQ", "MIS", side, turnover_e4, DAY)

    assert Decimal(made.total_e15) == (brokerage + exchange + sebi + tax + stamp + gst) * 10**15


@pytest.mark.parametrize(("what", "message"), [
    (("NSE", "INDEX", "CNC", "BUY", 1, DAY), "no charges are known"),
    (("NSE", "EQ", "CNC", "BUY", 1, "2021-12-31"), "no charges are known"),
    (("NSE", "EQ", "CNC", "BUY", 1, "2026-02-30"), "is no date"),
    (("NSX", "EQ", "CNC", "BUY", 1, DAY), "is no word of the trade"),
])  # fmt: skip
def test_what_the_tables_do_not_cover_is_said(what: tuple[str, str, str, str, int, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        charges(*what)
