"""``start``, ``stop``, ``kill``, ``arm``, ``take-positions`` and ``down``: what a person asks of a running system."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kitev3.account import arming
from kitev3.account.account import account_folder
from kitev3.account.latch import Latch, LatchState
from kitev3.calendar import IST
from kitev3.contracts import BY_TOPIC, TOPIC_OF, Kill, Start, Stop, TakePositions
from kitev3.control import Command, Control, Health
from kitev3.errors import ConfigError
from kitev3.runtime.clock import MarketClock, datetime_ns, machine_ns
from kitev3.runtime.registry import markets, start_order, stop_order
from kitev3.system.cli.options import ProfileOption, RunDirOption, described, running
from kitev3.system.profile import load
from kitev3.system.runfolder import Run, RunFolder
from kitev3.system.unread import unread

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
        failed = control.send(run.services, clock.payload(), who())
        _finish(failed | _in_turn(control, start_order(run.services), Start(run.session)), "started")


def stop(profile: ProfileOption = "demo", run_dir: RunDirOption = None, reason: ReasonOption = "kitev3 stop") -> None:
    """Stops the flow, the market first; the processes stay up and answer.

    \b
      kitev3 stop --profile demo --reason "lunch"
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        _finish(_in_turn(control, stop_order(run.services), Stop(reason)), "stopped")


def kill(profile: ProfileOption = "demo", run_dir: RunDirOption = None, reason: ReasonOption = "kitev3 kill") -> None:
    """HALTED at once, latched on disk until `kitev3 arm`: cancels only. Works whatever runs, and whatever answers.

    \b
      kitev3 kill --reason "prices look wrong"
    """
    folder, run = described(profile, run_dir)
    accounts = _accounts(profile, folder, run)
    failed = {str(account): why for account in accounts if (why := _lowered(account, folder))}
    services = list(dict.fromkeys((*(run.services if run else ()), *sorted(folder.bound()))))
    is_elsewhere = not services and all(account.is_relative_to(folder.path) for account in accounts)
    with Control(folder) as control:  # they hear it before anything is printed
        silent = control.send(services, Kill(reason, who()), who())
        healths = control.health(services)
    with unread(sys.stdout):
        print("not HALTED" if failed else "nothing HALTED but this folder's account" if is_elsewhere else "HALTED")
        for name in services:
            print(f"{name}: {silent.get(name, 'answered')}")
        if services:
            print(f"open orders: {_known(healths, 'open_orders')}")
            print(f"open positions: {_known(healths, 'positions')}")
        else:
            print(f"no service runs in {folder.path}")
    if is_elsewhere:
        failed[str(folder.path)] = "no system runs here; what runs in another folder trades on: name it by --run-dir"
    _finish(failed | silent, "")


def arm(profile: ProfileOption = "demo", run_dir: RunDirOption = None) -> None:
    """Lets entries pass, once every service has heard it: what a person does after a look at the system.

    \b
      kitev3 arm --profile demo
    """
    folder, run = running(profile, run_dir)
    with Control(folder) as control:
        failed = arming.arm(control, run.services, _account(folder, run), who())
    _finish(failed, f"armed {run.account} by {who()}")


def take_positions(
    profile: ProfileOption = "demo", run_dir: RunDirOption = None, reason: ReasonOption = "kitev3 take-positions"
) -> None:
    """Takes the broker's positions for right where no trade explains why they differ from ours.

    `kitev3 status` and the journal's execution.reconciled name them. What is taken over is kept as execution.adjust.

    
      kitev3 take-positions --reason "converted by hand"
    """
    folder, _ = running(profile, run_dir)
    with Control(folder) as control:
        failed = control.send(BY_TOPIC[TOPIC_OF[TakePositions]].hearers, TakePositions(who(), reason), who())
    _finish(failed, "taken; the next look at the broker's book compares again")


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
    healths = control.health(markets(run.services)).values()
    now_ns = next((health.service["market_ns"] for health in healths if "market_ns" in health.service), None)
    if now_ns is None:
        now_ns = datetime_ns(datetime.now(IST))
    return MarketClock.at_speed(now_ns, machine_ns(), run.speed)


def _in_turn(control: Control, names: Iterable[str], command: Command) -> dict[str, str]:
    failed: dict[str, str] = {}
    for name in names:
        failed |= control.send((name,), command, who())
    return failed


def _finish(failed: dict[str, str], done: str) -> None:
    for name, why in failed.items():
        print(f"kitev3: {name}: {why}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)
    if done:
        print(done)


def _accounts(profile: str, folder: RunFolder, run: Run | None) -> set[Path]:
    """The accounts that a kill is for: the running system's, and the profile's, if that is another."""
    accounts = set() if run is None else {_account(folder, run)}
    try:
        read = load(profile)
        accounts.add(account_folder(read.account, read.user_id, folder.path, os.environ))
    except ConfigError:
        if not accounts:
            raise  # nobody can say which account is meant
    return accounts


def _lowered(account: Path, folder: RunFolder) -> str:
    """Lowers an account's latch; why it could not be, or nothing. It takes effect without anybody's answer."""
    try:
        if not account.exists() and account.is_relative_to(folder.path):
            folder.claim()
        latch = Latch(account)
        latch.lower(LatchState.HALTED)
        latch.close()
    except (ConfigError, OSError) as error:
        return f"its latch could not be lowered: {error}"
    return ""


def _account(folder: RunFolder, run: Run) -> Path:
    broker, _, user_id = run.account.partition("-")
    return account_folder(broker, user_id, folder.path, os.environ)


def who() -> str:
    """Who does it: a name, or the number of a user who has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _known(healths: Mapping[str, Health], key: str) -> str:
    """How many there are, as whoever counts them says."""
    said = [health.service[key] for health in healths.values() if key in health.service]
    counts = [len(value) if isinstance(value, list | tuple) else value for value in said]
    return str(sum(counts)) if counts else "not known"
