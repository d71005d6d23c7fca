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
