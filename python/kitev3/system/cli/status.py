"""``kitev3 status``: what runs, and how it is."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from kitev3.control import Control, Health
from kitev3.system.cli.options import ProfileOption, RunDirOption, running
from kitev3.system.cli.output import console
from kitev3.system.runfolder import Run
from kitev3.system.table import note


def status(
    profile: ProfileOption = "demo",
    run_dir: RunDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Says what runs in a run folder: each service's process, state and lag, the gate's state, limits not set.

    \b
      kitev3 status --profile demo
      kitev3 status --run-dir run/demo --json
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        healths = control.health(run.services)
    silent = [name for name in run.services if name not in healths]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"run": run, "services": healths, "silent": silent})).decode())
    else:
        _show(run, healths)
    raise typer.Exit(1 if silent else 0)


def _show(run: Run, healths: dict[str, Health]) -> None:
    table = Table(title=f"{run.profile} ({run.mode}, {run.account}), pid {run.pid}, since {run.started}")
    for name in ("service", "pid", "state", "epoch", "heard", "said", "lag ms", "note"):
        table.add_column(name, justify="left" if name in ("service", "state", "note") else "right")
    for name in run.services:
        health = healths.get(name)
        if health is None:
            table.add_row(name, "", "no answer", "", "", "", "", "")
            continue
        counters = health.counters
        numbers = (str(health.epoch), f"{counters.get('heard', 0):,}", f"{counters.get('said', 0):,}")
        table.add_row(name, str(health.pid), health.state, *numbers, f"{health.lag_ms:.1f}", note(health))
    console().print(table)
