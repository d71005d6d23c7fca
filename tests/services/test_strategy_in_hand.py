"""What outlives a process that died of a strategy: whose call it was, of which event, and who is asked no more."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import Bar, BarBatch, Event
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.in_hand import NAME_BYTES_MAX, InHand, asked
from kitev3.services.strategy.service import StrategyHandler

from services.test_strategy import Log, heard, instrument

MINE = "/a/mine.py"
TRACE = """Timeout (0:00:20)!
Thread 0x00007f8 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
Thread 0x00007f9 (most recent call first):
  File "/usr/lib/python3.11/re/__init__.py", line 166 in match
  File "/a/mine.py", line 7 in helper
  File "/a/mine.py", line 12 in on_bar
"""


def event(seq: int = 7, source: str = "marketdata") -> Event:
    return Event("marketdata.ohlc", None, source=source, epoch=3, seq=seq)


def dies_asking(folder: Path, seq: int = 7, trace: str = "") -> None:
    """A process that ends in the middle of a call."""
    in_hand = InHand(folder)
    in_hand.look_back(lambda name: MINE)
    in_hand.take(event(seq))
    in_hand.ask("mine")
    if trace:
        in_hand.trace_file.write_text(trace)


def test_what_ended_between_two_calls_or_once_in_one_costs_nobody(tmp_path: Path) -> None:
    assert InHand(tmp_path).look_back(lambda name: MINE) == {}

    dies_asking(tmp_path)

    assert InHand(tmp_path).look_back(lambda name: MINE) == {}
    assert InHand(tmp_path).look_back(lambda name: MINE) == {}


def test_who_was_asked_as_the_process_ended_is_known_from_its_folder(tmp_path: Path) -> None:
    assert asked(tmp_path) == ""
    dies_asking(tmp_path)
    assert asked(tmp_path) == "mine"

    InHand(tmp_path).look_back(lambda name: MINE)

    assert asked(tmp_path) == ""


def test_who_was_asked_twice_about_one_event_when_the_process_ended_is_asked_no_more(tmp_path: Path) -> None:
    dies_asking(tmp_path, seq=7)
    dies_asking(tmp_path, seq=8)
    assert InHand(tmp_path).look_back(lambda name: MINE) == {}
    dies_asking(tmp_path, seq=8)

    stuck = InHand(tmp_path).look_back(lambda name: MINE)["mine"]

    assert stuck.is_at(event(8))
    assert not stuck.is_at(event(7))
    assert not stuck.is_at(event(8, "execution"))
    assert MINE in stuck.why


def test_what_was_wanted_before_the_call_that_ended_the_process_is_wanted_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from kitev3.strategy import Decision, Strategy\nclass Mine(Strategy):\n    def on_bar(self, bar, view):\n"
        "        return Decision(action='BUY', intent='enter', quantity=1, reason='a bar')\n"
    )
    run = Run(name="mine", use=f"{tmp_path}/mine.py:Mine", instruments=("NSE:*",), bars="5s")
    rows = [instrument(token, f"S{token}") for token in range(1, 6)]
    [batch] = BarBatch.of([Bar(token, "5s", 0, 1, 1, 1, 1, 1) for token in range(1, 6)])
    bars = Event("marketdata.ohlc", batch, source="marketdata", epoch=3, seq=7)
    for _ in range(2):
        in_hand = InHand(tmp_path)
        service = StrategyHandler([run], in_hand=in_hand)
        heard(service, rows)
        asked = iter(service(bars))  # and the process ends while the third is asked
        assert [next(asked).instrument_token for _ in range(2)] == [1, 2]
        in_hand.take(bars)
        in_hand.record[:76] = struct.pack("<QI64s", 9, 2, b"mine")

    service = StrategyHandler([run], Log(), in_hand=InHand(tmp_path))

    assert [signal.instrument_token for signal in heard(service, [*rows, bars, bars])] == [1, 2]
    assert list(service.code.stopped) == ["mine"]


def test_who_held_the_interpreter_is_asked_no_more_and_the_trace_says_the_line(tmp_path: Path) -> None:
    dies_asking(tmp_path, trace=TRACE)

    stuck = InHand(tmp_path).look_back(lambda name: MINE)["mine"]

    assert stuck.why.startswith("/a/mine.py:7: did not return")
    assert not (tmp_path / "stuck.trace").exists()


@given(st.text(min_size=1, max_size=NAME_BYTES_MAX // 4).filter(lambda name: "\0" not in name), st.integers(1, 9))
def test_a_call_is_seen_from_elsewhere_as_it_goes_on(name: str, calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mine, other = InHand(Path(folder)), InHand(Path(folder))
        for _ in range(calls):
            mine.take(event())
            mine.ask(name)

        assert other.asked() == (calls, name)
        mine.answered()
        assert other.asked() == (calls, "")


def test_a_call_that_has_come_back_is_not_ended(tmp_path: Path) -> None:
    mine, other = InHand(tmp_path), InHand(tmp_path)
    mine.ask("mine")

    assert other.end(1, "mine")
    assert not other.end(2, "mine")
    mine.answered()  # returns, since nobody ends it any more
