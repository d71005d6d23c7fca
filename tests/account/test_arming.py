"""Arming raises the latch for a system that answers whole, and for no other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from kitev3.account.arming import arm
from kitev3.account.latch import Latch, LatchState
from kitev3.contracts import Arm
from kitev3.control import Command, Control, Health
from kitev3.errors import Refused


class Services(Control):
    """Services that answer as a test says."""

    def __init__(self, builds: dict[str, str], failing: dict[str, str]) -> None:
        self.builds, self.failing = builds, failing
        self.heard: list[tuple[str, Command]] = []

    def health(self, services: Iterable[str], wait_ms_max: int = 0) -> dict[str, Health]:
        return {name: Health(build=self.builds[name]) for name in services if name in self.builds}

    def send(self, services: Iterable[str], command: Command, by: str) -> dict[str, str]:
        self.heard += [(name, command) for name in services]
        return self.failing


def state(account: Path) -> LatchState:
    latch = Latch(account)
    try:
        return latch.read()
    finally:
        latch.close()


NAMES = ("journal", "execution", "risk_portfolio")
ONE_BUILD = {"execution": "1.0", "risk_portfolio": "1.0"}


def test_all_that_answer_are_armed(tmp_path: Path) -> None:
    services = Services(ONE_BUILD, {})

    assert arm(services, NAMES, tmp_path / "account", "asha") == {}

    assert state(tmp_path / "account") is LatchState.ACTIVE
    assert services.heard == [(name, Arm("asha")) for name in NAMES]


def test_one_that_does_not_answer_keeps_all_halted(tmp_path: Path) -> None:
    failing = {"execution": "did not answer within 1000 ms"}

    assert arm(Services(ONE_BUILD, failing), NAMES, tmp_path, "asha") == failing

    assert state(tmp_path) is LatchState.HALTED


def test_two_builds_are_not_armed(tmp_path: Path) -> None:
    services = Services({"execution": "1.0", "risk_portfolio": "1.1"}, {})

    with pytest.raises(Refused, match=r"risk_portfolio 1.1, execution 1.0"):
        arm(services, NAMES, tmp_path, "asha")

    assert state(tmp_path) is LatchState.HALTED
    assert services.heard == []
