"""SQL over the journal: a topic ``execution.fill`` is the view ``execution.fill``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kitev3.errors import KiteError


class JournalError(KiteError):
    """The question cannot be answered; the message says why."""


def topics(folder: Path) -> list[str]:
    """The topics of which the journal has files."""
    return sorted(p.name for p in folder.glob("*.*") if any(p.glob("date=*/*.parquet")))


def connect(folder: Path) -> Any:
    """A DuckDB connection in memory with a view for each topic. It can read the journal and nothing else.

    Raises JournalError when the folder holds no journal.
    """
    import duckdb  # 60 MB that only a question needs

    found = topics(folder)
    if not found:
        raise JournalError(f"no journal in {folder}: run `kitev3 up` first, or name another folder with --run-dir")
    database = duckdb.connect()
    for topic in found:
        schema, name = topic.split(".", 1)
        files = str(folder / topic / "*" / "*.parquet").replace("'", "''")
        database.execute(f'create schema if not exists "{schema}"')
        database.execute(
            f'create view "{schema}"."{name}" as '  # noqa: S608  # names come from our own folder
            f"select * from read_parquet('{files}', hive_partitioning = true, union_by_name = true)"
        )
    return database


def sql(folder: Path, question: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of the answer.

    Raises JournalError with DuckDB's own words when the question is wrong.
    """
    import duckdb

    database = connect(folder)
    try:
        answer = database.execute(question)
        return [column[0] for column in answer.description or []], answer.fetchall()
    except duckdb.Error as error:
        known = ", ".join(topics(folder))
        raise JournalError(f"{str(error).splitlines()[0]}  (views: {known})") from None
    finally:
        database.close()
