"""The built-in strategies decide from bars alone, and exactly when their definition says."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import Bar
from kitev3.contracts import Instrument
from kitev3.strategy import Decision, EmaCross, RsiPullback, Strategy, through

ROW = Instrument(
    instrument_token=408065, exchange="NSE", tradingsymbol="INFY", name="INFOSYS", instrument_type="EQ", segment="NSE",
    expiry="", strike_e4=0, tick_size_e4=500, lot_size=1, freeze_quantity=99_999, products=("CNC", "MIS"),
    lower_circuit_e4=13_500_000, upper_circuit_e4=16_500_000, previous_close_e4=15_000_000, file_date="2026-11-19",
    file_hash="00000000",
)  # fmt: skip


@dataclass
class StillView:
    """An instrument whose numbers a test sets."""

    instrument: Instrument = ROW
    last_e4: int = 15_000_000
    bid_e4: int = 14_999_500
    ask_e4: int = 15_000_500
    values: dict[str, float] = field(default_factory=dict)
    warm: bool = True
    position: int = 0

    def value(self, name: str) -> float:
        return self.values.get(name, nan)


def bar(close_e4: int = 15_000_000, *, short: bool = False) -> Bar:
    return Bar(408065, "5s", 0, 5, close_e4, close_e4, close_e4, close_e4, 10, 0, 3, short)


def decisions(strategy: Strategy, view: StillView, means: list[tuple[float, float]]) -> list[Decision]:
    made: list[Decision] = []
    for fast, slow in means:
        view.values = {"fast": fast, "slow": slow}
        made.extend(strategy.on_bar(bar(), view))
    return made


prices = st.floats(100, 2_000, allow_nan=False)


@given(st.lists(st.tuples(prices, prices), max_size=40))
def test_ema_cross_turns_at_every_crossing_and_only_there(means: list[tuple[float, float]]) -> None:
    made = decisions(EmaCross(EmaCross.Params()), StillView(), means)

    above = [fast > slow for fast, slow in means]
    sides = ["BUY" if now else "SELL" for before, now in pairwise(above) if now != before]
    assert [d.action for d in made if d.intent == "enter"] == sides
    assert [d.action for d in made if d.intent == "exit"] == sides[1:]


@given(st.lists(st.tuples(prices, prices), max_size=40), st.floats(0, 50))
def test_with_a_band_ema_cross_turns_only_on_a_lead_as_wide_and_never_more_often(
    means: list[tuple[float, float]], band_bp: float
) -> None:
    made = decisions(EmaCross(EmaCross.Params(band_bp=band_bp)), StillView(), means)
    every = decisions(EmaCross(EmaCross.Params()), StillView(), means)

    entries = [d for d in made if d.intent == "enter"]
    assert len(entries) <= len([d for d in every if d.intent == "enter"])
    assert all(a.action != b.action for a, b in pairwise(entries))
    wide = [(f, s) for n, (f, s) in enumerate(means) if n == 0 or abs(f - s) * 10_000 >= band_bp * s]
    assert [d.action for d in entries] == [
        "BUY" if now[0] > now[1] else "SELL" for was, now in pairwise(wide) if (was[0] > was[1]) != (now[0] > now[1])
    ]


@pytest.mark.parametrize(
    ("held", "means", "quantities"),
    [
        (150, [(3.0, 2.0), (1.0, 2.0)], [("SELL", "exit", 150), ("SELL", "enter", 1)]),
        (-150, [(1.0, 2.0), (3.0, 2.0)], [("BUY", "exit", 150), ("BUY", "enter", 1)]),
        (150, [(1.0, 2.0), (3.0, 2.0)], []),
        (-150, [(3.0, 2.0), (1.0, 2.0)], []),
        (150, [(1.0, 2.0), (3.0, 2.0), (1.0, 2.0)], [("SELL", "exit", 150), ("SELL", "enter", 1)]),
    ],
)
def test_what_ema_cross_holds_as_it_begins_it_leaves_with_the_first_crossing_against_it_and_never_doubles(
    held: int, means: list[tuple[float, float]], quantities: list[tuple[str, str, int]]
) -> None:
    made = decisions(EmaCross(EmaCross.Params()), StillView(position=held), means)

    assert [(d.action, d.intent, d.quantity) for d in made] == quantities


def test_rsi_pullback_sells_what_it_holds_as_it_begins() -> None:
    view = StillView(position=10, values={"rsi": 70.0, "trend": 1_400.0})

    made = list(RsiPullback(RsiPullback.Params()).on_bar(bar(), view))

    assert [(d.action, d.intent) for d in made] == [("SELL", "exit")]


@pytest.mark.parametrize("told", ["on_blocked", "on_reject"])
def test_rsi_pullback_wishes_again_for_an_exit_of_which_nothing_came(told: str) -> None:
    strategy = RsiPullback(RsiPullback.Params())
    view = StillView(position=10, values={"rsi": 70.0, "trend": 1_400.0})
    first = [decision.intent for decision in strategy.on_bar(bar(), view)]

    getattr(strategy, told)(None, view)

    assert first == [decision.intent for decision in strategy.on_bar(bar(), view)] == ["exit"]
    assert list(strategy.on_bar(bar(), view)) == []


def test_ema_cross_says_nothing_while_it_is_cold_or_on_a_short_bar() -> None:
    strategy, view = EmaCross(EmaCross.Params()), StillView(warm=False)
    assert decisions(strategy, view, [(1.0, 2.0), (3.0, 2.0)]) == []

    view.warm, view.values = True, {"fast": 1.0, "slow": 2.0}
    assert list(strategy.on_bar(bar(), view)) == []
    view.values = {"fast": 3.0, "slow": 2.0}

    assert list(strategy.on_bar(bar(short=True), view)) == []


def test_rsi_pullback_asks_for_a_move_first_then_buys_the_dip_and_sells_the_recovery() -> None:
    strategy, view = RsiPullback(RsiPullback.Params()), StillView()
    made = []
    for rsi in (0.0, 0.0, 55.0, 30.0, 35.0, 65.0, 30.0):
        view.values = {"rsi": rsi, "trend": 1_400.0}
        made.append([(d.action, d.intent) for d in strategy.on_bar(bar(), view)])

    assert made == [[], [], [], [("BUY", "enter")], [], [("SELL", "exit")], [("BUY", "enter")]]


@given(st.lists(st.one_of(st.just(nan), st.floats(0, 100)), max_size=60))
def test_rsi_pullback_never_signals_on_nan_and_alternates(values: list[float]) -> None:
    strategy, view = RsiPullback(RsiPullback.Params()), StillView()
    made: list[str] = []
    for rsi in values:
        view.values = {"rsi": rsi, "trend": 1_400.0}
        found = [d.intent for d in strategy.on_bar(bar(), view)]
        assert not (isnan(rsi) and found)
        made.extend(found)

    assert made == ["enter", "exit"] * (len(made) // 2) + ["enter"] * (len(made) % 2)


@given(
    st.sampled_from([1, 5, 500, 1_000]),
    st.integers(1, 400),
    st.integers(13_500_000, 16_500_000),
    st.integers(0, 50_000),
)
def test_a_price_through_the_market_is_on_the_grid_and_inside_the_band(
    step: int, ticks: int, bid: int, spread: int
) -> None:
    row = Instrument(**{f: getattr(ROW, f) for f in ROW.__struct_fields__} | {"tick_size_e4": step})
    view = StillView(instrument=row, bid_e4=bid, ask_e4=bid + spread)

    buy, sell = through(view, "BUY", ticks), through(view, "SELL", ticks)

    assert buy % step == sell % step == 0
    assert row.lower_circuit_e4 <= sell <= max(bid, row.lower_circuit_e4 + step)
    assert min(bid + spread, row.upper_circuit_e4 // step * step) <= buy <= row.upper_circuit_e4
