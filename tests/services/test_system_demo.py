"""The demo as a new user runs it: every stage shows traffic in the memory it may take; wrong variables are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.system import START_ORDER
from kitev3.system.market_file import read_market

from services.real_system import RealSystem, real_system

RESIDENT_MB_MAX = {"journal": 160}  # it writes Parquet; all others 120


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    with real_system(tmp_path) as one:
        yield one


def test_every_stage_shows_traffic_within_fifteen_seconds(system: RealSystem) -> None:
    system.start("--for", "15", "--json")

    code, out, _ = system.end()
    summary = json.loads(out)

    assert code == 0
    stages = ("ticks", "batches", "bars", "signals", "approved", "orders", "fills")
    assert {stage: summary[stage] for stage in stages if summary[stage] <= 0} == {}
    assert summary["signals"] == summary["approved"] + sum(summary["blocked"].values())
    assert summary["messages_lost"] == 0
    assert summary["latency_us"]["n"] > 0
    assert set(summary["processes"]) == set(START_ORDER)
    heavy = {name: row["rss_mb"] for name, row in summary["processes"].items()}
    assert {name: mb for name, mb in heavy.items() if mb > RESIDENT_MB_MAX.get(name, 120)} == {}
    assert system.summary() == summary
    assert system.is_gone()
    heard = read_market(system.folder.path / "tape" / "marketdata")  # and can be the market of another exchange
    assert len(heard) > 60


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("KITEV3_RISK_CAPITAL", "KITEV3_RISK_CAPITAL: no setting 'capital', did you mean 'capital_e4'?"),
        ("KITEV3_MARKETDATA_BAR", "KITEV3_MARKETDATA_BAR: no setting 'bar', did you mean 'bars'?"),
        ("KITEV3_STRATEGI_CPU", "no setting 'KITEV3_STRATEGI_CPU'"),
    ],
)
def test_a_variable_that_sets_nothing_is_refused_before_anything_starts(
    system: RealSystem, variable: str, words: str
) -> None:
    system.environment[variable] = "99"
    system.start()

    code, out, err = system.end()

    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not system.folder.path.exists()
