"""``start``, ``stop``, ``kill``, ``arm`` and ``down``: what a person asks of a running system."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kitev3.account import arming
from kitev3.account.account import account_folder
from kitev3.account.latch import Latch, LatchState
from kitev3.cli.options import ProfileOption, RunDirOption, running
from kitev3.clock import MarketClock, machine_ns
from kitev3.contracts import Kill, Start, Stop
from kitev3.control import START_ORDER, STOP_ORDER, Command, Control
from kitev3.system.profile import IST
from kitev3.system.runfolder import Run, RunFolder

DOWN_S_MAX = 60.0
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept on every service's tape.")]


def start(profile: ProfileOption = "demo", run_dir: RunDirOption = None) -> None:
    """Starts a system that is up and was stopped: hearers first, the market last.

    \b
      kitev3 start --profile demo
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        clock = _clock_from_here(control, run)
        failed = control.send(run.services, clock.payload(), _who())
        _finish(failed | _in_turn(control, START_ORDER, run, Start(run.session)), "started")


def stop(profile: ProfileOption = "demo", run_dir: RunDirOption = None, reason: ReasonOption = "kitev3 stop") -> None:
    """Stops the flow, the market first; the processes stay up and answer.

    \b
      kitev3 stop --profile demo --reason "lunch"
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        _finish(_in_turn(control, STOP_ORDER, run, Stop(reason)), "stopped")


def kill(profile: ProfileOption = "demo", run_dir: RunDirOption = None, reason: ReasonOption = "kitev3 kill") -> None:
    """HALTED at once, latched on disk until `kitev3 arm`: cancels only. Works whether or not the services answer.

    \b
      kitev3 kill --reason "prices look wrong"
    """
    folder, run = running(profile, run_dir)
    latch = Latch(_account(folder, run))
    latch.lower(LatchState.HALTED)  # before anyone is asked: it takes effect without an answer
    latch.close()
    print("HALTED")
    with Control(folder) as control:
        failed = control.send(run.services, Kill(reason, _who()), _who())
        for name in run.services:
            print(f"{name}: {failed.get(name, 'answered')}")
        healths = control.health(run.services)
    execution, gate = healths.get("execution"), healths.get("risk_portfolio")
    print(f"open orders: {_known(execution and execution.service.get('open_orders'))}")
    print(f"open positions: {_known(gate and gate.service.get('positions'))}")
    _finish(failed, "")


def arm(profile: ProfileOption = "demo", run_dir: RunDirOption = None) -> None:
    """Lets entries pass, once every service has heard it: what a person does after a look at the system.

    \b
      kitev3 arm --profile demo
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        failed = arming.arm(control, run.services, _account(folder, run), _who())
    _finish(failed, f"armed {run.account} by {_who()}")


def down(profile: ProfileOption = "demo", run_dir: RunDirOption = None) -> None:
    """Ends a running system as its own end would: everything drained, every process waited for.

    \b
      kitev3 down --profile demo
    """
    folder, run = running(profile, run_dir)
    os.kill(run.pid, signal.SIGTERM)
    until = time.monotonic() + DOWN_S_MAX
    while folder.is_held():
        if time.monotonic() > until:
            print(f"kitev3: pid {run.pid} has not ended within {DOWN_S_MAX:.0f} s", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(0.05)
    print(f"{run.profile} in {folder.path} is down")


def _clock_from_here(control: Control, run: Run) -> MarketClock:
    """The local market goes on at the time at which it stands; a real one has not waited for us."""
    here = control.health(("kitesim",)) if "kitesim" in run.services else {}
    now_ns = here["kitesim"].service.get("market_ns") if here else None
    if now_ns is None:
        return MarketClock.from_start(datetime.now(IST), machine_ns(), run.speed)
    return MarketClock(now_ns, machine_ns(), round(run.speed * 1000))


def _in_turn(control: Control, order: Iterable[str], run: Run, command: Command) -> dict[str, str]:
    failed: dict[str, str] = {}
    for name in (name for name in order if name in run.services):
        failed |= control.send((name,), command, _who())
    return failed


def _finish(failed: dict[str, str], done: str) -> None:
    for name, why in failed.items():
        print(f"kitev3: {name}: {why}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)
    if done:
        print(done)


def _account(folder: RunFolder, run: Run) -> Path:
    broker, _, user_id = run.account.partition("-")
    account = account_folder(broker, user_id, folder.path, os.environ)
    account.mkdir(mode=0o700, parents=True, exist_ok=True)
    return account


def _who() -> str:
    return getpass.getuser()


def _known(count: object) -> str:
    if count is None:
        return "not known"
    return str(len(count)) if isinstance(count, list | tuple) else str(count)
