"""The halt: drawn at the market's steps, and over in market time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kitev3.services.kitesim.faults.board import Board
from kitev3.services.kitesim.faults.controls import Controls
from kitev3.services.kitesim.faults.fault import Fault, Happening, Happens, Milliseconds, says

MS_NS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Halt(Fault):
    NAME: ClassVar[str] = "halt"
    SEES: ClassVar[str] = (
        "The market stands: no ticks, no trades, new orders are REJECTED and none is modified. Cancelling works."
    )
    TO: ClassVar[frozenset[Happens]] = frozenset({"cut"})

    ms: Milliseconds = says(0, "market time; 0: as long as the fault is on")
    message: str = says("17071 : The Market is Closed", "with which orders are rejected")


class Halts:
    """Halts the market at its steps and lets it go on. Told of each step before it is made."""

    def __init__(self, board: Board, controls: Controls) -> None:
        self.board, self.controls = board, controls
        self.now: tuple[Halt, int] | None = None  # and when it began

    def __call__(self, cut_ns: int) -> None:
        if self.now is not None:
            halt, begun_ns = self.now
            if (halt.ms == 0 and self.board.on(halt)) or cut_ns < begun_ns + halt.ms * MS_NS:
                return
            self.now = None
            self.controls.halt(None)
        for fault in self.board.drawn(Happening(kind="cut")):
            assert isinstance(fault, Halt)
            if self.now is None:
                self.now = (fault, cut_ns)
                self.controls.halt(fault.message)
