"""The halt latch of one broker account: one mapped word that kill and a trip lower and only arm raises.

It is a file in the account's folder, mapped by every process that must obey it: reading it costs one memory access, so
the gate reads it at each verdict and execution right before the first byte. A store into the mapping is seen by all
processes at once and outlives a kill -9 of any of them; `lower` and `raise_to_active` also sync it, so that it outlives
a power cut.

The word is 8 bytes: ``may_trade u8, may_enter u8, held u8, unused u8, lowered u32`` (little-endian). A file of zeros,
the first start, says HALTED. Permissions are two bytes that lowering only ever clears, so that two processes lowering
at once, in any interleaving and without a lock that a stopped process could hold, never raise anything. ``held`` is set
by a kill, a trip and a lost part: then a person alone raises the latch, and no profile.
"""

from __future__ import annotations

import mmap
import os
import struct
from enum import IntEnum
from pathlib import Path

from kitev3.contracts import LatchRead
from kitev3.errors import Refused
from kitev3.system.private import private_folder

WORD_BYTES = 8
_MAY_TRADE, _MAY_ENTER, _HELD, _LOWERED = 0, 1, 2, 4


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

    @property
    def held(self) -> bool:
        """Whether somebody lowered it, so that it waits for a person."""
        return bool(self._word[_HELD])

    def lower(self, state: LatchState, *, held: bool = True) -> LatchState:
        """Lowers the latch to *state*, never raises it; what it says afterwards. *held* is false for what is no alarm,
        as a new day is none: then it stays as it was."""
        assert state is not LatchState.ACTIVE, "only arm raises the latch"
        self._clear(state, held)
        struct.pack_into("<I", self._word, _LOWERED, (self._lowered() + 1) & 0xFFFF_FFFF)
        self._clear(state, held)  # an arm that stored between the lines above, and checked too early, is undone here
        self._word.flush()
        return self.read()

    def raise_to_active(self, *, over_held: bool = True) -> None:
        """Lets entries pass: the deed of a person's arm; or of a profile on the local exchange, never *over_held*.

        Raises:
            Refused: somebody lowered the latch, before or in the same moment; it stays low.
        """
        seen = self._lowered()
        if self.held and not over_held:
            raise Refused(
                "not armed: the account was halted by a kill, a trip or a lost part; look why, then `kitev3 arm`"
            )
        self._word[_MAY_TRADE] = 1
        self._word[_MAY_ENTER] = 1
        self._word[_HELD] = 0
        if self._lowered() != seen:
            self._clear(LatchState.HALTED, held=True)
            self._word.flush()
            raise Refused("the latch was lowered while it was being raised: it stays HALTED; look why, then arm again")
        self._word.flush()

    def close(self) -> None:
        """Unmaps the word; the file stays."""
        self._word.close()

    def _clear(self, state: LatchState, held: bool) -> None:
        if held:
            self._word[_HELD] = 1
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
