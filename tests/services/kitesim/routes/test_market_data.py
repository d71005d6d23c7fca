"""Candles and the file of instruments."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite

from services.kitesim_rig import Kitesim, get, kitesim

INFY = 408065
TODAY = dt.date(2026, 11, 19)


def candles(client: KiteConnect, days: int, interval: str = "minute", **more: Any) -> list[dict[str, Any]]:
    to = dt.datetime.combine(TODAY, dt.time(15, 30))
    return list(client.historical_data(INFY, to - dt.timedelta(days=days), to, interval, **more))


def test_candles_reach_from_the_past_into_the_minute_that_runs(legacy: Kitesim) -> None:
    client = legacy.client()

    rows = candles(client, 7)

    starts = [row["date"] for row in rows]
    assert starts == sorted(set(starts))
    assert starts[-1].isoformat() == "2026-11-19T09:20:00+05:30"
    assert rows[-1]["close"] == client.ltp([INFY])[str(INFY)]["last_price"]
    assert all(row["low"] <= min(row["open"], row["close"]) for row in rows)
    assert all(row["high"] >= max(row["open"], row["close"]) for row in rows)
    day = candles(client, 0, "day")[-1]
    quote = client.quote([INFY])[str(INFY)]
    assert {name: day[name] for name in ("open", "high", "low")} == {
        name: quote["ohlc"][name] for name in ("open", "high", "low")
    }
    assert day["volume"] == quote["volume"]


@pytest.mark.parametrize(
    ("interval", "days"),
    [("minute", 30), ("3minute", 90), ("30minute", 180), ("60minute", 365), ("hour", 365), ("day", 2000)],
)
def test_a_programs_old_spans_are_legacys(legacy: Kitesim, interval: str, days: int) -> None:
    client = legacy.client()

    assert "oi" in candles(client, days, interval, oi=True)[0]
    with pytest.raises(kite.InputException, match=f"interval exceeds max limit: {days} days"):
        candles(client, days + 1, interval)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/instruments/historical/1/minute?from=2026-11-18&to=2026-11-19", "invalid token"),
        (f"/instruments/historical/{INFY}/2minute?from=2026-11-18&to=2026-11-19", "invalid interval"),
        (f"/instruments/historical/{INFY}/minute?to=2026-11-19", "invalid from date"),
        (f"/instruments/historical/{INFY}/minute?from=2026-11-19&to=soon", "invalid to date"),
        (f"/instruments/historical/{INFY}/day?from=2026-11-19&to=2026-11-18", "from date cannot be after to date"),
        (f"/instruments/historical/{INFY}/day?from=2026-11-18&to=2026-11-19&oi=maybe", "Invalid `oi`."),
        ("/instruments/trigger_range/hold?i=NSE:INFY", "Invalid `transaction_type`."),
        ("/instruments/trigger_range/buy", "Invalid `i`: from 1 to 500 instruments."),
    ],
)
def test_a_broken_request_is_an_input_exception(legacy: Kitesim, path: str, message: str) -> None:
    answer = get(legacy, path)

    assert (answer.status_code, answer.json()["error_type"]) == (400, "InputException")
    assert answer.json()["message"] == message


def test_candles_have_a_window_of_their_own() -> None:
    with kitesim("--speed", "0.01") as strict:
        client = strict.client()
        client.ltp([INFY])
        for _ in range(3):
            candles(client, 1)
        with pytest.raises(kite.NetworkException, match="Too many requests"):
            candles(client, 1)
        client.orders()


@pytest.mark.parametrize("exchange", ["", "NFO"])
def test_the_instruments_are_there_as_json_lines_too(legacy: Kitesim, exchange: str) -> None:
    path = f"/instruments/{exchange}" if exchange else "/instruments"
    listed = legacy.client().instruments(exchange or None)

    answer = get(legacy, f"{path}.json")

    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    same = ("instrument_token", "tradingsymbol", "exchange", "name", "strike", "tick_size", "lot_size", "segment")
    assert [[row[name] for name in same] for row in rows] == [[row[name] for name in same] for row in listed]
    assert [row["expiry_date"] for row in rows] == [str(row["expiry"] or "") for row in listed]
    assert get(legacy, f"{path}.xml").status_code in (400, 404)


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True), ("gzip, deflate", True), ("deflate, gzip;q=0.5", True), ("*", True), ("GZIP;Q=1", True),
        ("gzip;q=0", False), ("gzip; q=0.000, *", False), ("identity", False), ("*;q=0", False), ("xgzip", False),
    ],
)  # fmt: skip
def test_the_file_is_gzipped_for_those_who_take_it(legacy: Kitesim, accepted: str, zipped: bool) -> None:
    answer = get(legacy, "/instruments/NFO", **{"Accept-Encoding": accepted})

    assert (answer.headers.get("content-encoding") == "gzip") is zipped
    assert answer.text.startswith("instrument_token,")
