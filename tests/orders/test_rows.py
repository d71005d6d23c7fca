"""Kite's rows: a bad one never costs the good ones, prices are exact, times are IST."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.orders.rows import OrderRow, TradeRow, e4, ist_ns, read_margins, read_positions, read_rows

ORDER = {
    "account_id": "AB1234",
    "order_id": "171229000724687",
    "status": "OPEN",
    "status_message": None,
    "exchange": "NSE",
    "tradingsymbol": "INFY",
    "instrument_token": 408065,
    "transaction_type": "BUY",
    "product": "MIS",
    "order_type": "LIMIT",
    "quantity": 5,
    "filled_quantity": 0,
    "price": 1500.05,
    "tag": None,
    "meta": {},
}


def test_a_bad_row_is_counted_and_the_good_ones_are_read() -> None:
    bad = {key: value for key, value in ORDER.items() if key != "status"}

    rows = read_rows(json.dumps([ORDER, bad, "?", ORDER]).encode(), OrderRow)

    assert ([row.order_id for row in rows.good], rows.bad, rows.full) == (["171229000724687"] * 2, 2, False)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b'"x"'])
def test_what_is_no_list_is_no_book(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_rows(body, OrderRow)


def test_tags_are_looked_for_in_both_places() -> None:
    row = read_rows(json.dumps([ORDER | {"tag": "A", "tags": ["A", "mktp"]}]).encode(), OrderRow).good[0]

    assert row.all_tags == ("A", "A", "mktp")
    assert read_rows(json.dumps([ORDER]).encode(), OrderRow).good[0].all_tags == ()


@given(st.integers(0, 10**12))
def test_every_price_survives_the_way_through_json(price_e4: int) -> None:
    assert e4(json.loads(json.dumps(price_e4 / 10_000))) == price_e4


def test_times_are_ist() -> None:
    assert ist_ns("1970-01-01 05:30:01") == 1_000_000_000
    assert ist_ns("2026-11-19 09:20:00") == 1_795_060_200_000_000_000


@pytest.mark.parametrize("text", [None, "", "09:20:00", "2026-11-19T25:00:00", "xxxx-xx-xx xx:xx:xx"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert ist_ns(text) is None


def test_positions_and_margins_are_read() -> None:
    position = {"exchange": "NFO", "tradingsymbol": "NIFTY26NOVFUT", "instrument_token": 1, "product": "NRML"}
    body = json.dumps({"net": [position | {"quantity": -65}, {}], "day": []}).encode()
    margins = read_margins(b'{"equity":{"net":1.5,"available":{"live_balance":1.5},"utilised":{"debits":2}}}')

    rows = read_positions(body)

    assert ([row.quantity for row in rows.good], rows.bad) == ([-65], 1)
    assert margins.equity is not None
    assert (margins.equity.net, margins.equity.utilised.debits, margins.commodity) == (1.5, 2.0, None)


def test_a_trade_without_its_fill_time_has_the_exchanges() -> None:
    trade = {key: ORDER[key] for key in ("order_id", "exchange", "tradingsymbol", "instrument_token", "product")}
    trade |= {"trade_id": "9", "transaction_type": "BUY", "quantity": 1, "average_price": 2.5}

    early, none = read_rows(
        json.dumps([trade | {"exchange_timestamp": "1970-01-01 05:30:01"}, trade]).encode(), TradeRow
    ).good

    assert (early.traded_ns, none.traded_ns) == (1_000_000_000, None)
