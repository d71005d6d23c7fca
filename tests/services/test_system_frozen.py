"""A process that is there and does nothing: stopped by the kernel in the middle of the trading, and let go on.

`kitev3 up` is stopped first: it would lower the latch after three seconds, and what is asked here is what the services
do by themselves.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.real_system import RealSystem, real_system

FROZEN_S = 3.0  # a strategy that is away for ten seconds is ended


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[RealSystem]:
    with real_system(tmp_path) as system:
        system.start()
        system.trades()
        system.process.send_signal(signal.SIGSTOP)
        try:
            yield system
        finally:
            system.process.send_signal(signal.SIGCONT)


def gate(system: RealSystem) -> dict[str, Any]:
    return system.health("risk_portfolio").service


def until_passed(system: RealSystem, what: str) -> None:
    """Until the gate has passed more than it has by now."""
    passed = gate(system)["approved"]
    system.until(lambda: gate(system)["approved"] > passed, what)


def test_while_execution_is_frozen_entries_are_refused_and_then_go_on(trading: RealSystem) -> None:
    execution = trading.pids()["execution"]
    fills = trading.status("execution", "fills")

    os.kill(execution, signal.SIGSTOP)
    trading.until(lambda: gate(trading)["blocked"].get("R05", 0) > 0, "an entry refused by R05")
    os.kill(execution, signal.SIGCONT)

    until_passed(trading, "an entry passed after execution has come back")
    trading.until(lambda: (trading.status("execution", "fills") or 0) > fills, "a fill after it has come back")
    verdicts = [blocked.verdict for blocked in trading.payloads("risk_portfolio", "risk.blocked")]
    refused = [verdict.why for verdict in verdicts if verdict.rule == "R05"]
    assert refused
    assert all(why.startswith("age of execution's heartbeat in ms is") for why in refused)


@pytest.mark.parametrize("service", ["marketdata", "strategy"])
def test_while_its_source_is_frozen_the_gate_passes_nothing_and_then_goes_on(trading: RealSystem, service: str) -> None:
    frozen = trading.pids()[service]

    os.kill(frozen, signal.SIGSTOP)
    time.sleep(FROZEN_S / 2)  # what was on its way has passed
    passed = gate(trading)["approved"]
    time.sleep(FROZEN_S / 2)
    assert gate(trading)["approved"] == passed
    os.kill(frozen, signal.SIGCONT)

    until_passed(trading, f"an entry passed after {service} has come back")
