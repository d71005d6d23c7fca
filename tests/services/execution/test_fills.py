"""Fills come from trades alone, each once."""

import random

from hypothesis import given
from hypothesis import strategies as st
from kitev3.contracts import TradeRow
from kitev3.services.execution.fills import FillBook


def trade(
    trade_id: str, quantity: int = 5, order_id: str = "1", exchange: str = "NSE", price_e4: int = 100_0500
) -> TradeRow:
    return TradeRow(
        trade_id=trade_id,
        order_id=order_id,
        exchange=exchange,
        tradingsymbol="INFY",
        instrument_token=408065,
        side="BUY",
        product="MIS",
        quantity=quantity,
        price_e4=price_e4,
        traded_ns=1_795_060_205_000_000_000,
    )


quantities = st.lists(st.integers(1, 100), min_size=1, max_size=20)


@given(quantities, st.randoms(use_true_random=False))
def test_whatever_is_told_each_trade_is_booked_once(quantities: list[int], chance: random.Random) -> None:
    trades = [trade(str(number), quantity) for number, quantity in enumerate(quantities)]
    book = FillBook()

    new = []
    for _ in range(10):
        new += book.book(chance.sample(trades, k=chance.randint(0, len(trades))))
    new += book.book(trades)

    assert sorted(new, key=lambda row: int(row.trade_id)) == trades
    assert book.filled("1") == sum(quantities)
    assert book.book(trades) == []


def test_the_same_number_at_another_exchange_is_another_trade() -> None:
    book = FillBook()

    assert len(book.book([trade("7"), trade("7", exchange="NFO")])) == 2


def test_a_trade_that_changed_is_noted_once_and_never_booked() -> None:
    book = FillBook()
    book.book([trade("7", quantity=5)])

    for _ in range(2):
        assert book.book([trade("7", quantity=6)]) == []

    assert book.filled("1") == 5
    assert len(book.contradictions) == 1


def test_trades_that_vanished_are_named() -> None:
    book = FillBook()
    book.book([trade("7"), trade("8")])

    assert book.missing({("NSE", "8")}) == [("NSE", "7")]
