"""The command line: what it says, what it does to a running system, how it refuses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from doubles.system import START_ORDER, STOP_ORDER, System
from kitev3.account.latch import Latch, LatchState
from kitev3.system.cli.requests import who
from kitev3.system.runfolder import Run

COMMANDS = ("up", "start", "stop", "kill", "arm", "down", "status", "ls")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(system: System, command: str) -> None:
    done = system.command(command, "--help")

    assert done.returncode == 0
    assert f"    kitev3 {command}" in done.stdout


@pytest.mark.parametrize("command", ["start", "stop", "arm", "down", "status"])
def test_where_nothing_runs_one_line_says_so(system: System, command: str) -> None:
    done = system.command(command)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"kitev3: nothing runs in {system.folder.path}: `kitev3 up` starts a system\n"
    assert not system.folder.path.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--profile", "dmeo"), "no profile 'dmeo', did you mean 'demo'?"),
        (("--profile", "{here}/nowhere.toml"), "nowhere.toml: cannot be read: No such file"),
        (("--profile", "{here}/bad.toml"), "bad.toml: no setting 'sped', did you mean 'speed'?"),
        (("--profile", "{here}/none.toml"), "none.toml: no service to run"),
        (("--profile", "{here}/none.toml", "--speed", "0"), "command line: speed: expected float >= 0.001, got 0"),
        (("--profile", "demo", "--seed", "-1"), "command line: seed: expected int >= 0, got -1"),
        (("--profile", "demo", "--seed", "1.5"), "command line: seed: expected int, got float 1.5"),
        (("--profile", "demo", "--seed", "one"), "command line: seed: expected int, got str 'one'"),
        (("--profile", "demo", "--for", "1m"), "command line: for: expected float, got str '1m'"),
        (("--profile", "demo", "--speed", "nan"), "command line: speed: expected a finite number, got nan"),
        (("--profile", "demo", "--for", "nan"), "command line: for: expected a finite number, got nan"),
        (("--profile", "demo", "--for", "inf"), "command line: for: expected a finite number, got inf"),
        (("--profile", "demo", "--market", "~nobody-of-that-name/day.csv"), "market: ~nobody-of-that-name/day.csv: "),
        (("--profile", "{here}/live.toml"), "live.toml: mode: live is not open yet"),
        (("--for", "soon"), "command line: for: expected float, got str 'soon'"),
    ],
)
def test_up_refuses_in_one_clear_line(system: System, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "bad.toml").write_text("sped = 1\n")
    (tmp_path / "none.toml").write_text("")
    (tmp_path / "live.toml").write_text('mode = "live"\naccount = "zerodha"\n[journal]\n')

    done = system.command("up", *(word.format(here=tmp_path) for word in arguments))

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not system.folder.path.exists()


def test_the_environment_holds_no_secret(system: System) -> None:
    system.environment["KITEV3_ACCESS_TOKEN"] = "abc"

    done = system.command("up")

    assert done.returncode == 2
    assert "KITEV3_ACCESS_TOKEN: a secret goes into a file of mode 0400" in done.stderr


def test_status_tells_a_person_and_a_program(system: System) -> None:
    system.start()
    system.runs()

    told = system.command("status")
    data = json.loads(system.command("status", "--json").stdout)

    assert told.returncode == 0
    assert all(name in told.stdout for name in START_ORDER)
    assert data["run"]["pid"] == system.process.pid
    assert data["run"]["services"] == list(START_ORDER)
    assert {name: row["pid"] for name, row in data["services"].items()} == system.pids()
    assert data["silent"] == []


def test_stop_and_start_go_along_the_stream(system: System) -> None:
    system.start()
    system.runs()
    before = len(system.asked())

    stopped = system.command("stop", "--reason", "lunch")
    started = system.command("start")

    assert (stopped.returncode, stopped.stdout) == (0, "stopped\n")
    assert (started.returncode, started.stdout) == (0, "started\n")
    asked = system.asked()[before:]
    assert asked[:6] == [f"{name} control.stop" for name in STOP_ORDER]
    assert sorted(asked[6:12]) == sorted(f"{name} control.clock" for name in START_ORDER)
    assert asked[12:] == [f"{name} control.start" for name in START_ORDER]


def test_kill_latches_first_and_says_what_is_open(system: System) -> None:
    system.start()
    system.runs()
    latch = system.armed()

    done = system.command("kill", "--reason", "a test")

    assert latch.read() is LatchState.HALTED
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "HALTED",
        *(f"{name}: answered" for name in START_ORDER),
        "open orders: not known",
        "open positions: 1",
    ]


def test_kill_halts_also_when_a_service_is_deaf_and_says_which(system: System) -> None:
    system.start()
    system.runs()
    system.order("strategy", deaf=True)
    latch = system.armed()

    done = system.command("kill")

    assert latch.read() is LatchState.HALTED
    assert done.returncode == 1
    assert "HALTED" in done.stdout
    assert done.stderr == "kitev3: strategy: did not answer within 1000 ms\n"


def state(system: System) -> LatchState:
    latch = Latch(system.folder.path / "account")
    try:
        return latch.read()
    finally:
        latch.close()


def test_kill_lowers_the_latch_where_nothing_runs_and_says_that_it_halted_no_system(system: System) -> None:
    done = system.command("kill")

    assert done.returncode == 1
    assert f"kitev3: {system.folder.path}: no system runs here; what runs in another folder trades on" in done.stderr
    assert done.stdout.splitlines() == [
        "nothing HALTED but this folder's account",
        f"no service runs in {system.folder.path}",
    ]
    assert state(system) is LatchState.HALTED


def a_run(system: System, *services: str) -> Run:
    return Run(
        profile="mine",
        mode="sim",
        account="kitesim-KS0001",
        session="2026-11-19",
        speed=30.0,
        pid=2**22,
        started="2026-11-19T09:20:00+05:30",
        exchange="",
        sockets=str(system.folder.sockets),
        services=services,
    )


@pytest.mark.parametrize("left", ["run.json", "nothing"])
def test_kill_reaches_services_whose_up_is_dead(system: System, left: str) -> None:
    """Their parent is the test: an up that is dead while they live on."""
    latch = system.armed()
    system.folder.make()
    service = system.alone("execution")
    if left == "run.json":
        system.folder.write_run(a_run(system, "execution"))

    done = system.command("kill")

    service.kill()
    service.wait()
    assert latch.read() is LatchState.HALTED
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == ["HALTED", "execution: answered"]
    assert system.asked() == ["execution control.kill"]


def test_kill_is_heard_though_nobody_reads_and_the_latch_cannot_be_lowered(system: System) -> None:
    system.start()
    system.runs()
    shutil.rmtree(system.folder.path / "account")
    (system.folder.path / "account").write_text("in the way")

    with open("/dev/full", "w") as full:
        done = system.command("kill", stdout=full.fileno())

    assert done.returncode == 1
    assert "its latch could not be lowered" in done.stderr
    assert {line for line in system.asked() if line.endswith("kill")} == {f"{n} control.kill" for n in START_ORDER}


def test_a_profile_does_not_arm_over_a_kill_and_a_person_does(system: System) -> None:
    system.command("kill")
    system.start()
    system.serves()

    assert "control.arm" not in {line.split()[1] for line in system.asked()}
    assert state(system) is LatchState.HALTED
    assert system.command("arm").returncode == 0
    assert state(system) is LatchState.ACTIVE
    system.process.terminate()
    code, out, err = system.end()
    assert (code, err) == (0, "")
    assert "not armed: the account was halted by a kill, a trip or a lost part" in out


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)

    assert who() == f"user {os.getuid()}"


def test_taking_positions_asks_execution_alone(system: System) -> None:
    system.start()
    system.runs()
    before = len(system.asked())

    done = system.command("take-positions", "--reason", "converted by hand")

    assert done.returncode == 0, done.stderr
    assert system.asked()[before:] == ["execution control.take_positions"]


def test_arm_asks_every_service(system: System) -> None:
    system.start()
    system.runs()
    before = len(system.asked())

    done = system.command("arm")

    assert done.returncode == 0
    assert done.stdout.startswith("armed kitesim-KS0001 by ")
    assert sorted(system.asked()[before:]) == sorted(f"{name} control.arm" for name in START_ORDER)


def test_down_waits_for_the_drained_end(system: System) -> None:
    system.start()
    system.runs()

    done = system.command("down")

    assert done.returncode == 0
    assert system.is_clean()
    assert system.end()[0] == 0
    assert system.summary()["exit"] == 0


def test_ls_names_every_service_with_its_topics(system: System) -> None:
    done = system.command("ls")

    assert done.returncode == 0
    assert "hears" in done.stdout
