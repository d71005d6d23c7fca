"""What a user can break: services killed one by one, `up` killed, signals, a service that cannot live."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kitev3
import pytest
from doubles.system import START_ORDER
from kitev3.account.latch import Latch, LatchState
from kitev3.journal import query
from waiting import until

from services.real_system import RealSystem, real_system

RAISING = '''
from kitev3.strategy import Strategy


class Raises(Strategy):
    """Raises at its third bar."""

    bars = 0

    def on_bar(self, bar, view):
        self.bars += 1
        if self.bars == 3:
            raise RuntimeError("no third bar for me")
        return ()
'''

PATIENT = '''
from kitev3.strategy import Decision, Strategy, through


class Patient(Strategy):
    """One share at every bar, this way and that; its orders may leave for a minute."""

    bars = 0

    def on_bar(self, bar, view):
        self.bars += 1
        action = "BUY" if self.bars % 2 else "SELL"
        price_e4 = through(view, action, ticks=5)
        return Decision(action=action, intent="enter", quantity=1, price_e4=price_e4, ttl_s=60.0, reason="one more")
'''


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    with real_system(tmp_path) as system:
        yield system


def killed(system: RealSystem, service: str) -> None:
    """kill -9, and back, heard by all, with the gate open again by itself."""
    before = system.pids()[service]
    os.kill(before, signal.SIGKILL)
    system.until(lambda: system.pids().get(service, before) != before, f"{service} started again")
    system.until(lambda: settled(system), f"{service} back and the gate ACTIVE")


def settled(system: RealSystem) -> bool:
    healths = system.healths()
    running = len(healths) == len(START_ORDER) and all(h.state == "running" for h in healths.values())
    return running and healths["risk_portfolio"].service["state"] == "ACTIVE"


def rows(system: RealSystem, text: str) -> list[tuple[Any, ...]]:
    return sorted(system.sql(text))


def test_each_service_may_be_killed_once_and_nothing_is_lost_or_done_twice(system: RealSystem) -> None:
    system.start()
    system.trades()
    system.until(lambda: settled(system), "the gate ACTIVE")

    for service in reversed(START_ORDER):
        killed(system, service)
    fills = system.status("execution", "fills")
    system.until(lambda: (system.status("execution", "fills") or 0) > fills, "fills after all deaths")
    exchange = system.status("kitesim", "accepted")
    system.process.send_signal(signal.SIGTERM)
    code, out, err = system.end()

    summary = system.summary()
    # An order that was on its way as execution died may still be unknown: that is said, and no clean end.
    assert code == (1 if summary["unknown"] else 0), out
    assert err.count("kitev3:") == ("of unknown outcome" in err) == bool(summary["unknown"])
    assert {name: use["restarts"] for name, use in summary["processes"].items()} == dict.fromkeys(START_ORDER, 1)
    assert summary["messages_lost"] == 0
    assert exchange >= fills
    for service in START_ORDER:
        said = system.said(service)
        assert [seq for _, seq in said] == list(range(1, len(said) + 1)), service
    orders = rows(
        system, "select order_id from read_parquet('journal/execution.order_placed/*/*.parquet') where verb = 'place'"
    )
    trades = rows(system, "select trade_id from read_parquet('journal/execution.fill/*/*.parquet')")
    intents = rows(system, "select tag from read_parquet('journal/execution.intent/*/*.parquet')")
    for once in (orders, trades, intents):
        assert once
        assert len(once) == len(set(once))
    booked = dict(
        rows(
            system,
            "select order_id, sum(quantity) from read_parquet('journal/execution.fill/*/*.parquet') group by all",
        )
    )
    filled = dict(
        rows(
            system,
            "select order_id, max(filled_quantity) from "
            "read_parquet('journal/execution.update/*/*.parquet') group by all",
        )
    )
    assert booked == {order_id: quantity for order_id, quantity in filled.items() if quantity}
    assert system.is_gone()


def test_what_the_last_run_approved_is_late_after_kill_9_of_everything_and_no_forgery(
    system: RealSystem, tmp_path: Path
) -> None:
    (tmp_path / "patient.py").write_text(PATIENT)
    text = profile(tmp_path / "patient.py", "Patient").replace("fresh = true", "fresh = false")
    (tmp_path / "mine.toml").write_text(text.replace("entry_age_ms_max = 5_000", "entry_age_ms_max = 60_000"))
    system.start(profile=str(tmp_path / "mine.toml"))
    system.trades()
    system.until(lambda: settled(system), "the gate ACTIVE")
    pids = system.pids()
    os.kill(pids["execution"], signal.SIGSTOP)
    approved = system.status("risk_portfolio", "approved")
    system.until(lambda: system.status("risk_portfolio", "approved") > approved, "approvals that execution cannot hear")
    for pid in (system.process.pid, *pids.values()):
        os.kill(pid, signal.SIGKILL)
    system.process.wait()
    until(lambda: not system.pids(), system.pids)

    system.start("--for", "4", profile=str(tmp_path / "mine.toml"))
    code, _, err = system.end()

    summary = system.summary()
    assert code == (1 if summary["unknown"] else 0), err
    assert (summary["forged"], summary["processes"]["execution"]["restarts"]) == (0, 0)
    assert summary["rejects"] > 0


def test_up_killed_leaves_no_process_lock_or_socket(system: RealSystem) -> None:
    system.start()
    system.trades()
    assert set(system.pids()) == set(START_ORDER)

    system.process.kill()
    system.process.wait()
    until(system.is_gone, lambda: (system.pids(), list(system.runtime.rglob("*"))))

    system.start("--for", "1")
    assert system.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_and_sums_up(system: RealSystem, number: signal.Signals) -> None:
    system.start()
    system.trades()

    system.process.send_signal(number)
    code, out, err = system.end()

    assert (code, err) == (0, ""), out
    assert system.summary()["exit"] == 0
    assert system.summary()["messages_lost"] == 0
    assert system.is_gone()


def test_a_service_that_dies_three_times_stays_down_and_the_gate_is_halted(system: RealSystem) -> None:
    system.start()
    system.trades()

    kill_until_it_stays_down(system, "strategy")
    code, _, err = system.end()

    assert code == 1
    assert "strategy died 3 times within 60 s" in err
    assert "Traceback" not in err
    assert halted(system)
    assert system.is_gone()


def test_a_journal_that_stays_down_is_made_whole_at_the_next_start(system: RealSystem) -> None:
    system.start()
    system.trades()
    kill_until_it_stays_down(system, "journal")
    code, _, err = system.end()

    assert (code, system.summary()["complete"]) == (1, False), err
    fills = [seq for topic, seq in system.said("execution") if topic == "execution.fill"]

    system.start("--for", "1")
    code, _, err = system.end()

    assert code == 0, err
    assert "the last run here did not end whole: " in err
    _, rows = query.sql(
        system.folder.path / "old" / "1" / "journal", "select distinct seq from execution.fill order by 1"
    )
    assert [seq for (seq,) in rows] == fills
    assert system.summary()["complete"] is True


def kill_until_it_stays_down(system: RealSystem, service: str) -> None:
    dead: set[int] = set()

    def down() -> bool:
        pid = system.pids().get(service)
        if pid is not None and pid not in dead:
            os.kill(pid, signal.SIGKILL)
            dead.add(pid)
        return system.process.poll() is not None or len(dead) == 3

    until(down)


def halted(system: RealSystem) -> bool:
    latch = Latch(system.folder.path / "account")
    try:
        return latch.read() is LatchState.HALTED
    finally:
        latch.close()


def test_a_strategy_that_raises_is_stopped_alone_and_named_and_the_day_goes_on(
    system: RealSystem, tmp_path: Path
) -> None:
    (tmp_path / "raises.py").write_text(RAISING)
    (tmp_path / "mine.toml").write_text(profile(tmp_path / "raises.py", "Raises"))
    system.start(profile=str(tmp_path / "mine.toml"))
    system.until(lambda: "raises" in (system.status("strategy", "stopped") or {}), "the strategy stopped")
    system.trades()

    system.process.send_signal(signal.SIGTERM)
    code, _, err = system.end()

    assert (code, err) == (0, "")
    stopped = system.summary()["stopped_strategies"]
    assert set(stopped) == {"raises"}
    assert "raises.py" in stopped["raises"]
    assert "no third bar for me" in stopped["raises"]
    assert not halted(system)
    assert system.is_gone()


def profile(strategy: Path, name: str) -> str:
    demo = (Path(kitev3.__file__).parent / "profiles" / "demo.toml").read_text()
    run = f'{{ name = "{name.lower()}", use = "{strategy}:{name}", instruments = ["NSE:INFY"], bars = "5s" }}'
    return demo.replace("run = [", f"run = [\n    {run},", 1)


def test_after_kill_9_of_everything_the_next_start_writes_what_the_tapes_hold(system: RealSystem) -> None:
    system.start()
    system.trades()
    pids = system.pids()
    system.process.kill()
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    system.process.communicate()
    until(lambda: not system.pids(), system.pids)
    said = {name: system.said(name) for name in pids if name != "journal"}

    system.start("--for", "1")
    code, _, err = system.end()

    assert code == 0, err
    assert "the last run here did not end whole: " in err
    kept = system.folder.path / "old" / "1" / "journal"
    for name, spoken in said.items():
        for topic in {topic for topic, _ in spoken}:
            _, rows = query.sql(kept, f"select distinct seq from {topic} where source = '{name}' order by 1")  # noqa: S608
            assert [seq for (seq,) in rows] == sorted(seq for its_topic, seq in spoken if its_topic == topic)
    assert any(topic == "execution.fill" for topic, _ in said["execution"])


def test_a_start_that_the_market_refuses_is_one_line_and_costs_no_latch(system: RealSystem) -> None:
    system.environment["KITEV3_FRESH"] = "false"
    system.start("--for", "3", "--seed", "1")
    code, _, err = system.end()
    assert (code, err) == (0, "")
    latch = Latch(system.folder.path / "account")
    assert latch.read() is LatchState.ACTIVE

    system.start("--for", "3", "--seed", "2")
    code, _, err = system.end()
    assert (code, err.count("\n")) == (2, 1), err
    assert "its exchange has seed 1, not 2; start a new run folder" in err
    assert latch.read() is LatchState.ACTIVE
    latch.close()


def test_a_start_that_a_strategy_refuses_is_no_alarm_and_the_corrected_profile_trades(
    system: RealSystem, tmp_path: Path
) -> None:
    (tmp_path / "patient.py").write_text(PATIENT)
    right = profile(tmp_path / "patient.py", "Patient")
    (tmp_path / "typo.toml").write_text(right.replace("patient.py", "pateint.py"))
    (tmp_path / "right.toml").write_text(right)
    system.start(profile=str(tmp_path / "typo.toml"))
    code, _, err = system.end()
    assert (code, err.count("\n")) == (2, 1), err
    assert "no strategy file" in err
    latch = Latch(system.folder.path / "account")
    assert (latch.read(), latch.held) == (LatchState.HALTED, False)
    latch.close()

    system.start(profile=str(tmp_path / "right.toml"))

    system.trades()
    assert not halted(system)
