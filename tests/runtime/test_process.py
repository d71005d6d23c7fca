"""A service as a process: how it starts, what it answers, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bus.people import DAY, START_NS
from bus.system import System
from kitev3.contracts import Clock, Kill, Start, Stop
from kitev3.control import Control
from kitev3.system.runfolder import RunFolder
from waiting import S_MAX, until

STOP_S_MAX = 2.0
JOURNAL = 'mode = "sim"\nstart = 2026-11-19T09:20:00+05:30\n[journal]\n'


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    made = System(tmp_path / "run")
    yield made
    made.close()


def ask(system: System, name: str, request: dict[str, Any]) -> dict[str, Any]:
    answers = system.control.ask((name,), request, int(S_MAX * 1000))
    return dict(msgspec.msgpack.decode(answers[name]))


def proc(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kitev3.runtime.process", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=S_MAX,
        check=False,
    )


# --- the door -----------------------------------------------------------------------------------------------------


def test_help_names_the_services_and_an_example() -> None:
    done = proc("--help")

    assert done.returncode == 0
    assert "marketdata" in done.stdout
    assert "example: kitev3-proc" in done.stdout


def test_an_unknown_service_is_refused_with_the_nearest() -> None:
    done = proc("jornal")

    assert (done.returncode, done.stdout) == (2, "")
    assert "journal" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_setting_is_refused_with_file_and_key(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(JOURNAL + "rows_mx = 5\n")

    done = proc("journal", "--config", str(profile), "--run-dir", str(tmp_path / "run"))

    assert done.returncode == 2
    assert "rows_mx" in done.stderr
    assert "rows_max" in done.stderr
    assert str(profile) in done.stderr


def test_a_process_whose_supervisor_is_gone_does_not_begin(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(JOURNAL)

    done = proc("journal", "--config", str(profile), "--run-dir", str(tmp_path / "run"), KITEV3_PARENT="1")

    assert done.returncode == 2
    assert "gone" in done.stderr


def test_with_start_it_begins_at_once(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(JOURNAL)
    folder = RunFolder(tmp_path / "run")
    command = [sys.executable, "-m", "kitev3.runtime.process", "journal", "--config", str(profile), "--start"]

    with (
        subprocess.Popen([*command, "--run-dir", str(folder.path)], stderr=subprocess.PIPE) as process,
        Control(folder) as control,
    ):
        try:
            health = until(lambda: control.health(("journal",), 200).get("journal"))
            assert health.state == "running"
        finally:
            process.terminate()
    assert process.returncode == 0


def test_a_corrupt_tape_is_refused_with_file_offset_and_number(system: System) -> None:
    system.start("strategy", "marketdata", count=20, running=["strategy", "marketdata"])
    system.begin("strategy", "marketdata")
    system.health("strategy", lambda health: health.heard.get("marketdata.ohlc", 0) == 20)
    assert system.end("strategy") == 0
    tape = next((system.folder.path / "tape" / "strategy").glob("*.tape"))
    content = bytearray(tape.read_bytes())
    content[len(content) // 2] ^= 1
    tape.write_bytes(content)

    system.start("strategy", running=["strategy", "marketdata"])
    code, words = system.wait("strategy")

    assert code == 2
    assert f"{tape}: corrupt at offset " in words
    assert ", record " in words


# --- while it runs ------------------------------------------------------------------------------------------------


def test_a_command_is_answered_when_it_is_on_the_tape(system: System) -> None:
    system.start("strategy", running=["strategy"])
    system.begin("strategy")

    system.send(("strategy",), Clock(START_NS, time.monotonic_ns(), 30_000))
    system.send(("strategy",), Kill("a test", ""))

    heard = [m for m in system.records("strategy", 2) if m.source == "control"]
    assert [m.topic for m in heard] == ["control.start", "control.clock", "control.kill"]
    assert [m.seq for m in heard] == [1, 2, 3]
    assert msgspec.msgpack.decode(heard[-1].payload, type=Kill) == Kill("a test", "test")
    assert heard[-1].ts_ns >= START_NS  # market time runs since the clock was heard


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"do": "dance"}, "none of"),
        ({"do": "control", "topic": "control.nothing", "payload": []}, "does not hear"),
        ({"do": "control", "topic": "marketdata.ohlc", "payload": []}, "does not hear"),
        ({"do": "control", "topic": "control.start", "payload": [7]}, "control.start"),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_so(system: System, request_: dict[str, Any], why: str) -> None:
    system.start("strategy", running=["strategy"])
    system.health("strategy", lambda health: health.ready)

    answer = ask(system, "strategy", request_)

    assert answer["ok"] is False
    assert why in answer["error"]
    assert system.health("strategy", lambda health: True).state == "ready"


# --- the end ------------------------------------------------------------------------------------------------------


def test_sigterm_ends_it_within_two_seconds_and_leaves_no_socket(system: System) -> None:
    def took_s() -> float:
        system.start("strategy", running=["strategy"])
        system.begin("strategy")
        begun_s = time.monotonic()
        assert system.end("strategy") == 0
        assert not list(system.folder.sockets.glob("strategy.*"))
        return time.monotonic() - begun_s

    # The best of some: what else the machine has to do is not the process's.
    assert any(took_s() < STOP_S_MAX for _ in range(5))


def test_after_stop_it_is_stopped_and_a_restart_stays_so(system: System) -> None:
    system.start("strategy", running=["strategy"])
    system.begin("strategy")
    system.send(("strategy",), Stop("a test"))
    assert system.health("strategy", lambda health: True).state == "stopped"

    system.kill("strategy")
    system.start("strategy", running=["strategy"])

    assert system.health("strategy", lambda health: health.epoch == 2).state == "stopped"
    system.send(("strategy",), Start(DAY))
    assert system.health("strategy", lambda health: True).state == "running"


def test_what_an_exchange_takes_alone_is_refused_in_a_system_and_why(tmp_path: Path) -> None:
    words = ["kitesim", "--listen", "127.0.0.1:0", "--run-dir", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-m", "kitev3.runtime.process", *words], capture_output=True, text=True)

    assert done.returncode == 2
    assert "unrecognized arguments: --listen 127.0.0.1:0; --config and --run-dir" in done.stderr
    assert "alone it runs without them" in done.stderr
    assert not (tmp_path / "run").exists()


def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(JOURNAL)
    folder = RunFolder(tmp_path / "run")
    up = (
        "import os, subprocess, sys\n"
        "os.environ['KITEV3_PARENT'] = str(os.getpid())\n"
        "child = subprocess.Popen([sys.executable, '-m', 'kitev3.runtime.process', 'journal', *sys.argv[1:]])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", up, "--config", str(profile), "--run-dir", str(folder.path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        with Control(folder) as control:
            until(lambda: control.health(("journal",), 200))

        supervisor.send_signal(signal.SIGKILL)
        until(lambda: not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    """A zombie waits for whoever adopted it and is dead all the same."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
