"""What a person takes over of the broker's positions changes how much is held, and makes up no gain."""

from collections.abc import Iterable

import pytest
from doubles.account import NOW_NS, WIDE
from doubles.gate import CoreGate
from hypothesis import example, given
from hypothesis import strategies as st
from kitev3.contracts import Adjust, Book, Fill, PortfolioSnapshot, Position, PositionRow
from kitev3.services.execution.config import S
from kitev3.services.execution.positions import Positions

SYMBOLS = (("INFY", 408065), ("ITC", 424961))
PRICES = st.integers(1, 5_000_0000)
TRADES = st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 60), PRICES), max_size=6)
SIDES = st.tuples(st.integers(-100, 100), PRICES, TRADES, st.integers(-150, 150), PRICES)
"""Brought in and at what price, traded since; how much it is at the broker, and its average there if it is not flat."""


def fill(number: int, symbol: tuple[str, int], side: str, quantity: int, price_e4: int) -> Fill:
    return Fill(
        f"T{number}", f"{number}", f"{number}", "NSE", *symbol, side, "MIS", quantity, price_e4, NOW_NS, "cross"
    )  # type: ignore[arg-type]


def row(symbol: tuple[str, int], quantity: int, price_e4: int, overnight: int = 0, cost_e4: int = 0) -> PositionRow:
    return PositionRow("NSE", *symbol, "MIS", quantity, price_e4 if quantity else 0, overnight, cost_e4)


def shown(positions: Positions) -> tuple[PortfolioSnapshot, dict[str, Position]]:
    """What a gate that hears the book comes to."""
    gate = CoreGate(WIDE.limits())
    gate.on_book(Book((), tuple(positions.booked), tuple(positions.carried.values()), "", 1), NOW_NS)
    portfolio = gate.snapshot(NOW_NS)
    return portfolio, {held.tradingsymbol: held for held in portfolio.positions}


def read(positions: Positions, rows: Iterable[PositionRow]) -> None:
    positions.begin()
    positions.on_positions(rows, True, (), NOW_NS, 0)


@given(pair=st.tuples(SIDES, SIDES))
@example(pair=((0, 1, [("BUY", 10, 1500_0000)], 0, 1), (0, 1, [("SELL", 7, 400_0000)], 5, 410_0000)))  # flat, turned
@example(pair=((25, 100_0000, [("BUY", 10, 110_0000)], 10, 1), (-5, 1_0000, [], -9, 2_0000)))
def test_what_is_taken_over_is_what_the_broker_has_and_no_gain_comes_of_it(pair: tuple[tuple, ...]) -> None:  # type: ignore[type-arg]
    positions = Positions([])
    read(positions, [row(name, side[0], side[1], side[0], side[1]) for name, side in zip(SYMBOLS, pair, strict=True)])
    positions.fixed = True
    for name, side in zip(SYMBOLS, pair, strict=True):
        for trade in side[2]:
            positions.booked.append(fill(len(positions.booked), name, *trade))
    before, held = shown(positions)

    read(positions, [row(name, side[3], side[4]) for name, side in zip(SYMBOLS, pair, strict=True)])
    adjusted = list(positions.take("me", "by hand"))

    after, now_held = shown(positions)
    assert after.charges_e4 == before.charges_e4
    assert all(adjust.price_e4 > 0 for adjust in adjusted)
    for (name, _), side in zip(SYMBOLS, pair, strict=True):
        was, now = held.get(name), now_held.get(name)
        assert (now.quantity if now else 0) == side[3]
        realised = [one.realised_e4 if one else 0 for one in (was, now)]
        assert abs(realised[1] - realised[0]) <= 200  # an average is a whole number
    assert positions.doubts == {}


def test_a_position_that_has_no_price_anywhere_is_not_taken() -> None:
    positions = Positions([])
    positions.fixed = True
    unpriced = [row(SYMBOLS[0], 10, 0)]
    read(positions, unpriced)

    assert list(positions.take("me", "by hand")) == []
    read(positions, unpriced)
    assert len(positions.mismatches(0, 0)) == 1


def test_what_was_closed_elsewhere_is_closed_at_our_average() -> None:
    positions = Positions([])
    positions.fixed = True
    positions.booked += [fill(1, SYMBOLS[0], "BUY", 10, 1500_0000), fill(2, SYMBOLS[0], "BUY", 10, 1510_0000)]
    read(positions, [])

    assert list(positions.take("me", "sold by hand")) == [
        Adjust("NSE", "INFY", 408065, "MIS", -20, 1505_0000, "me", "sold by hand")
    ]


@given(
    bought=st.lists(st.integers(0, 80), min_size=9, max_size=9),
    more=st.integers(1, 50),
)
def test_a_difference_that_stays_is_one_doubt_whatever_is_traded_meanwhile(bought: list[int], more: int) -> None:
    positions = Positions([])
    positions.fixed = True
    for second, quantity in enumerate((*bought, 0)):
        positions.begin()
        held = sum(fill.quantity for fill in positions.booked)
        if quantity:  # booked while the read was under way: it may be in the broker's figure or not, and it is not
            positions.booked.append(fill(second, SYMBOLS[0], "BUY", quantity, 1500_0000))
        positions.on_positions([row(SYMBOLS[0], held + more, 1500_0000)], True, (), NOW_NS, second * S)
        positions.settle(())

    assert len(positions.mismatches(9 * S, 9_000)) == 1
    assert [adjust.quantity for adjust in positions.take("me", "by hand")] == [more]


@pytest.mark.parametrize("is_shown_again", [False, True])
def test_what_trades_explain_is_taken_over_when_the_next_read_shows_it_again(is_shown_again: bool) -> None:
    positions = Positions([])
    positions.fixed = True
    for number in range(1 + is_shown_again):
        held = sum(fill.quantity for fill in positions.booked)
        positions.begin()
        positions.on_positions([row(SYMBOLS[0], held + 10, 1500_0000)], True, (), NOW_NS, number * S)
        positions.booked.append(fill(number, SYMBOLS[0], "BUY", 10, 1500_0000))
        positions.settle(())

    assert [adjust.quantity for adjust in positions.take("me", "by hand")] == [10] * is_shown_again


def test_a_difference_that_was_explained_and_is_gone_at_the_next_read_begins_anew() -> None:
    positions = Positions([])
    positions.fixed = True
    late = fill(1, SYMBOLS[0], "BUY", 10, 1500_0000)
    read(positions, [row(SYMBOLS[0], 10, 1500_0000)])
    positions.booked.append(late)
    positions.settle(())
    read(positions, [row(SYMBOLS[0], 10, 1500_0000)])
    assert positions.doubts == {}
    positions.begin()
    positions.on_positions([row(SYMBOLS[0], 20, 1500_0000)], True, (), NOW_NS, 9 * S)

    assert positions.mismatches(10 * S, 5_000) == []
