"""The official JavaScript client, unmodified, against kitesim: once as a program of 2026 and once as an older one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kitev3.services.kitesim.postbacks import checksum

from services.kitesim_rig import API_KEY, API_SECRET, JS, TOKEN, Kitesim, environment, js_is_here, js_ticker, kitesim

pytestmark = pytest.mark.skipif(
    not js_is_here(),
    reason="the official JavaScript client is not installed here: `make js` fetches it where npm is",
)
PROFILES = {
    # AMOs are for after the market's hours there: the Python walk has an evening of its own.
    "strict-2026": (["--market", "frozen", "--speed", "300"], ["amo"]),
    "legacy": (["--profile", "legacy", "--speed", "5"], []),
}
PLACED = ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING"]
MODIFIED = ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED"]
CANCELLED = ["CANCEL PENDING", "CANCELLED"]


@contextmanager
def walked(profile: str) -> Iterator[tuple[Kitesim, dict[str, Any]]]:
    """What the client found, and the exchange that it found it at."""
    options, without = PROFILES[profile]
    with kitesim("--universe", "full", "--clock", "2026-11-19T14:10", *options) as running:
        postback = {"order_id": "1", "order_timestamp": "2026-11-19 09:20:00"}
        given = {
            "root": running.root,
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "request_token": running.request_token(),
            "postback": postback | {"checksum": checksum(*postback.values(), API_SECRET)},
            "option": option(running),
            "without": without,
        }
        done = subprocess.run(
            ["node", "walk.js", json.dumps(given)],
            cwd=JS,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        yield running, json.loads(done.stdout)


def option(running: Kitesim) -> dict[str, Any]:
    """A call of this week, and a price below its last one of which 3,575 can be paid."""
    quotes = running.client().quote([f"NFO:NIFTY26NOV{strike}CE" for strike in range(26000, 26600, 50)])
    name, quote = min(quotes.items(), key=lambda pair: abs(pair[1]["last_price"] - 60))
    return {"tradingsymbol": name[4:], "price": round(round(quote["last_price"] * 0.9 * 20) / 20, 2)}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_official_client_goes_through_a_day(profile: str) -> None:
    with walked(profile) as (_, found):
        pass

    assert (found["user"], found["login"][:10]) == ("KS0001", "2026-11-19")
    assert found["instruments"] > 3_000
    assert (found["infy"]["instrument_token"], found["infy"]["lot_size"]) == ("408065", 1)
    check_varieties(found["varieties"], profile)
    assert found["trades"] >= 3
    assert sorted(found["positions"]) == [["CNC", 2], ["MIS", 3]]
    assert (found["holdings"], found["depth"]) == (2, 5)
    assert found["money"]["net"] == found["money"]["available"]["live_balance"]
    assert found["ohlc"] == ["open", "high", "low", "close"]
    assert found["candles"] == [f"2026-11-{day - 1}T18:30:00.000Z" for day in (16, 17, 18)]
    assert found["funds"][1:] == ["CANCELLED", "CANCELLED", 1]
    assert found["triggers"] == [
        ["single", "active", [3]],
        "deleted",
        ["two-leg", "active", [3, 3]],
        "deleted",
    ]
    assert found["basket"] == pytest.approx(2 * found["margin"][0]) == 30_000
    assert found["charges"] == [pytest.approx(17.8111, abs=1e-4)]
    assert (found["refused"], found["after"]) == ("InputException", "TokenException")
    assert found["postback"] is True


def check_varieties(found: dict[str, Any], profile: str) -> None:
    rests, waits = [*PLACED, "OPEN"], [*PLACED, "TRIGGER PENDING"]
    kept = ["PUT ORDER REQ RECEIVED", "AMO REQ RECEIVED", "MODIFY AMO REQ RECEIVED", "AMO REQ RECEIVED", *CANCELLED]
    wanted = {
        "limit": [*rests, *MODIFIED, "OPEN", *CANCELLED],
        "stop": [*waits, *MODIFIED, "TRIGGER PENDING", *CANCELLED],
        "stop_market": [*waits, *MODIFIED, "TRIGGER PENDING", *CANCELLED],
        "iceberg": [*rests, *MODIFIED, "OPEN", *CANCELLED],
        "immediate": [*rests, "CANCELLED"],
        "minutes": [*rests, *CANCELLED],
        "auction": [*rests, *CANCELLED],
    } | ({"amo": kept} if profile == "legacy" else {})

    assert {name: found[name]["history"] for name in wanted} == wanted
    rows = {name: one["row"] for name, one in found.items() if "row" in one}
    assert (rows["limit"]["tag"], rows["limit"]["order_timestamp"][:10]) == ("js", "2026-11-19")
    assert (rows["minutes"]["validity"], rows["minutes"]["validity_ttl"]) == ("TTL", 60)
    assert rows["iceberg"]["meta"]["iceberg"]["legs"] == 3
    assert rows["auction"]["auction_number"]
    assert (rows["market"]["status"], rows["market"]["tags"][0]) == ("COMPLETE", "mktp")
    assert sum(trade["quantity"] for trade in found["market"]["trades"]) == 5
    assert (rows["cover"]["status"], rows["cover"]["product"]) == ("TRIGGER PENDING", "CO")
    assert (found["cover"]["entry"]["status"], found["cover"]["history"][-1]) == ("COMPLETE", "COMPLETE")
    sliced = found["sliced"]
    assert [row["quantity"] for row in sliced["rows"]] == [1755, 1755, 65]
    assert [row["tags"] for row in sliced["rows"]] == [["autoslice", f"autoslice:{sliced['parent']}"]] * 3


def test_the_official_ticker_hears_orders_and_heartbeats() -> None:
    fields = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "product": "CNC", "quantity": 5}
    with kitesim("--market", "frozen") as running, js_ticker(running.address, {}, token=TOKEN) as official:
        official.wait("connect")
        running.client().place_order("regular", **fields, order_type="MARKET", market_protection=-1, tag="js")

        update = official.wait("order")["data"]
        while update["status"] == "UPDATE":
            update = official.wait("order")["data"]

    assert (update["status"], update["tag"], update["filled_quantity"]) == ("COMPLETE", "js", 5)
