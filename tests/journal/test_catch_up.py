"""A journal that was killed is made whole from the tapes beside it, wherever it stood."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kitev3.journal.catch_up import catch_up, write_commands
from kitev3.journal.query import topics
from kitev3.journal.store import ParquetStore

ACCOUNT = "kitesim-KS0001"
DATE = "2026-11-19"
WHOLE = Path(__file__).parents[1] / "sim" / "whole.py"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stepped run that ended in order: its journal is whole."""
    folder = tmp_path_factory.mktemp("ended") / "run"
    command = [sys.executable, str(WHOLE), "synthetic", str(folder), "4000"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def table(folder: Path, topic: str) -> pa.Table:
    """A topic's rows; the same time stands in ``ts`` and ``ts_ns``."""
    files = sorted((folder / "journal" / topic / f"date={DATE}").glob("*.parquet"))
    read = [pq.read_table(file, partitioning=None) for file in files]
    return pa.concat_tables(read)


def rows(folder: Path) -> dict[str, list[str]]:
    """Every row of every topic, in an order of its own."""
    found = {topic: table(folder, topic).drop_columns(["ts"]) for topic in topics(folder / "journal")}
    return {topic: sorted(map(str, of.to_pylist())) for topic, of in found.items()}


def killed(ended: Path, folder: Path, rng: random.Random) -> Path:
    """The same folder with a journal that was killed: of each topic it had written what came until some event."""
    shutil.copytree(ended / "tape", folder / "tape")
    for topic in topics(ended / "journal"):
        whole = table(ended, topic)
        numbers = whole.select(["source", "seq"]).to_pylist()
        events = sorted({(row["source"], row["seq"]) for row in numbers})
        upto = dict(rng.sample(events, 1)) if rng.random() < 0.7 else {}
        keep = [row["seq"] <= upto.get(row["source"], 0) for row in numbers]
        if any(keep):
            ParquetStore(folder / "journal").write(topic, DATE, 1, whole.filter(pa.array(keep)))
    return folder


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_journal_gets_the_rows_that_it_lacks_and_no_other(ended: Path, tmp_path: Path, seed: int) -> None:
    folder = killed(ended, tmp_path / "run", random.Random(seed))

    done = catch_up(folder, ACCOUNT)
    again = catch_up(folder, ACCOUNT)

    assert rows(folder) == rows(ended)
    assert (done.unread, done.broken, again.rows) == (0, {}, {})
    assert "rows of" in str(done)


def test_a_journal_that_wrote_nothing_is_written_whole(ended: Path, tmp_path: Path) -> None:
    shutil.copytree(ended / "tape", tmp_path / "tape")

    catch_up(tmp_path, ACCOUNT)

    found = rows(tmp_path)
    assert found == rows(ended)
    assert len(found["execution.fill"]) > 0
    assert len(found["control.arm"]) == 1


def test_the_commands_that_the_journal_heard_are_written_by_themselves(ended: Path, tmp_path: Path) -> None:
    shutil.copytree(ended / "tape", tmp_path / "tape")

    for _ in range(2):
        write_commands(tmp_path, ACCOUNT)

    assert rows(tmp_path) == {topic: found for topic, found in rows(ended).items() if topic.startswith("control.")}


def test_a_tape_that_breaks_off_costs_what_is_behind_the_break_alone(ended: Path, tmp_path: Path) -> None:
    shutil.copytree(ended / "tape", tmp_path / "tape")
    tape = next((tmp_path / "tape" / "strategy").glob("*.000.tape"))
    content = bytearray(tape.read_bytes())
    content[len(content.rstrip(b"\0")) // 2] ^= 1
    tape.write_bytes(content)

    done = catch_up(tmp_path, ACCOUNT)

    found, whole = rows(tmp_path), rows(ended)
    assert len(found.get("strategy.signal", [])) < len(whole["strategy.signal"])
    assert {topic: found[topic] for topic in found if topic != "strategy.signal"} == {
        topic: whole[topic] for topic in whole if topic != "strategy.signal"
    }
    assert list(done.broken) in (["strategy"], [])


def test_a_folder_without_tapes_needs_nothing(tmp_path: Path) -> None:
    assert catch_up(tmp_path, ACCOUNT).rows == {}
