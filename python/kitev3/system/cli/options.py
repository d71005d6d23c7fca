"""The options that several commands share, and the run that they act on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kitev3.errors import ConfigError
from kitev3.system.profile import find
from kitev3.system.runfolder import Run, RunFolder, default_run_dir

ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", metavar="NAME", help="A profile of the package, or the path of a .toml file.")
]
RunDirOption = Annotated[
    Path | None,
    typer.Option("--run-dir", metavar="DIR", help="The run folder: run/<profile> unless given or in KITEV3_RUN_DIR."),
]


def run_dir_of(profile: str, run_dir: Path | None) -> Path:
    """The run folder that a command means."""
    return run_dir or default_run_dir(find(profile).stem, os.environ)


def described(profile: str, run_dir: Path | None) -> tuple[RunFolder, Run | None]:
    """The run folder that a command means, and what its ``run.json`` says, whether or not that still runs."""
    folder = RunFolder(run_dir_of(profile, run_dir))
    try:
        return folder, folder.read_run()
    except ConfigError:
        return folder, None


def running(profile: str, run_dir: Path | None) -> tuple[RunFolder, Run]:
    """The system that a command acts on; ConfigError when nothing runs there."""
    folder = RunFolder(run_dir_of(profile, run_dir))
    return folder, folder.running()
