"""What refuses a session before anything of it has started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kitev3.errors import ConfigError
from kitev3.system import profile as config
from kitev3.system.preflight import preflight

KEPT: Mapping[str, Any] = {"fresh": False, "exchange": "127.0.0.1:0"}


def earlier_run(folder: Path, session: str) -> Path:
    """A run folder in which kitesim has had a session."""
    profile = config.load("demo", overrides=KEPT)
    with preflight(profile, folder, None, os.environ, os.getpid()):
        pass
    tape = folder / "tape" / "kitesim" / f"{session}.000.tape"
    tape.parent.mkdir()
    tape.touch()
    return tape


def prepare(folder: Path, **changes: Any) -> str:
    profile = config.load("demo", overrides={**KEPT, **changes})
    with preflight(profile, folder, None, os.environ, os.getpid()) as plan:
        return plan.session


def test_a_market_of_ours_goes_on_within_its_day(tmp_path: Path) -> None:
    earlier_run(tmp_path, "2026-11-19")

    assert prepare(tmp_path) == "2026-11-19"


def test_a_folder_of_which_one_tape_was_taken_away_is_refused(tmp_path: Path) -> None:
    tape = earlier_run(tmp_path, "2026-11-19")
    (tmp_path / "journal-chain" / "kitesim").mkdir(parents=True)
    assert prepare(tmp_path) == "2026-11-19"
    tape.unlink()

    with pytest.raises(ConfigError) as refused:
        prepare(tmp_path)

    assert str(refused.value) == (
        f"{tmp_path}: the tape of kitesim is gone, and others have heard from it: "
        "put tape/kitesim back, start a new run folder, or say fresh = true"
    )
    assert prepare(tmp_path, fresh=True) == "2026-11-19"


@pytest.mark.parametrize("today", ["2026-11-21", "2026-11-22", "2027-05-03"])
def test_a_day_without_a_market_does_not_begin(tmp_path: Path, today: str) -> None:
    with pytest.raises(ConfigError, match=f"start: no market on {today}"):
        prepare(tmp_path, start=datetime.fromisoformat(f"{today}T09:20:00+05:30"))

    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("session", ["2026-11-18", "2026-11-20"])
def test_a_market_of_ours_does_not_go_on_with_another_day(tmp_path: Path, session: str) -> None:
    tape = earlier_run(tmp_path, session)

    with pytest.raises(ConfigError) as refused:
        prepare(tmp_path)

    assert str(refused.value) == (
        f"{tmp_path}: holds kitesim's session of {session}, and this one is of 2026-11-19: "
        "start a new run folder, or say fresh = true"
    )
    assert tape.exists()
    assert prepare(tmp_path, fresh=True) == "2026-11-19"
