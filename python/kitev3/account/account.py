"""What must be true once per broker account, whichever run folder is chosen or deleted.

The account's folder (0700) holds:

    lock    an flock: one execution acts on the account
    epoch   a decimal number, one higher at each start of execution, never lower
    latch   the halt latch (`kitev3.account.latch`)
    tags    the market day and how many order requests left on it

For kitesim the folder lies inside the run folder, since that exchange lives and dies with the run; for a broker it
lies in the user's state folder.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from kitev3.account.latch import Latch, LatchState
from kitev3.errors import ConfigError
from kitev3.system.private import private_folder

__all__ = ["Account", "Latch", "LatchState", "account_folder", "account_folder_of"]

EPOCH_MAX = 36**3 - 1  # three base-36 digits of a tag
_DAY = struct.Struct("<II")  # market day as a proleptic ordinal, requests that left on it


def account_folder(broker: str, user_id: str, run_dir: Path, environment: Mapping[str, str]) -> Path:
    """Where the account's folder lies: in the run folder for kitesim, else in the user's state folder."""
    if broker == "kitesim":
        return run_dir / "account"
    home, state = environment.get("HOME"), environment.get("XDG_STATE_HOME")
    if not home and not state:
        raise ConfigError("environment: HOME: not set, nor XDG_STATE_HOME: the account's latch must have a place")
    state = state or str(Path(str(home)) / ".local" / "state")
    return Path(state) / "kitev3" / f"{broker}-{user_id}"


def account_folder_of(account: str, run_dir: Path) -> Path:
    """The folder of ``<broker>-<user id>``, as a service's context names its account."""
    broker, _, user_id = account.partition("-")
    return account_folder(broker, user_id, run_dir, os.environ)


class Account:
    """The right to act on one broker account, held by at most one process at a time.

    Opening takes the lock and raises the epoch, synced. Others only read or lower the latch: they open `Latch`.

    Raises:
        ConfigError: another execution holds the account, or the folder is not ours alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        private_folder(folder)
        self._lock = _locked(folder)
        try:
            self.latch = Latch(folder)
            self._day = _mapped(folder / "tags", _DAY.size)
            self.epoch = self._next_epoch()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Account:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the account free. Closing twice is allowed."""
        if self._lock >= 0:
            self._day.close()
            self.latch.close()
            os.close(self._lock)
            self._lock = -1

    def begin_day(self, day: dt.date) -> bool:
        """Notes the market day. A day that is not the noted one boots HALTED, with no requests counted; true then."""
        noted, _ = _DAY.unpack_from(self._day)
        if noted == day.toordinal():
            return False
        self.latch.lower(LatchState.HALTED, held=False)
        _DAY.pack_into(self._day, 0, day.toordinal(), 0)
        self._day.flush()
        return True

    def count_request(self) -> int:
        """Counts an order request that is about to leave; how many that makes today."""
        day, count = _DAY.unpack_from(self._day)
        _DAY.pack_into(self._day, 0, day, count + 1)
        return int(count) + 1

    @property
    def requests_today(self) -> int:
        """Order requests that have left on the noted market day, restarts included."""
        return int(_DAY.unpack_from(self._day)[1])

    def raise_epoch_above(self, epoch: int) -> int:
        """Raises the epoch above one that was seen in our own tags at the broker; the epoch from now on."""
        if epoch >= self.epoch:
            self.epoch = self._write_epoch(epoch + 1)
        return self.epoch

    def _next_epoch(self) -> int:
        path = self.folder / "epoch"
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            text = "0"
        if not text.strip().isdecimal():
            raise ConfigError(
                f"{path} does not hold a number; tags would repeat: restore it, or write the highest epoch used"
            )
        return self._write_epoch(int(text) + 1)

    def _write_epoch(self, epoch: int) -> int:
        if epoch > EPOCH_MAX:
            raise ConfigError(f"{self.folder}: epoch {epoch} does not fit a tag, {EPOCH_MAX} is the last")
        path = self.folder / "epoch"
        new = path.with_suffix(".new")
        with open(new, "w", encoding="ascii") as file:
            file.write(f"{epoch}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        _sync_folder(self.folder)
        return epoch


def _locked(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigError(
            f"{folder} is held by another execution: one process acts on an account; stop that one first"
        ) from None
    return descriptor


def _mapped(path: Path, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
