"""``kitev3 journal``: questions to what was kept."""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from kitev3.journal import query
from kitev3.system.cli.options import ProfileOption, RunDirOption, run_dir_of
from kitev3.system.cli.output import console, printable
from kitev3.system.runfolder import RunFolder
from kitev3.system.unread import unread

ROWS_SHOWN_MAX = 200
COLUMN_CHARS = 30  # a column that is folded to less is not read any more
GAP_CHARS = 3  # between two columns

app = typer.Typer(help="Ask the journal what happened.", no_args_is_help=True, rich_markup_mode=None)


class Form(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"


SQL_HELP = """SQL over the journal's Parquet files: the topic execution.fill is the view execution.fill.

A question reads the journal and nothing else: no file, no network. Prices end in _e4 (1/10,000 rupee), times in _ns
(UTC); ts is market time as a clock in India shows it.

\b
  kitev3 journal sql "select tradingsymbol, side, price_e4 / 1e4 from execution.fill"
  kitev3 journal sql "select verdict.rule, count(*) from risk.blocked group by all"
  kitev3 journal sql "select * from strategy.signal" --form csv > signals.csv
"""


@app.command(help=SQL_HELP)
def sql(
    question: Annotated[str, typer.Argument(metavar="SQL", help="One SQL statement, in DuckDB's dialect.")],
    form: Annotated[Form, typer.Option(help="How to print the answer.")] = Form.table,
    profile: ProfileOption = "demo",
    run_dir: RunDirOption = None,
) -> None:
    names, rows = query.sql(_journal(run_dir_of(profile, run_dir)), question)
    with unread(sys.stdout):
        {Form.table: _table, Form.csv: _csv, Form.json: _json}[form](names, rows)


@app.command()
def topics(profile: ProfileOption = "demo", run_dir: RunDirOption = None) -> None:
    """Lists what the journal holds: topic, rows and columns.

    \b
      kitev3 journal topics --run-dir run/demo
    """
    database = query.connect(_journal(run_dir_of(profile, run_dir)))
    rows = []
    for topic in query.KEPT:
        schema, name = topic.split(".", 1)
        view = f'"{schema}"."{name}"'
        count = database.execute(f"select count(*) from {view}").fetchone()[0]  # noqa: S608  # names of our own folder
        columns = [row[0] for row in database.execute(f"describe {view}").fetchall()]
        rows.append((topic, count, ", ".join(columns[9:])))
    with unread(sys.stdout):
        _table(["topic", "rows", "columns"], rows)


def _journal(run_dir: Path) -> Path:
    """Its folder. JournalError when the session that runs there has not written a file yet."""
    folder = run_dir / "journal"
    if not query.topics(folder) and RunFolder(run_dir).is_held():
        raise query.JournalError(f"no file in {folder} yet: a session has begun, and writes every `journal.flush_s`")
    return folder


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    """One row beside the other as long as they fit; rows that are too wide for the terminal are turned."""
    out = console()
    cells = [[printable(value) for value in row] for row in rows[:ROWS_SHOWN_MAX]]
    wide = [max(len(text) for text in column) for column in zip(map(printable, names), *cells, strict=True)]
    if cells and sum(min(width, COLUMN_CHARS) + GAP_CHARS for width in wide) > out.width:
        for number, row in enumerate(cells, start=1):
            out.print(f"row {number}", style="bold")
            turned = Table(show_header=False, box=None)
            turned.add_column(style="dim", no_wrap=True)
            turned.add_column(overflow="fold")
            for name, text in zip(names, row, strict=True):
                turned.add_row(printable(name), text)
            out.print(turned)
    else:
        table = Table(header_style="bold")
        for name in names:
            table.add_column(printable(name), overflow="fold")
        for row in cells:
            table.add_row(*row)
        out.print(table)
    if len(rows) > ROWS_SHOWN_MAX:
        print(f"{len(rows) - ROWS_SHOWN_MAX} rows more: add a limit, or take all with --form csv", file=sys.stderr)


def _csv(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(names)
    writer.writerows(rows)


def _json(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    content = [dict(zip(names, row, strict=True)) for row in rows]
    print(msgspec.json.encode(content, enc_hook=str).decode())
