"""``kitev3 up``: a session of a profile, from the first process to the summary."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from kitev3 import calendar
from kitev3.contracts import said_by
from kitev3.errors import ConfigError
from kitev3.risk import Risk, limits
from kitev3.runtime.registry import spec
from kitev3.system import settings
from kitev3.system.cli.options import ProfileOption, RunDirOption, run_dir_of
from kitev3.system.cli.output import console
from kitev3.system.placement import CORES, allowed, pin
from kitev3.system.preflight import preflight
from kitev3.system.profile import Profile, load
from kitev3.system.session import Session
from kitev3.system.summary import show
from kitev3.system.table import Display, PlainLines, view
from kitev3.system.unread import unread

HELP = """Runs a profile: starts its processes, shows them live, stops them in order, and sums up.

\b
  kitev3 up --profile demo --for 60
  kitev3 up --profile demo --market nifty50-ticks-2022-11-24.csv.gz --speed 60
  kitev3 up --profile demo --for 20 --json > summary.json

Ctrl-C and SIGTERM end the session as its time would: what is on its way is finished first. Every open order
is cancelled then, stop-losses too, and positions stay: what guards them over the end is a GTT at the broker's.
Exit code 0: clean. 1: a service gave up, or something was lost. 2: refused before anything started.
"""


def up(
    profile: ProfileOption = "demo",
    seconds: Annotated[
        str | None,
        typer.Option("--for", metavar="SECONDS", help="Machine time; else until the market's end or Ctrl-C."),
    ] = None,
    market: Annotated[
        str | None, typer.Option(metavar="PATH", help="synthetic, frozen, or a CSV of time and value, gzipped or not.")
    ] = None,
    speed: Annotated[str | None, typer.Option(metavar="X", help="Market seconds in a second.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="N", help="Of everything that is drawn at random.")] = None,
    run_dir: RunDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")] = False,
) -> None:
    read = load(profile, overrides={"market": market, "speed": speed, "seed": seed})
    check(read)
    seconds_max = (
        None if seconds is None else settings.convert(settings.from_text(seconds, float), float, "command line: for")
    )
    cores = ",".join(map(str, sorted(allowed())))
    pin(read)
    environment = os.environ | {CORES: cores}
    session = asyncio.run(_session(read, run_dir_of(profile, run_dir), seconds_max, environment, as_json))
    summary = session.summary
    with unread(sys.stdout):
        if as_json:
            print(summary.written().decode())
        else:
            show(summary, session.tally.lines(live=False), console())
    with unread(sys.stderr):
        for trouble in session.troubles:
            print(f"kitev3: {trouble}", file=sys.stderr)
    raise typer.Exit(summary.exit)


def check(profile: Profile) -> None:
    """Reads every table that will be used: a bad key, or a limit above its ceiling, is found before anything starts."""
    limits(profile.settings("risk", Risk), profile.account_id)
    calendar.read(profile.calendar)
    for name in profile.enabled:
        profile.settings(name, spec(name).config)
        for contract in said_by(name):
            if contract.worker and contract.worker not in profile.enabled:
                raise ConfigError(f"{profile.file}: {name} runs without {contract.worker}, which its work goes to")


async def _session(
    profile: Profile, run_dir: Path, seconds: float | None, environment: Mapping[str, str], quiet: bool
) -> Session:
    out = console(stderr=quiet)
    with preflight(profile, run_dir, seconds, environment, os.getpid()) as plan:
        shown = Display(PlainLines(out) if quiet else view(out))
        try:
            session = Session(plan, shown)
            await session.run()
            return session
        finally:
            shown.close()
