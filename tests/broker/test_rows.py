"""The broker's books, row by row: a bad row costs itself alone, and what is handed on is what has changed."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from doubles.account import WIDE
from doubles.gate import CoreGate
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.classify import Reply, classify_read
from kitev3.broker.interface import Part
from kitev3.broker.rows import EXCHANGES, KEYS, PRODUCTS, Books, ist_ns
from kitev3.contracts import BrokerRows, Fill, Funds, Holding, OrderRow
from kitev3.services.execution.reads import View

OURS = "K0123456789012345678"
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
TRADE = {key: ORDER[key] for key in ("order_id", "exchange", "tradingsymbol", "instrument_token", "product")} | {
    "trade_id": "9", "transaction_type": "BUY", "quantity": 1, "average_price": 2.5,
}  # fmt: skip
POSITION = {key: TRADE[key] for key in ("exchange", "tradingsymbol", "instrument_token", "product", "quantity")}
HOLDING = {"exchange": "NSE", "tradingsymbol": "INFY", "instrument_token": 408065, "quantity": 5, "used_quantity": 2,
           "average_price": 1400}  # fmt: skip
ROWS: dict[Part, dict[str, Any]] = {"orders": ORDER, "trades": TRADE, "positions": POSITION, "holdings": HOLDING}
PARTS: tuple[Part, ...] = ("orders", "trades", "positions", "holdings", "margins")


def books() -> Books:
    return Books(lambda text: text == OURS)


def body(part: Part, rows: list[Any]) -> bytes:
    return json.dumps({"net": rows, "day": []} if part == "positions" else rows).encode()


def read(books: Books, part: Part, rows: list[Any] | bytes) -> BrokerRows:
    """As the broker's end hands it on: judged as a whole first."""
    data = rows if isinstance(rows, bytes) else body(part, rows)
    reply = Reply(200, "application/json", b'{"status":"success","data":' + data + b"}")
    return books.read(part, classify_read(reply))


ODD = st.one_of(
    st.sampled_from([None, 1e300, -1, 2**63, float("nan"), float("inf"), "1e999999999", "NEWX", "x" * 2_000]),
    st.sampled_from(["", [], {}, True]),
    st.text(max_size=5),
)
BODIES = st.sampled_from([b"null", b"{}", b"[]", b"[null]", b'{"net":null}', b"[" * 5_000])


@pytest.mark.parametrize("part", ROWS)
@given(data=st.data())
def test_an_odd_row_costs_itself_and_never_the_good_one_beside_it(part: Part, data: st.DataObject) -> None:
    good = ROWS[part] | {"order_id": "1", "trade_id": "1", "tradingsymbol": "GOOD"}
    odd = ROWS[part] | {data.draw(st.sampled_from(sorted(ROWS[part]))): data.draw(ODD)}
    told = read(books(), part, [odd, good])

    rows = getattr(told, part)
    assert told.outcome == "ok"
    assert any(row.tradingsymbol == "GOOD" for row in rows)
    assert len(rows) + told.bad >= 2
    assert (told.bad > 0) == (told.why != "")
    # Whatever was let in is on the tape and is read from it again.
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=BrokerRows) == told


@pytest.mark.parametrize("part", PARTS)
@given(
    data=st.one_of(
        st.binary(max_size=60), st.sampled_from([b"null", b"{}", b"[]", b"[null]", b'{"net":null}', b"[" * 5_000])
    )
)
def test_whatever_the_body_is_nothing_is_raised(part: Part, data: bytes) -> None:
    told = read(books(), part, data)

    assert told.outcome in ("ok", "error")
    assert told.outcome == "ok" or told.why


@pytest.mark.parametrize("part", ROWS)
def test_text_cut_inside_a_character_costs_its_row(part: Part) -> None:
    raw = body(part, [ROWS[part], ROWS[part] | {"order_id": "1", "trade_id": "1", "tradingsymbol": "GOOD"}])
    told = read(books(), part, re.sub(b'"INFY"', b'"IN\xe0\xa4"', raw, count=1))

    assert [row.tradingsymbol for row in getattr(told, part)] == ["GOOD"]
    assert told.bad == 1


def test_a_bad_row_that_cannot_be_ours_proves_absence_and_another_does_not() -> None:
    mine = ORDER | {"order_id": "1"}
    for odd, doubtful in (
        (ORDER | {"price": 1e300, "tag": "somebody"}, False),
        (ORDER | {"price": 1e300, "tag": OURS}, True),
        (ORDER | {"price": 1e300, "tag": None, "tags": [OURS]}, True),
        ({"status": "OPEN"}, True),
    ):
        told = read(books(), "orders", [odd, mine])
        assert (told.bad, told.doubtful, len(told.orders)) == (1, doubtful, 1)


def test_an_order_that_was_read_before_is_still_there_when_its_row_goes_bad() -> None:
    known = books()
    read(known, "orders", [ORDER | {"tag": OURS}])

    told = read(known, "orders", [ORDER | {"tag": OURS, "price": "?"}])

    assert (told.orders, told.gone, told.bad, told.doubtful) == ((), (), 1, False)


def test_a_status_that_nobody_has_told_us_of_is_kept_and_named() -> None:
    told = read(books(), "orders", [ORDER | {"status": "PARKED"}])

    assert [row.status for row in told.orders] == ["PARKED"]
    assert (told.bad, told.why) == (1, "orders: 171229000724687: status 'PARKED' is not known")


@pytest.mark.parametrize("average", ["x", -1, 1e300, [], True])
def test_what_only_describes_an_order_never_costs_it(average: object) -> None:
    told = read(books(), "orders", [ORDER | {"average_price": average, "status_message": "y" * 10**6}])

    (row,) = told.orders
    assert (row.average_price_e4, row.message) == (0, "y" * 1_024)
    assert (told.bad, told.doubtful) == (1, False)
    assert told.why.startswith("orders: 171229000724687: average_price: ")


def test_an_order_that_filled_more_than_its_quantity_cannot_be_read() -> None:
    told = read(books(), "orders", [ORDER | {"quantity": 5, "filled_quantity": 6}])

    assert (told.orders, told.bad) == ((), 1)
    assert told.why.endswith("filled_quantity: 6 of 5")


ORDERS = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.integers(0, 3), st.sampled_from(["OPEN", "COMPLETE"])), max_size=5
)


@given(st.lists(ORDERS, max_size=8))
def test_what_changes_adds_up_to_what_there_is(reads: list[dict[str, tuple[int, str]]]) -> None:
    known, view = books(), View[OrderRow]("orders")
    for orders in reads:
        rows = [ORDER | {"order_id": key, "filled_quantity": n, "status": text} for key, (n, text) in orders.items()]
        told = read(known, "orders", rows)
        view.apply(told)
        again = read(known, "orders", rows)

        shown = {row.order_id: (row.filled_quantity, row.status) for row in view.rows.values()}
        assert shown == orders
        assert (again.orders, again.gone, again.first) == ((), (), False)


def test_tags_are_looked_for_in_both_places() -> None:
    told = read(books(), "orders", [ORDER | {"tag": "A", "tags": ["A", "mktp", None]}, ORDER | {"order_id": "1"}])

    assert [row.tags for row in told.orders] == [("A", "A", "mktp"), ()]


def test_times_are_ist_and_what_is_none_is_zero() -> None:
    assert ist_ns("1970-01-01 05:30:01") == 1_000_000_000
    assert ist_ns("2026-11-19 09:20:00") == 1_795_060_200_000_000_000
    for text in (None, "", "09:20:00", "2026-11-19T25:00:00", "xxxx-xx-xx xx:xx:xx", 7, "0001-01-01 00:00:00"):
        assert ist_ns(text) == 0


def test_a_trade_without_its_fill_time_has_the_exchanges() -> None:
    told = read(books(), "trades", [TRADE | {"exchange_timestamp": "1970-01-01 05:30:01"}, TRADE | {"trade_id": "8"}])

    assert [row.traded_ns for row in told.trades] == [1_000_000_000, 0]


@pytest.mark.parametrize(("quantity", "side"), [(15, "buy"), (-15, "sell")])
def test_what_was_brought_in_is_told_from_what_the_day_traded(quantity: int, side: str) -> None:
    row = POSITION | {"quantity": 0, "overnight_quantity": quantity, "multiplier": 2}
    row |= {f"{side}_value": 2 * (15 * 100 + 5 * 120), f"day_{side}_value": 2 * 5 * 120}

    (told,) = read(books(), "positions", [row]).positions

    assert (told.overnight_quantity, told.overnight_price_e4) == (quantity, 100_0000)


def test_what_is_used_of_a_holding_is_not_deliverable() -> None:
    assert read(books(), "holdings", [HOLDING]).holdings == (Holding("NSE", "INFY", 408065, 3, 1400_0000),)


def test_the_funds_of_both_segments_are_summed_and_one_may_be_absent() -> None:
    segment = {"net": 1.5, "available": {"live_balance": 1.5}, "utilised": {"debits": "2"}}
    for body, funds in (
        ({"equity": segment}, Funds(15_000, 20_000)),
        ({"equity": segment, "commodity": None}, Funds(15_000, 20_000)),
        ({"equity": segment, "commodity": segment | {"utilised": None}}, Funds(30_000, 20_000)),
    ):
        assert read(books(), "margins", json.dumps(body).encode()).funds == (funds,)


@pytest.mark.parametrize("equity", [None, {}, [], {"net": None}])
def test_equity_that_is_empty_is_not_no_money(equity: object) -> None:
    commodity = {"net": 1.5, "utilised": {"debits": "2"}}
    told = read(books(), "margins", json.dumps({"equity": equity, "commodity": commodity}).encode())

    assert (told.outcome, told.funds) == ("error", ())


@pytest.mark.parametrize("price", [None, 0, "0", "", -1])
def test_a_trade_without_a_price_is_no_gift(price: object) -> None:
    told = read(books(), "trades", [TRADE | {"average_price": price}, TRADE | {"trade_id": "8"}])

    assert ([row.trade_id for row in told.trades], told.bad) == (["8"], 1)


@pytest.mark.parametrize("exchange", sorted(EXCHANGES))
@pytest.mark.parametrize("product", sorted(PRODUCTS))
def test_the_gate_knows_every_word_that_is_let_in(exchange: str, product: str) -> None:
    gate = CoreGate(WIDE.limits())

    gate.on_fill(Fill("", "O", "T", exchange, "X", 1, "BUY", product, 1, 1, 0))

    assert gate.snapshot(0).positions[0].quantity == 1


def test_every_kind_of_rows_has_its_key() -> None:
    assert set(KEYS) == set(ROWS)
