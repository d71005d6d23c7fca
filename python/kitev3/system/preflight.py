"""Everything that can refuse a session, looked at before anything has started."""

from __future__ import annotations

import dataclasses
import math
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kitev3._core import session_open_ns
from kitev3.account.secret import read_secret, write_secret
from kitev3.calendar import IST, read
from kitev3.contracts import said_by
from kitev3.errors import ConfigError
from kitev3.runtime.clock import NS, market_date
from kitev3.runtime.registry import markets, start_order
from kitev3.system.market_file import read_market
from kitev3.system.profile import PREFIX, Profile
from kitev3.system.runfolder import Run, RunFolder

DISK_BYTES_MIN = 400_000_000  # the first segments of all tapes, written with zeros, and as much again
SEGMENTS = ("shares", "currency", "commodity")  # the others trade on the days of one of these
PATHLESS = ("synthetic", "frozen")
"""Markets that are no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A session, checked and ready to start."""

    profile: Profile  # its start, its market's path and its exchange's port resolved
    folder: RunFolder
    commands: Mapping[str, tuple[str, ...]]  # service -> the command that runs it in the foreground
    environment: Mapping[str, str]  # of the processes, whole
    seconds_max: float | None  # machine time; None: until the market's end or a signal
    started: datetime  # wall time

    @property
    def start(self) -> datetime:
        """Market time at which the session starts."""
        assert self.profile.start is not None
        return self.profile.start

    @property
    def session(self) -> str:
        """The market date, YYYY-MM-DD."""
        return market_date(self.start)


@contextmanager
def preflight(
    profile: Profile, run_dir: Path, seconds_max: float | None, environment: Mapping[str, str], pid: int
) -> Iterator[Plan]:
    """A plan with its run folder held, made and described in ``run.json``; cleared again when the session is over.

    Raises ConfigError for whatever keeps the session from starting: nothing has been started or moved then.
    """
    names = tuple(start_order(profile.enabled))
    if not names:
        raise ConfigError(f"{profile.file}: no service to run: a service's table, as in [journal], makes it run")
    if seconds_max is not None and not 0 < seconds_max < math.inf:
        raise ConfigError(f"command line: for: expected seconds above 0, got {seconds_max:g}")
    if profile.token_file:
        read_secret(profile.token_file)  # its services would refuse it one by one, with a session begun
    profile = dataclasses.replace(_on_its_day(profile), exchange=_exchange(profile.exchange))
    _check_trading(profile, names)
    folder = RunFolder(run_dir.resolve(), environment)
    folder.check_sockets(names)
    with folder.held():
        if profile.fresh:
            _catch_up(folder, profile.account_id)
            folder.rotate()
        _check_tapes(folder, names)
        _check_day(folder, names, market_date(profile.start or datetime.now(UTC)))
        folder.summary.unlink(missing_ok=True)
        folder.clear()
        folder.make()
        _check_disk(folder.path)
        started = datetime.now(UTC)
        if markets(names):
            write_secret(folder.token, secrets.token_hex(16))
        try:
            folder.write_run(_run(profile, folder, names, pid, started))
            yield Plan(
                profile=profile,
                folder=folder,
                commands={name: _command(name, profile.file, folder.path) for name in names},
                environment={**environment, **_variables(profile, folder.path, pid)},
                seconds_max=seconds_max,
                started=started,
            )
        finally:
            folder.clear()


def _catch_up(folder: RunFolder, account: str) -> None:
    """Has the journal of a run that was killed, or refused as it started, made whole; in a process of its own, since
    Arrow is large and we stay."""
    if folder.is_whole():
        return
    words = (sys.executable, "-m", "kitev3.journal.catch_up", str(folder.path), account)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines() or ["no word"]
    what = "is not whole, and its tapes are kept" if done.returncode else "did not end whole"
    print(f"kitev3: the last run here {what}: {said[-1]}", file=sys.stderr)


def _check_trading(profile: Profile, names: tuple[str, ...]) -> None:
    """Where orders are decided on: a day without a market, of which each would be refused, does not begin."""
    assert profile.start is not None
    today, dates = market_date(profile.start), read(profile.calendar)
    decides = any(contract.worker in names for name in names for contract in said_by(name) if contract.worker)
    if decides and not any(dates.trades(today, segment) for segment in SEGMENTS):
        raise ConfigError(f"{profile.file}: start: no market on {today}, as far as the calendar knows: no order passes")


def _check_day(folder: RunFolder, names: tuple[str, ...], today: str) -> None:
    """A market of ours has one day: what it was asked on another is not asked of it again, nor does any of it carry."""
    for name in markets(names):
        for session in folder.sessions(name):
            if session != today:
                raise ConfigError(
                    f"{folder.path}: holds {name}'s session of {session}, and this one is of {today}: "
                    "start a new run folder, or say fresh = true"
                )


def _check_tapes(folder: RunFolder, names: tuple[str, ...]) -> None:
    """A tape that was taken away would begin its numbers anew, and who heard them once takes them for old ones."""
    for name in names:
        if folder.was_hashed(name) and not folder.sessions(name):
            raise ConfigError(
                f"{folder.path}: the tape of {name} is gone, and others have heard from it: "
                f"put tape/{name} back, start a new run folder, or say fresh = true"
            )


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES_MIN:
        raise ConfigError(
            f"{folder}: {free / 1e6:,.0f} MB are free, a run needs {DISK_BYTES_MIN / 1e6:,.0f} MB to begin"
        )


def _on_its_day(profile: Profile) -> Profile:
    """The profile with a start: its own; of a real day that day's 09:15; of a real market now.

    A market's file is read once to its end, here, since a day with a bad line must not begin; its path becomes whole,
    since a service may run elsewhere.
    """
    if profile.market in PATHLESS:
        return dataclasses.replace(profile, start=profile.start or datetime.now(UTC))
    try:
        path = Path(profile.market).expanduser().resolve()
    except RuntimeError as error:  # a user without a home, or a name that nobody has
        raise ConfigError(f"market: {profile.market}: {error}") from None
    opened_ns = session_open_ns(read_market(path).session)
    return dataclasses.replace(profile, market=str(path), start=datetime.fromtimestamp(opened_ns // NS, IST))


def _exchange(address: str) -> str:
    """The local exchange's address with a port that is free now: the one asked for, or any."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(f"exchange: {address!r} is no address of the form 127.0.0.1:8787")
    try:
        family = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: TIME_WAIT is no obstacle
            probe.bind((host.strip("[]"), int(port)))
            return f"{host}:{probe.getsockname()[1]}"
    except OSError as error:
        raise ConfigError(f"exchange: cannot listen on {address}: {error.strerror}") from None


def _run(profile: Profile, folder: RunFolder, names: tuple[str, ...], pid: int, started: datetime) -> Run:
    return Run(
        profile=profile.name,
        mode=profile.mode,
        account=profile.account_id,
        session=market_date(profile.start or started),
        speed=profile.speed,
        pid=pid,
        started=started.isoformat(timespec="milliseconds"),
        exchange=profile.exchange if markets(names) else "",
        sockets=str(folder.sockets),
        services=names,
    )


def _command(service: str, profile: Path, run_dir: Path) -> tuple[str, ...]:
    config = str(profile.resolve())
    return (sys.executable, "-m", "kitev3.runtime.process", service, "--config", config, "--run-dir", str(run_dir))


def _variables(profile: Profile, run_dir: Path, pid: int) -> dict[str, str]:
    """What the command line and this page have settled, for the processes to read as they read any setting."""
    assert profile.start is not None
    settled = {
        "RUN_DIR": str(run_dir),
        "PARENT": str(pid),
        "MARKET": profile.market,
        "SEED": str(profile.seed),
        "SPEED": repr(profile.speed),
        "START": profile.start.isoformat(),
        "EXCHANGE": profile.exchange,
    }
    return {PREFIX + key: value for key, value in settled.items()}
