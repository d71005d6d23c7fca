"""The strategy service: what a strategy decides becomes a whole signal, and instruments never disturb each other."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import Event, Tick, TickBatch
from kitev3.contracts import DataRange, Gap, Instrument, Ohlc, Signal
from kitev3.services.strategy.service import Run, StrategyHandler

SECOND_NS = 1_000_000_000
EVERY_TICK = """
from kitev3.strategy import Decision, Strategy
class EveryTick(Strategy):
    wants_hold = {wants_hold}
    def on_tick(self, tick, view):
        yield Decision(action="{action}", intent="enter", quantity=1, price_e4=view.ask_e4, reason="a tick")
"""


def instrument(token: int, symbol: str) -> Event:
    row = Instrument(
        instrument_token=token, exchange="NSE", tradingsymbol=symbol, name=symbol, instrument_type="EQ", segment="NSE",
        expiry="", strike_e4=0, tick_size_e4=500, lot_size=1, freeze_quantity=99_999, products=("CNC", "MIS"),
        lower_circuit_e4=0, upper_circuit_e4=0, previous_close_e4=10_000_000, file_date="2026-11-19", file_hash="0",
    )  # fmt: skip
    return Event("marketdata.instrument", row, source="marketdata")


def bar(token: int, close_e4: int, number: int) -> Event:
    start = number * 5 * SECOND_NS
    payload = Ohlc(token, "5s", start, start + 5 * SECOND_NS, close_e4, close_e4, close_e4, close_e4, 1, close_e4, 1)
    return Event("marketdata.ohlc", payload, source="marketdata", epoch=3, topic_seq=number + 1, mono_ns=1_000)


def ticks(*some: Tick, topic_seq: int = 1) -> Event:
    batch = TickBatch.from_ticks(list(some))
    return Event("marketdata.tick", batch, source="marketdata", ts=77, topic_seq=topic_seq, mono_ns=5)


def handler(*patterns: str) -> StrategyHandler:
    run = Run(name="cross", use="ema_cross", instruments=patterns, bars="5s", params={"fast": 2, "slow": 4})
    return StrategyHandler([run])


def heard(service: StrategyHandler, events: list[Event]) -> list[Signal]:
    return [signal for event in events for signal in service(event)]


def reference_sides(closes: list[int], fast: int, slow: int) -> list[str]:
    """EMA crossings, the slow way: seeded with the mean of the first period, as TA-Lib."""

    def ema(period: int) -> list[float | None]:
        out: list[float | None] = []
        for at, close in enumerate(closes):
            if at + 1 < period:
                out.append(None)
            elif at + 1 == period:
                out.append(sum(closes[:period]) / period)
            else:
                out.append(out[-1] + (close - out[-1]) * 2 / (period + 1))  # type: ignore[operator]
        return out

    sides, above = [], None
    for quick, calm in zip(ema(fast), ema(slow), strict=True):
        if quick is None or calm is None:
            continue
        now = quick > calm
        if above is not None and now != above:
            sides.append("BUY" if now else "SELL")
        above = now
    return sides


walks = st.lists(st.integers(-40_000, 40_000).map(lambda step: step | 1), min_size=1, max_size=60)


@given(walks)
def test_the_signals_are_the_crossings_of_the_reference(steps: list[int]) -> None:
    closes = [10_000_000 + sum(steps[: n + 1]) for n in range(len(steps))]
    events = [instrument(1, "AAA"), *(bar(1, close, n) for n, close in enumerate(closes))]

    signals = heard(handler("NSE:AAA"), events)

    assert [s.action for s in signals if s.intent == "enter"] == reference_sides(closes, 2, 4)


@given(walks, walks, st.randoms(use_true_random=False))
def test_two_instruments_never_disturb_each_other(one: list[int], two: list[int], order: random.Random) -> None:
    def events_of(token: int, steps: list[int]) -> list[Event]:
        return [bar(token, 10_000_000 + sum(steps[: n + 1]), n) for n in range(len(steps))]

    def decided(events: list[Event]) -> list[tuple[str, str, int]]:
        rows = [instrument(1, "AAA"), instrument(2, "BBB")]
        return [(s.tradingsymbol, s.action, s.quantity) for s in heard(handler("NSE:*"), [*rows, *events])]

    first, second = events_of(1, one), events_of(2, two)
    turns = [0] * len(first) + [1] * len(second)
    order.shuffle(turns)
    queues = [iter(first), iter(second)]
    mixed = decided([next(queues[turn]) for turn in turns])

    assert [d for d in mixed if d[0] == "AAA"] == decided(first)
    assert [d for d in mixed if d[0] == "BBB"] == decided(second)


def test_a_signal_says_when_it_dies_and_which_data_it_stands_on() -> None:
    closes = [10_000_000, 9_900_000, 9_800_000, 9_700_000, 9_600_000, 12_000_000]
    service = handler("NSE:A*")
    heard(service, [instrument(1, "AAA"), ticks(Tick(1, 12_000_000, exchange_ns=9))])

    [signal] = heard(service, [bar(1, close, n) for n, close in enumerate(closes)])

    assert signal.deadline_ns == 1_000 + 5 * SECOND_NS
    assert signal.data == (DataRange("marketdata", 3, 1, len(closes), "marketdata.ohlc"),)
    assert signal.data_ts_ns == 77
    assert signal.strategy == "cross"
    assert signal.indicators["fast"] > signal.indicators["slow"]


def test_an_instrument_that_no_pattern_matches_is_left_alone() -> None:
    events = [instrument(1, "AAA"), *(bar(1, 10**7 * (1 + n % 3), n) for n in range(30))]

    assert heard(handler("NSE:B*"), events) == []


def test_after_a_gap_the_indicators_warm_up_anew() -> None:
    service = handler("NSE:AAA")
    heard(service, [instrument(1, "AAA"), *(bar(1, 10_000_000 + n * 1_000, n) for n in range(6))])
    [hosted] = service.hosted.values()
    assert hosted.warm

    heard(service, [Event("marketdata.gap", Gap((1,), "test"))])

    assert not hosted.warm
    heard(service, [bar(1, 10_000_000, 9)])
    assert hosted.used(bar(1, 10_000_000, 10))[0].first_topic_seq == 10


def every_tick(tmp_path: Path, action: str, *, wants_hold: bool = False) -> StrategyHandler:
    path = tmp_path / f"{action}{wants_hold}.py"
    path.write_text(EVERY_TICK.format(action=action, wants_hold=wants_hold))
    return StrategyHandler([Run(name="mine", use=f"{path}:EveryTick", instruments=("NSE:*",))])


def test_a_users_strategy_hears_every_clean_tick_and_no_flagged_one(tmp_path: Path) -> None:
    service = every_tick(tmp_path, "BUY")
    some = ticks(Tick(1, 100), Tick(1, 101, flags=1), Tick(2, 5), Tick(1, 102))

    signals = heard(service, [instrument(1, "AAA"), some])

    assert [(s.strategy, s.instrument_token, s.action) for s in signals] == [("mine", 1, "BUY")] * 2


def test_hold_is_said_only_by_a_strategy_that_asks_for_it(tmp_path: Path) -> None:
    events = [instrument(1, "AAA"), ticks(Tick(1, 100))]

    assert heard(every_tick(tmp_path, "HOLD"), events) == []
    assert [s.action for s in heard(every_tick(tmp_path, "HOLD", wants_hold=True), events)] == ["HOLD"]
