"""A system survives its parts, and leaves nothing behind: real processes, killed in earnest."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from doubles.system import START_ORDER, STOP_ORDER, System
from kitev3.account.latch import LatchState
from kitev3.system.runfolder import RunFolder
from kitev3.system.supervisor import Supervisor
from waiting import S_MAX, until

HALT_S_MAX = 4.0


def test_a_session_starts_hearers_first_and_stops_the_market_first(system: System) -> None:
    system.start(seconds=0.5)

    code, out, err = system.end()

    asked = [line.split() for line in system.asked()]
    assert [name for name, topic in asked if topic == "control.start"] == list(START_ORDER)
    assert [name for name, topic in asked if topic == "control.stop"] == list(STOP_ORDER)
    topics = [topic for _, topic in asked]
    assert list(dict.fromkeys(topics)) == ["control.clock", "control.start", "control.arm", "control.stop"]
    assert (code, err) == (0, "")
    assert "armed by profile mine" in out
    assert system.is_clean()


def test_the_summary_counts_what_the_services_say(system: System) -> None:
    system.start(seconds=0.2)
    system.end()

    summary = system.summary()

    processes = summary.pop("processes")
    assert set(processes) == set(START_ORDER)
    assert all(row["pid"] > 0 and row["rss_mb"] > 5 and row["cpu_s"] > 0 for row in processes.values())
    assert 0.2 <= summary.pop("seconds") < S_MAX
    assert re.match(r"20\d\d-\d\d-\d\dT", summary.pop("started"))
    assert summary == {
        "profile": "mine",
        "mode": "sim",
        "market": "synthetic",
        "speed": 30.0,
        "seed": 1,
        "exit": 0,
        "ticks": 1000,
        "batches": 40,
        "bars": 12,
        "unquoted": 0,
        "signals": 7,
        "approved": 5,
        "blocked": {"R23": 2},
        "orders": 5,
        "fills": 4,
        "rejects": 1,
        "open_positions": [{"tradingsymbol": "INFY", "quantity": 5}],
        "gross_pnl_e4": 1_234_500,
        "net_pnl_e4": -20_000,
        "gaps_seen": 6,
        "gaps_filled": 6,
        "messages_lost": 0,
        "latency_us": {"p50": 150, "p99": 400, "p999": 900, "n": 5},
        "stopped_strategies": {},
        "machine_time": 2,
        "unknown": 0,
        "forged": 0,
        "mismatches": [],
        "complete": True,
        "trading_state": "",
        "tripped": "",
        "left_positions": {},
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_session_as_its_time_would(system: System, number: signal.Signals) -> None:
    system.start()
    system.runs()

    system.process.send_signal(number)

    assert system.end()[0] == 0
    assert [line for line in system.asked() if line.endswith("stop")] == [f"{n} control.stop" for n in STOP_ORDER]
    assert system.is_clean()


def test_a_signal_that_it_was_told_to_ignore_is_ignored(system: System) -> None:
    system.start(seconds=3, ignoring=(signal.SIGHUP,))
    system.serves()

    system.process.send_signal(signal.SIGHUP)

    assert system.end()[0] == 0
    assert system.summary()["seconds"] >= 3


def test_a_reader_who_leaves_ends_no_session(system: System) -> None:
    system.start(seconds=7)
    system.runs()
    assert system.process.stdout is not None
    system.process.stdout.readline()

    system.process.stdout.close()

    system.process.wait(S_MAX)
    assert system.summary()["seconds"] >= 7
    assert [line for line in system.asked() if line.endswith("stop")] == [f"{n} control.stop" for n in STOP_ORDER]
    assert system.is_clean()


def test_a_killed_service_comes_back_and_the_session_goes_on(system: System) -> None:
    system.start()
    system.runs()
    before = system.pids()

    os.kill(before["execution"], signal.SIGKILL)

    until(lambda: system.pids().get("execution", before["execution"]) != before["execution"])
    until(lambda: system.asked().count("execution control.start") == 2)  # its tape had not kept the first
    system.process.terminate()
    code, out, err = system.end()
    assert (code, err) == (0, "")
    assert "execution died (killed by signal 9) and comes back" in out
    summary = system.summary()
    assert {name: row["restarts"] for name, row in summary["processes"].items()} == {
        name: int(name == "execution") for name in START_ORDER
    }
    assert summary["gaps_seen"] == 7  # of both its processes


@pytest.mark.parametrize("pair", [*itertools.combinations(START_ORDER, 2)], ids="-".join)
def test_two_killed_in_one_instant_both_come_back(system: System, pair: tuple[str, str]) -> None:
    system.start()
    system.runs()
    before = system.pids()

    for name in pair:
        os.kill(before[name], signal.SIGKILL)

    until(lambda: all(system.asked().count(f"{name} control.start") == 2 for name in pair))
    system.process.terminate()
    code, out, _ = system.end()
    assert code == 0
    assert all(f"{name} died (killed by signal 9) and comes back" in out for name in pair)
    assert system.is_clean()


def test_all_killed_in_one_instant_come_back(system: System) -> None:
    system.start()
    system.runs()
    before = system.pids()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    until(lambda: all(system.asked().count(f"{name} control.start") == 2 for name in before))
    system.process.terminate()
    system.end()
    assert {name: row["restarts"] for name, row in system.summary()["processes"].items()} == dict.fromkeys(before, 1)
    assert system.is_clean()


@pytest.mark.parametrize("service", ["marketdata", "strategy", "risk_portfolio", "execution"])
def test_a_silent_service_of_the_order_path_halts_the_account(system: System, service: str) -> None:
    latch = system.armed()
    system.start()
    system.runs()
    silent_since = time.monotonic()

    os.kill(system.pids()[service], signal.SIGSTOP)

    until(lambda: latch.read() is LatchState.HALTED)
    took_s = time.monotonic() - silent_since
    os.kill(system.pids()[service], signal.SIGCONT)
    system.process.terminate()
    code, out, err = system.end()
    assert took_s < 2 * HALT_S_MAX  # twice: this machine may be busy
    assert code == 1
    assert f"{service} is silent for 3 s: HALTED" in out
    assert f"{service} is silent for 3 s" in err
    assert latch.read() is LatchState.HALTED


def test_the_third_death_within_a_minute_halts_and_ends_the_session(system: System) -> None:
    latch = system.armed()
    system.start()
    system.runs()

    for _ in range(3):
        until(lambda: "strategy" in system.pids())
        os.kill(pid := system.pids()["strategy"], signal.SIGKILL)
        until(lambda pid=pid: system.pids().get("strategy") != pid)

    code, _, err = system.end()
    assert code == 1
    assert "strategy died 3 times within 60 s, at last by killed by signal 9" in err
    assert latch.read() is LatchState.HALTED
    assert system.summary()["exit"] == 1
    assert [line for line in system.asked() if line.endswith("stop")] == [
        f"{name} control.stop" for name in STOP_ORDER if name != "strategy"
    ]
    assert system.is_clean()


def test_the_second_death_of_one_event_ends_the_session_and_names_it(system: System) -> None:
    system.order("risk_portfolio", **{"raise": "0198c0de-event"})
    system.start()

    code, _, err = system.end()

    assert code == 1
    assert "risk_portfolio died twice on one event: exit code 1 on event 0198c0de-event: handler raised" in err
    assert system.is_clean()


def test_an_order_of_unknown_outcome_at_the_end_is_no_clean_end(system: System) -> None:
    system.order("execution", status={"unknown": 1})
    system.start(seconds=0.2)

    code, _, err = system.end()

    assert (code, err) == (1, "kitev3: execution: 1 orders of unknown outcome: ask the broker\n")
    assert system.summary()["unknown"] == 1


def test_a_service_that_refuses_is_not_retried(system: System) -> None:
    system.order("execution", exit=2)
    system.start()

    code, out, err = system.end()

    assert code == 2
    assert err == "kitev3: execution refused to start: exit code 2\n"
    assert "comes back" not in out
    assert system.is_clean()


def test_a_service_that_dies_before_it_is_ready_says_why(system: System) -> None:
    system.order("journal", exit=1)
    system.start()

    code, _, err = system.end()

    assert code == 2
    assert "journal died 3 times within 60 s, at last by exit code 1: journal refuses to start" in err
    assert system.is_clean()


def test_up_killed_takes_its_services_and_sockets_with_it(system: System) -> None:
    system.start()
    system.runs()
    assert set(system.pids()) == set(START_ORDER)

    system.process.kill()
    system.end()

    until(system.is_clean)
    assert not system.folder.is_held()


def test_a_port_in_use_is_refused_before_anything_starts(system: System) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        system.configure(exchange=f"127.0.0.1:{taken.getsockname()[1]}")
        system.start()
        code, _, err = system.end()

    assert code == 2
    assert re.fullmatch(r"kitev3: exchange: cannot listen on 127.0.0.1:\d+: Address already in use\n", err)
    assert not system.folder.path.exists()


def test_a_second_system_in_the_folder_is_refused(system: System) -> None:
    system.start()
    system.runs()
    first = system.process

    system.start()
    code, _, err = system.end()

    assert code == 2
    assert "a system runs here already" in err
    assert first.poll() is None
    first.terminate()
    first.communicate()
    assert system.is_clean()


def test_a_bad_market_file_is_refused_before_anything_starts(system: System) -> None:
    (system.path / "day.csv").write_text("2022-11-24 09:15:00,18310.5\n2022-11-24 09:15:01,high\n")
    system.environment["KITEV3_MARKET"] = str(system.path / "day.csv")
    system.start()

    code, _, err = system.end()

    assert code == 2
    assert err.startswith(f'kitev3: market: {system.path}/day.csv: line 2: the value "high"')
    assert not system.folder.path.exists()


def test_a_real_day_starts_at_its_own_opening(system: System) -> None:
    (system.path / "day.csv").write_text("2022-11-24 09:15:00,18310.5\n2022-11-24 15:30:00,18484\n")
    system.environment["KITEV3_MARKET"] = str(system.path / "day.csv")
    system.start(seconds=0.3)

    code, out, _ = system.end()

    assert code == 0
    assert "2022-11-24 09:15:0" in out
    assert system.summary()["market"] == "day.csv"


def test_a_process_that_is_just_being_started_is_ended_like_any_other(tmp_path: Path) -> None:
    async def ended_at_once() -> list[int]:
        commands = {"journal": ("sleep", "60")}
        supervisor = Supervisor(RunFolder(tmp_path, {}), commands, dict(os.environ), stop_s_max=10)
        supervisor.start("journal")
        await asyncio.sleep(0)  # its process is there, and nobody has been told yet
        await supervisor.stop("journal")
        await supervisor.close()
        return supervisor.pids["journal"]

    (tmp_path / "log").mkdir()
    (pid,) = asyncio.run(ended_at_once())

    assert not Path(f"/proc/{pid}").exists()


def test_what_a_service_has_left_running_ends_with_it(tmp_path: Path) -> None:
    left = tmp_path / "left"

    async def died() -> None:
        script = f"sleep 600 & echo $! > {left}; exit 1"
        died = asyncio.Event()
        folder = RunFolder(tmp_path, {})
        (tmp_path / "log").mkdir()
        supervisor = Supervisor(
            folder, {"journal": ("sh", "-c", script)}, dict(os.environ), stop_s_max=10, died=lambda death: died.set()
        )
        supervisor.start("journal")
        await died.wait()
        await supervisor.close()

    asyncio.run(died())

    until(lambda: is_gone(int(left.read_text())))


def is_gone(pid: int) -> bool:
    """Ended, though perhaps nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
