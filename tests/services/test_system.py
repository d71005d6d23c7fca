"""The system as its processes: a day twice, seen from outside while it runs, and what it leaves behind."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from doubles.system import START_ORDER
from kitev3.system.market_file import read_market
from real_days import real_day
from sim.whole import WholeSystem

from services.real_system import RealSystem, real_system

SIGNALS = """
    select * exclude (event_id, ts, ts_ns, deadline_ns, data_ts_ns, cause, mode)
    from read_parquet('journal/strategy.signal/*/*.parquet') order by seq
"""
"""Everything of a signal but what follows the process's own time, or is made of it."""
COUNTS = """
    select source, seq, count(*) from read_parquet('journal/[!m]*/*/*.parquet', union_by_name = true)
    where source != 'control' group by all
    union all
    select source, seq, max(rows) from (
        select source, seq, instrument_token, period, count(*) as rows
        from read_parquet('journal/marketdata.[!t]*/*/*.parquet', union_by_name = true) group by all
    ) group by all
    union all
    select source, seq, count(*) from (
        select source, seq, token, count(*) from read_parquet('journal/marketdata.tick/*/*.parquet')
        group by all having count(*) > 1
        union all
        select distinct source, seq, 0, 1 from read_parquet('journal/marketdata.tick/*/*.parquet')
    ) group by all
"""
"""How often each word is there. A batch, whose rows are ticks or bars, counts more if one of them is there twice."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    with real_system(tmp_path) as system:
        yield system


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten minutes of a real day."""
    folder = tmp_path_factory.mktemp("day")
    path = folder / "morning.csv"
    with open_text(real_day(folder)) as day:
        lines = [line for line in day if " 09:15:00" <= line[10:19] < " 09:25:00"]
    path.write_text("".join(lines))
    return path


def open_text(path: Path) -> Any:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


@pytest.fixture(scope="module")
def stepped(morning: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The signals of the morning when all services live in one process."""
    system = RealSystem(tmp_path_factory.mktemp("stepped"))
    try:
        whole = WholeSystem(read_market(morning), system.folder.path)
        whole.start()
        whole.run(10**9)
        whole.stop()
        return system.sql(SIGNALS)
    finally:
        system.close()


@pytest.mark.parametrize("speeds", [(600, 600), (60,)], ids=["twice at 600", "at 60"])
def test_a_day_gives_the_same_signals_at_any_speed(
    system: RealSystem, morning: Path, stepped: list[tuple[Any, ...]], speeds: tuple[int, ...]
) -> None:
    assert len(stepped) > 20

    for speed in speeds:
        system.start("--market", str(morning), "--speed", str(speed))
        code, _, err = system.end()

        assert (code, err.count("kitev3:")) == (0, 0), err
        assert system.sql(SIGNALS) == stepped
        summary = system.summary()
        assert (summary["signals"], summary["messages_lost"], summary["gaps_seen"]) == (len(stepped), 0, 0)
        last = system.sql("select max(exchange_ns) from read_parquet('journal/marketdata.tick/*/*.parquet')")
        assert last[0][0] >= read_market(morning).last_ns
    assert system.is_gone()


def complete(system: RealSystem) -> None:
    """Every word of every service's tape is a row of the journal, once."""
    rows = {(source, seq): count for source, seq, count in system.sql(COUNTS)}
    assert rows == {(name, seq): 1 for name in START_ORDER for _, seq in system.said(name)}


def private(system: RealSystem, pids: dict[str, int]) -> None:
    """Whoever listens does so on this machine alone, or in a folder that is ours."""
    assert stat.S_IMODE(system.folder.sockets.stat().st_mode) == 0o700
    for pid in (system.process.pid, *pids.values()):
        for socket in psutil.Process(pid).net_connections(kind="inet"):
            assert socket.status != psutil.CONN_LISTEN or socket.laddr.ip == "127.0.0.1", socket
        for socket in psutil.Process(pid).net_connections(kind="unix"):
            at = str(socket.laddr)
            assert not at.startswith("/") or Path(at).parent == system.folder.sockets, at


def secretive(system: RealSystem) -> None:
    """What it left is for its user alone, though the umask was 0; the access token stands nowhere but in its file."""
    left = [system.folder.path, *system.folder.path.rglob("*")]
    assert [(path, oct(path.stat().st_mode)) for path in left if path.stat().st_mode & 0o077] == []
    assert stat.S_IMODE(system.folder.token.stat().st_mode) == 0o400
    token = system.folder.token.read_bytes().strip()
    assert len(token) >= 16
    told = [f for f in system.folder.path.rglob("*") if f.is_file() and f != system.folder.token]
    assert [f for f in told if token in f.read_bytes()] == []


def test_a_person_works_a_running_system(system: RealSystem) -> None:
    system.start()
    system.trades()
    pids = system.pids()

    assert set(pids) == set(START_ORDER)
    private(system, pids)
    seen = system.kitev3("status")
    assert seen.returncode == 0
    assert all(name in seen.stdout for name in START_ORDER)
    assert "ACTIVE" in seen.stdout

    killed = system.kitev3("kill", "--reason", "a look")
    assert (killed.returncode, killed.stderr) == (0, "")
    assert killed.stdout.startswith("HALTED\n")
    assert killed.stdout.count("answered") == len(START_ORDER)
    system.until(lambda: system.status("execution", "open_orders") == 0, "everything cancelled")
    orders, signals = system.status("execution", "orders"), system.status("strategy", "signals")
    system.until(lambda: (system.status("strategy", "signals") or 0) > signals + 3, "signals while halted")
    assert system.status("risk_portfolio", "state") == "HALTED"
    assert system.status("execution", "orders") == orders

    armed = system.kitev3("arm")
    assert (armed.returncode, armed.stderr) == (0, "")
    system.until(lambda: (system.status("execution", "orders") or 0) > orders, "an order after arm")

    stopped = system.kitev3("stop", "--reason", "lunch")
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "stopped\n", "")
    market_ns = system.status("kitesim", "market_ns")
    again = system.kitev3("start")
    assert (again.returncode, again.stdout, again.stderr) == (0, "started\n", "")
    system.until(lambda: (system.status("kitesim", "market_ns") or 0) > market_ns + 10**9, "the market goes on")
    for service, figure in (("marketdata", "ticks"), ("strategy", "signals")):
        stood = system.status(service, figure)
        system.until(lambda s=service, f=figure, n=stood: (system.status(s, f) or 0) > n, f"{figure} after the start")

    down = system.kitev3("down")
    assert (down.returncode, down.stderr) == (0, "")
    assert down.stdout.endswith("is down\n")
    code, _, err = system.end()
    assert (code, err) == (0, "")
    assert system.is_gone()
    assert [p for p in pids.values() if psutil.pid_exists(p)] == []
    secretive(system)
    complete(system)


def test_nothing_runs_here_is_one_line(system: RealSystem) -> None:
    for words in (["status"], ["stop"], ["start"], ["arm"], ["down"]):
        answer = system.kitev3(*words)

        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr == f"kitev3: nothing runs in {system.folder.path}: `kitev3 up` starts a system\n"
    listed = system.kitev3("ls")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in START_ORDER)


def test_two_systems_side_by_side(tmp_path: Path) -> None:
    with real_system(tmp_path / "one") as one, real_system(tmp_path / "two") as two:
        one.start("--for", "4")
        two.start("--for", "4", "--seed", "2")

        assert [one.end()[0], two.end()[0]] == [0, 0]
        assert one.summary()["ticks"] > 0
        assert two.summary()["ticks"] > 0
        assert one.is_gone()
        assert two.is_gone()

        one.start("--for", "1")
        assert one.end()[0] == 0
        assert (one.folder.path / "old" / "1" / "summary.json").is_file()
        assert not (one.folder.path / "old" / "1" / "old").exists()


def refusals(path: Path) -> dict[str, tuple[list[str], str]]:
    (path / "bad.csv").write_text("2022-11-24 09:15:00,18310.5\n2022-11-24 09:15:01,high\n")
    (path / "key.toml").write_text('mode = "sim"\nspeeed = 3\n')
    (path / "limit.toml").write_text('mode = "sim"\n[strategy]\nrunn = []\n')
    return {
        "market": (["--market", str(path / "bad.csv")], "line 2"),
        "nowhere": (["--market", str(path / "none.csv")], "none.csv"),
        "key": (["--profile", str(path / "key.toml")], "speed"),
        "table": (["--profile", str(path / "limit.toml")], "run"),
        "seconds": (["--for", "-1"], "for"),
    }


@pytest.mark.parametrize("why", ["market", "nowhere", "key", "table", "seconds"])
def test_what_cannot_run_is_refused_in_one_line_before_anything_starts(
    system: RealSystem, tmp_path: Path, why: str
) -> None:
    options, named = refusals(tmp_path)[why]
    system.start(*options)

    code, out, err = system.end()

    assert (code, out) == (2, "")
    assert err.startswith("kitev3: ")
    assert err.count("\n") == 1
    assert named in err
    assert not system.folder.path.exists()
    assert system.is_gone()


def test_a_token_that_others_can_read_is_refused(system: RealSystem, tmp_path: Path) -> None:
    token = tmp_path / "mine.token"
    token.write_text("t" * 32)
    os.chmod(token, 0o644)
    (tmp_path / "mine.toml").write_text(f'mode = "sim"\ntoken_file = "{token}"\n[marketdata]\n[journal]\n')
    system.start("--profile", str(tmp_path / "mine.toml"))

    code, out, err = system.end()

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert str(token) in err
    assert "Traceback" not in err
    assert system.is_gone()
