"""A strategy that does not return is named with its line, and the process comes back without it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from kitev3._core import Event
from kitev3.runtime.service import World
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.in_hand import InHand
from kitev3.services.strategy.service import StrategyHandler
from kitev3.services.strategy.watchdog import Watchdog
from waiting import S_MAX

from services.test_strategy import Log, bar, heard, instrument

BLOCKS = """
import threading
from kitev3.strategy import Decision, Strategy
GO_ON = threading.Event()
class Mine(Strategy):
    def on_bar(self, bar, view):
        if bar.start_ns == 10_000_000_000:
            GO_ON.wait({wait_s})
        yield Decision(action="BUY", intent="enter", quantity=1, reason="a test")
"""
HOLDS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from kitev3.runtime.service import World
from kitev3.services.strategy.in_hand import InHand
from kitev3.services.strategy.watchdog import Watchdog
from services.test_strategy import Log, bar, heard, instrument
from services.test_strategy_watchdog import Machine, hosting
folder = Path({folder!r})
service = hosting(folder, Log())
Watchdog(InHand(folder), Log(), call_s_max=0.4, held_s_max=1.0).open(Machine())
heard(service, [instrument(1, "AAA"), bar(1, 10_000, 0)])
"""


class Machine(World):
    """The machine's own time."""

    def put(self, payload: Any) -> None: ...
    def sync(self) -> None: ...
    def mono_ns(self) -> int:
        return time.monotonic_ns()


class Still(Machine):
    """A clock that does not move while something is handled, as on the stepped bus."""

    def mono_ns(self) -> int:
        return 5


def hosting(folder: Path, log: Log) -> StrategyHandler:
    """The strategy of ``mine.py`` in *folder*, beside one that is known to work."""
    mine = Run(name="mine", use=f"{folder}/mine.py:Mine", instruments=("NSE:*",), bars="5s")
    cross = Run(name="cross", use="ema_cross", instruments=("NSE:*",), bars="5s", params={"fast": 2, "slow": 4})
    return StrategyHandler([mine, cross], log, InHand(folder))


def events(count: int = 30) -> list[Event]:
    closes = [10_000_000 + 9_000 * (n % 7) * (-1 if n % 14 < 7 else 1) for n in range(count)]
    return [instrument(1, "AAA"), *(bar(1, close, n) for n, close in enumerate(closes))]


def test_a_strategy_that_does_not_return_ends_the_process_which_comes_back_without_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BLOCKS.format(wait_s=S_MAX))
    log, ended = Log(), threading.Event()
    service = hosting(tmp_path, log)
    watchdog = Watchdog(InHand(tmp_path), log, call_s_max=0.1, end=lambda code: ended.set())

    def live() -> None:
        """It never comes back from the third bar: a process that is being ended says nothing more."""
        watchdog.open(Machine())
        heard(service, events())

    threading.Thread(target=live, daemon=True).start()
    assert ended.wait(S_MAX)
    watchdog.close()

    again = hosting(tmp_path, log)
    before = heard(again, events()[:3])
    after = heard(again, events()[3:])

    line = next(line for line in log.lines if line["message"] == "strategy is stuck")
    assert "mine is stuck at" in line["error"]
    assert [s.strategy for s in before] == ["mine", "mine"]
    assert {s.strategy for s in after} == {"cross"}
    assert again.status()["stopped"]["mine"].startswith(f"{tmp_path}/mine.py:8: did not return within ")


def test_on_a_clock_that_stands_still_no_call_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BLOCKS.format(wait_s=0.5))
    log = Log()
    service = hosting(tmp_path, log)
    watchdog = Watchdog(InHand(tmp_path), log, call_s_max=0.02, end=lambda code: log.error("ended"))
    watchdog.open(Still())

    signals = heard(service, events(5))
    watchdog.close()

    assert [s.strategy for s in signals].count("mine") == 5
    assert log.lines == []


def test_c_code_that_holds_the_interpreter_is_ended_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import re\nfrom kitev3.strategy import Strategy\nclass Mine(Strategy):\n    def on_bar(self, bar, view):\n"
        "        re.match('(a*)*b', 'a' * 40)\n"
    )
    code = HOLDS.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=S_MAX)

    again = hosting(tmp_path, Log())
    assert ended.returncode == 1, ended.stderr
    heard(again, [instrument(1, "AAA"), bar(1, 10_000, 0)])
    assert again.status()["stopped"]["mine"].startswith(f"{tmp_path}/mine.py:5: did not return")
