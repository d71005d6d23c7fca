"""kitesim beside the orders: login, portfolio, candles; through the official client where it has them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite

from services.kitesim_rig import API_KEY, API_SECRET, TOKEN, Kitesim, kitesim

INFY, NIFTY = 408065, 256265
TODAY = dt.date(2026, 11, 19)


@pytest.fixture(scope="module")
def legacy() -> Iterator[Kitesim]:
    with kitesim("--market", "synthetic", "--speed", "0.01", "--profile", "legacy") as running:
        yield running


def get(running: Kitesim, path: str, **headers: str) -> requests.Response:
    token = {"Authorization": f"token {API_KEY}:{TOKEN}"}
    return requests.get(running.root + path, headers=token | headers, timeout=5)


# --- login ----------------------------------------------------------------------------------------------------------


def test_a_renewable_login_is_renewed_until_its_refresh_token_ends() -> None:
    with kitesim("--market", "frozen", "--renewable") as running:
        client = running.client(token=None)
        first = client.generate_session(running.request_token(), api_secret=API_SECRET)
        assert first["refresh_token"]

        second = client.renew_access_token(first["refresh_token"], api_secret=API_SECRET)

        assert len({first["access_token"], second["access_token"]}) == 2
        assert client.profile()["user_id"] == "KS0001"
        with pytest.raises(kite.TokenException):
            running.client(first["access_token"]).profile()
        with pytest.raises(kite.TokenException):  # each is used once
            client.renew_access_token(first["refresh_token"], api_secret=API_SECRET)
        assert client.invalidate_refresh_token(second["refresh_token"]) is True
        with pytest.raises(kite.TokenException):
            client.renew_access_token(second["refresh_token"], api_secret=API_SECRET)


def test_an_ordinary_login_has_nothing_to_renew(legacy: Kitesim) -> None:
    session = legacy.client(token=None).generate_session(legacy.request_token(), api_secret=API_SECRET)

    assert session["refresh_token"] == ""
    checksum = hashlib.sha256(f"{API_KEY}{API_SECRET}".encode()).hexdigest()
    form = {"api_key": API_KEY, "refresh_token": "", "checksum": checksum}
    assert requests.post(f"{legacy.root}/session/refresh_token", data=form, timeout=5).status_code == 400


# --- portfolio ------------------------------------------------------------------------------------------------------


def test_holdings_in_all_their_forms_say_the_same(legacy: Kitesim) -> None:
    client = legacy.client()
    whole = client.holdings()

    compact, summary = (get(legacy, f"/portfolio/holdings/{form}").json()["data"] for form in ("compact", "summary"))

    assert compact == [{name: row[name] for name in compact[0]} for row in whole]
    assert summary["current_value"] == pytest.approx(sum(row["last_price"] * row["quantity"] for row in whole))
    assert summary["total_pnl"] == pytest.approx(sum(row["pnl"] for row in whole))
    assert summary["today_pnl"] == pytest.approx(sum(row["day_change"] * row["quantity"] for row in whole))
    assert [row["auction_number"] for row in client.get_auction_instruments()] == ["1594", "3045"]


def test_holdings_are_authorised_in_the_browser(legacy: Kitesim) -> None:
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}"}
    address = f"{legacy.root}/portfolio/holdings/authorise"
    answer = requests.post(address, {"isin": ["INE009A01021"], "quantity": ["5"]}, headers=headers, timeout=5)
    number = answer.json()["data"]["request_id"]

    page = requests.get(f"{legacy.root}/connect/portfolio/authorise/holdings/{API_KEY}/{number}", timeout=5)

    assert (page.status_code, "may be sold" in page.text) == (200, True)
    assert requests.post(address, {"type": "gold"}, headers=headers, timeout=5).status_code == 400


def test_a_position_is_converted_by_the_official_client(legacy: Kitesim) -> None:
    client = legacy.client()
    what = {"exchange": "NSE", "tradingsymbol": "ITC", "transaction_type": "BUY", "quantity": 10}
    client.place_order(variety="regular", product="MIS", order_type="MARKET", **what)
    change = what | {"quantity": 4, "position_type": "day", "old_product": "MIS", "new_product": "CNC"}

    assert client.convert_position(**change) is True

    rows = [row for row in client.positions()["net"] if row["tradingsymbol"] == "ITC"]
    assert {row["product"]: row["quantity"] for row in rows} == {"CNC": 4, "MIS": 6}
    with pytest.raises(kite.InputException, match="not so much of it"):
        client.convert_position(**change | {"quantity": 7})


def test_a_trigger_range_is_the_days_band(legacy: Kitesim) -> None:
    client = legacy.client()
    names = ["NSE:INFY", "NSE:NOPE"]

    ranges = client.trigger_range("BUY", *names)

    quote = client.quote(names)["NSE:INFY"]
    band = {"lower": quote["lower_circuit_limit"], "upper": quote["upper_circuit_limit"]}
    assert ranges == {"NSE:INFY": {"instrument_token": INFY} | band}


# --- candles --------------------------------------------------------------------------------------------------------


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


# --- the instruments file -------------------------------------------------------------------------------------------


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
