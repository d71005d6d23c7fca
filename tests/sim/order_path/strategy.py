"""A strategy that wishes at random: enters, and exits, cancels or modifies what it entered, by what execution
told it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from sim.order_path.fold import fold_strategy
from sim.order_path.records import Boot, Closed, Fill, Id, Payload, Signal
from sim.order_path.tape import In, Out

if TYPE_CHECKING:
    from sim.order_path.world import World

ENTRY_LIVES = 5_000
EXIT_LIVES = 30_000


class Wish(NamedTuple):
    """What chance would have it want. *draw* picks the intent that it is about."""

    kind: Literal["enter", "exit", "cancel", "modify"]
    target: Id | None  # what it is about; otherwise *draw* picks one
    draw: int
    symbol: int
    side: int
    quantity: int
    protect: Literal["", "stop", "gtt"]
    has_target: bool
    wall: int


class Strategy:
    """Keeps what it holds of each of its intents, from execution's fills alone."""

    def __init__(self, world: World) -> None:
        self.epoch = 0
        self.boot = 0
        self.said = 0
        self.held: dict[Id, int] = {}
        self.entered: dict[Id, Signal] = {}
        self.trades: set[int] = set()

    def fold(self, outs: Sequence[Out]) -> None:
        fold_strategy(self, [out.payload for out in outs])

    def hear(self, record: In) -> list[Payload]:
        payload = record.payload
        kind = type(payload)
        if kind is Wish:
            return self._wish(payload, record.mono)
        if kind is Fill:
            if payload.trade_id not in self.trades and payload.intent in self.held:
                self.trades.add(payload.trade_id)
                self.held[payload.intent] += payload.quantity if payload.is_entry else -payload.quantity
        elif kind is Closed:
            if not self.held.get(payload.intent, 1):
                self.entered.pop(payload.intent, None)
        elif kind is Boot:
            self.epoch, self.boot = payload.epoch, payload.boot
        return []

    def _wish(self, wish: Wish, mono: int) -> list[Payload]:
        number = (self.epoch, self.said + 1)
        if wish.kind == "enter":
            signal = Signal(
                number,
                "enter",
                number,
                1 + (wish.side < 0),
                wish.symbol,
                wish.side,
                wish.quantity,
                wish.protect,
                wish.has_target,
                self.boot,
                mono + ENTRY_LIVES,
                wish.wall + ENTRY_LIVES,
                0,
            )
            self.entered[number] = signal
            self.held[number] = 0
        else:
            known = list(self.entered)
            if not known:
                return []
            of = self.entered.get(wish.target or (0, 0)) or self.entered[known[wish.draw % len(known)]]
            lives = EXIT_LIVES if wish.kind == "exit" else ENTRY_LIVES
            signal = of._replace(
                id=number,
                kind=wish.kind,
                quantity=wish.quantity,
                boot=self.boot,
                deadline=mono + lives,
                deadline_wall=wish.wall + lives,
                held=self.held[of.id],
            )
        self.said += 1
        return [signal]
