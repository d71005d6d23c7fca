"""The halt latch of one broker account: one mapped word that kill and a trip lower and only arm raises.

It is a file in the account's folder, mapped by every process that must obey it: reading it costs one memory access, so
the gate reads it at each verdict and execution right before the first byte. A store into the mapping is seen by all
processes at once and outlives a kill -9 of any of them; `lower` and `raise_to_active` also sync it, so that it outlives
a power cut.

The word is 8 bytes: ``may_trade u8, may_enter u8, u16 unused, lowered u32`` (little-endian). A file of zeros, the
first start, says HALTED. Permissions are two bytes that lowering only ever clears, so that two processes lowering
at once, in any interleaving and without a lock that a stopped process could hold, never raise anything.
"""

from __future__ import annotations

import mmap
import os
import struct
from enum import IntEnum
from pathlib import Path

from kitev3.contracts import LatchRead
from kitev3.errors import ConfigError, Refused

WORD_BYTES = 8
_MAY_TRADE, _MAY_ENTER, _LOWERED = 0, 1, 4


class LatchState(IntEnum):
    """What may leave for the broker. Cancels always may."""

    HALTED = 0
    """Nothing but cancels."""
    REDUCING = 1
    """Exits as well."""
    ACTIVE = 2
    """Everything that the gate passes."""


class Latch:
    """The latch in *folder*; made, HALTED, when there is none yet.

    Any number of processes may open it; no lock is needed to read, to lower or to arm.
    """

    def __init__(self, folder: Path) -> None:
        private_folder(folder)
        descriptor = os.open(folder / "latch", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(descriptor).st_size < WORD_BYTES:
                os.ftruncate(descriptor, WORD_BYTES)
                os.fsync(descriptor)
            self._word = mmap.mmap(descriptor, WORD_BYTES)
        finally:
            os.close(descriptor)

    def read(self) -> LatchState:
        """The state now."""
        word = self._word
        if not word[_MAY_TRADE]:
            return LatchState.HALTED
        return LatchState.ACTIVE if word[_MAY_ENTER] else LatchState.REDUCING

    def permissions(self) -> memoryview:
        """The two permissions as they lie there: what is cheapest to compare."""
        return memoryview(self._word)[_MAY_TRADE : _MAY_ENTER + 1]

    def lower(self, state: LatchState) -> LatchState:
        """Lowers the latch to *state*, never raises it; what it says afterwards."""
        assert state is not LatchState.ACTIVE, "only arm raises the latch"
        self._clear(state)
        struct.pack_into("<I", self._word, _LOWERED, (self._lowered() + 1) & 0xFFFF_FFFF)
        self._clear(state)  # an arm that stored between the two lines above, and checked too early, is undone here
        self._word.flush()
        return self.read()

    def raise_to_active(self) -> None:
        """Lets entries pass: the deed of a person's arm, or of a profile on the local exchange.

        Raises:
            Refused: somebody lowered the latch in the same moment; it stays low.
        """
        seen = self._lowered()
        self._word[_MAY_TRADE] = 1
        self._word[_MAY_ENTER] = 1
        if self._lowered() != seen:
            self._clear(LatchState.HALTED)
            self._word.flush()
            raise Refused("the latch was lowered while it was being raised: it stays HALTED; look why, then arm again")
        self._word.flush()

    def close(self) -> None:
        """Unmaps the word; the file stays."""
        self._word.close()

    def _clear(self, state: LatchState) -> None:
        self._word[_MAY_ENTER] = 0
        if state is LatchState.HALTED:
            self._word[_MAY_TRADE] = 0

    def _lowered(self) -> int:
        count: int = struct.unpack_from("<I", self._word, _LOWERED)[0]
        return count


class LatchWatch:
    """The latch as a payload when it is not what it last was, or was never read."""

    def __init__(self, folder: Path) -> None:
        self._latch = Latch(folder)
        self.word = self._latch.permissions()
        self._raw = b""
        self._last: LatchState | None = None

    def __call__(self) -> LatchRead | None:
        raw = bytes(self.word)
        if raw == self._raw:
            return None
        self._raw, state = raw, self._latch.read()
        if state is self._last:
            return None
        self._last = state
        return LatchRead(state.name)  # type: ignore[arg-type]


def private_folder(folder: Path) -> None:
    """Makes an account's folder, or takes the one that is there if it is ours, and closes it to everyone else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.stat()
    if owner.st_uid != os.geteuid():
        raise ConfigError(f"{folder} belongs to user {owner.st_uid}: the account's folder must be ours")
    if owner.st_mode & 0o077:
        folder.chmod(0o700)
