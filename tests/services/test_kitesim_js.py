"""The official JavaScript client, unmodified, against kitesim."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from kitev3.services.kitesim.postbacks import checksum

from services.kitesim_rig import API_KEY, API_SECRET, environment, kitesim

JS = Path(__file__).parents[1] / "js"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (JS / "node_modules" / "kiteconnect").is_dir(),
    reason="the official JavaScript client is not installed here: `make js` fetches it where npm is",
)


def test_the_official_client_goes_through_a_day() -> None:
    with kitesim("--speed", "5", "--profile", "legacy") as running:
        page = requests.get(f"{running.root}/connect/login?api_key={API_KEY}&v=3", allow_redirects=False, timeout=5)
        (request_token,) = parse_qs(urlsplit(page.headers["location"]).query)["request_token"]
        postback = {"order_id": "1", "order_timestamp": "2026-11-19 09:20:00"}
        given = {
            "root": running.root,
            "feed": f"ws://{running.address}/",
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "request_token": request_token,
            "postback": postback | {"checksum": checksum(*postback.values(), API_SECRET)},
        }

        done = subprocess.run(
            ["node", "walk.js", json.dumps(given)],
            cwd=JS,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["user"] == "KS0001"
    assert found["instruments"] > 20
    assert (found["infy"]["instrument_token"], found["infy"]["lot_size"]) == ("408065", 1)
    assert found["history"][-1] == "CANCELLED"
    assert "MODIFIED" in found["history"]
    assert sum(found["traded"]) == 5
    assert found["trades"] == len(found["traded"])
    assert found["orders"] == ["CANCELLED", "COMPLETE"]
    assert sorted(found["positions"]) == [["CNC", 2], ["MIS", 3]]
    assert (found["holdings"], found["auctions"], found["quote"]) == (2, 2, 5)
    assert found["ohlc"] == ["open", "high", "low", "close"]
    assert found["candles"] == [f"2026-11-{day - 1}T18:30:00.000Z" for day in (16, 17, 18)]
    assert found["funds"][1:] == ["CANCELLED", "CANCELLED", 1]
    assert found["gtt"] == ["active", "deleted"]
    assert found["basket"] == pytest.approx(2 * found["margin"][0])
    assert found["charges"] == [True]
    assert found["refused"] == "InputException"
    assert found["postback"] is True
    assert {"256265 full", "408065 full", "738561 ltp"} <= set(found["modes"])
    assert found["depth"] == 5
    assert {"CANCELLED", "COMPLETE"} <= set(found["updates"])
    assert found["after"] == "TokenException"
