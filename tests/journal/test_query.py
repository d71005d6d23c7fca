"""Questions to the journal: every topic has its view, and a question sees nothing but the journal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from doubles.journal import DATE, fill, journal
from kitev3.journal import query
from kitev3.journal.columns import Rows
from kitev3.journal.store import ParquetStore


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A journal of three fills on two days."""
    folder = tmp_path / "journal"
    handler = journal(folder, rows_max=2)
    for number in (1, 2):
        handler(fill(number))
    later = Rows("execution.fill")
    later.add(fill(3))
    ParquetStore(folder).write("execution.fill", "2026-11-20", 1, later.table())
    return folder


@pytest.mark.parametrize("topic", query.KEPT)
def test_every_topic_has_its_view_with_rows_or_without(kept: Path, topic: str) -> None:
    names, rows = query.sql(kept, f"select * from {topic}")  # noqa: S608

    assert names == query.empty(topic).schema.names
    assert len(rows) == (3 if topic == "execution.fill" else 0)


def test_a_view_knows_the_day_of_its_rows(kept: Path) -> None:
    _, rows = query.sql(kept, "select date, count(*) from execution.fill group by all order by 1")

    assert rows == [(dt.date(2026, 11, 19), 2), (dt.date(2026, 11, 20), 1)]


def test_the_guides_question_is_answered_on_a_day_without_blocks(kept: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
    question = guide.split('`kitev3 journal sql "')[1].split('"`')[0]

    names, rows = query.sql(kept, question)

    assert (names, rows) == (["strategy", "rule", "why"], [])


@pytest.mark.parametrize("question", ["", "  ", ";", "-- what?", "/* nothing */ ;"])
def test_an_empty_question_is_one_clear_line(kept: Path, question: str) -> None:
    with pytest.raises(query.JournalError, match=r"^an empty question: give one SQL statement, as in "):
        query.sql(kept, question)


@pytest.mark.parametrize(
    "question",
    [
        "select * from read_csv('{file}')",
        "select content from read_text('{file}')",
        "select * from read_parquet('{file}')",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{folder}/new.csv'",
        "copy execution.fill to '{folder}/new.parquet'",
        "export database '{folder}/new'",
        "attach '{folder}/new.db' as other",
        "install httpfs",
        "load httpfs",
        "create secret mine (type s3)",
        "set enable_external_access = true",
        "reset lock_configuration",
        "select * from '{file}'",
        "select 1; select 2",
        "select * from execution.fil",
    ],
)
def test_a_question_reaches_no_file_and_changes_no_setting(kept: Path, question: str) -> None:
    file = kept / "execution.fill" / f"date={DATE}" / "001.parquet"
    before = sorted(kept.rglob("*"))

    with pytest.raises(query.JournalError) as refused:
        query.sql(kept, question.format(file=file, folder=kept))

    assert "\n" not in str(refused.value)
    assert sorted(kept.rglob("*")) == before


def test_a_local_name_of_ours_is_no_table(kept: Path) -> None:
    with pytest.raises(query.JournalError, match="found does not exist"):
        query.sql(kept, "select * from found")


def test_files_of_a_build_that_had_other_columns_are_read_together(kept: Path) -> None:
    older = Rows("execution.fill")
    older.add(fill(4))
    ParquetStore(kept).write("execution.fill", DATE, 9, older.table().drop_columns(["strategy"]))

    _, rows = query.sql(kept, "select strategy, count(*) from execution.fill group by all order by all")

    assert rows == [("cross", 3), (None, 1)]


def test_files_of_builds_that_contradict_each_other_are_named(kept: Path) -> None:
    table = Rows("execution.fill").table()
    at = table.schema.get_field_index("price_e4")
    other = table.set_column(at, "price_e4", table["tradingsymbol"])
    ParquetStore(kept).write("execution.fill", DATE, 9, other)

    with pytest.raises(query.JournalError, match=r"execution\.fill: its files cannot be read together"):
        query.sql(kept, "select 1")


def test_a_wrong_question_is_answered_with_the_views_there_are(tmp_path: Path) -> None:
    with pytest.raises(query.JournalError, match="run `kitev3 up` first"):
        query.sql(tmp_path, "select 1")
    ParquetStore(tmp_path).write("execution.fill", DATE, 1, Rows("execution.fill").table())

    with pytest.raises(query.JournalError, match=r"Did you mean .*views: .*execution\.fill, "):
        query.sql(tmp_path, "select * from execution.fil")
    with pytest.raises(query.JournalError, match=r"Referenced column \"sid\" not found .*\"side\"[^:]*$"):
        query.sql(tmp_path, "select sid from execution.fill")


def test_a_column_with_the_name_of_a_word_of_sql_is_among_those_that_the_answer_names(kept: Path) -> None:
    named = set()
    for topic in query.KEPT:
        for column in query.empty(topic).schema.names:
            query.sql(kept, f'select "{column}" from {topic}')  # noqa: S608
            try:
                query.sql(kept, f"select {column} from {topic}")  # noqa: S608
            except query.JournalError as error:
                assert f'"{column}"' in str(error)
                named.add(column)

    assert named == {"by", "check", "order"}
