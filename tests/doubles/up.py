"""``kitev3 up`` over the double of a service: the real session and supervisor in a process of their own.

python -m tests.doubles.up PROFILE.toml RUN_DIR SERVICES SECONDS
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path

from kitev3.errors import ConfigError
from kitev3.system import profile as config
from kitev3.system.preflight import preflight
from kitev3.system.session import Session
from kitev3.system.table import Display, PlainLines
from rich.console import Console


async def session(profile: str, run_dir: Path, seconds: float) -> Session:
    with preflight(config.load(profile), run_dir, seconds, os.environ, os.getpid()) as plan:
        commands = {
            name: (sys.executable, "-m", "tests.doubles.service", name, str(plan.folder.path)) for name in plan.commands
        }
        running = Session(dataclasses.replace(plan, commands=commands), shown := Display(PlainLines(Console())))
        try:
            await running.run()
            return running
        finally:
            shown.close()


def main(profile: str, run_dir: str, services: str, seconds: str) -> int:
    config.SERVICES = Path(services)
    try:
        ended = asyncio.run(session(profile, Path(run_dir), float(seconds)))
    except ConfigError as error:
        print(f"kitev3: {error}", file=sys.stderr)
        return 2
    for trouble in ended.troubles:
        print(f"kitev3: {trouble}", file=sys.stderr)
    return ended.summary.exit


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
