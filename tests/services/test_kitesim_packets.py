"""Packets of every segment in every mode, as the official Python and JavaScript tickers decode them, unmodified."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from websockets.sync.client import connect

from services.kitesim_rig import TOKEN, Kitesim, Ticker, js_is_here, js_ticker, kitesim, ticker, ticks
from services.kitesim_trader import Trader

Listen = Callable[..., AbstractContextManager[Ticker]]
# An instrument of each segment that Kite has, with the last byte of its token and what its prices are divided by.
SEGMENTS = {
    "NSE:NIFTY 50": (9, 100),
    "BSE:SENSEX": (9, 100),
    "NSE:INFY": (1, 100),
    "NFO:NIFTY26NOVFUT": (2, 100),
    "NFO:NIFTY26NOV26050CE": (2, 100),
    "CDS:USDINR26NOVFUT": (3, 10_000_000),
    "BSE:SBIN": (4, 100),
    "BFO:SENSEX26NOVFUT": (5, 100),
    "BCD:USDINR26NOVFUT": (6, 10_000),
    "MCX:CRUDEOIL26DECFUT": (7, 100),
    "NCO:CRUDEOIL26DECFUT": (12, 10_000),
}
LENGTHS = {"ltp": (8, 8), "quote": (44, 28), "full": (184, 32)}  # of a tradable instrument, of an index
CLIENTS = {
    "python": ticker,
    "javascript": pytest.param(
        js_ticker,
        marks=pytest.mark.skipif(not js_is_here(), reason="the official JavaScript client is not installed here"),
    ),
}


def frozen(*options: str) -> AbstractContextManager[Kitesim]:
    return kitesim("--universe", "full", "--market", "frozen", "--profile", "legacy", *options)


@pytest.fixture(scope="module")
def trader() -> Iterator[Trader]:
    with frozen() as running:
        yield Trader(running, "legacy")


@pytest.fixture(scope="module")
def hundredths() -> Iterator[Trader]:
    """For clients that take NCO's prices for paise."""
    with frozen("--rule", "nco_divisor=100") as running:
        yield Trader(running, "legacy")


def tokens(one: Trader) -> dict[int, str]:
    return {one.rows[name]["instrument_token"]: name for name in SEGMENTS}


def decoded(one: Trader, listen: Listen, mode: str) -> dict[str, dict[str, Any]]:
    names = tokens(one)
    with listen(one.running.address, {mode: list(names)}, token=one.session["access_token"]) as official:
        return {names[token]: tick for token, tick in official.until(mode, set(names)).items()}


def prices(tick: dict[str, Any]) -> dict[str, Any]:
    """All that a divisor touches, but for the average, whose unit on the wire is the coarser one."""
    found: dict[str, Any] = {name: tick[name] for name in ("last_price", "ohlc") if name in tick}
    for side, rows in tick.get("depth", {}).items():
        found[side] = [row["price"] for row in rows]
    return found


def quoted(quote: dict[str, Any], mode: str, index: bool) -> dict[str, Any]:
    members = {"ltp": ("last_price",), "quote": ("last_price", "ohlc")}.get(mode, ("last_price", "ohlc", "depth"))
    return prices({name: quote[name] for name in members if not (index and name == "depth")})


@pytest.mark.parametrize("mode", LENGTHS)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_every_client_sees_the_prices_of_every_segment(
    request: pytest.FixtureRequest, client: Listen, mode: str
) -> None:
    # The official Python client divides NCO by 10,000 since 5.2.2, the JavaScript one by 100: hence the setting.
    one: Trader = request.getfixturevalue("trader" if client is ticker else "hundredths")
    quotes = one.quotes(list(SEGMENTS))

    ticks = decoded(one, client, mode)

    for name, (segment, _) in SEGMENTS.items():
        tick, quote = ticks[name], quotes[name]
        assert prices(tick) == quoted(quote, mode, segment == 9), name
        assert (tick["mode"], tick["tradable"]) == (mode, segment != 9)
        if mode == "full" and segment != 9:
            for side in ("buy", "sell"):
                assert tick["depth"][side] == quote["depth"][side], name
            assert (tick["oi"], tick["volume_traded"]) == (quote["oi"], quote["volume"]), name
            # Shown in the wire's unit, from an average of the day's trades in a finer one.
            unit = 0.01 if segment not in (3, 6, 12) else 0.0001
            assert tick["average_traded_price"] == pytest.approx(quote["average_price"], abs=unit)


@pytest.mark.parametrize("mode", LENGTHS)
def test_every_packet_has_its_length_and_its_unit(trader: Trader, mode: str) -> None:
    names = tokens(trader)
    quotes = trader.quotes(list(SEGMENTS))

    with connect(f"{trader.running.feed.split('&')[0]}&access_token={TOKEN}", compression=None) as reader:
        reader.send('{"a": "mode", "v": ["%s", %s]}' % (mode, list(names)))  # noqa: UP031
        frame = ticks(reader)

    packets = {struct.unpack_from(">I", packet)[0]: packet for packet in split(frame)}
    assert packets.keys() == names.keys()
    for token, packet in packets.items():
        segment, divisor = SEGMENTS[names[token]]
        assert token & 0xFF == segment
        assert len(packet) == LENGTHS[mode][segment == 9]
        assert struct.unpack_from(">I", packet, 4)[0] == round(quotes[names[token]]["last_price"] * divisor)


def split(frame: bytes) -> Iterator[bytes]:
    (count,) = struct.unpack_from(">H", frame)
    place = 2
    for _ in range(count):
        (length,) = struct.unpack_from(">H", frame, place)
        yield frame[place + 2 : place + 2 + length]
        place += 2 + length
    assert place == len(frame)


def test_what_is_listed_everywhere_is_traded_there(trader: Trader) -> None:
    for name in ("BFO:SENSEX26NOVFUT", "CDS:USDINR26NOVFUT", "BCD:USDINR26NOVFUT", "MCX:CRUDEOIL26DECFUT",
                 "NCO:CRUDEOIL26DECFUT"):  # fmt: skip
        exchange, symbol = name.split(":")
        what = {"exchange": exchange, "tradingsymbol": symbol, "product": "NRML"}
        lot = trader.rows[name]["lot_size"]

        order_id = trader.place(order_type="MARKET", quantity=lot, **what)

        assert trader.row(order_id)["status"] == "COMPLETE", name
        out = trader.place(order_type="MARKET", quantity=lot, transaction_type="SELL", **what)
        assert trader.row(out)["status"] == "COMPLETE", name
