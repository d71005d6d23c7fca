"""Every route of kitesim answers in Kite's shape, every variety of order and every kind of answer included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from waiting import S_MAX, until
from websockets.sync.client import connect

from services import kite_shapes as shapes
from services.kite_asks import ASKS, FILES, PAGES, Ask, every_route, filled
from services.kite_shapes import wrong
from services.kitesim_rig import API_KEY, API_SECRET, Asker, Kitesim, kitesim


def test_the_table_itself_tells_right_from_wrong() -> None:
    right = {
        "net": [],
        "day": [dict.fromkeys(shapes.POSITION, 1) | {"tradingsymbol": "x", "exchange": "NSE", "product": "CNC"}],
    }
    shape = {"net": [shapes.POSITION], "day": [shapes.POSITION]}

    assert wrong(right, shape) == []
    assert wrong({"net": []}, shape) == ["data.day: missing"]
    assert wrong(right | {"more": 1}, shape) == ["data.more: not Kite's"]
    assert wrong({"net": [], "day": [right["day"][0] | {"pnl": "1"}]}, shape) == ["data.day[0].pnl: '1' is no num"]
    assert wrong([["2026-11-19T09:15:00+05:30", 1, 1, 1, 1, 1]], shapes.CANDLES["candles"])
    assert wrong("2026-11-19 9:15:00", "time")
    assert wrong(True, "int")
    assert wrong({"order_id": "1", "error": {}}, shapes.CHILD)
    assert wrong({"order_id": "1"}, shapes.CHILD) == []
    assert wrong({"variety": "bo"}, shapes.BOOK_ROW) == [f"data.variety: 'bo' is none of {shapes.VARIETY.words}"]


def test_every_route_has_its_shape_in_the_table() -> None:
    others = PAGES | {("GET", path) for path in FILES}

    assert {(ask.method, ask.route) for ask in ASKS} == every_route() - others


def test_every_answer_has_its_shape() -> None:
    with kitesim("--speed", "5", "--profile", "legacy", "--renewable") as running:
        kept, ask_ = _first(running), Asker(running)
        for ask in ASKS:
            envelope = _asked(ask_, ask, kept)

            assert envelope.keys() == {"status", "data"}
            assert wrong(envelope["data"], ask.shape) == [], ask
            kept |= {name: envelope["data"][member] for name, member in ask.keep.items()}
            if ask.route == "/session/token" and ask.method == "POST":
                kept |= _renewal(envelope["data"]["refresh_token"])
            if ask.route == "/session/refresh_token":
                ask_.token = kept["access_token"] = envelope["data"]["access_token"]


def _asked(ask_: Asker, ask: Ask, kept: dict[str, Any]) -> dict[str, Any]:
    """The envelope; asked for until it has the rows that there must be."""
    body = ask.body({name: filled(text, kept) for name, text in ask.form.items()})

    def enough() -> dict[str, Any]:
        status, headers, content = ask_(ask.method, (ask.path or ask.route).format_map(kept), body)
        envelope: dict[str, Any] = json.loads(content)
        assert (status, headers["content-type"]) == (200, "application/json"), (ask, envelope)
        return envelope if not ask.least or len(envelope["data"]) >= ask.least else {}

    return until(enough, lambda: ask)


def _first(running: Kitesim) -> dict[str, Any]:
    token, client = running.request_token(), running.client()
    checksum = hashlib.sha256(f"{API_KEY}{token}{API_SECRET}".encode()).hexdigest()
    option = next(row["tradingsymbol"] for row in client.instruments("NFO") if row["instrument_type"] == "CE")
    names = ["NSE:INFY", f"NFO:{option}"]
    last, premium = (client.ltp(names)[name]["last_price"] for name in names)
    prices = {"away": last * 0.96, "below": last * 0.99, "above": last * 1.03, "cheap": premium * 0.9}
    return {"request_token": token, "checksum": checksum, "option": option, "too_many": str(8 * 1755)} | {
        name: round(price, 1) for name, price in prices.items()
    }


def _renewal(token: str) -> dict[str, str]:
    checksum = hashlib.sha256(f"{API_KEY}{token}{API_SECRET}".encode()).hexdigest()
    return {"refresh_token": token, "refresh_checksum": checksum}


@pytest.fixture(scope="module")
def frozen() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        yield running


@pytest.mark.parametrize("path", ["/instruments", "/instruments/NFO", "/mf/instruments"])
def test_a_file_is_csv_without_a_blank_in_its_numbers(frozen: Kitesim, path: str) -> None:
    status, headers, content = Asker(frozen)("GET", path)
    lines = content.decode().splitlines()

    assert (status, headers["content-type"]) == (200, "text/csv")
    assert len({line.count(",") for line in lines}) == 1
    names = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(names, line.split(","), strict=True))
        for name in {"instrument_token", "lot_size"} & row.keys():
            assert row[name].isdecimal(), line
        for name in {"last_price", "strike", "tick_size", "minimum_purchase_amount"} & row.keys():
            float(row[name])


def test_order_frames_of_every_variety_have_their_shape() -> None:
    with kitesim("--market", "frozen", "--profile", "legacy") as running, connect(running.feed) as reader:
        kept, ask_ = _first(running), Asker(running)
        for ask in ASKS:
            if ask.method != "GET" and ask.route.startswith("/orders"):
                answer = _asked(ask_, ask, kept)["data"]
                kept |= {name: answer[member] for name, member in ask.keep.items()}
        frames: list[dict[str, Any]] = []
        while not frames or (frames[-1]["order_id"], frames[-1]["status"]) != (kept["offer"], "CANCELLED"):
            if isinstance(text := reader.recv(timeout=S_MAX), str):
                message = json.loads(text)
                assert (*message, message["type"]) == ("type", "data", "order")
                frames.append(message["data"])
    assert [found for frame in frames for found in wrong(frame, shapes.ORDER_FRAME)] == []
    assert {frame["variety"] for frame in frames} == {"regular", "amo", "co", "iceberg", "auction"}


def test_what_the_exchange_has_not_acknowledged_has_none_of_its_marks() -> None:
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        kept, ask_ = _first(running), Asker(running)
        for ask in ASKS:
            if ask.route.startswith("/orders/{variety}"):
                kept |= {name: _asked(ask_, ask, kept)["data"][member] for name, member in ask.keep.items()}
                if not ask.keep:
                    _asked(ask_, ask, kept)
        rows = [row for order in ask_.data("/orders") for row in ask_.data(f"/orders/{order['order_id']}")]

    before = {"PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "AMO REQ RECEIVED"}
    for row in rows:
        marks = {row["exchange_order_id"] is None, row["exchange_timestamp"] is None}
        assert len(marks) == 1, row
        if row["status"] in before or row["variety"] == "amo":
            assert marks == {True}, row
        elif row["status"] in ("OPEN", "TRIGGER PENDING", "COMPLETE"):
            assert marks == {False}, row
        assert (row["average_price"] > 0) == (row["filled_quantity"] > 0), row
        assert (row["status_message"] is not None) <= (row["status"] in ("REJECTED", "CANCELLED")), row
    assert {row["status"] for row in rows} >= before | {"OPEN", "TRIGGER PENDING", "COMPLETE", "CANCELLED", "REJECTED"}


def test_triggers_that_have_fired_have_their_shape() -> None:
    with kitesim("--speed", "600", "--profile", "legacy") as running:
        client, ask_ = running.client(), Asker(running)
        last = client.ltp(["NSE:RELIANCE"])["NSE:RELIANCE"]["last_price"]
        low, high = (round(last * part, 1) for part in (0.996, 1.004))
        leg = {"transaction_type": "BUY", "order_type": "LIMIT", "product": "CNC"}
        fine, dear = leg | {"quantity": 1, "price": high}, leg | {"quantity": 100_000, "price": high}
        client.place_gtt("two-leg", "RELIANCE", "NSE", [low, high], last, [fine, fine])
        client.place_gtt("two-leg", "RELIANCE", "NSE", [low, high], last, [dear, dear])
        until(lambda: all(gtt["status"] != "active" for gtt in ask_.data("/gtt/triggers")))
        gtts = ask_.data("/gtt/triggers")

    assert wrong(gtts, [shapes.GTT]) == []
    results = [leg["result"]["order_result"] for gtt in gtts for leg in gtt["orders"] if leg["result"]]
    assert [result["status"] for result in results] == ["success", "failed"]
    assert [bool(result["order_id"]) for result in results] == [True, False]
    assert results[1]["rejection_reason"].startswith("Insufficient funds")
