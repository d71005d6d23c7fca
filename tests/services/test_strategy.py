"""The strategy service: what a strategy decides becomes a whole signal, and instruments never disturb each other."""

from __future__ import annotations

import random
import signal
import zlib
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import INDICATOR_KINDS, Bar, BarBatch, Event, IndicatorEngine, Tick, TickBatch
from kitev3.contracts import Blocked, DataRange, Fill, Gap, Instrument, Reject, SequenceGap, Signal, Verdict
from kitev3.errors import ConfigError
from kitev3.services.strategy.service import Run, StrategyHandler

SECOND_NS = 1_000_000_000
EVERY_TICK = """
from kitev3.strategy import Decision, Strategy
class EveryTick(Strategy):
    wants_hold = {wants_hold}
    def on_tick(self, tick, view):
        yield Decision(action="{action}", intent="enter", quantity=1, price_e4=view.ask_e4, reason="a tick")
"""
ON_INDICATOR = """
from kitev3.strategy import Decision, Strategy, indicator
class OnIndicator(Strategy):
    def indicators(self):
        return {{"it": indicator("{kind}", **{params})}}
    def on_bar(self, bar, view):
        if view.warm:
            return Decision(action="BUY", intent="enter", quantity=1, reason="warm")
"""
KINDS: dict[str, dict[str, float]] = {
    kind: {name: 5 for name, default in parameters.items() if default is None}
    for kind, parameters in INDICATOR_KINDS.items()
}


def instrument(token: int, symbol: str) -> Event:
    row = Instrument(
        instrument_token=token, exchange="NSE", tradingsymbol=symbol, name=symbol, instrument_type="EQ", segment="NSE",
        expiry="", strike_e4=0, tick_size_e4=500, lot_size=1, freeze_quantity=99_999, products=("CNC", "MIS"),
        lower_circuit_e4=0, upper_circuit_e4=0, previous_close_e4=10_000_000, file_date="2026-11-19", file_hash="0",
    )  # fmt: skip
    return Event("marketdata.instrument", row, source="marketdata")


def bar(token: int, close_e4: int, number: int) -> Event:
    start = number * 5 * SECOND_NS
    closed = Bar(token, "5s", start, start + 5 * SECOND_NS, close_e4, close_e4, close_e4, close_e4, 1, close_e4, 1)
    [payload] = BarBatch.of([closed])
    return Event(
        "marketdata.ohlc", payload, source="marketdata", epoch=3, seq=number + 1, topic_seq=number + 1, mono_ns=1_000
    )


def ticks(*some: Tick, topic_seq: int = 1, ts: int = 77) -> Event:
    batch = TickBatch.from_ticks(list(some))
    return Event("marketdata.tick", batch, source="marketdata", ts=ts, topic_seq=topic_seq, mono_ns=5)


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


CALLBACKS = """
from kitev3.strategy import Decision, Strategy, indicator
import numpy as np
class Asked(Strategy):
    def on_bar(self, bar, view):
        return self.wanted(bar, view)
    on_tick = on_fill = on_reject = on_blocked = on_bar
    def wanted(self, bar, view):
        good = dict(action="BUY", intent="enter", quantity=1, reason="a test")
        {body}
"""


class Log:
    """What would be written."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def error(self, message: str, **fields: Any) -> None:
        self.lines.append({"message": message, **fields})

    info = warning = critical = error


def two(tmp_path: Path, body: str, log: Log | None = None, bars: str = "5s") -> StrategyHandler:
    """A strategy of a user's, and beside it one that is known to work."""
    path = tmp_path / f"mine{zlib.crc32(body.encode())}.py"
    path.write_text(CALLBACKS.format(body=body))
    mine = Run(name="mine", use=f"{path}:Asked", instruments=("NSE:*",), bars=bars)
    cross = Run(name="cross", use="ema_cross", instruments=("NSE:*",), bars="5s", params={"fast": 2, "slow": 4})
    return StrategyHandler([mine, cross], log or Log())


def fill(strategy: str, token: int) -> Event:
    payload = Fill("tag", "1", "2", "NSE", "AAA", token, "BUY", "MIS", 1, 10_000_000, 0, strategy)
    return Event("execution.fill", payload, source="execution")


def reject(strategy: str, token: int) -> Event:
    payload = Reject("tag", "0" * 32, True, "InputException", "no", "", "place", strategy, token)
    return Event("execution.reject", payload, source="execution")


def blocked(signal: Signal) -> Event:
    return Event("risk.blocked", Blocked("0" * 32, signal, Verdict(1, 1, "R11", "too large")), source="risk_portfolio")


def a_signal(strategy: str = "mine") -> Signal:
    return Signal(
        strategy, "NSE", "AAA", 1, "BUY", "enter", 1, "LIMIT", 1, 0, "MIS", "DAY", 1.0, 9, (), 9, "a test", {}
    )  # fmt: skip


RAISES = {
    "a float price": ("return Decision(**good, price_e4=1500.5)", "Decision.price_e4 is 1500.5"),
    "a wrong word": ("yield Decision(**{**good, 'intent': 'entry'})", "write 'enter'"),
    "a good one, then a wrong one": ("yield Decision(**good)\n        yield 'BUY'", "on_bar gave 'BUY'"),
    "no list of decisions": ("return 'BUY'", "on_bar gave 'BUY'"),
    "an exception": ("return 1 // 0", "ZeroDivisionError"),
    "the end of the process": ("raise SystemExit(3)", "SystemExit"),
    "an interrupt of its own": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an interrupt of a generator's": ("raise KeyboardInterrupt\n        yield", "KeyboardInterrupt"),
    "half a character": ('raise ValueError("\\ud800 of a name")', "? of a name"),
    "no such indicator": ("return view.value('rsi')", "no indicators"),
    "a wrong array": ("return [Decision(**good)] if np.array([1, 2]) else None", "ValueError"),
}


@pytest.fixture
def no_ctrl_c() -> Iterator[None]:
    """As in a process of a system: it is not a Ctrl-C that raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("no_ctrl_c")
@pytest.mark.parametrize("wrong", RAISES)
def test_what_goes_wrong_in_a_strategy_stops_it_alone_with_file_and_line(tmp_path: Path, wrong: str) -> None:
    body, words = RAISES[wrong]
    log = Log()
    service = two(tmp_path, body, log)
    closes = [10_000_000 + 10_000 * (n % 9) * (-1 if n % 18 < 9 else 1) for n in range(60)]
    events = [instrument(1, "AAA"), instrument(2, "BBB"), *(bar(t, c, n) for n, c in enumerate(closes) for t in (1, 2))]

    signals = heard(service, [*events, fill("mine", 1), reject("mine", 2), blocked(a_signal())])

    assert {(s.strategy, s.instrument_token) for s in signals} == {("cross", 1), ("cross", 2)}
    [line] = log.lines
    assert line["strategy"] == "mine"
    assert line["file"].endswith(".py")
    assert tmp_path.name in line["file"]
    assert 5 <= line["line"] <= 11 + body.count("\n")
    assert words in line["error"]
    assert line["error"].startswith(f"{line['file']}:{line['line']}: ")
    assert service.status()["stopped"] == {"mine": line["error"]}
    assert msgspec.msgpack.encode(service.status())


def test_a_ctrl_c_while_a_strategy_is_asked_is_the_persons(tmp_path: Path) -> None:
    service = two(tmp_path, "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        heard(service, [instrument(1, "AAA"), bar(1, 1, 0)])

    assert service.status()["stopped"] == {}


def test_what_a_strategy_wanted_before_it_went_wrong_stands(tmp_path: Path) -> None:
    service = two(tmp_path, "return Decision(**good) if bar.close_e4 > 1_000 else 1 // 0")

    signals = heard(service, [instrument(1, "AAA"), bar(1, 2_000, 0), bar(1, 10, 1), bar(1, 2_000, 2)])

    assert [s.strategy for s in signals] == ["mine"]


@pytest.mark.parametrize("body", ["return None", "return", "pass", "return []", "return [None]", "yield None"])
def test_every_callback_may_answer_nothing(tmp_path: Path, body: str) -> None:
    service = two(tmp_path, body)
    events = [instrument(1, "AAA"), ticks(Tick(1, 100)), bar(1, 10, 0)]

    assert heard(service, [*events, fill("mine", 1), reject("mine", 1), blocked(a_signal())]) == []
    assert service.code.stopped == {}


@pytest.mark.parametrize("body", ["return Decision(**good)", "return [Decision(**good)]", "yield Decision(**good)"])
def test_every_callback_may_answer_one_decision(tmp_path: Path, body: str) -> None:
    events = [ticks(Tick(1, 100)), bar(1, 10, 0), fill("mine", 1), reject("mine", 1), blocked(a_signal())]

    service = two(tmp_path, body)
    heard(service, [instrument(1, "AAA")])

    assert [len(heard(service, [event])) for event in events] == [1, 1, 1, 1, 1]


def test_what_the_gate_or_the_broker_refused_is_told_to_the_strategy_that_asked_and_to_no_other(tmp_path: Path) -> None:
    service = two(tmp_path, "return Decision(**good)")
    heard(service, [instrument(1, "AAA"), instrument(2, "BBB")])

    others = [blocked(a_signal("other")), reject("", 1), reject("mine", 9), reject("other", 1)]

    assert heard(service, others) == []
    [signal] = heard(service, [reject("mine", 2)])
    assert (signal.strategy, signal.tradingsymbol) == ("mine", "BBB")


@pytest.mark.parametrize("refusal", [blocked(a_signal()), reject("mine", 1)], ids=["blocked", "reject"])
def test_a_strategy_that_answers_every_refusal_with_the_same_wish_is_stopped(tmp_path: Path, refusal: Event) -> None:
    service = two(tmp_path, "return Decision(**good)")
    heard(service, [instrument(1, "AAA"), ticks(Tick(1, 100))])
    spaced = [e for n in range(60) for e in (refusal, ticks(Tick(1, 100), ts=78 + n))]
    assert len(heard(service, spaced)) == 120
    assert service.code.stopped == {}

    signals = heard(service, [refusal] * 60)

    assert len(signals) == 21
    assert "answered 20 refusals in a row" in service.code.stopped["mine"]
    assert f"{tmp_path}/" in service.code.stopped["mine"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_strategy_trades_on_every_indicator(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"on_{kind}.py"
    path.write_text(ON_INDICATOR.format(kind=kind, params=KINDS[kind]))
    service = StrategyHandler([Run(name="mine", use=f"{path}:OnIndicator", instruments=("NSE:*",), bars="5s")], Log())
    closes = [10_000_000 + 7_000 * (n % 11) * (-1 if n % 22 < 11 else 1) for n in range(80)]

    signals = heard(service, [instrument(1, "AAA"), *(bar(1, close, n) for n, close in enumerate(closes))])

    assert service.code.stopped == {}
    assert len(signals) > 10
    named = IndicatorEngine([("it", kind, KINDS[kind])]).names
    assert all(list(signal.indicators) == named for signal in signals)
    assert not any(isnan(value) for value in signals[-1].indicators.values())


def test_after_skipped_ticks_what_is_fed_by_them_warms_up_anew_and_what_is_fed_by_bars_does_not(tmp_path: Path) -> None:
    path = tmp_path / "on_ema.py"
    path.write_text(ON_INDICATOR.format(kind="ema", params={"period": 2}))
    runs = [
        Run(name=f"by_{bars or 'ticks'}", use=f"{path}:OnIndicator", instruments=("NSE:*",), bars=bars)
        for bars in ("", "5s")
    ]
    service = StrategyHandler(runs, Log())
    heard(
        service,
        [instrument(1, "AAA"), *(ticks(Tick(1, 100 + n)) for n in range(3)), *(bar(1, 10**7 + n, n) for n in range(3))],
    )
    before = {name: hosted.warm for (name, _), hosted in service.hosted.items()}

    heard(service, [Event("world.sequence_gap", SequenceGap("marketdata", False, ("marketdata.quote",)))])
    between = {name: hosted.warm for (name, _), hosted in service.hosted.items()}
    heard(service, [Event("world.sequence_gap", SequenceGap("marketdata", False, ("marketdata.tick",)))])

    assert before == between == {"by_ticks": True, "by_5s": True}
    assert {name: hosted.warm for (name, _), hosted in service.hosted.items()} == {"by_ticks": False, "by_5s": True}


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


def test_a_period_has_one_name_and_what_is_none_is_refused_with_those_that_are() -> None:
    def run(bars: str) -> Run:
        return Run(name="cross", use="ema_cross", instruments=("NSE:*",), bars=bars)

    assert [one.bars for bars in ("60s", "1m") for one in StrategyHandler([run(bars)], Log()).runs] == ["1m", "1m"]
    with pytest.raises(ConfigError, match="strategy 'cross': bars: \"1min\" is no bar: time from 1s to 1d"):
        StrategyHandler([run("1min")], Log())
    with pytest.raises(ConfigError, match="strategy 'cross': is there twice"):
        StrategyHandler([run("1m"), run("5s")], Log())
