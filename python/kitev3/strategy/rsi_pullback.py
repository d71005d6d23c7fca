"""Buying the dip of a rise: the trend by a long mean, the dip by the RSI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from kitev3._core import Bar
from kitev3.contracts import Blocked, Reject
from kitev3.strategy.base import Indicator, Strategy, View, indicator, through
from kitev3.strategy.decision import Decision


class RsiPullback(Strategy):
    """Enters when the RSI dips while the price holds above its trend, leaves when the RSI has recovered.

    The RSI of a price that never moved is 0.0, so a dip counts only after the RSI has been up: a move comes first.
    """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Params:
        """Periods in bars, RSI levels 0 to 100, size in lots."""

        rsi: int = 14
        trend: int = 50
        dip: float = 40.0
        recovered: float = 60.0
        lots: int = 1
        through_ticks: int = 5
        product: str = "MIS"

        def __post_init__(self) -> None:
            if not 0.0 < self.dip < self.recovered < 100.0:
                raise ValueError(f"0 < dip < recovered < 100 is asked for, not {self.dip} and {self.recovered}")
            if min(self.rsi, self.trend) < 2 or self.lots <= 0:
                raise ValueError("rsi and trend must be at least 2 bars, lots at least 1")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.moved = False
        self.long: bool | None = (
            None  # of what it holds, until it has decided something of which nobody says that it failed
        )

    def indicators(self) -> Mapping[str, Indicator]:
        """RSI and trend, of the bars' closes."""
        return {"rsi": indicator("rsi", period=self.params.rsi), "trend": indicator("ema", period=self.params.trend)}

    def on_bar(self, bar: Bar, view: View) -> Iterator[Decision]:
        """One decision a bar at most."""
        rsi, trend = view.value("rsi"), view.value("trend")
        if bar.short or isnan(rsi) or isnan(trend):
            return
        if self.long is None:
            self.long = view.position > 0
        if self.long:
            if rsi >= self.params.recovered:
                self.long, self.moved = False, True
                yield self._decide(view, "SELL", "exit", f"RSI {rsi:.1f} has recovered")
        elif self.moved and rsi <= self.params.dip and bar.close_e4 > trend * 10_000:
            self.long, self.moved = True, False
            yield self._decide(view, "BUY", "enter", f"RSI {rsi:.1f} dipped above the trend")
        elif rsi > (self.params.dip + self.params.recovered) / 2:
            self.moved = True

    def on_blocked(self, blocked: Blocked, view: View) -> None:
        """Nothing came of it: what it holds says where it stands."""
        self.long = None

    def on_reject(self, reject: Reject, view: View) -> None:
        self.long = None

    def _decide(self, view: View, side: str, intent: str, reason: str) -> Decision:
        return Decision(
            action="BUY" if side == "BUY" else "SELL",
            intent="enter" if intent == "enter" else "exit",
            quantity=self.params.lots * view.instrument.lot_size,
            price_e4=through(view, "BUY" if side == "BUY" else "SELL", self.params.through_ticks),
            product=self.params.product,
            reason=reason,
        )
