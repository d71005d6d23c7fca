"""The command line: ``kitev3 up`` runs a system, the other commands speak to one that runs.

Exit code 0: done. 1: something gave up, was lost, or did not answer. 2: refused before anything was done.
"""

from __future__ import annotations

import os
import sys

import typer

from kitev3.errors import ConfigError, KiteError
from kitev3.system.cli import journal, listing, requests, status, up
from kitev3.system.private import UMASK

app = typer.Typer(
    name="kitev3",
    help="""An event-driven trading system for Zerodha Kite, with an exchange of its own to practise on.

\b
  kitev3 up --profile demo --for 60
  kitev3 status
  kitev3 journal sql "select count(*) from execution.fill"
""",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(help=up.HELP)(up.up)
for command in (requests.start, requests.stop, requests.kill, requests.arm, requests.take_positions, requests.down):
    app.command()(command)
app.command()(status.status)
app.command(name="ls")(listing.ls)
app.add_typer(journal.app, name="journal")


def main() -> None:
    """``kitev3``. What went wrong is one line on stderr; only our own bugs show a traceback."""
    os.umask(UMASK)
    try:
        app()
    except ConfigError as error:
        print(f"kitev3: {error}", file=sys.stderr)
        sys.exit(2)
    except KiteError as error:
        print(f"kitev3: {error}", file=sys.stderr)
        sys.exit(1)
