"""The marketdata handler: what the broker said becomes batches, bars, rows and hints, and nothing is made up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import (
    FLAG_TIME_AHEAD,
    Bar,
    BarBatch,
    Event,
    NativeHandler,
    Tick,
    TickBatch,
    encode_frame,
    marketdata_handler,
)
from kitev3.contracts import (
    BY_TOPIC,
    TOPIC_OF,
    Clock,
    FeedHealth,
    Frame,
    Gap,
    Instrument,
    Instruments,
    LeftOut,
    OrderFrame,
    Quote,
    Quotes,
    Socket,
    Start,
    Stop,
    Subscribed,
    Text,
    Timer,
)
from kitev3.runtime.setup import ENCODE, decoder
from kitev3.services.marketdata.service import SERVICE

OPEN_NS = 1_795_060_500 * 10**9  # 2026-11-19 09:25:00 IST
INFY = Instrument(
    instrument_token=408065, exchange="NSE", tradingsymbol="INFY", name="INFOSYS", instrument_type="EQ", segment="NSE",
    expiry="", strike_e4=0, tick_size_e4=500, lot_size=1, freeze_quantity=99_999, products=("CNC", "MIS"),
    lower_circuit_e4=0, upper_circuit_e4=0, previous_close_e4=0, file_date="2026-11-19", file_hash="01234567",
)  # fmt: skip
QUOTE = Quote(
    instrument_token=408065, exchange="NSE", tradingsymbol="INFY", last_price_e4=15_000_500, open_e4=1, high_e4=2,
    low_e4=3, close_e4=14_999_500, volume=7, oi=0, bid_e4=15_000_000, ask_e4=0, lower_circuit_e4=13_500_000,
    upper_circuit_e4=16_500_000,
)  # fmt: skip


def says(handler: NativeHandler, payload: Any, now_ns: int = OPEN_NS, mono_ns: int = 0) -> list[Any]:
    event = Event(TOPIC_OF[type(payload)], payload, source="world", ts=now_ns, mono_ns=mono_ns)
    said = handler.handle(event, ENCODE(payload), list(SERVICE.says))
    return [decoder(BY_TOPIC[topic].payload)(data) for topic, data in said]


def read(handler: NativeHandler, *bars: str) -> list[Any]:
    assert says(handler, Instruments((Subscribed(INFY, bars),))) == []
    return says(handler, Quotes((QUOTE,)))


def frame(*ticks: Tick) -> Frame:
    return Frame(encode_frame(list(ticks)))


def bars_of(said: list[Any]) -> list[Bar]:
    return [bar for payload in said if isinstance(payload, BarBatch) for bar in payload]


def tick(second: int, price_e4: int = 15_000_000, volume: int = 0) -> Tick:
    return Tick(408065, price_e4, exchange_ns=OPEN_NS + second * 10**9, volume=volume)


def test_a_quote_says_the_instrument_whole_with_todays_band() -> None:
    instrument, quote = read(marketdata_handler())

    assert isinstance(instrument, Instrument)
    assert (instrument.lower_circuit_e4, instrument.upper_circuit_e4) == (13_500_000, 16_500_000)
    assert (instrument.previous_close_e4, instrument.file_hash) == (14_999_500, "01234567")
    assert isinstance(quote, Quote)
    assert (quote.tradingsymbol, quote.bid_e4, quote.ask_e4) == ("INFY", 15_000_000, 0)


def test_a_quote_of_what_is_not_subscribed_says_nothing() -> None:
    assert says(marketdata_handler(), Quotes((QUOTE,))) == []


def test_a_frame_is_a_batch_and_closes_the_bars_that_it_ends() -> None:
    handler = marketdata_handler()
    read(handler, "5s")

    said = [says(handler, frame(tick(s, 15_000_000 + s * 500, s * 10))) for s in range(12)]

    assert [type(p).__name__ for one in said for p in one if not isinstance(p, TickBatch)] == ["BarBatch", "BarBatch"]
    [bar] = said[5][1]
    assert (bar.period, bar.start_ns, bar.end_ns) == ("5s", OPEN_NS, OPEN_NS + 5 * 10**9)
    assert (bar.open_e4, bar.close_e4, bar.ticks, bar.short) == (15_000_000, 15_002_000, 5, False)
    last = says(handler, Stop())
    assert [(b.ticks, b.short) for batch in last for b in batch] == [(2, True)]


def test_the_file_read_again_keeps_the_bars_under_way() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, frame(tick(0), tick(1)))

    read(handler, "5s")

    [_, [bar]] = says(handler, frame(tick(6)))
    assert bar.ticks == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_a_batch_or_counted(data: bytes) -> None:
    handler = marketdata_handler()
    read(handler, "5s")

    said = says(handler, Frame(data))

    assert all(isinstance(p, TickBatch | BarBatch) for p in said)
    assert handler.status()["ticks"] == sum(len(p) for p in said if isinstance(p, TickBatch))


def test_an_order_update_is_a_hint() -> None:
    assert says(marketdata_handler(), Text("1", "COMPLETE", 5, "K1")) == [OrderFrame("1", "COMPLETE", 5, "K1")]


def test_what_was_left_out_is_counted_and_named_in_health() -> None:
    handler = marketdata_handler()

    [health] = says(handler, LeftOut("quote", 3, "NSE:INFY: volume: 'x' is no number"))

    assert (health.left_out, health.reason) == (3, "quote: 3 left out: NSE:INFY: volume: 'x' is no number")
    assert handler.status()["left_out"] == 3


def test_instruments_without_a_quote_are_counted_told_and_trouble_at_the_end() -> None:
    handler = marketdata_handler()
    says(handler, Instruments((Subscribed(INFY, ()),)))
    says(handler, Socket("up"))
    says(handler, frame(tick(0)))
    [unquoted] = (figure for figure in SERVICE.figures if figure.key == "unquoted")

    before = handler.status()
    says(handler, Quotes((QUOTE,)))

    assert (unquoted.of(before), unquoted.of(handler.status())) == (1, 0)
    assert list(SERVICE.alarms(before)) == ["1 instruments without a quote: no strategy is asked about them"]
    assert list(SERVICE.alarms(handler.status())) == []


def test_it_is_not_ready_before_the_feed_is_up() -> None:
    handler = marketdata_handler()
    read(handler)
    says(handler, Socket("connecting"))
    before = handler.waits_for

    says(handler, Socket("up"))

    assert before == ("the broker's feed (connecting)",)
    assert handler.waits_for == ()


def test_an_outage_is_a_gap_once_the_socket_is_up_again() -> None:
    handler = marketdata_handler()
    states = ["connecting", "up", "silent", "connecting", "up"]

    said = [p for state in states for p in says(handler, Socket(state))]  # type: ignore[arg-type]

    assert [p.state for p in said if isinstance(p, FeedHealth)] == states
    assert [type(p).__name__ for p in said].index("Gap") == 4
    assert sum(isinstance(p, Gap) for p in said) == 1
    assert handler.status()["reconnects"] == 1


def test_a_bar_that_began_before_we_listened_or_spans_an_outage_is_gapped() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    bars = []
    for second in range(25):
        if second in (2, 12):
            says(handler, Socket("down"), OPEN_NS + second * 10**9)
            says(handler, Socket("up"), OPEN_NS + second * 10**9)
        bars += bars_of(says(handler, frame(tick(second))))

    assert [bar.gapped for bar in bars] == [True, False, True, False]


def test_the_first_bar_of_a_market_that_begins_with_our_clock_is_whole() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, Socket("up"))
    says(handler, Clock(OPEN_NS, 7, 1000), OPEN_NS + 10**7, 7 + 10**7)

    bars = [b for s in range(6) for b in bars_of(says(handler, frame(tick(s)), OPEN_NS + s * 10**9))]

    assert [bar.gapped for bar in bars] == [False]


def test_a_clock_heard_late_leaves_a_hole_behind_it() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, Socket("up"))
    says(handler, Clock(OPEN_NS, 7, 1000), OPEN_NS + 3 * 10**9, 7 + 3 * 10**9)

    bars = [b for s in range(3, 12) for b in bars_of(says(handler, frame(tick(s)), OPEN_NS + s * 10**9))]

    assert [bar.gapped for bar in bars] == [True, False]


def test_a_time_ahead_of_the_clock_stops_neither_bars_nor_ticks() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, Socket("up"))
    says(handler, Clock(OPEN_NS, 0, 1000))
    seconds = [0, 1, 3600, 2, 4, 6, 11]

    said = [p for s in seconds for p in says(handler, frame(tick(s)), OPEN_NS + min(s, 11) * 10**9)]

    flags = [int(p.flags[0]) for p in said if isinstance(p, TickBatch)]
    assert flags == [FLAG_TIME_AHEAD if s == 3600 else 0 for s in seconds]
    assert [bar.ticks for bar in bars_of(said)] == [4, 1]


def test_a_feed_whose_ticks_are_all_flagged_is_sick_until_one_is_not() -> None:
    handler = marketdata_handler()
    read(handler)
    says(handler, Socket("up"))
    says(handler, Clock(OPEN_NS, 0, 1000))
    states = []

    for seconds in ((0, 900), (900, 901), (), (2, 900)):  # of the ticks between two looks
        for second in seconds:
            says(handler, frame(tick(second)), OPEN_NS + 2 * 10**9)
        [health] = says(handler, Timer("health"))
        states.append((health.state, health.reason))

    sick = ("sick", "all ticks of the last second are flagged")
    assert states == [("up", ""), sick, sick, ("up", "")]


def test_after_the_stop_nothing_more_is_said() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, Socket("up"))
    says(handler, frame(tick(0)))

    last = says(handler, Stop())
    later = (frame(tick(6)), Quotes((QUOTE,)), Timer("health"), Socket("down"), Stop())
    after = [says(handler, payload) for payload in later]

    assert [type(payload) for payload in last] == [BarBatch]
    assert after == [[]] * 5


def test_started_again_it_says_what_it_withheld_and_goes_on_with_a_gap() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    says(handler, Socket("up"))
    says(handler, Clock(OPEN_NS, 0, 1000))
    says(handler, frame(tick(0)), OPEN_NS)
    says(handler, Stop())
    for payload in (frame(tick(6)), Quotes((QUOTE,)), Socket("down"), Socket("up")):
        assert says(handler, payload, OPEN_NS + 6 * 10**9) == []

    at_ns = OPEN_NS + 21 * 10**9
    again = says(handler, Start("2026-11-19"), at_ns)
    said = [p for second in (22, 23, 25, 30) for p in says(handler, frame(tick(second)), OPEN_NS + second * 10**9)]

    assert [type(payload) for payload in again] == [Instrument, Quote, Gap, FeedHealth]
    assert [payload.state for payload in again if isinstance(payload, FeedHealth)] == ["up"]
    assert [(bar.ticks, bar.gapped) for bar in bars_of(said)] == [(2, True), (1, False)]
    assert says(handler, Start("2026-11-19"), at_ns) == []


def test_an_instrument_that_no_token_can_be_is_refused_and_changes_nothing() -> None:
    handler = marketdata_handler()
    read(handler, "5s")
    bad = msgspec.structs.replace(INFY, instrument_token=2**32)

    for rows in ((Subscribed(bad, ("5s",)),), (Subscribed(INFY, ("1x",)),)):
        with pytest.raises(ValueError, match=r"world\.instruments: rows"):
            says(handler, Instruments(rows))

    assert handler.status()["instruments"] == 1
