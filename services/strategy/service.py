"""The strategy service: every strategy on every instrument that it asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from kitev3._core import BarBatch, Callbacks, Newest, bar_spec
from kitev3.contracts import Fill, Gap, Instrument, Reject, SequenceGap, Signal
from kitev3.errors import ConfigError, is_ctrl_c
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Asked, Context, ServiceSpec
from kitev3.services.strategy.hosted import Hosted, Run, name_of
from kitev3.services.strategy.in_hand import NAME_BYTES_MAX, InHand, asked
from kitev3.services.strategy.user_code import UserCode
from kitev3.services.strategy.watchdog import Watchdog
from kitev3.strategy import Strategy, load, parameters
from kitev3.strategy.decision import decisions
from kitev3.strategy.load import code_of, engine_of, file_of
from kitev3.strategy.place import place_of_callback
from kitev3.system.figure import Figure, said
from kitev3.system.log import LOG
from kitev3.system.profile import ServiceSettings

Positions: TypeAlias = dict[tuple[str, int], dict[str, int]]
"""(strategy, instrument token) -> product -> quantity, below zero when short: the strategy's own fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfig(ServiceSettings):
    """``[strategy]`` of the profile."""

    run: tuple[Run, ...] = ()


ANSWERS_MAX = 20
"""Orders that a strategy may want in answer to refusals, of one instrument and with no tick in between."""


class StrategyHandler(Handler):
    """Ticks and bars in, signals out. Strategies decide; the rest of a signal is filled in here.

    Strategies are code of others: whatever goes wrong in one stops that one, for the rest of the day, and no other.
    """

    def __init__(self, runs: Iterable[Run], log: Any = None, in_hand: InHand | None = None, today: str = "") -> None:
        """*log* is told what strategies print, and of each that had to be stopped. *today*: the session's date.

        Raises ConfigError for a strategy that cannot begin: its file, class, parameters, indicators or period.
        """
        self.runs = tuple(replace(run, bars=_period(run)) if run.bars else run for run in runs)
        self.made: dict[str, tuple[type[Strategy], Any]] = {}
        for run in self.runs:
            if not 0 < len(run.name.encode()) <= NAME_BYTES_MAX:
                raise ConfigError(f"strategy {run.name!r}: its name must have 1 to {NAME_BYTES_MAX} bytes")
            if run.name in self.made:
                raise ConfigError(f"strategy {run.name!r}: is there twice: its orders could not be told apart")
            kind = load(run.use)
            self.made[run.name] = kind, parameters(kind, run.params, f"strategy {run.name!r}")
        files = {name: file_of(kind) for name, (kind, _) in self.made.items()}
        self.log = log or LOG
        self.code = UserCode(files, self.log, in_hand)
        self.today = today
        self.session = ""  # of the last control.start; another than today's: all of it is of another day
        self.positions: Positions = {}
        self.begun = False  # a process has begun with this state
        self.rebuilt = ""  # the day on which nothing was executed again: the strategies begin anew in the middle of it
        self.fresh_from_ns = 0  # market time; what was said before it warms indicators up and is not decided on
        self._begin_anew()
        self.signals = 0
        super().__init__(
            {
                "marketdata.instrument": self.instrument,
                "marketdata.tick": self.ticks,
                "marketdata.ohlc": self.bars,
                "marketdata.gap": self.gap,
                "execution.fill": self.fill,
                "execution.reject": self.reject,
                "risk.blocked": self.blocked,
                "control.start": self.start,
                "world.sequence_gap": self.sequence_gap,
                "world.epoch": self.epoch,
            }
        )

    def _begin_anew(self) -> None:
        """As in the morning, with what is held: no instrument is known, no indicator has seen anything."""
        self.newest = Newest()
        self.instruments: dict[int, str] = {}  # token -> its name
        self.engines = {name: engine_of(*made, f"strategy {name!r}") for name, made in self.made.items()}
        self.by_ticks = [engine for run in self.runs if not run.bars and (engine := self.engines[run.name]) is not None]
        self.hosted: dict[tuple[str, int], Hosted] = {}
        by_bars = [
            (self.engines[run.name], run.bars, self.made[run.name][0].wants_gapped) for run in self.runs if run.bars
        ]
        self.by_bars = [(engine, period, gapped) for engine, period, gapped in by_bars if engine is not None]
        self.on_bars: dict[str, dict[int, list[Hosted]]] = {}  # period -> token -> who hears its bars
        self.on_ticks: dict[int, list[Hosted]] = {}
        self.code.stopped.clear()
        self.tick_ts_ns = 0

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        held = self._held()
        return {
            "signals": self.signals,
            "strategies": len(self.hosted),
            "instruments": len({t for _, t in self.hosted}),
            "stopped": dict(self.code.stopped),
            "held": held,
            "left": {name: rows for name, rows in held.items() if name in self.code.stopped or name not in self.made},
        }

    def _held(self) -> dict[str, dict[str, int]]:
        """strategy -> instrument -> quantity, of all that is not zero; of those too that are asked no more."""
        held: dict[str, dict[str, int]] = {}
        for (strategy, token), products in self.positions.items():
            if position := sum(products.values()):
                held.setdefault(strategy, {})[self.instruments.get(token, str(token))] = position
        return held

    # What outlives a process --------------------------------------------------------------------------------------

    def snapshot(self) -> bytes | None:
        """What goes from one day to the next, and what a rebuilt tape goes on from; else all is executed again."""
        if self.begun and self.session in ("", self.today):
            return None
        return msgspec.msgpack.encode((self.rebuilt, self.signals, _carried(self.positions)))

    def restore(self, snapshot: bytes) -> None:
        kept = msgspec.msgpack.decode(snapshot, type=tuple[str, int, Positions])
        self.rebuilt, self.signals, self.positions = kept

    def rebuild(self, event: Event) -> None:
        """A signal of another build, of other parameters or another strategy's file: it stands, its maker is gone."""
        self.signals += 1
        self.rebuilt = self.today

    def epoch(self, event: Event) -> Iterable[Payload]:
        """The process begins: on another day, or with other strategies, they begin anew and with what they hold."""
        if self.begun and self.session not in ("", self.today):
            self.session, self.rebuilt, self.positions = "", "", _carried(self.positions)
            self.fresh_from_ns = 0
            self._begin_anew()
        self.begun = True
        if self.rebuilt and not self.fresh_from_ns:
            self.session, self.fresh_from_ns = self.rebuilt, event.now_ns
            if self.rebuilt == self.today:
                self.log.warning("strategies begin anew: code, parameters or build are others than before")
        return ()

    def start(self, event: Event) -> Iterable[Payload]:
        self.session = event.payload.session
        return ()

    # What is hosted -----------------------------------------------------------------------------------------------

    def instrument(self, event: Event) -> Iterable[Payload]:
        row: Instrument = event.payload
        key = self.instruments[row.instrument_token] = name_of(row)
        for run in self.runs:
            known = self.hosted.get((run.name, row.instrument_token))
            if known is not None:
                known.instrument = row
            elif run.name not in self.code.stopped and any(fnmatchcase(key, pattern) for pattern in run.instruments):
                self._host(run, row, event)
        return ()

    def _host(self, run: Run, row: Instrument, event: Event) -> None:
        kind, params = self.made[run.name]
        self.code.begin(event, run.name, row)
        try:
            strategy = kind(params)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            self.code.failed(event, run.name, row, "__init__", error, place_of_callback(kind.__init__))
            self._take_out(run.name)
            return
        finally:
            self.code.end()
        held = self.positions.setdefault((run.name, row.instrument_token), {})
        hosted = Hosted(run, strategy, row, self.engines[run.name], self.newest, held)
        self.hosted[run.name, row.instrument_token] = hosted
        if run.bars:
            self.on_bars.setdefault(run.bars, {}).setdefault(row.instrument_token, []).append(hosted)
            if hosted.engine is not None:
                hosted.engine.add(row.instrument_token)
        if kind.on_tick is not Strategy.on_tick:
            self.on_ticks.setdefault(row.instrument_token, []).append(hosted)

    # What is heard ------------------------------------------------------------------------------------------------

    def ticks(self, event: Event) -> Iterable[Payload]:
        batch = event.payload
        self.newest.update(batch)
        for engine in self.by_ticks:
            engine.update_ticks(batch)
        self.tick_ts_ns = event.ts
        return self._ask(event, Callbacks.of_ticks(batch, self.on_ticks)) if self.on_ticks else ()

    def bars(self, event: Event) -> Iterable[Payload]:
        """The indicators take the batch whole, then strategies are asked in the bars' order. No instrument is in it
        twice, so the indicators of each are as they are with its own bar."""
        batch: BarBatch = event.payload
        for engine, period, gapped in self.by_bars:
            engine.update_bar_batch(batch, period, gapped=gapped)
        for at in batch.gapped_at:
            bar = batch[at]
            for hosted in self.on_bars.get(bar.period, {}).get(bar.instrument_token, ()):
                if not hosted.strategy.wants_gapped:
                    self._forget((hosted.run.name,), (bar.instrument_token,))
        calls = Callbacks.of_bars(batch, self.on_bars, (event.epoch, event.topic_seq))
        return self._ask(event, calls)

    def fill(self, event: Event) -> Iterable[Payload]:
        fill: Fill = event.payload
        if fill.strategy:
            held = self.positions.setdefault((fill.strategy, fill.instrument_token), {})
            quantity = fill.quantity if fill.side == "BUY" else -fill.quantity
            held[fill.product] = held.get(fill.product, 0) + quantity
        hosted = self.hosted.get((fill.strategy, fill.instrument_token))
        return self._ask_one(event, hosted, "on_fill")

    def reject(self, event: Event) -> Iterable[Payload]:
        reject: Reject = event.payload
        return self._refused(event, self.hosted.get((reject.strategy, reject.instrument_token)), "on_reject")

    def blocked(self, event: Event) -> Iterable[Payload]:
        signal = event.payload.signal
        return self._refused(event, self.hosted.get((signal.strategy, signal.instrument_token)), "on_blocked")

    def _refused(self, event: Event, hosted: Hosted | None, name: str) -> Iterable[Payload]:
        """An answer to a refusal is refused and answered again, for ever, when nothing changes in between."""
        signals = list(self._ask_one(event, hosted, name))
        if hosted is not None and signals and hosted.answers(self.tick_ts_ns) > ANSWERS_MAX:
            file, line = place_of_callback(getattr(type(hosted.strategy), name))
            why = f"{file}:{line}: {name} answered {ANSWERS_MAX} refusals in a row: wait for a tick, a bar or a time"
            self.code.stop(event, hosted.run.name, hosted.instrument, why)
            self._take_out(hosted.run.name)
        return signals

    def gap(self, event: Event) -> Iterable[Payload]:
        """Ticks are missing: what stood on them warms up anew."""
        gap: Gap = event.payload
        self._forget(self.engines, gap.instrument_tokens or {token for _, token in self.hosted})
        return ()

    def sequence_gap(self, event: Event) -> Iterable[Payload]:
        """Ticks were too old to be worth reading when their loss was seen: what was fed by them warms up anew."""
        gap: SequenceGap = event.payload
        if "marketdata.tick" in gap.skipped:
            by_ticks = [run.name for run in self.runs if not run.bars]
            self._forget(by_ticks, {token for _, token in self.hosted})
        return ()

    def _forget(self, runs: Collection[str], tokens: Collection[int]) -> None:
        for name in runs:
            for token in tokens:
                if (engine := self.engines[name]) is not None:
                    engine.forget(token)
                if (hosted := self.hosted.get((name, token))) is not None:
                    hosted.forget()

    # What is said -------------------------------------------------------------------------------------------------

    def _ask_one(self, event: Event, hosted: Hosted | None, name: str) -> Iterable[Signal]:
        if hosted is None or getattr(getattr(hosted.strategy, name), "__func__", None) is getattr(Strategy, name):
            return ()  # it does not want to know
        return self._ask(event, Callbacks.of_one(name, event.payload, hosted))

    def _ask(self, event: Event, calls: Callbacks) -> Iterable[Signal]:
        """What strategies want of an event, in the order in which they are asked.

        What one callback wants is said whole or not at all: one wrong decision and its strategy is stopped instead.
        """
        if event.ts < self.fresh_from_ns:
            calls.pass_over()
            return
        self.code.begin_all(event, calls)
        try:
            for hosted, what, *answered in calls:
                wanted = self._wanted(event, calls.name, hosted, what, *answered)
                self.code.answered()
                self.signals += len(wanted)
                yield from wanted
        finally:
            self.code.end()

    def _wanted(
        self, event: Event, name: str, hosted: Hosted, what: Any, answer: Any, rest: Any, error: BaseException | None
    ) -> list[Signal]:
        """The signals of one callback: of its *answer*, and of the *rest* of the generator whose first it is."""
        try:
            if error is not None:
                raise error
            if answer is rest is None:
                why = self.code.why_stuck(hosted.run.name)
                self.code.stop(event, hosted.run.name, hosted.instrument, why)
                self._take_out(hosted.run.name)
                return []
            data_ts_ns = min(self.tick_ts_ns or event.ts, event.ts or self.tick_ts_ns)
            is_gapped = name == "on_bar" and what.gapped
            return [
                hosted.signal(decision, event, data_ts_ns, is_gapped)
                for decision in decisions(answer if rest is None else chain((answer,), rest), name)
                if decision.action != "HOLD" or hosted.strategy.wants_hold
            ]
        except BaseException as error:  # of user code, whatever it raises: sys.exit() ends a strategy, not the service
            if is_ctrl_c(error):
                raise
            begin = place_of_callback(getattr(type(hosted.strategy), name, None), rest)
            self.code.failed(event, hosted.run.name, hosted.instrument, name, error, begin)
            self._take_out(hosted.run.name)
            return []

    def _take_out(self, strategy: str) -> None:
        """On all its instruments; its orders and positions stay as they are."""
        for hearers in (self.on_ticks, *self.on_bars.values()):  # in place: a batch may be in hand
            hearers.update({token: _without(strategy, several) for token, several in hearers.items()})
        self.hosted = {key: hosted for key, hosted in self.hosted.items() if key[0] != strategy}
        if (engine := self.engines[strategy]) in self.by_ticks:
            self.by_ticks.remove(engine)
        self.by_bars = [row for row in self.by_bars if row[0] is not engine]


def _period(run: Run) -> str:
    """The one name of a run's bars: ``60s`` is ``1m``."""
    try:
        return bar_spec(run.bars)
    except ValueError as error:
        raise ConfigError(f"strategy {run.name!r}: bars: {error}") from None


def _carried(positions: Positions) -> Positions:
    """What is not squared off at the end of the day."""
    kept = {key: {p: n for p, n in held.items() if n and p != "MIS"} for key, held in positions.items()}
    return {key: held for key, held in kept.items() if held}


def _without(strategy: str, several: list[Hosted]) -> list[Hosted]:
    return [hosted for hosted in several if hosted.run.name != strategy]


def _handler(context: Context, config: StrategyConfig) -> StrategyHandler:
    return StrategyHandler(config.run, today=context.session, in_hand=InHand(context.run_dir / "tape" / "strategy"))


def _driver(context: Context, config: StrategyConfig) -> Watchdog:
    return Watchdog(InHand(context.run_dir / "tape" / "strategy"), LOG)


def _asks(config: StrategyConfig) -> Iterable[Asked]:
    return [Asked(where=f"[strategy] run {r.name!r}", instruments=r.instruments, bars=r.bars) for r in config.run]


def _code(config: StrategyConfig) -> Iterable[Path]:
    return [path for run in config.run for path in code_of(run.use)]


def _holdings(left: Mapping[str, Mapping[str, int]]) -> str:
    rows = (f"{name} {number:+,} of {of}" for name, held in left.items() for of, number in held.items())
    return said(list(rows))


def _stopped(stopped: Mapping[str, str]) -> list[str]:
    return [f"strategy {name} is stopped: {why}" for name, why in stopped.items()]


SERVICE = ServiceSpec(
    name="strategy",
    config=StrategyConfig,
    handler=_handler,
    driver=_driver,
    asks=_asks,
    code=_code,
    asked=lambda run_dir: asked(run_dir / "tape" / "strategy"),
    alarms=lambda status: _stopped(status.get("stopped", {})),
    figures=(
        Figure(key="signals", label="signals", live=True),
        Figure(
            key="stopped_strategies",
            label="stopped strategies",
            said="stopped",
            none={},
            form=lambda stopped: said(_stopped(stopped)),
        ),
        Figure(
            key="left_positions",
            label="positions of no running strategy",
            said="left",
            none={},
            form=_holdings,
            trouble="is held by a strategy that is stopped or gone: nobody looks after it",
        ),
    ),
)
