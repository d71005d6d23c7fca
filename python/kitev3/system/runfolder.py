"""The run folder: all that a run leaves on the disk, and the sockets' folder that belongs to it.

    run.json      while `kitev3 up` runs: profile, mode, pid, start, the exchange's address, the sockets' folder
    tape/ journal/ log/ account/ instruments/
    token         the access token, mode 0400
    summary.json  of the last run that ended
    old/<n>/      what earlier runs left, where a profile starts afresh each time
    .kitev3       our mark: a folder in which anything lies without it is somebody's, and is left alone

All of it has mode 0700 or 0600, whatever the umask.

The sockets lie elsewhere, in a folder of mode 0700 with a short name, because a socket's path ends at 107 bytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from kitev3.account.latch import Latch
from kitev3.errors import ConfigError
from kitev3.system.private import private_folder, write_whole

SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un.sun_path, less its closing zero
OLD_RUNS_MAX = 5
LOCK_TRIES_MAX = 5
MARK = ".kitev3"
_MARK_TEXT = b"A run folder of kitev3: what an earlier run left here goes to old/, and in time is deleted.\n"
_NOBODYS = {"lost+found"}
_MOVED = ("tape", "journal", "journal-chain", "log", "account", "summary.json")
_SOCKETS = ("pub", "pull", "router")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """``run.json``: what runs here."""

    profile: str
    mode: str
    account: str  # <broker>-<user id>
    session: str  # market date YYYY-MM-DD
    speed: float  # market seconds in a second
    pid: int  # of `kitev3 up`
    started: str  # ISO 8601, wall time
    exchange: str  # kitesim's address host:port; empty without one
    sockets: str  # the folder of the ipc sockets
    services: tuple[str, ...]  # that run, in the order of their start


class _Ended(msgspec.Struct):
    """What is read of a summary."""

    complete: bool = False


class RunFolder:
    """The paths of one run folder."""

    def __init__(self, path: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.path = path
        self.sockets = sockets_folder(path, environment)

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    def log(self, service: str) -> Path:
        return self.path / "log" / f"{service}.jsonl"

    def errors(self, service: str) -> Path:
        """What a service wrote to its stderr: the last words of one that could not log them."""
        return self.path / "log" / f"{service}.stderr"

    def endpoint(self, name: str, kind: str) -> str:
        """The ipc address of a service's socket; *kind* is pub, pull or router."""
        return f"ipc://{self.sockets / name}.{kind}"

    def bound(self) -> set[str]:
        """The services that have a socket here to be asked at, alive or not."""
        return {path.stem for path in self.sockets.glob("*.router")}

    def check_sockets(self, names: Iterable[str]) -> None:
        """ConfigError when a socket's path would not fit into what the kernel takes."""
        for name in names:
            for kind in _SOCKETS:
                path = os.fsencode(self.sockets / f"{name}.{kind}")
                if len(path) > SOCKET_PATH_BYTES_MAX:
                    raise ConfigError(
                        f"the socket {os.fsdecode(path)} has {len(path)} bytes, a path of at most "
                        f"{SOCKET_PATH_BYTES_MAX} is possible: set XDG_RUNTIME_DIR to a shorter folder"
                    )

    def claim(self) -> None:
        """Makes the folder ours: made where there is none, marked where it is empty, closed to everyone else.

        ConfigError when anything lies there without our mark: it is somebody's, and a run would put it aside.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark = self.path / MARK
            lies = {name for name in os.listdir(self.path) if not name.startswith(f".{MARK}.")} - _NOBODYS
            # Looked for after the listing: who claims it at the same moment marks it before he makes anything else.
            if not mark.exists():
                if lies:
                    raise ConfigError(f"{self.path}: something lies here and it is no run folder: choose an empty one")
                private_folder(self.path.resolve())
                write_whole(mark, _MARK_TEXT)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be a run folder: {error.strerror}") from None
        private_folder(self.path.resolve())

    def make(self) -> None:
        """The folders that every run needs; those that are there are taken, and closed to everyone else."""
        self.claim()
        for name in ("tape", "journal", "log", "instruments"):
            private_folder(self.path / name)
        private_folder(self.sockets, mend=False)

    @contextmanager
    def held(self) -> Iterator[None]:
        """One `kitev3 up` a folder. The lock lies on the folder itself and ends with the process, leaving nothing."""
        self.claim()
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not _locked(handle):
                raise ConfigError(f"{self.path}: a system runs here already: `kitev3 down` ends it")
            yield
        finally:
            os.close(handle)

    def is_held(self) -> bool:
        """Whether a `kitev3 up` runs here."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def write_run(self, run: Run) -> None:
        """Writes ``run.json`` whole or not at all."""
        write_whole(self.run_file, msgspec.json.format(msgspec.json.encode(run)) + b"\n")

    def read_run(self) -> Run:
        """What runs here. ConfigError, in one line, when nothing does."""
        try:
            return msgspec.json.decode(self.run_file.read_bytes(), type=Run)
        except (OSError, msgspec.DecodeError):
            raise ConfigError(f"nothing runs in {self.path}: `kitev3 up` starts a system") from None

    def running(self) -> Run:
        """What runs here and is alive; a ``run.json`` that a killed `kitev3 up` left is none."""
        run = self.read_run()
        if not self.is_held():
            raise ConfigError(f"nothing runs in {self.path}: pid {run.pid} has ended without a word")
        return run

    def is_whole(self) -> bool:
        """Whether nothing ran here since a summary said that every message of the day is in the journal: a run that was
        killed has none, or an older one, and one without its journal says no.
        """
        tapes = [path.stat().st_mtime_ns for path in (self.path / "tape").glob("*/*.tape")]
        if not tapes:
            return True
        try:
            complete = msgspec.json.decode(self.summary.read_bytes(), type=_Ended).complete
            return complete and self.summary.stat().st_mtime_ns >= max(tapes)
        except (OSError, msgspec.DecodeError):
            return False

    def sessions(self, service: str) -> list[str]:
        """The market dates of which a service has a tape here, oldest first."""
        return sorted({path.name.partition(".")[0] for path in (self.path / "tape" / service).glob("*.tape")})

    def was_hashed(self, service: str) -> bool:
        """Whether the journal has had a tape of a service here."""
        return (self.path / "journal-chain" / service).is_dir()

    def rotate(self) -> Path | None:
        """Moves what an earlier run left to ``old/<n>/``, keeping the newest five; where to, if there was anything.

        A latch that somebody lowered stays: putting a run aside arms nothing.
        """
        left = [self.path / name for name in _MOVED if (self.path / name).exists()]
        account = self.path / "account"
        if account.is_dir() and _is_held(account):
            left.remove(account)
            left += [path for path in account.iterdir() if path.name != "latch"]
        if not any(path.is_file() or any(path.iterdir()) for path in left):
            return None
        old = self.path / "old"
        private_folder(old)
        numbers = sorted(int(p.name) for p in old.iterdir() if re.fullmatch(r"[0-9]{1,9}", p.name))
        target = old / str(numbers[-1] + 1 if numbers else 1)
        for path in left:
            to = target / path.relative_to(self.path)
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.rename(to)
        for number in numbers[: max(0, len(numbers) + 1 - OLD_RUNS_MAX)]:
            shutil.rmtree(old / str(number))
        return target

    def clear(self) -> None:
        """Removes what may not outlive a run: ``run.json`` and the sockets. Only for the one who holds the folder."""
        self.run_file.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def leave(self, service: str) -> None:
        """A service ends: its sockets go, since closing them leaves their files. When its `kitev3 up` was killed, all.

        Its other services are then ending too, and an open socket does not need its name.
        """
        for kind in _SOCKETS:
            (self.sockets / f"{service}.{kind}").unlink(missing_ok=True)
        if self._is_forsaken():
            self.clear()
        with contextlib.suppress(OSError):  # it is gone already, or other services still have theirs there
            self.sockets.rmdir()

    def _is_forsaken(self) -> bool:
        """Whether the `kitev3 up` of this run is dead, or dying: a killed process's threads end one by one, and its
        lock with the last, while its services hear of it with the first."""
        try:
            run = self.read_run()
        except ConfigError:
            return False  # none was there, or another service has cleared up
        return not self.is_held() or _is_dead(run.pid)


def _is_held(account: Path) -> bool:
    latch = Latch(account)
    try:
        return latch.held
    finally:
        latch.close()


def _is_dead(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def _locked(handle: int) -> bool:
    """Takes the lock; a glance of `is_held` elsewhere, a few microseconds long, does not keep us from it."""
    for _ in range(LOCK_TRIES_MAX):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def sockets_folder(run_dir: Path, environment: Mapping[str, str]) -> Path:
    """The folder of a run folder's sockets: ``kitev3-<8 hex>`` where sockets of this user belong."""
    base = environment.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    digest = hashlib.sha256(os.fsencode(run_dir.resolve())).hexdigest()
    return Path(base) / f"kitev3-{digest[:8]}"


def default_run_dir(profile: str, environment: Mapping[str, str]) -> Path:
    """``run/<profile>``, unless KITEV3_RUN_DIR says otherwise."""
    return Path(environment.get("KITEV3_RUN_DIR") or Path("run") / profile)
