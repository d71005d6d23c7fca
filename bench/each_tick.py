"""A strategy that wants an order at each tick: it decides nothing, so that what is measured is the way."""

from __future__ import annotations

from collections.abc import Iterable

from kitev3._core import Tick
from kitev3.contracts import Action
from kitev3.strategy import Decision, Strategy, View


class EachTick(Strategy):
    """Buys one and sells one in turn, at the last price."""

    buys = True

    def on_tick(self, tick: Tick, view: View) -> Iterable[Decision]:
        self.buys = not self.buys
        action: Action = "BUY" if self.buys else "SELL"
        return (Decision(action=action, intent="enter", quantity=1, reason="a tick", price_e4=tick.last_price_e4),)
