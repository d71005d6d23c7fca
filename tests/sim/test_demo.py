"""The demo as a new user runs it: six processes, killed in the middle too, and nothing left behind."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kitev3.control import START_ORDER
from kitev3.journal import query
from kitev3.runfolder import RunFolder
from real_days import real_day

WAIT_S_MAX = 60.0
RESIDENT_MB_MAX = {"journal": 160}  # it writes Parquet; all others 120


class Demo:
    """``kitev3 up --profile demo`` in a folder of its own."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.folder = RunFolder(folder / "run", {"XDG_RUNTIME_DIR": str(sockets)})
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("KITEV3_")}
        self.environment |= {"XDG_RUNTIME_DIR": str(sockets), "KITEV3_RUN_DIR": str(self.folder.path)}
        self.up: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> None:
        self.up = subprocess.Popen(
            [sys.executable, "-c", "from kitev3.cli import main; main()", "up", "--json", *arguments],
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Waits for the end: exit code, the summary as printed, stderr."""
        assert self.up is not None
        out, err = self.up.communicate(timeout=WAIT_S_MAX)
        return self.up.returncode, json.loads(out), err

    def pids(self) -> dict[str, int]:
        found = {}
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = line.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"kitev3.process" in words and os.fsencode(self.folder.path) in words:
                found[words[words.index(b"kitev3.process") + 1].decode()] = int(line.parent.name)
        return found

    def orders(self) -> int:
        """How many orders execution has placed so far."""
        with_status = subprocess.run(
            [sys.executable, "-c", "from kitev3.cli import main; main()", "status", "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        services = json.loads(with_status.stdout)["services"] if with_status.returncode == 0 else {}
        return int(services.get("execution", {}).get("service", {}).get("orders", 0))

    def is_clean(self) -> bool:
        return not self.pids() and not self.folder.sockets.exists() and not self.folder.run_file.exists()

    def signals(self) -> list[tuple[Any, ...]]:
        """All that was decided, in its order, without the machine's time."""
        columns = "strategy, tradingsymbol, action, intent, quantity, price_e4, reason, indicators, topic_seq"
        text = f"select {columns} from strategy.signal order by seq"  # noqa: S608 - our own columns
        return query.sql(self.folder.path / "journal", text)[1]


def until(holds: Callable[[], bool], between_s: float = 0.05) -> None:
    end = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(between_s)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="k") as sockets:
        one = Demo(tmp_path, Path(sockets))
        yield one
        if one.up is not None and one.up.poll() is None:
            one.up.kill()
            one.up.communicate()
            until(lambda: not one.pids())


def test_every_stage_shows_traffic_within_fifteen_seconds(demo: Demo) -> None:
    demo.start("--for", "15")

    code, summary, _ = demo.end()

    assert code == 0
    stages = ("ticks", "batches", "bars", "signals", "approved", "orders", "fills")
    assert {stage: summary[stage] for stage in stages if summary[stage] <= 0} == {}
    assert summary["signals"] == summary["approved"] + sum(summary["blocked"].values())
    assert summary["messages_lost"] == 0
    assert summary["latency_us"]["n"] > 0
    assert set(summary["processes"]) == set(START_ORDER)
    heavy = {name: row["rss_mb"] for name, row in summary["processes"].items()}
    assert {name: mb for name, mb in heavy.items() if mb > RESIDENT_MB_MAX.get(name, 120)} == {}
    assert json.loads(demo.folder.summary.read_text()) == summary
    assert demo.is_clean()


def test_each_service_may_die_in_the_middle(demo: Demo) -> None:
    demo.start("--for", "45")
    until(lambda: demo.folder.run_file.exists() and demo.orders() > 0, between_s=0.5)

    for name in START_ORDER:
        before = demo.pids()[name]
        os.kill(before, signal.SIGKILL)
        until(lambda name=name, before=before: demo.pids().get(name, before) != before)

    code, summary, err = demo.end()
    assert (code, err.count("stays down")) == (0, 0)
    assert {name: row["restarts"] for name, row in summary["processes"].items()} == dict.fromkeys(START_ORDER, 1)
    assert (summary["exit"], summary["messages_lost"]) == (0, 0)
    assert summary["signals"] == summary["approved"] + sum(summary["blocked"].values())
    assert demo.is_clean()


def test_up_killed_leaves_nothing(demo: Demo) -> None:
    demo.start()
    until(lambda: demo.folder.run_file.exists() and demo.orders() > 0, between_s=0.5)
    assert demo.up is not None

    demo.up.kill()
    demo.up.communicate()

    until(demo.is_clean)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("KITEV3_RISK_CAPITAL", "KITEV3_RISK_CAPITAL: no setting 'capital', did you mean 'capital_e4'?"),
        ("KITEV3_MARKETDATA_BAR", "KITEV3_MARKETDATA_BAR: no setting 'bar', did you mean 'bars'?"),
        ("KITEV3_STRATEGI_CPU", "no setting 'KITEV3_STRATEGI_CPU'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_starts(demo: Demo, variable: str, words: str) -> None:
    demo.environment[variable] = "99_999_999_999_999_999"
    demo.start()
    assert demo.up is not None

    out, err = demo.up.communicate()

    assert (demo.up.returncode, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not demo.folder.path.exists()


def test_two_runs_of_a_real_day_give_the_same_signals(demo: Demo, tmp_path: Path) -> None:
    day = real_day(tmp_path)
    text = gzip.decompress(day.read_bytes()) if day.suffix == ".gz" else day.read_bytes()
    lines = text.decode().splitlines(keepends=True)
    hour = tmp_path / "hour.csv"
    hour.write_text("".join(line for line in lines if line[11:16] < "10:15"))
    signals = []

    for _ in range(2):
        demo.start("--market", str(hour), "--speed", "600")
        code, summary, err = demo.end()
        assert code == 0, err
        signals.append(demo.signals())
        assert len(signals[-1]) == summary["signals"] > 0

    assert signals[0] == signals[1]
