"""Faults of postbacks: an update that is posted twice, or never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from kitev3.services.kitesim.faults.board import Board
from kitev3.services.kitesim.faults.fault import Fault, Happening, Happens


@dataclass(frozen=True, kw_only=True)
class PostbackFault(Fault):
    """Happens to an update on its way to an application's own address."""

    TO: ClassVar[frozenset[Happens]] = frozenset({"postback"})
    TIMES: ClassVar[int] = 1
    """How often it is posted in place of once."""


@dataclass(frozen=True, kw_only=True)
class PostbackDuplicate(PostbackFault):
    NAME: ClassVar[str] = "postback_duplicate"
    SEES: ClassVar[str] = "The same postback twice."
    TIMES: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class PostbackLost(PostbackFault):
    NAME: ClassVar[str] = "postback_lost"
    SEES: ClassVar[str] = "The postback never comes."
    TIMES: ClassVar[int] = 0


class PostedTimes:
    """How often an update is posted, by the faults that happen to it."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def __call__(self, data: dict[str, Any]) -> int:
        times = 1
        update = Happening(kind="postback", tag=data["tag"] or "", order=data["order_id"], symbol=data["tradingsymbol"])
        for fault in self.board.drawn(update):
            assert isinstance(fault, PostbackFault)
            times *= fault.TIMES
        return times
