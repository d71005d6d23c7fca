"""What a user writes: a strategy sees one instrument and decides.

One object stands for one strategy on one instrument, so its attributes are that instrument's state.
It takes no clock, no file and no socket: the same ticks and bars give the same decisions, live and in a backtest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from kitev3._core import Bar, Tick
from kitev3.contracts import Blocked, Fill, Instrument, Reject, Side
from kitev3.strategy.decision import Decision


@dataclass(frozen=True, slots=True)
class Indicator:
    """A declared indicator: its kind (``ema``, ``rsi``, ``atr`` …) and its parameters."""

    kind: str
    params: Mapping[str, float] = field(default_factory=dict)


def indicator(kind: str, **params: float) -> Indicator:
    """``indicator("ema", period=5)``: the kinds and parameters are those of ``kitev3._core``'s indicators."""
    return Indicator(kind, params)


class View(Protocol):
    """The instrument as it stands at the event: what a strategy may look at."""

    @property
    def instrument(self) -> Instrument:
        """Its row of today's instruments file."""

    @property
    def last_e4(self) -> int:
        """Last price."""

    @property
    def bid_e4(self) -> int:
        """Best buy price; 0 when there is none."""

    @property
    def ask_e4(self) -> int:
        """Best sell price; 0 when there is none."""

    @property
    def position(self) -> int:
        """What this strategy holds of the instrument, below zero when short: its own fills summed, by no other's."""

    def value(self, name: str) -> float:
        """A declared indicator's value; NaN until it is warm."""

    @property
    def warm(self) -> bool:
        """Every declared indicator has seen enough."""


Wanted: TypeAlias = Decision | Iterable[Decision | None] | None
"""What a callback may answer: nothing, one decision, or any number of them."""


class Strategy:
    """Subclass it, give it ``Params``, declare indicators, and answer what it hears with decisions.

    Every method is optional. ``indicators`` are fed by bars of the strategy's period, or by ticks if it has none.
    """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Params:
        """Typed parameters with defaults; a profile states only what differs."""

    params: Any
    wants_hold: ClassVar[bool] = False
    """Whether HOLD decisions are said. They are for looking at; the gate passes none on."""
    wants_gapped: ClassVar[bool] = False
    """Whether bars that lack ticks are heard, and taken by the indicators; a signal made on one says so. Otherwise the
    indicators warm up anew after one."""

    def __init__(self, params: Any) -> None:
        self.params = params

    def indicators(self) -> Mapping[str, Indicator]:
        """Name to declared indicator."""
        return {}

    def on_tick(self, tick: Tick, view: View) -> Wanted:
        """A tick of the instrument, never a flagged one."""

    def on_bar(self, bar: Bar, view: View) -> Wanted:
        """A closed bar of the strategy's period; the indicators have taken it. ``gapped`` ones only if wanted."""

    def on_fill(self, fill: Fill, view: View) -> Wanted:
        """A trade of an order that this strategy asked for."""

    def on_blocked(self, blocked: Blocked, view: View) -> Wanted:
        """The gate refused what this strategy wanted: ``blocked.signal``, by ``blocked.verdict.rule`` and ``.why``."""

    def on_reject(self, reject: Reject, view: View) -> Wanted:
        """What this strategy wanted was passed by the gate and is no order: refused by the broker, or never sent.

        Or no order any more, with ``reject.order_id``: rejected after all, or cancelled, though not by this strategy.
        """


def through(view: View, side: Side, ticks: int) -> int:
    """A limit price that trades at once: *ticks* beyond the other side's best, on the grid and inside the day's band.

    Without a quoted side it starts from the last price.
    """
    row = view.instrument
    step = max(row.tick_size_e4, 1)
    if side == "BUY":
        price = (view.ask_e4 or view.last_e4) + ticks * step
        price = -(-price // step) * step
        return min(price, row.upper_circuit_e4 // step * step) if row.upper_circuit_e4 else price
    price = (view.bid_e4 or view.last_e4) - ticks * step
    price = price // step * step
    return max(price, -(-row.lower_circuit_e4 // step) * step) if row.lower_circuit_e4 else max(price, step)
