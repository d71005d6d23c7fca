"""Runs the benches, prints a table for each, keeps the numbers as JSON, and ends with one line a ratio.

    python -m bench                    all of them
    python -m bench tick_to_order      one, by its name

A ratio is ours over the floor or the peer, so smaller is better. Absolute figures are of this machine and this minute;
ratios hold better, since both sides ran in turn.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import time
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

import bench
from bench.result import Result

RESULTS = Path(__file__).parent / "results"


def benches() -> dict[str, ModuleType]:
    """Every module of this package that can be run, by its NAME."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.__path__) if not found.name.startswith("_"))
    modules = [importlib.import_module(f"bench.{name}") for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "NAME") and hasattr(module, "run")}


def show(result: Result, console: Console) -> None:
    """One table, as wide as it needs to be."""
    table = Table(title=result.name, title_justify="left", header_style="bold")
    columns = list(dict.fromkeys(column for row in result.rows for column in row))
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in result.rows:
        table.add_row(*(figure(row.get(column, "")) for column in columns))
    console.print(table)
    for note in result.notes:
        console.print(f"  {note}", style="dim", highlight=False)


def figure(value: object) -> str:
    """A number with as many digits as it deserves."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"


def keep(result: Result) -> None:
    """The numbers with the machine they are of."""
    RESULTS.mkdir(exist_ok=True)
    content = {
        "name": result.name,
        "taken": int(time.time()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "rows": result.rows,
        "ratios": result.ratios,
        "notes": result.notes,
    }
    (RESULTS / f"{result.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def main() -> int:
    """Exit code 2 for an unknown name."""
    found = benches()
    parser = argparse.ArgumentParser(prog="python -m bench", description="measure kitev3 beside its floors and peers")
    parser.add_argument("only", nargs="*", help=f"which ones: {', '.join(found)}; all of them without a name")
    only = parser.parse_args().only
    unknown = [name for name in only if name not in found]
    if unknown:
        print(f"no bench {', '.join(unknown)}: there are {', '.join(found)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 120)
    ratios: dict[str, float] = {}
    for name in only or found:
        began = time.monotonic()
        result = found[name].run()
        show(result, console)
        keep(result)
        ratios |= result.ratios
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    for name, ratio in ratios.items():
        print(f"ratio {name} {ratio:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
