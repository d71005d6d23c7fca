"""Bars: beside their definition written to be read, for any ticks in any batches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import Bar, BarBuilder, Calendar, Tick, TickBatch, bar_spec
from strategies import bar_streams

INFY, NIFTY, GOLD = 408_065, 256_265, 53_496_327
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
IST_NS = 19_800 * SECOND_NS
OPEN_NS = 1_669_261_500 * SECOND_NS  # 2022-11-24 09:15 IST
SESSION_NS = {1: (33_300, 55_800), 9: (33_300, 55_800), 7: (32_400, 86_100)}
LENGTHS = {"s": 1, "m": 60, "h": 3_600}
SPECS = {INFY: ["5s", "1m", "1h", "1d", "7t", "100v", "1r"], GOLD: ["1d", "1m", "50v"], NIFTY: ["2t", "1h"]}

Row = tuple[int, str, int, int, int, int, int, int, int, int, int, bool]


def row(bar: Bar) -> Row:
    prices = (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4)
    return (
        bar.instrument_token,
        bar.period,
        bar.start_ns,
        bar.end_ns,
        *prices,
        bar.volume,
        bar.value_e4,
        bar.ticks,
        bar.short,
    )


@dataclass
class Series:
    """One instrument's bars of one spec: a list of the ticks since the last bar, and nothing clever."""

    token: int
    spec: str
    held: list[tuple[int, int, int]] = field(default_factory=list)  # time, price, volume
    slot: tuple[int, int] = (0, 0)  # where a time bar's place in the session begins and ends

    @property
    def length_ns(self) -> int:
        """0 for bars that are not of time."""
        if self.spec == "1d":
            opened, closed = SESSION_NS[self.token & 0xFF]
            return (closed - opened) * SECOND_NS
        return int(self.spec[:-1]) * LENGTHS.get(self.spec[-1], 0) * SECOND_NS

    def enter(self, time_ns: int, price_e4: int, volume: int) -> Iterator[Row]:
        opened, closed = session(self.token, time_ns)
        if self.length_ns:
            if self.held and time_ns >= self.slot[1]:
                yield from self.close(time_ns)
            start = opened + (time_ns - opened) // self.length_ns * self.length_ns
            self.slot = (start, min(start + self.length_ns, closed))
        self.held.append((time_ns, price_e4, volume))
        if self.full():
            yield from self.close(time_ns)

    def full(self) -> bool:
        bound = int(self.spec[:-1])
        match self.spec[-1]:
            case "t":
                return len(self.held) >= bound
            case "v":
                return sum(volume for _, _, volume in self.held) >= bound
            case "r":
                return self.value_e4 >= bound * 10_000
        return False

    @property
    def value_e4(self) -> int:
        return sum(price_e4 * volume for _, price_e4, volume in self.held)

    def close(self, at_ns: int) -> Iterator[Row]:
        if not self.held:
            return
        times, prices, volumes = zip(*self.held, strict=True)
        if self.length_ns:
            start, end = self.slot[0], min(self.slot[1], at_ns)
            short = end - start < self.length_ns
        else:
            start, end, short = times[0], times[-1], not self.full()
        ohlc = (prices[0], max(prices), min(prices), prices[-1])
        yield (self.token, self.spec, start, end, *ohlc, sum(volumes), self.value_e4, len(times), short)
        self.held = []


def session(token: int, time_ns: int) -> tuple[int, int]:
    """Opening and close of the session on the IST day of a time."""
    midnight = (time_ns + IST_NS) // DAY_NS * DAY_NS - IST_NS
    opened, closed = SESSION_NS[token & 0xFF]
    return midnight + opened * SECOND_NS, midnight + closed * SECOND_NS


def reference(ticks: list[Tick], specs: Mapping[int, list[str]], at_ns: int | None) -> list[Row]:
    """All bars of a stream that ends with its session."""
    series = {token: [Series(token, spec) for spec in names] for token, names in specs.items()}
    newest, volumes = dict[int, int](), dict[int, int]()
    rows: list[Row] = []
    for tick in ticks:
        if tick.token not in series or tick.flags or tick.last_price_e4 <= 0 or tick.exchange_ns == 0:
            continue
        time_ns, before_ns = tick.exchange_ns, newest.get(tick.token)
        if before_ns is not None and time_ns < before_ns:
            continue
        newest[tick.token] = time_ns
        opened, closed = session(tick.token, time_ns)
        if before_ns is not None and session(tick.token, before_ns)[0] != opened:
            rows += [bar for each in series[tick.token] for bar in each.close(time_ns)]
            volumes.pop(tick.token, None)
        volume = tick.volume if tick.kind == "full" else 0
        traded = max(0, volume - volumes.get(tick.token, volume))
        volumes[tick.token] = max(volume, volumes.get(tick.token, volume))
        if time_ns >= closed:
            rows += [bar for each in series[tick.token] for bar in each.close(time_ns)]
        elif time_ns >= opened:
            rows += [bar for each in series[tick.token] for bar in each.enter(time_ns, tick.last_price_e4, traded)]
    end_ns = max([*newest.values(), *([at_ns] if at_ns else [])], default=0)
    return rows + [bar for every in series.values() for each in every for bar in each.close(end_ns)]


@settings(max_examples=300)
@given(ticks=bar_streams([INFY, GOLD, NIFTY]), data=st.data())
def test_any_batches_give_the_bars_of_the_definition(ticks: list[Tick], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(ticks)), max_size=5)))
    at_ns = data.draw(st.one_of(st.none(), st.integers(OPEN_NS, OPEN_NS + 3 * DAY_NS)))
    builder = BarBuilder(SPECS)

    parts = [ticks[start:end] for start, end in zip([0, *cuts], [*cuts, len(ticks)], strict=True)]
    bars = [bar for part in parts for bar in builder.update(TickBatch.from_ticks(part))]
    bars += builder.close_session(at_ns)

    assert [row(bar) for bar in bars] == reference(ticks, SPECS, at_ns)
    counted = (builder.entered, builder.flagged, builder.timeless, builder.late, builder.outside)
    assert sum(counted) == len(ticks)
    assert builder.value_overflow == 0


def test_a_real_minute_in_rupees() -> None:
    ticks = [
        Tick(INFY, 15_000_000, exchange_ns=OPEN_NS + 1 * SECOND_NS, volume=1_000),
        Tick(INFY, 15_010_000, exchange_ns=OPEN_NS + 30 * SECOND_NS, volume=1_100),
        Tick(INFY, 14_990_000, exchange_ns=OPEN_NS + 59 * SECOND_NS, volume=1_150),
        Tick(INFY, 15_020_000, exchange_ns=OPEN_NS + 60 * SECOND_NS, volume=1_150),
    ]

    [bar] = BarBuilder({INFY: ["1m"]}).update(TickBatch.from_ticks(ticks))

    prices = (15_000_000, 15_010_000, 14_990_000, 14_990_000)
    value_e4 = 100 * 15_010_000 + 50 * 14_990_000
    assert row(bar) == (INFY, "1m", OPEN_NS, OPEN_NS + 60 * SECOND_NS, *prices, 150, value_e4, 3, False)
    assert repr(bar).startswith(f"Bar({INFY}, '1m', start_ns={OPEN_NS}, end_ns=")


def test_sessions_are_the_calendars() -> None:
    lamps = Calendar("phases,other shares,18:00 open | 19:00 closed,2022-11-24,2022-11-24,,an hour in the evening")
    builder = BarBuilder({INFY: ["1d"], GOLD: ["1d"]}, lamps)
    evening = OPEN_NS + (18 * 3600 - 33_300) * SECOND_NS
    ticks = [Tick(token, 100, exchange_ns=evening + 60 * SECOND_NS) for token in (INFY, GOLD)]

    builder.update(TickBatch.from_ticks(ticks))
    starts = [bar.start_ns for bar in builder.close_session()]

    assert starts == [evening, OPEN_NS - 900 * SECOND_NS]


def test_a_segment_that_the_calendar_does_not_know_has_no_bars() -> None:
    before_ns = 1_041_305_400 * SECOND_NS  # 2002-12-31 09:00 IST
    strange = INFY + 7  # no exchange has tokens that end so
    builder = BarBuilder({INFY: ["1m"], strange: ["1m"]})
    times = [(INFY, before_ns + 3600 * SECOND_NS), (strange, OPEN_NS)]

    builder.update(TickBatch.from_ticks([Tick(token, 100, exchange_ns=at) for token, at in times]))

    assert (builder.close_session(), builder.outside) == ([], 2)


@pytest.mark.parametrize(("text", "name"), [("5s", "5s"), ("60s", "1m"), ("24h", "1d"), ("500t", "500t")])
def test_a_spec_has_one_name(text: str, name: str) -> None:
    assert bar_spec(text) == name


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "-1m", "1.5h", "2d", "1w", "5S", "99999999999999999999v"])
def test_what_is_no_bar_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"time from 1s to 1d .* ticks \(500t\), volume .* rupees"):
        BarBuilder({INFY: [text]})


def test_a_series_is_asked_for_once() -> None:
    with pytest.raises(ValueError, match=f"bars of 1m asked for twice for instrument {INFY}"):
        BarBuilder({INFY: ["1m", "60s"]})
