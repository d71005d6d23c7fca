"""Which strategy is asked about which event: in a mapped file, so that a process that dies of user code can say whose.

A strategy may do what no `except` catches: never return, crash the interpreter, end the process. Its event is on the
tape, so a restart would ask it again and die again. What is kept beside the tape says which strategies are not to be
asked again, from which event on: it belongs to the tape, and goes where the tape goes.
"""

from __future__ import annotations

import mmap
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kitev3.events import Event

NAME_BYTES_MAX = 64
_CALL = Struct("<QI64s")  # calls so far, its number within the event, and who is asked now; empty between two calls
_EVENT = Struct("<24sIQ")  # source, epoch, seq
_NAME_AT = 12
_EVENT_AT = _CALL.size
_ENDED_AT = _EVENT_AT + _EVENT.size
_LIVE_AT = _ENDED_AT + 1
_BYTES = _LIVE_AT + 1
_FRAME = re.compile(r'File "([^"\n]+)", line (\d+)')


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that is not asked this time about this event, nor ever after: what it wanted before stands."""

    strategy: str
    source: str
    epoch: int
    seq: int
    number: int  # of the call within the event
    why: str  # with file and line
    is_sure: bool = True  # else the process ended while it was asked, once: anything may have ended it

    def is_at(self, event: Event) -> bool:
        return (event.source, event.epoch, event.seq) == (self.source, self.epoch, self.seq)


def asked(folder: Path) -> str:
    """The strategy whose call goes on, or went on as the process died; empty between two calls."""
    try:
        call = (folder / "in_hand").read_bytes()[: _CALL.size]
    except OSError:
        return ""
    return _name(call) if len(call) == _CALL.size else ""


def _name(call: bytes) -> str:
    name: bytes = _CALL.unpack(call)[2]
    return name.partition(b"\0")[0].decode(errors="replace")


class InHand:
    """The file of one service, and what earlier processes found out."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.trace_file = folder / "stuck.trace"
        self._stuck_file = folder / "stuck.jsonl"
        handle = os.open(folder / "in_hand", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(handle, _BYTES)
        self._map = mmap.mmap(handle, _BYTES)
        os.close(handle)
        self._map[_ENDED_AT] = self._map[_LIVE_AT] = 0
        self.record = memoryview(self._map)[:_ENDED_AT]  # `Callbacks` writes to it, with each call

    # --- while strategies are asked -----------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """This is the event that strategies are asked about now."""
        _EVENT.pack_into(self._map, _EVENT_AT, event.source.encode(), event.epoch, event.seq)

    def ask(self, strategy: str) -> None:
        """This one is asked from now on, the first about its event."""
        calls, _, _ = _CALL.unpack_from(self._map, 0)
        _CALL.pack_into(self._map, 0, calls + 1, 0, strategy.encode())

    def answered(self) -> None:
        self._map[_NAME_AT] = 0
        while self._map[_ENDED_AT]:
            time.sleep(0.001)  # it came too late: the process is being ended, and must say nothing more

    def end(self, call: int, strategy: str) -> bool:
        """Whether this call still goes on. If so it goes on for ever: what is ended may not say anything after that."""
        self._map[_ENDED_AT] = 1
        if self.asked() == (call, strategy):
            return True
        self._map[_ENDED_AT] = 0
        return False

    @property
    def is_live(self) -> bool:
        """Whether the tape has been read, so that what happens now happens for the first time."""
        return bool(self._map[_LIVE_AT])

    def go_live(self) -> None:
        self._map[_LIVE_AT] = 1

    def asked(self) -> tuple[int, str]:
        """The number of the call that goes on now, and the strategy; empty between two calls. From any thread."""
        calls, _, name = _CALL.unpack_from(self._map, 0)
        return calls, name.partition(b"\0")[0].decode(errors="replace")

    def note(self, strategy: str, why: str, is_sure: bool = True) -> None:
        """Keeps that *strategy* is not to be asked again what it is asked now."""
        source, epoch, seq, number = self._in_hand()
        row = Stuck(strategy=strategy, source=source, epoch=epoch, seq=seq, number=number, why=why, is_sure=is_sure)
        handle = os.open(self._stuck_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(handle, msgspec.json.encode(row) + b"\n")
        os.fsync(handle)
        os.close(handle)

    # --- at the start -------------------------------------------------------------------------------------------------

    def look_back(self, file_of: Callable[[str], str]) -> Mapping[str, Stuck]:
        """The strategies that are not to be asked again: strategy -> from where on. To be called once, before the tape
        is read.

        When the last process ended while a strategy was asked, and left a trace, it hung where nothing could interrupt
        it. Without a trace it may have been killed by anything, so only the second time at the same call counts.
        """
        strategy = self.asked()[1]
        place = self._in_hand()
        before = [
            row
            for row in self._noted()
            if row.strategy == strategy and (row.source, row.epoch, row.seq, row.number) == place
        ]
        if strategy and not any(row.is_sure for row in before):
            file = file_of(strategy)
            trace = self.trace_file.read_text(errors="replace") if self.trace_file.exists() else ""
            own = [f"{file}:{line}" for path, line in _FRAME.findall(trace) if path == file]
            if trace:
                self.note(strategy, f"{own[0] if own else file}: did not return, and was ended")
            else:
                self.note(strategy, f"{file}: the process ended twice while it was asked", is_sure=bool(before))
        self.trace_file.unlink(missing_ok=True)
        self._map[_NAME_AT] = 0
        return {row.strategy: row for row in self._noted() if row.is_sure}

    def _in_hand(self) -> tuple[str, int, int, int]:
        source, epoch, seq = _EVENT.unpack_from(self._map, _EVENT_AT)
        _, number, _ = _CALL.unpack_from(self._map, 0)
        return source.rstrip(b"\0").decode(errors="replace"), epoch, seq, number

    def _noted(self) -> list[Stuck]:
        if not self._stuck_file.exists():
            return []
        lines = self._stuck_file.read_bytes().split(b"\n")[:-1]  # what a power cut left of the last is no line
        return [msgspec.json.decode(line, type=Stuck) for line in lines]
