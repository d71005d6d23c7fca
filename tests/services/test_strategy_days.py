"""What strategies hold and know over a gap, a restart with other code, and the end of a day."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from kitev3._core import Bar, BarBatch, Event
from kitev3.contracts import Epoch, Start
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.service import SERVICE, StrategyHandler

from services.test_strategy import SECOND_NS, Log, a_signal, bar, blocked, fill, heard, instrument, reject

WARM = """
from kitev3.strategy import Decision, Strategy, indicator
class Warm(Strategy):
    wants_gapped = {wants_gapped}
    bars = 0
    def indicators(self):
        return {{"mean": indicator("sma", period=2)}}
    def on_bar(self, bar, view):
        self.bars += 1 if bar.close_e4 else 1 // 0
        if view.warm:
            yield Decision(action="BUY", intent="enter", quantity=self.bars, reason=f"holds {{view.position}}")
    def on_fill(self, fill, view):
        yield Decision(action="SELL", intent="exit", quantity=1, reason=f"holds {{view.position}}")
    on_reject = on_blocked = on_fill
"""
ROW = instrument(1, "AAA")


def hosting(
    tmp_path: Path, *, wants_gapped: bool = False, today: str = "2026-11-19", log: Log | None = None
) -> StrategyHandler:
    path = tmp_path / "warm.py"
    path.write_text(WARM.format(wants_gapped=wants_gapped))
    run = Run(name="mine", use=f"{path}:Warm", instruments=("NSE:*",), bars="5s")
    return StrategyHandler([run], log or Log(), today=today)


def at(event: Event, ts: int) -> Event:
    """The same, said at a market time."""
    place = {"source": event.source, "epoch": event.epoch, "seq": event.seq, "topic_seq": event.topic_seq}
    return Event(event.type, event.payload, ts=ts, mono_ns=event.mono_ns, **place)


def epoch(now_ns: int = 0) -> Event:
    return Event("world.epoch", Epoch(1, 0), source="world", now_ns=now_ns)


def start(session: str) -> Event:
    return Event("control.start", Start(session), source="control")


def bought(quantity: int, product: str = "MIS", side: str = "BUY", strategy: str = "mine") -> Event:
    payload = msgspec.structs.replace(fill(strategy, 1).payload, quantity=quantity, product=product, side=side)
    return Event("execution.fill", payload, source="execution")


def bars(first: int, last: int) -> list[Event]:
    return [bar(1, 10_000_000 + n, n) for n in range(first, last)]


def gapped(number: int) -> Event:
    start_ns = number * 5 * SECOND_NS
    closed = Bar(1, "5s", start_ns, start_ns + 5 * SECOND_NS, 9, 9, 9, 9, 1, 9, 1, gapped=True)
    [batch] = BarBatch.of([closed])
    return Event("marketdata.ohlc", batch, source="marketdata", epoch=3, seq=number + 1, topic_seq=number + 1)


def test_nothing_is_decided_on_a_bar_that_lacks_ticks_and_indicators_warm_up_anew_after_it(tmp_path: Path) -> None:
    service = hosting(tmp_path)

    decided = [len(heard(service, [one])) for one in [ROW, *bars(0, 3), gapped(3), *bars(4, 7)]]

    assert decided == [0, 0, 1, 1, 0, 0, 1, 1]


def test_who_asks_for_bars_that_lack_ticks_decides_on_them_and_the_signal_says_so(tmp_path: Path) -> None:
    service = hosting(tmp_path, wants_gapped=True)

    signals = heard(service, [ROW, *bars(0, 2), gapped(2), bar(1, 10, 3)])

    assert [s.reason for s in signals] == ["holds 0", "on a gapped bar: holds 0", "holds 0"]


def test_a_strategy_sees_what_it_holds_and_nothing_of_others(tmp_path: Path) -> None:
    service = hosting(tmp_path)
    heard(service, [ROW])

    told = heard(service, [bought(5), bought(3, "CNC"), bought(2, side="SELL"), bought(90, strategy="other")])

    assert [s.reason for s in told] == ["holds 5", "holds 8", "holds 6"]
    assert service.status()["left"] == {"other": {"NSE:AAA": 90}}, (
        "no strategy of the profile, of which it may be the past"
    )


def test_what_a_stopped_strategy_holds_and_still_gets_is_told(tmp_path: Path) -> None:
    service = hosting(tmp_path)
    [left] = (figure for figure in SERVICE.figures if figure.key == "left_positions")
    heard(service, [ROW, bought(5)])
    before = left.of(service.status())

    heard(service, [bar(1, 0, 0), bought(2)])

    assert list(service.code.stopped) == ["mine"]
    assert (before, left.of(service.status())) == ({}, {"mine": {"NSE:AAA": 7}})


def test_with_other_code_it_begins_anew_with_its_position_and_decides_on_nothing_that_is_past(tmp_path: Path) -> None:
    log = Log()
    service = hosting(tmp_path, log=log)
    service.rebuild(Event("strategy.signal", a_signal(), source="strategy"))
    now_ns = 100 * SECOND_NS

    past = [at(one, n) for n, one in enumerate([ROW, bought(5), reject("mine", 1), blocked(a_signal()), *bars(0, 9)])]
    assert heard(service, [epoch(now_ns), start("2026-11-19"), *past]) == []

    [signal] = heard(service, [at(bar(1, 10, 20), now_ns)])
    assert (signal.quantity, signal.reason) == (1, "holds 5")
    assert service.status()["signals"] == 2
    assert [line["message"] for line in log.lines] == [
        "strategies begin anew: code, parameters or build are others than before"
    ]


def test_a_restart_after_that_says_the_same_again(tmp_path: Path) -> None:
    lived = hosting(tmp_path)
    lived.rebuild(Event("strategy.signal", a_signal(), source="strategy"))
    kept = lived.snapshot()
    assert kept is not None
    now_ns = 100 * SECOND_NS
    events = [epoch(now_ns), ROW, at(bought(5), 1), *(at(one, n) for n, one in enumerate(bars(0, 9)))]
    events += [at(bar(1, 10, 20), now_ns), at(bought(2), now_ns)]

    first = heard(lived, events)
    again = hosting(tmp_path)
    again.restore(kept)

    assert heard(again, events) == first
    assert [s.reason for s in first] == ["holds 5", "holds 7"]
    assert again.status() == lived.status()
    assert lived.snapshot() is None


def day(session: str) -> list[Event]:
    return [epoch(), start(session), ROW, *bars(0, 4), bought(7), bought(4, "CNC")]


def test_on_a_new_day_a_strategy_begins_anew_with_what_is_carried_and_a_restart_within_the_day_says_the_same(
    tmp_path: Path,
) -> None:
    lived = hosting(tmp_path, today="2026-11-20")
    heard(lived, day("2026-11-19"))
    kept = lived.snapshot()
    assert kept is not None
    first = heard(lived, day("2026-11-20"))

    again = hosting(tmp_path, today="2026-11-20")
    again.restore(kept)
    second = heard(again, day("2026-11-20"))

    assert second == first
    assert [s.reason for s in first] == ["holds 4", "holds 4", "holds 4", "holds 11", "holds 15"]
    assert lived.snapshot() is None  # within a day all is executed again
    assert lived.status() == {**again.status(), "signals": lived.status()["signals"]}


def test_a_strategy_that_was_stopped_yesterday_may_trade_today(tmp_path: Path) -> None:
    service = hosting(tmp_path, today="2026-11-20")
    heard(service, [*day("2026-11-19"), bar(1, 0, 9)])
    assert "mine" in service.status()["stopped"]

    service.snapshot()

    assert len(heard(service, day("2026-11-20"))) > 0
    assert service.status()["stopped"] == {}


@pytest.mark.parametrize(("tick_ns", "bar_ns", "data_ns"), [(0, 50, 50), (77, 50, 50), (40, 50, 40), (77, 77, 77)])
def test_a_decision_on_an_old_bar_is_as_old_as_the_bar(tmp_path: Path, tick_ns: int, bar_ns: int, data_ns: int) -> None:
    service = hosting(tmp_path)
    heard(service, [ROW, *bars(0, 2)])
    service.tick_ts_ns = tick_ns

    [signal] = heard(service, [at(bar(1, 10, 3), bar_ns)])

    assert signal.data_ts_ns == data_ns
