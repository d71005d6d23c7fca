"""SQL over the journal: a topic ``execution.fill`` is the view ``execution.fill``, with rows or without.

A question sees the journal and nothing else: DuckDB is given the rows, and no file, no network and no extension.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from kitev3.contracts import CONTRACTS
from kitev3.errors import KiteError
from kitev3.journal.columns import schema

KEPT = tuple(sorted(contract.topic for contract in CONTRACTS if contract.delivery != "world"))
"""The topics that the journal keeps: all that goes from one service to another."""
HOW = 'give one SQL statement, as in "select * from execution.fill"'
DATE = pa.field("date", pa.date32())
"""The last column of every view: the market date, from the files' folder."""


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
    for topic in sorted({*KEPT, *found}):
        space, name = topic.split(".", 1)
        database.register(topic, _rows(folder, topic) if topic in found else empty(topic))
        database.execute(f'create schema if not exists "{space}"')
        database.execute(f'create view "{space}"."{name}" as select * from "{topic}"')  # noqa: S608  # names of our own
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database


def _rows(folder: Path, topic: str) -> Any:
    from pyarrow import dataset, parquet

    files = sorted(str(path) for path in (folder / topic).glob("date=*/*.parquet"))
    try:
        columns = pa.unify_schemas([parquet.read_schema(file) for file in files])
    except pa.ArrowException as error:
        raise JournalError(f"{folder / topic}: its files cannot be read together: {error}") from None
    return dataset.dataset(
        files,
        schema=columns.append(DATE),
        partitioning=dataset.partitioning(pa.schema([DATE]), flavor="hive"),
        partition_base_dir=str(folder / topic),
    )


@cache
def empty(topic: str) -> pa.Table:
    """A topic's columns without a row."""
    return schema(topic).append(DATE).empty_table()


def _in_one_line(error: str) -> str:
    """DuckDB's words up to where it shows the question again, and the views when one was asked for that is none."""
    words = " ".join(error.partition("\nLINE ")[0].split())
    if words.startswith("Parser Error"):
        words += '  (quote a column whose name is a word of SQL: "by", "check", "order")'
    return f"{words}  (views: {', '.join(KEPT)})" if words.startswith("Catalog Error: Table") else words


def sql(folder: Path, question: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of the answer.

    Raises JournalError for no question or several, and with DuckDB's own words when the question is wrong.
    """
    import duckdb

    database = connect(folder)
    try:
        asked = database.extract_statements(question)
        if len(asked) != 1:
            many = f"{len(asked)} questions" if asked else "an empty question"
            raise JournalError(f"{many}: {HOW}")
        answer = database.execute(asked[0])
        return [column[0] for column in answer.description or []], answer.fetchall()
    except duckdb.PermissionException:
        raise JournalError("a question reads the journal and nothing else: no files, no other databases") from None
    except (duckdb.Error, ValueError, OverflowError) as error:
        raise JournalError(_in_one_line(str(error))) from None
    finally:
        database.close()
