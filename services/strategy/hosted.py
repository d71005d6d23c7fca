"""One strategy on one instrument, and what it may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kitev3._core import IndicatorEngine, InstrumentView, Newest
from kitev3.contracts import DataRange, Instrument, Signal
from kitev3.events import Event
from kitev3.strategy import Decision, Strategy

NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One strategy of the profile: which class, on which instruments, fed by bars of which period."""

    name: str
    use: str
    instruments: tuple[str, ...]
    bars: str = ""  # empty: fed by ticks
    params: Mapping[str, Any] = field(default_factory=dict)


class Hosted(InstrumentView):
    """One strategy on one instrument, and what it may look at: the ``View`` handed to it."""

    def __new__(
        cls, run: Run, strategy: Strategy, row: Instrument, engine: IndicatorEngine | None, newest: Newest, *more: Any
    ) -> Hosted:
        return super().__new__(cls, row.instrument_token, newest, engine, strategy, run.name)

    def __init__(
        self,
        run: Run,
        strategy: Strategy,
        instrument: Instrument,
        engine: IndicatorEngine | None,
        newest: Newest,
        held: Mapping[str, int],
    ) -> None:
        """*held*: what the strategy has of the instrument, by product; it changes with its fills."""
        self.run, self.instrument = run, instrument
        self.engine, self.newest, self.held = engine, newest, held
        self.token = instrument.instrument_token
        self.values = tuple(engine.names) if engine is not None else ()
        # topic -> (epoch, topic_seq) of the first event its state stands on; of bars it is `bars_since`
        self._first: dict[str, tuple[int, int]] = {}
        self._answers, self._answers_ts_ns = 0, 0

    @property
    def position(self) -> int:
        return sum(self.held.values())

    def used(self, event: Event) -> tuple[DataRange, ...]:
        """The range of *event*'s topic that a decision made now stands on."""
        place = (event.epoch, event.topic_seq)
        first = self.bars_since if event.type == "marketdata.ohlc" else self._first.setdefault(event.type, place)
        if first[0] != event.epoch:
            first = self._first[event.type] = place
        return (DataRange(event.source, *first, event.topic_seq, event.type),)

    def answers(self, tick_ts_ns: int) -> int:
        """One more refusal answered with an order: how many since the newest tick came."""
        self._answers = self._answers + 1 if tick_ts_ns == self._answers_ts_ns else 1
        self._answers_ts_ns = tick_ts_ns
        return self._answers

    def forget(self) -> None:
        """What it stood on lacks something: it stands on what comes from now on."""
        self._first.clear()
        self.forget_bars()

    def signal(self, decision: Decision, event: Event, data_ts_ns: int, is_gapped: bool = False) -> Signal:
        """What was decided at *event*, with who, when and from which data, and whether on a bar that lacks ticks."""
        row = self.instrument
        return Signal(
            self.run.name,
            row.exchange,
            row.tradingsymbol,
            self.token,
            decision.action,
            decision.intent,
            decision.quantity,
            decision.order_type,
            decision.price_e4,
            decision.trigger_price_e4,
            decision.product,
            decision.validity,
            decision.confidence,
            deadline_ns=event.mono_ns + int(decision.ttl_s * NS),
            data=self.used(event),
            data_ts_ns=data_ts_ns,
            reason=f"on a gapped bar: {decision.reason}" if is_gapped else decision.reason,
            indicators={name: self.value(name) for name in self.values} if self.values else {},
            order=decision.order,
            market_protection_bp=decision.market_protection_bp,
        )


def name_of(row: Instrument) -> str:
    """``NSE:INFY``."""
    return f"{row.exchange}:{row.tradingsymbol}"
