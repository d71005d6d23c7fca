"""Strategies of a user's in a whole system: what goes wrong in one costs that one alone, and is said."""

from __future__ import annotations

import json
from pathlib import Path

from kitev3.system.profile import PROFILES

from services.real_system import RealSystem, real_system

WRONG = """
from kitev3.strategy import Decision, Strategy


class Wrong(Strategy):
    def on_bar(self, bar, view):
        yield Decision(action="BUY", intent="enter", quantity=1, price_e4=view.last_e4, reason="a good one")
        yield Decision(action="BUY", intent="entry", quantity=1, price_e4=view.last_e4, reason="a wrong one")
"""

STUCK = """
from kitev3.strategy import Strategy


class Stuck(Strategy):
    def on_bar(self, bar, view):
        print("bar of", view.instrument.tradingsymbol)
        while bar.end_ns > 0:
            pass
"""


def profile(path: Path, *runs: str) -> str:
    """The demo's profile, with these strategies beside its first."""
    text = (PROFILES / "demo.toml").read_text()
    file = path / "mine.toml"
    file.write_text(text.replace("run = [\n", "run = [\n" + "".join(f"    {run},\n" for run in runs)))
    return str(file)


def log(system: RealSystem) -> list[dict[str, object]]:
    return [json.loads(line) for line in system.folder.log("strategy").read_text().splitlines()]


def test_a_wrong_decision_stops_its_strategy_alone_and_reaches_no_tape(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    use = f"{tmp_path}/wrong.py:Wrong"
    run = f'{{ name = "wrong", use = "{use}", instruments = ["NSE:INFY", "NSE:TCS"], bars = "5s" }}'
    with real_system(tmp_path) as system:
        system.start("--for", "60", profile=profile(tmp_path, run))
        system.until(lambda: "wrong" in (system.status("strategy", "stopped") or {}), "the strategy was stopped")
        system.trades()
        told = system.kitev3("status").stdout
        system.kitev3("down")
        code, out, err = system.end()

        summary = system.summary()
        sql = "select distinct signal.strategy from read_parquet('journal/risk.approved/*/*.parquet')"
        assert (code, summary["exit"], summary["processes"]["strategy"]["restarts"]) == (0, 0, 0), (out, err)
        assert (
            f"{tmp_path}/wrong.py:8: Decision.intent is 'entry': write 'enter'"
            in summary["stopped_strategies"]["wrong"]
        )
        assert "strategy wrong is stopped" in out
        assert "wrong is stopped" in told
        [line] = [line for line in log(system) if line["event"] == "strategy stopped"]
        assert (line["strategy"], line["line"], line["callback"]) == ("wrong", 8, "on_bar")
        assert "wrong" not in {name for (name,) in system.sql(sql)}


def test_a_strategy_that_does_not_return_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    run = f'{{ name = "stuck", use = "{tmp_path}/stuck.py:Stuck", instruments = ["NSE:INFY"], bars = "5s" }}'
    with real_system(tmp_path) as system:
        system.start("--for", "60", profile=profile(tmp_path, run))
        system.until(lambda: "stuck" in (system.status("strategy", "stopped") or {}), "the strategy was left out")
        before = system.status("strategy", "signals")
        system.until(lambda: (system.status("strategy", "signals") or 0) > before, "another strategy decided")
        system.kitev3("down")
        code, out, err = system.end()

        summary = system.summary()
        assert (summary["processes"]["strategy"]["restarts"], summary["messages_lost"]) == (1, 0), (out, err)
        # On a busy machine the process may be away for as long as halts an account; then that is what was wrong.
        assert code == 0 or "strategy is silent for" in err, (out, err)
        why = summary["stopped_strategies"]["stuck"]
        assert why.startswith((f"{tmp_path}/stuck.py:8: did not return", f"{tmp_path}/stuck.py:9: did not return"))
        assert "strategy died" in out
        assert "strategy stuck is stuck at" in out
        printed = [line for line in log(system) if line["event"] == "strategy said"]
        assert [(line["strategy"], line["text"]) for line in printed] == [("stuck", "bar of INFY")]


def test_each_strategy_that_ends_the_process_is_left_out_and_the_day_goes_on(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(
        "import os\nfrom kitev3.strategy import Strategy\n\n\n"
        "class Ends(Strategy):\n    def on_bar(self, bar, view):\n        os._exit(0)\n"
    )
    runs = [
        f'{{ name = "{name}", use = "{tmp_path}/ends.py:Ends", instruments = ["NSE:INFY"], bars = "5s" }}'
        for name in ("one", "two")
    ]
    with real_system(tmp_path) as system:
        system.start("--for", "60", profile=profile(tmp_path, *runs))
        system.until(lambda: {"one", "two"} <= set(system.status("strategy", "stopped") or ()), "both are left out")
        system.kitev3("down")
        _, out, err = system.end()

        assert system.summary()["processes"]["strategy"]["restarts"] == 4, (out, err)
        assert "strategy died (exit code 0 as it asked one) and comes back" in out
        assert set(system.summary()["stopped_strategies"]) == {"one", "two"}
