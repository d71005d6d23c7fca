"""What a strategy prints or logs is a line of the process's log, with the strategy and the event."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from kitev3._core import Bar, BarBatch, Event, Tick
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.in_hand import InHand
from kitev3.services.strategy.output import LINE_CHARS_MAX, LINES_MAX
from kitev3.services.strategy.service import StrategyHandler

from services.test_strategy import Log, bar, fill, heard, instrument, ticks, two


def test_print_and_logging_in_every_callback_land_in_the_log(tmp_path: Path) -> None:
    log = Log()
    service = two(
        tmp_path, "print('one', end=''); import logging; logging.info('a %s', 'b'); print(' two\\nthree')", log
    )
    stdout, stderr = sys.stdout, sys.stderr

    heard(service, [instrument(1, "AAA"), bar(1, 10, 0), ticks(Tick(1, 100)), fill("mine", 1)])

    assert [line["text"] for line in log.lines] == ["a b", "one two", "three"] * 3
    assert {(line["strategy"], line["instrument"]) for line in log.lines} == {("mine", "NSE:AAA")}
    assert [line["topic"] for line in log.lines[::3]] == ["marketdata.ohlc", "marketdata.tick", "execution.fill"]
    assert all(len(line["event_id"]) == 32 for line in log.lines)
    assert log.lines[0]["line"] > 0
    assert (sys.stdout, sys.stderr) == (stdout, stderr)


def test_what_is_said_before_an_error_is_not_lost(tmp_path: Path) -> None:
    log = Log()

    heard(two(tmp_path, "print('so far'); 1 // 0", log), [instrument(1, "AAA"), bar(1, 10, 0)])

    assert [line["message"] for line in log.lines] == ["strategy said", "strategy stopped"]


def test_a_flood_is_cut_and_counted(tmp_path: Path) -> None:
    log = Log()
    body = f"print('x' * {3 * LINE_CHARS_MAX}); [print(n) for n in range({LINES_MAX + 10})]"

    heard(two(tmp_path, body, log), [instrument(1, "AAA"), bar(1, 10, 0)])

    assert len(log.lines) == LINES_MAX + 1
    assert len(log.lines[0]["text"]) == LINE_CHARS_MAX
    assert log.lines[-1]["text"] == "and 11 lines more"


def test_of_many_callbacks_of_one_event_each_says_its_own(tmp_path: Path) -> None:
    log = Log()
    service = two(tmp_path, "print(bar.close_e4, end='') if bar.close_e4 % 2 else None", log)
    rows = [instrument(token, f"S{token}") for token in range(1, 6)]
    [batch] = BarBatch.of([Bar(token, "5s", 0, 1, token, token, token, token) for token in range(1, 6)])

    heard(service, [*rows, Event("marketdata.ohlc", batch, source="marketdata")])

    assert [(line["instrument"], line["text"]) for line in log.lines] == [
        ("NSE:S1", "1"),
        ("NSE:S3", "3"),
        ("NSE:S5", "5"),
    ]


def test_what_is_executed_again_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from kitev3.strategy import Strategy\nclass Mine(Strategy):\n    def on_bar(self, bar, view):\n"
        "        print(bar.close_e4)\n"
    )
    log, in_hand = Log(), InHand(tmp_path)
    run = Run(name="mine", use=f"{tmp_path}/mine.py:Mine", instruments=("NSE:*",), bars="5s")
    service = StrategyHandler([run], log, in_hand)

    heard(service, [instrument(1, "AAA"), bar(1, 10, 0)])
    in_hand.go_live()
    heard(service, [bar(1, 20, 1)])

    assert [line["text"] for line in log.lines] == ["20"]


def test_what_others_log_goes_where_it_went(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    log = Log()
    two(tmp_path, "pass", log)

    logging.getLogger("another library").warning("low on something")

    assert log.lines == []
    assert "low on something" in capsys.readouterr().err
