"""When a fault happens, and to which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiteconnect import exceptions as kite
from kitev3.services.kitesim.faults import board, catalogue
from kitev3.services.kitesim.faults.fault import Happening

from services.faults_rig import (
    Faulty,
    faulty,
    order,
    row_of,
)


@given(
    seed=st.integers(0, 1 << 32),
    probability=st.floats(0, 1),
    after=st.integers(0, 10),
    count=st.integers(0, 10),
)
def test_a_fault_happens_after_so_many_so_often_and_again_the_same(
    seed: int, probability: float, after: int, count: int
) -> None:
    def outcomes() -> list[bool]:
        one = board.Board(seed)
        table = {"name": "frame_lost", "probability": probability, "after": after, "count": count}
        one.add(catalogue.read_fault(table, "test"))
        return [bool(one.drawn(Happening(kind="frame", frames="order"))) for _ in range(40)]

    happened = outcomes()

    assert happened == outcomes()
    assert not any(happened[:after])
    assert sum(happened) <= (count or 40)
    if probability == 1:
        assert sum(happened) == min(40 - after, count or 40)


def test_what_is_not_selected_is_not_counted() -> None:
    one = board.Board(1)
    active = one.add(
        catalogue.read_fault({"name": "frame_lost", "where": {"tag": "a*|b", "symbol": "INFY"}, "after": 1}, "test")
    )
    tags = ["a1", "b", "c", "a2", "bb"]

    drawn = [bool(one.drawn(Happening(kind="frame", frames="order", tag=tag, symbol="INFY"))) for tag in tags]

    assert drawn == [False, True, False, True, False]
    assert not one.drawn(Happening(kind="frame", frames="order", tag="b", symbol="TCS"))
    assert not one.drawn(Happening(kind="frame", frames="ticks", tag="b", symbol="INFY"))
    assert (active.seen, active.happened) == (3, 2)


def test_after_count_and_probability_repeat_with_the_seed() -> None:
    def outcomes(seed: str) -> list[bool]:
        with faulty("--profile", "legacy", "--market", "frozen", "--seed", seed) as exchange:
            client = exchange.running.client()
            met = []
            with exchange.fault("html_429", probability=0.5, after=2, count=6, where={"route": "/user/profile"}):
                for _ in range(20):
                    try:
                        client.profile()
                        met.append(False)
                    except kite.DataException:
                        met.append(True)
            return met

    first = outcomes("7")

    assert first == outcomes("7") != outcomes("8")
    assert first[:2] == [False, False]
    assert sum(first) == 6


def test_where_selects_by_method_order_and_symbol(still: Faulty) -> None:
    client = still.running.client()
    order_id = client.place_order(**order())
    with still.fault("html_429", where={"method": "delete|PUT", "order": order_id}):
        assert row_of(client, order_id)["status"] == "OPEN"
        for deed in (
            lambda: client.cancel_order("regular", order_id),
            lambda: client.modify_order("regular", order_id),
        ):
            with pytest.raises(kite.DataException):
                deed()
    with still.fault("html_429", where={"symbol": "INF*"}):
        with pytest.raises(kite.DataException):
            client.cancel_order("regular", order_id)
        client.place_order(**order(tradingsymbol="TCS", price=None, order_type="MARKET"))
