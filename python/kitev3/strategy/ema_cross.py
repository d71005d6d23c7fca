"""Moving-average crossover, the example that everybody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kitev3._core import Bar
from kitev3.contracts import Side
from kitev3.strategy.base import Indicator, Strategy, View, indicator, through
from kitev3.strategy.decision import Decision


class EmaCross(Strategy):
    """Long while the fast mean is above the slow one, short while it is below.

    It goes by its own last crossing, not by fills, so one day gives one list of signals. A position with which it
    begins anew it leaves at the first crossing against it, and adds nothing to it before.
    """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Params:
        """Periods in bars, size in lots, how far through the other side's best to price.

        ``band_bp`` is the lead, in hundredths of a percent of price, that a mean must gain before it counts as above or
        below the other; without one every touch of two near means is a trade.
        """

        fast: int = 5
        slow: int = 13
        band_bp: float = 0.0
        lots: int = 1
        through_ticks: int = 5
        product: str = "MIS"

        def __post_init__(self) -> None:
            if not 0 < self.fast < self.slow:
                raise ValueError(f"fast must be above 0 and below slow, not {self.fast} and {self.slow}")
            if self.lots <= 0 or self.band_bp < 0:
                raise ValueError(f"lots must be above 0 and band_bp not below, not {self.lots} and {self.band_bp}")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.above: bool | None = None  # unknown until both means are warm, so that the first warm bar never trades
        self.entered = False

    def indicators(self) -> Mapping[str, Indicator]:
        """The two means, of the bars' closes."""
        return {"fast": indicator("ema", period=self.params.fast), "slow": indicator("ema", period=self.params.slow)}

    def on_bar(self, bar: Bar, view: View) -> Iterator[Decision]:
        """Turn on a crossing: leave the old side, take the new one."""
        if bar.short or not view.warm:
            return
        fast, slow = view.value("fast"), view.value("slow")
        before = self.above
        if before is not None and abs(fast - slow) * 10_000 < self.params.band_bp * slow:
            return  # too near to call: the side stays as it was
        above = self.above = fast > slow
        if before is None or above == before:
            return
        side: Side = "BUY" if above else "SELL"
        held = view.position if not self.entered else 0
        if self.entered or (held < 0 if side == "BUY" else held > 0):
            yield self._decide(view, side, "exit", fast, slow, abs(held))
        is_there = held > 0 if side == "BUY" else held < 0
        if not is_there:
            self.entered = True
            yield self._decide(view, side, "enter", fast, slow)

    def _decide(self, view: View, side: Side, intent: str, fast: float, slow: float, held: int = 0) -> Decision:
        return Decision(
            action=side,
            intent="exit" if intent == "exit" else "enter",
            quantity=held or self.params.lots * view.instrument.lot_size,
            price_e4=through(view, side, self.params.through_ticks),
            product=self.params.product,
            confidence=min(1.0, abs(fast - slow) / slow * 1_000) if slow else 0.0,
            reason=f"fast mean crossed {'above' if side == 'BUY' else 'below'} slow",
        )
