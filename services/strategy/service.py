"""The strategy service: every strategy on every instrument that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from kitev3._core import IndicatorEngine, Newest
from kitev3.contracts import DataRange, Fill, Gap, Instrument, Ohlc, Signal
from kitev3.events import Event, Payload
from kitev3.service import Context, ServiceSpec
from kitev3.strategy import Decision, Strategy, load, parameters

NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One strategy of the profile: which class, on which instruments, fed by bars of which period."""

    name: str
    use: str
    instruments: tuple[str, ...]
    bars: str = ""  # empty: fed by ticks
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfig:
    """``[strategy]`` of the profile."""

    enabled: bool = True
    cpu: int | None = None
    run: tuple[Run, ...] = ()


class Hosted:
    """One strategy on one instrument, and what it may look at: the ``View`` handed to it."""

    def __init__(
        self, run: Run, strategy: Strategy, instrument: Instrument, engine: IndicatorEngine | None, newest: Newest
    ) -> None:
        self.run, self.strategy, self.instrument = run, strategy, instrument
        self.engine, self.newest = engine, newest
        self.token = instrument.instrument_token
        self.indicators = tuple(strategy.indicators())
        self.first: dict[
            str, tuple[int, int]
        ] = {}  # topic -> (epoch, topic_seq) of the first event its state stands on

    @property
    def last_e4(self) -> int:
        return self.newest.last_e4(self.token)

    @property
    def bid_e4(self) -> int:
        return self.newest.bid_e4(self.token)

    @property
    def ask_e4(self) -> int:
        return self.newest.ask_e4(self.token)

    @property
    def warm(self) -> bool:
        return self.engine is None or self.engine.warm(self.token)

    def value(self, name: str) -> float:
        if self.engine is None:
            raise KeyError(name)
        return self.engine.value(self.token, name)

    def used(self, event: Event) -> tuple[DataRange, ...]:
        """The range of *event*'s topic that a decision made now stands on."""
        epoch, first = self.first.setdefault(event.type, (event.epoch, event.topic_seq))
        if epoch != event.epoch:
            epoch, first = self.first[event.type] = (event.epoch, event.topic_seq)
        return (DataRange(event.source, epoch, first, event.topic_seq, event.type),)

    def signal(self, decision: Decision, event: Event, data_ts_ns: int) -> Signal:
        """What was decided at *event*, with who, when and from which data."""
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
            reason=decision.reason,
            indicators={name: self.value(name) for name in self.indicators} if self.indicators else {},
            order=decision.order,
            market_protection_bp=decision.market_protection_bp,
        )


class StrategyHandler:
    """Ticks and bars in, signals out. Strategies decide; the rest of a signal is filled in here."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = tuple(runs)
        self.made = {run.name: self._made(run) for run in self.runs}
        self.newest = Newest()
        self.engines = {run.name: self._engine(run) for run in self.runs}
        self.by_ticks = [engine for run in self.runs if not run.bars and (engine := self.engines[run.name]) is not None]
        self.hosted: dict[tuple[str, int], Hosted] = {}
        self.on_bars: dict[tuple[int, str], list[Hosted]] = {}
        self.on_ticks: dict[int, list[Hosted]] = {}
        self.tick_ts_ns = 0
        self.signals = 0
        self.handles: dict[str, Callable[[Event], Iterable[Payload]]] = {
            "marketdata.instrument": self.instrument,
            "marketdata.tick": self.ticks,
            "marketdata.ohlc": self.bar,
            "marketdata.gap": self.gap,
            "execution.fill": self.fill,
        }

    def __call__(self, event: Event) -> Iterable[Payload]:
        handle = self.handles.get(event.type)
        return handle(event) if handle is not None else ()

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        return {
            "signals": self.signals,
            "strategies": len(self.hosted),
            "instruments": len({t for _, t in self.hosted}),
        }

    # What is hosted -----------------------------------------------------------------------------------------------

    @staticmethod
    def _made(run: Run) -> tuple[type[Strategy], Any]:
        kind = load(run.use)
        return kind, parameters(kind, run.params, f"strategy {run.name!r}")

    def _engine(self, run: Run) -> IndicatorEngine | None:
        """All that a strategy declares, for all its instruments; None for one that declares nothing."""
        kind, params = self.made[run.name]
        declared = kind(params).indicators()
        return IndicatorEngine([(n, one.kind, dict(one.params)) for n, one in declared.items()]) if declared else None

    def instrument(self, event: Event) -> Iterable[Payload]:
        row: Instrument = event.payload
        key = f"{row.exchange}:{row.tradingsymbol}"
        for run in self.runs:
            known = self.hosted.get((run.name, row.instrument_token))
            if known is not None:
                known.instrument = row
            elif any(fnmatchcase(key, pattern) for pattern in run.instruments):
                self._host(run, row)
        return ()

    def _host(self, run: Run, row: Instrument) -> None:
        kind, params = self.made[run.name]
        hosted = Hosted(run, kind(params), row, self.engines[run.name], self.newest)
        self.hosted[run.name, row.instrument_token] = hosted
        if run.bars:
            self.on_bars.setdefault((row.instrument_token, run.bars), []).append(hosted)
        if kind.on_tick is not Strategy.on_tick:
            self.on_ticks.setdefault(row.instrument_token, []).append(hosted)

    # What is heard ------------------------------------------------------------------------------------------------

    def ticks(self, event: Event) -> Iterable[Payload]:
        batch = event.payload
        self.newest.update(batch)
        for engine in self.by_ticks:
            engine.update_ticks(batch)
        self.tick_ts_ns = event.ts
        if not self.on_ticks:
            return ()
        said: list[Payload] = []
        for tick in batch:
            for hosted in self.on_ticks.get(tick.token, ()):
                if not tick.flags and (decisions := hosted.strategy.on_tick(tick, hosted)):
                    self._say(said, event, hosted, decisions)
        return said

    def bar(self, event: Event) -> Iterable[Payload]:
        bar: Ohlc = event.payload
        said: list[Payload] = []
        for hosted in self.on_bars.get((bar.instrument_token, bar.period), ()):
            if hosted.engine is not None:
                hosted.engine.update_bar(
                    bar.instrument_token, bar.start_ns, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume
                )
            hosted.used(event)
            self._say(said, event, hosted, hosted.strategy.on_bar(bar, hosted))
        return said

    def fill(self, event: Event) -> Iterable[Payload]:
        fill: Fill = event.payload
        hosted = self.hosted.get((fill.strategy, fill.instrument_token))
        said: list[Payload] = []
        if hosted is not None:
            self._say(said, event, hosted, hosted.strategy.on_fill(fill, hosted))
        return said

    def gap(self, event: Event) -> Iterable[Payload]:
        """Ticks are missing: what stood on them warms up anew."""
        gap: Gap = event.payload
        tokens = gap.instrument_tokens or tuple({token for _, token in self.hosted})
        for token in tokens:
            for engine in self.engines.values():
                if engine is not None:
                    engine.forget(token)
        for (_, token), hosted in self.hosted.items():
            if token in tokens:
                hosted.first.clear()
        return ()

    # What is said -------------------------------------------------------------------------------------------------

    def _say(self, said: list[Payload], event: Event, hosted: Hosted, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            if decision.action == "HOLD" and not hosted.strategy.wants_hold:
                continue
            self.signals += 1
            said.append(hosted.signal(decision, event, self.tick_ts_ns or event.ts))


def _handler(context: Context, config: StrategyConfig) -> StrategyHandler:
    return StrategyHandler(config.run)


SERVICE = ServiceSpec(name="strategy", config=StrategyConfig, handler=_handler)
