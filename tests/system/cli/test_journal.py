"""``kitev3 journal``: what a person sees of an answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kitev3._core import Event
from kitev3.contracts import Fill
from kitev3.journal.columns import Rows
from kitev3.journal.store import ParquetStore
from kitev3.system.cli import journal
from kitev3.system.runfolder import RunFolder
from typer.testing import CliRunner
from waiting import S_MAX

NAME = "[breakout] long[/x]\x1b[31m"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run folder whose journal has one fill, of a strategy with an unusual name."""
    rows = Rows("execution.fill")
    fill = Fill("K1", "o1", "t1", "NSE", "INFY", 408065, "BUY", "MIS", 10, 15_000_500, 1, NAME)
    rows.add(Event("execution.fill", fill, source="execution"))
    ParquetStore(tmp_path / "journal").write("execution.fill", "2026-11-19", 1, rows.table())
    return tmp_path


def ask(run_dir: Path, *words: str, columns: int = 100) -> str:
    done = CliRunner().invoke(journal.app, [*words, "--run-dir", str(run_dir)], env={"COLUMNS": str(columns)})
    assert done.exit_code == 0, done.output
    return done.output


def test_a_strategys_name_is_printed_as_it_is(run_dir: Path) -> None:
    printed = ask(run_dir, "sql", 'select strategy as "[b]" from execution.fill')

    assert r"[breakout] long[/x]\x1b[31m" in printed
    assert "[b]" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_a_row_that_is_too_wide_is_turned(run_dir: Path, columns: int) -> None:
    wide = ask(run_dir, "sql", "select * from execution.fill", columns=columns).splitlines()
    narrow = ask(run_dir, "sql", "select order_id, quantity from execution.fill", columns=columns).splitlines()

    assert wide[0].strip() == "row 1"
    assert ["tradingsymbol", "INFY"] in [line.split() for line in wide]
    assert max(map(len, wide)) <= columns
    assert not any(line.startswith("row") for line in narrow)


def test_an_answer_without_rows_has_its_columns(run_dir: Path) -> None:
    assert "order_id" in ask(run_dir, "sql", "select order_id from execution.fill where false")


def test_for_programs_an_answer_is_whole(run_dir: Path) -> None:
    question = "select strategy, price_e4 from execution.fill"

    assert json.loads(ask(run_dir, "sql", question, "--form", "json")) == [{"strategy": NAME, "price_e4": 15_000_500}]
    assert ask(run_dir, "sql", question, "--form", "csv").splitlines()[1] == f"{NAME},15000500"


def test_the_topics_are_listed_with_and_without_rows(run_dir: Path) -> None:
    printed = ask(run_dir, "topics", columns=400)

    lines = [[cell.strip() for cell in line.split("│")] for line in printed.splitlines() if "│" in line]
    rows = {topic: count for _, topic, count, *_ in lines}
    assert (rows["execution.fill"], rows["risk.blocked"]) == ("1", "0")


def test_the_command_itself_answers(run_dir: Path) -> None:
    """In a process that has loaded nothing else."""
    question = "select tradingsymbol from execution.fill"
    words = ["-c", "from kitev3.system.cli import main; main()", "journal", "sql", question, "--run-dir", str(run_dir)]

    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=S_MAX)

    assert (done.returncode, done.stderr) == (0, "")
    assert "INFY" in done.stdout


@pytest.mark.parametrize("words", [("sql", "select 1"), ("topics",)])
def test_while_a_session_has_written_nothing_yet_that_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = RunFolder(tmp_path / "run")

    with folder.held():
        running = CliRunner().invoke(journal.app, [*words, "--run-dir", str(folder.path)])
    never = CliRunner().invoke(journal.app, [*words, "--run-dir", str(folder.path)])

    assert "a session has begun, and writes every `journal.flush_s`" in str(running.exception)
    assert "run `kitev3 up` first" in str(never.exception)
