"""The run folder: one system at a time, everything found again, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.account.latch import Latch, LatchState
from kitev3.errors import ConfigError
from kitev3.system.runfolder import (
    MARK,
    OLD_RUNS_MAX,
    SOCKET_PATH_BYTES_MAX,
    Run,
    RunFolder,
    default_run_dir,
    sockets_folder,
)

RUN = Run(
    profile="demo",
    mode="sim",
    account="kitesim-KS0001",
    session="2026-11-19",
    speed=30.0,
    pid=os.getpid(),
    started="2026-11-19T09:20:00+05:30",
    exchange="127.0.0.1:8787",
    sockets="/tmp/kitev3-00000000",
    services=("journal", "kitesim"),
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "sockets").mkdir()
    return RunFolder(tmp_path / "run", {"XDG_RUNTIME_DIR": str(tmp_path / "sockets")})


def test_what_runs_is_found_while_it_is_held(folder: RunFolder) -> None:
    with folder.held():
        folder.make()
        folder.write_run(RUN)

        assert folder.running() == RUN
        with pytest.raises(ConfigError, match="a system runs here already"), folder.held():
            pass

        folder.clear()

    with pytest.raises(ConfigError, match="nothing runs in"):
        folder.running()
    assert not folder.sockets.exists()


def test_the_lock_ends_with_its_process(folder: RunFolder) -> None:
    folder.make()
    folder.write_run(RUN)
    code = (
        "import sys, time; from pathlib import Path; from kitev3.system.runfolder import RunFolder\n"
        f"with RunFolder(Path({str(folder.path)!r})).held(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert folder.is_held()

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()

    assert not folder.is_held()
    with pytest.raises(ConfigError, match="ended without a word"):
        folder.running()


def test_the_services_of_a_killed_system_take_everything_away(folder: RunFolder) -> None:
    folder.make()
    folder.write_run(RUN)
    for name in ("strategy.pub", "execution.router", "journal.pub"):
        (folder.sockets / name).touch()

    folder.leave("journal")

    assert not folder.sockets.exists()
    assert not folder.run_file.exists()
    folder.leave("execution")


def test_a_service_that_ends_takes_its_own_sockets_and_leaves_a_living_system_alone(folder: RunFolder) -> None:
    with folder.held():
        folder.make()
        folder.write_run(RUN)
        for name in ("execution.router", "journal.pub", "journal.router"):
            (folder.sockets / name).touch()

        folder.leave("journal")

        assert folder.running() == RUN
        assert os.listdir(folder.sockets) == ["execution.router"]


def test_services_that_run_without_up_clear_up_one_by_one(folder: RunFolder) -> None:
    folder.make()
    for name in ("execution.router", "journal.pub"):
        (folder.sockets / name).touch()

    folder.leave("journal")
    assert os.listdir(folder.sockets) == ["execution.router"]
    folder.leave("execution")
    assert not folder.sockets.exists()


def test_earlier_runs_are_kept_the_newest_five(folder: RunFolder) -> None:
    folder.make()
    assert folder.rotate() is None  # empty folders are no run

    for run in range(OLD_RUNS_MAX + 3):
        folder.make()
        (folder.path / "tape" / "a.tape").write_text(str(run))
        (folder.path / "account").mkdir()
        (folder.path / "account" / "epoch").touch()
        (folder.path / "instruments" / "kept").touch()
        folder.summary.write_text(str(run))

        assert folder.rotate() == folder.path / "old" / str(run + 1)

    kept = sorted((folder.path / "old").iterdir())
    assert [(p.name, (p / "tape" / "a.tape").read_text()) for p in kept] == [
        (str(n), str(n - 1)) for n in range(4, OLD_RUNS_MAX + 4)
    ]
    assert sorted(os.listdir(folder.path)) == [MARK, "instruments", "old"]


def test_a_latch_that_somebody_lowered_is_not_put_aside(folder: RunFolder) -> None:
    for lowered in (False, True):
        folder.make()
        (folder.path / "tape" / "a.tape").touch()
        latch = Latch(folder.path / "account")
        latch.raise_to_active()
        if lowered:
            latch.lower(LatchState.HALTED)
        (folder.path / "account" / "epoch").write_text("7")

        old = folder.rotate()

        assert old is not None
        assert (old / "account" / "epoch").read_text() == "7"
        assert os.listdir(folder.path / "account") == ["latch"] if lowered else not (folder.path / "account").exists()
    assert Latch(folder.path / "account").held
    assert folder.rotate() is None


@pytest.mark.parametrize("names", [["log"], ["journal", "notes.txt"], [".git"], ["run.json"]])
def test_a_folder_of_somebodys_is_refused_and_left_as_it_is(folder: RunFolder, names: list[str]) -> None:
    folder.path.mkdir()
    folder.path.chmod(0o755)  # whatever the umask
    for name in names:
        (folder.path / name).mkdir()

    for begin in (folder.make, folder.held().__enter__):
        with pytest.raises(ConfigError, match="something lies here and it is no run folder"):
            begin()

    assert sorted(os.listdir(folder.path)) == sorted(names)
    assert folder.path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("how_far", ["marking", "whole"])
def test_a_folder_that_another_process_claims_at_the_same_moment_is_shared(
    folder: RunFolder, how_far: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listdir = os.listdir

    def after_the_other(path: Path) -> list[str]:
        monkeypatch.undo()
        if how_far == "whole":
            RunFolder(folder.path).make()
        else:
            (folder.path / f".{MARK}.4242").touch()
        return listdir(path)

    monkeypatch.setattr("os.listdir", after_the_other)

    folder.make()

    assert (folder.path / MARK).is_file()


def test_an_empty_folder_or_a_new_disk_is_taken(folder: RunFolder) -> None:
    (folder.path / "lost+found").mkdir(parents=True)

    folder.make()

    assert (folder.path / MARK).is_file()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_it_is_ours_alone_whatever_the_umask(folder: RunFolder, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder.make()
        folder.write_run(RUN)
    finally:
        os.umask(before)

    for path in (folder.path, folder.sockets, *folder.path.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_that_others_may_enter_is_closed_and_what_they_put_there_refused(folder: RunFolder) -> None:
    folder.make()
    folder.path.chmod(0o777)
    (folder.path / "tape").chmod(0o755)

    folder.make()

    assert folder.path.stat().st_mode & 0o777 == (folder.path / "tape").stat().st_mode & 0o777 == 0o700
    (folder.path / "log").rmdir()
    (folder.path / "log").symlink_to(folder.path / "tape")
    with pytest.raises(ConfigError, match="log: must be a folder"):
        folder.make()


@given(length=st.integers(1, 200))
def test_a_socket_path_fits_or_the_start_says_so(length: int) -> None:
    folder = RunFolder(Path("/run/demo"), {"XDG_RUNTIME_DIR": "/" + "x" * length})
    longest = len(str(folder.sockets / "risk_portfolio.router"))

    if longest <= SOCKET_PATH_BYTES_MAX:
        folder.check_sockets(["journal", "risk_portfolio"])
    else:
        with pytest.raises(ConfigError, match=r"risk_portfolio\.\w+ has \d+ bytes"):
            folder.check_sockets(["risk_portfolio"])


def test_a_sockets_folder_that_others_may_enter_is_refused(folder: RunFolder) -> None:
    folder.sockets.mkdir()
    folder.sockets.chmod(0o755)
    with pytest.raises(ConfigError, match="mode 0700"):
        folder.make()

    folder.sockets.rmdir()
    folder.sockets.symlink_to(folder.path)
    with pytest.raises(ConfigError, match="mode 0700"):
        folder.make()


def test_each_run_folder_has_its_own_sockets(tmp_path: Path) -> None:
    a, b = (sockets_folder(tmp_path / name, {}) for name in "ab")

    assert a != b
    assert a == sockets_folder(tmp_path / "b" / ".." / "a", {})
    assert default_run_dir("demo", {}) == Path("run/demo")
    assert default_run_dir("demo", {"KITEV3_RUN_DIR": "/x"}) == Path("/x")


def test_a_file_in_the_way_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").touch()

    with pytest.raises(ConfigError, match="cannot be a run folder"), RunFolder(tmp_path / "run").held():
        pass


def test_a_run_is_whole_when_its_summary_says_so_and_is_newer_than_its_tapes(folder: RunFolder) -> None:
    folder.make()
    tape = folder.path / "tape" / "journal" / "2026-11-19.000.tape"
    without = folder.is_whole()
    tape.parent.mkdir()
    tape.touch()
    killed = folder.is_whole()
    folder.summary.touch()
    empty = folder.is_whole()
    folder.summary.write_text('{"exit": 1, "complete": false}')
    short = folder.is_whole()
    folder.summary.write_text('{"exit": 0, "complete": true}')
    ended = folder.is_whole()
    later_ns = folder.summary.stat().st_mtime_ns + 1_000_000
    os.utime(tape, ns=(later_ns, later_ns))

    assert (without, killed, empty, short, ended, folder.is_whole()) == (True, False, False, False, True, False)
