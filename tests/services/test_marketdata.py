"""The marketdata handler: what the broker said becomes batches, bars, rows and hints, and nothing is made up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import Event, Tick, TickBatch, encode_frame
from kitev3.contracts import FeedHealth, Frame, Gap, Instrument, Ohlc, OrderFrame, Quote, Reading, Socket, Stop, Text
from kitev3.services.marketdata.service import MarketdataHandler, QuoteRow, SubscribedRow, sessions_on

OPEN_NS = 1_795_060_500 * 10**9  # 2026-11-19 09:25:00 IST
INFY = SubscribedRow(
    instrument_token=408065, exchange="NSE", tradingsymbol="INFY", name="INFOSYS", instrument_type="EQ", segment="NSE",
    expiry="", strike_e4=0, tick_size_e4=500, lot_size=1, freeze_quantity=99_999, products=("CNC", "MIS"),
    file_date="2026-11-19", file_hash="01234567",
)  # fmt: skip
QUOTE = QuoteRow(
    instrument_token=408065, last_price_e4=15_000_500, open_e4=1, high_e4=2, low_e4=3, close_e4=14_999_500, volume=7,
    oi=0, bid_e4=15_000_000, ask_e4=0, lower_circuit_e4=13_500_000, upper_circuit_e4=16_500_000,
)  # fmt: skip


def says(handler: MarketdataHandler, payload: Any, topic: str) -> list[Any]:
    return list(handler(Event(topic, payload, source="world")))


def read(handler: MarketdataHandler) -> list[Any]:
    assert says(handler, Reading("instruments", msgspec.json.encode([INFY])), "world.reading") == []
    return says(handler, Reading("quote", msgspec.json.encode([QUOTE])), "world.reading")


def frame(*ticks: Tick) -> Frame:
    return Frame(encode_frame(list(ticks)))


def tick(second: int, price_e4: int = 15_000_000, volume: int = 0) -> Tick:
    return Tick(408065, price_e4, exchange_ns=OPEN_NS + second * 10**9, volume=volume)


def test_a_quote_says_the_instrument_whole_with_todays_band() -> None:
    instrument, quote = read(MarketdataHandler(["5s"]))

    assert isinstance(instrument, Instrument)
    assert (instrument.lower_circuit_e4, instrument.upper_circuit_e4) == (13_500_000, 16_500_000)
    assert (instrument.previous_close_e4, instrument.file_hash) == (14_999_500, "01234567")
    assert isinstance(quote, Quote)
    assert (quote.tradingsymbol, quote.bid_e4, quote.ask_e4) == ("INFY", 15_000_000, 0)


def test_a_quote_of_what_is_not_subscribed_says_nothing() -> None:
    handler = MarketdataHandler(["5s"])

    assert says(handler, Reading("quote", msgspec.json.encode([QUOTE])), "world.reading") == []


def test_a_frame_is_a_batch_and_closes_the_bars_that_it_ends() -> None:
    handler = MarketdataHandler(["5s"])
    read(handler)

    said = [says(handler, frame(tick(s, 15_000_000 + s * 500, s * 10)), "world.frame") for s in range(12)]

    assert [type(p).__name__ for one in said for p in one if not isinstance(p, TickBatch)] == ["Ohlc", "Ohlc"]
    bar = said[5][1]
    assert (bar.period, bar.start_ns, bar.end_ns) == ("5s", OPEN_NS, OPEN_NS + 5 * 10**9)
    assert (bar.open_e4, bar.close_e4, bar.ticks, bar.short) == (15_000_000, 15_002_000, 5, False)
    last = says(handler, Stop(), "control.stop")
    assert [(b.ticks, b.short) for b in last if isinstance(b, Ohlc)] == [(2, True)]


def test_the_file_read_again_keeps_the_bars_under_way() -> None:
    handler = MarketdataHandler(["5s"])
    read(handler)
    says(handler, frame(tick(0), tick(1)), "world.frame")

    read(handler)

    [_, bar] = says(handler, frame(tick(6)), "world.frame")
    assert bar.ticks == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_a_batch_or_counted(data: bytes) -> None:
    handler = MarketdataHandler(["5s"])
    read(handler)

    said = says(handler, Frame(data), "world.frame")

    assert all(isinstance(p, TickBatch | Ohlc) for p in said)
    assert handler.status()["ticks"] == sum(len(p) for p in said if isinstance(p, TickBatch))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"type":"order","data":{"order_id":"1","status":"COMPLETE","filled_quantity":5,"tag":"K1"}}',
         [OrderFrame("1", "COMPLETE", 5, "K1")]),
        ('{"type":"order","data":{"order_id":"1","status":"OPEN","tag":null}}', [OrderFrame("1", "OPEN", 0, "")]),
        ('{"type":"order","data":{}}', []),
        ('{"type":"error","data":"no"}', []),
        ('{"type":"message","data":"hello"}', []),
        ("not json", []),
        ("[]", []),
    ],
)  # fmt: skip
def test_an_order_frame_is_a_hint_and_other_text_is_nothing(text: str, hint: list[OrderFrame]) -> None:
    assert says(MarketdataHandler([]), Text(text), "world.text") == hint


@pytest.mark.parametrize(
    ("date", "derivatives_until"), [("2022-11-24", 15.5), ("2026-11-19", 15 + 40 / 60), ("2026-11-24", None)]
)
def test_bars_follow_the_days_hours(date: str, derivatives_until: float | None) -> None:
    sessions = sessions_on(date)

    if derivatives_until is None:  # a holiday
        assert sessions == {}
    else:
        assert sessions[2] == (int(9.25 * 3600) * 10**9, round(derivatives_until * 3600) * 10**9)
        assert sessions[1] == sessions[9] == (int(9.25 * 3600) * 10**9, int(15.5 * 3600) * 10**9)


def test_it_is_not_ready_before_the_feed_is_up() -> None:
    handler = MarketdataHandler([])
    read(handler)
    says(handler, Socket("connecting"), "world.socket")
    before = handler.waits_for

    says(handler, Socket("up"), "world.socket")

    assert before == ("the broker's feed (connecting)",)
    assert handler.waits_for == ()


def test_an_outage_is_a_gap_once_the_socket_is_up_again() -> None:
    handler = MarketdataHandler([])
    states = ["connecting", "up", "silent", "connecting", "up"]

    said = [p for state in states for p in says(handler, Socket(state), "world.socket")]  # type: ignore[arg-type]

    assert [p.state for p in said if isinstance(p, FeedHealth)] == states
    assert [type(p).__name__ for p in said].index("Gap") == 4
    assert sum(isinstance(p, Gap) for p in said) == 1
    assert handler.status()["reconnects"] == 1
