"""``kitev3 ls``: all services."""

from __future__ import annotations

from rich.table import Table

from kitev3.contracts import heard_by, said_by
from kitev3.system.cli.output import console
from kitev3.system.profile import known_services


def ls() -> None:
    """Lists all services with what they hear and say.

    \b
      kitev3 ls
    """
    table = Table(show_lines=True)
    for name in ("service", "hears", "says"):
        table.add_column(name, overflow="fold")
    for name in known_services():
        hears = [c.topic for c in heard_by(name) if c.delivery != "world"]
        table.add_row(name, "\n".join(hears), "\n".join(c.topic for c in said_by(name)))
    console().print(table)
