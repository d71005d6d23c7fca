"""Charges: every one is a sum that one can do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import charges

DAY = "2026-11-19"


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
