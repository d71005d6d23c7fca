"""A real day through all services in one process: the demo trades, twice the same to the byte, and its books agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from kitev3.journal import query
from real_days import real_day

TICKS = 20_000


def run(market: Path | str, folder: Path, *words: str, hash_seed: int, ticks: int = TICKS) -> dict[str, Any]:
    """The system in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, str(Path(__file__).with_name("whole.py")), str(market), str(folder), str(ticks), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_real_day_gives_the_same_tapes_twice_in_two_processes(tmp_path: Path) -> None:
    market = real_day(tmp_path)

    first = run(market, tmp_path / "first", hash_seed=1)
    second = run(market, tmp_path / "second", hash_seed=2)

    assert first == second
    assert first["status"]["marketdata"]["ticks"] >= TICKS
    assert len(first["tapes"]) >= 5
    assert first["status"]["execution"]["fills"] > 0


def test_what_the_core_hears_by_itself_gives_the_tapes_that_the_handlers_give(tmp_path: Path) -> None:
    fast = run("synthetic", tmp_path / "fast", hash_seed=1, ticks=10_000)
    plain = run("synthetic", tmp_path / "plain", "plain", hash_seed=1, ticks=10_000)

    assert fast["tapes"] == plain["tapes"]
    assert fast["status"] == plain["status"]
    assert fast["status"]["risk_portfolio"]["approved"] > 0
    assert fast["status"]["execution"]["fills"] > 0


def test_another_seed_gives_other_tapes(tmp_path: Path) -> None:
    first = run("synthetic", tmp_path / "first", hash_seed=1, ticks=2_000)
    os.environ["KITEV3_SEED"] = "2"
    try:
        second = run("synthetic", tmp_path / "second", hash_seed=1, ticks=2_000)
    finally:
        del os.environ["KITEV3_SEED"]

    assert first["tapes"].keys() == second["tapes"].keys()
    assert first["tapes"] != second["tapes"]


def test_what_was_said_agrees_from_signal_to_fill(tmp_path: Path) -> None:
    status = run("synthetic", tmp_path, hash_seed=1, ticks=5_000)["status"]

    def one(question: str) -> Any:
        return query.sql(tmp_path / "journal", question)[1][0]

    gate = status["risk_portfolio"]
    assert status["strategy"]["signals"] == gate["approved"] + sum(gate["blocked"].values())
    assert one("select count(*) from strategy.signal") == (status["strategy"]["signals"],)
    assert one("select count(*) from risk.approved") == (gate["approved"],)
    assert status["execution"]["unknown"] == status["execution"]["open_orders"] == 0
    # Every fill has its order, every order its approval, every approval its signal: the chain that explains it.
    chain = one(
        """
        select count(*), count(s.event_id), sum(f.quantity) from execution.fill f
        left join execution.intent i on i.tag = f.tag
        left join strategy.signal s on s.event_id = i.approved.intent_id and s.strategy = f.strategy
        """
    )
    assert chain[0] == chain[1] == status["execution"]["fills"] > 0
    # What the portfolio holds is what the fills add up to.
    held = query.sql(
        tmp_path / "journal",
        """
        select p.tradingsymbol, p.quantity from (
            select unnest(positions) as p from portfolio.snapshot
            where seq = (select max(seq) from portfolio.snapshot)) where p.quantity <> 0 order by 1
        """,
    )[1]
    filled = query.sql(
        tmp_path / "journal",
        """
        select tradingsymbol, sum(case side when 'BUY' then quantity else -quantity end)::bigint as net
        from execution.fill group by 1 having net <> 0 order by 1
        """,
    )[1]
    assert held == filled
