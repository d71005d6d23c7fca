"""What the operator's page shows."""

from __future__ import annotations

import json

import pytest
import requests
from kiteconnect import exceptions as kite
from waiting import S_MAX
from websockets.sync.client import connect

from services.faults_rig import Faulty
from services.kitesim_rig import API_KEY, API_SECRET, TOKEN, kitesim, ticks
from services.page_rig import INFY, ORDER, ask, shown


def test_it_shows_an_order_with_its_history_and_the_faults_that_happened_to_it(lying: Faulty) -> None:
    with lying.fault("delay", ms=1, where={"tag": "page"}):
        order_id = lying.running.client().place_order(**ORDER)

    first = shown(lying.running, "/orders")[0]
    story = shown(lying.running, f"/orders/{order_id}")
    account = shown(lying.running, "/now")["accounts"][0]

    assert (first["id"], first["user"], first["faults"]) == (order_id, "KS0001", ["delay"])
    statuses = [row["status"] for row in lying.running.client().order_history(order_id)]
    assert [state["status"] for state in story["states"]] == statuses
    assert sum(fill["quantity"] for fill in story["fills"]) == 2
    assert shown(lying.running, "/trades")[0]["order"] == order_id
    assert account["used"] == lying.running.client().margins("equity")["utilised"]["debits"]
    assert [row["tradingsymbol"] for row in account["positions"]] == ["INFY"]


def test_orders_are_chosen_by_account_instrument_and_whether_they_are_over(lying: Faulty) -> None:
    client = lying.running.client()
    price = client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"] * 0.97
    resting = client.place_order(**ORDER | {"order_type": "LIMIT", "price": round(price)})
    client.place_order(**ORDER)

    assert [row["id"] for row in shown(lying.running, "/orders?open=1")] == [resting]
    assert [row["id"] for row in shown(lying.running, f"/instruments/{INFY}")["own"]] == [resting]
    assert resting in [row["id"] for row in shown(lying.running, f"/orders?token={INFY}&user=KS0001")]
    assert shown(lying.running, "/orders?token=256265") == []
    assert ask(lying.address, "/api/orders?user=NOBODY")[0] == 404
    client.cancel_order("regular", resting)


def test_it_shows_the_instruments_their_prices_and_the_day() -> None:
    with kitesim() as running:
        about = shown(running, "/about")
        names = {row[0]: row[2] for row in about["instruments"]}
        (token, last, close, bid, ask_, volume), *_ = shown(running, f"/prices?tokens={INFY},1")
        minutes = shown(running, f"/instruments/{INFY}/chart")
        quote = shown(running, f"/instruments/{INFY}")["quote"]
        now = shown(running, "/now")

    assert names[INFY] == "INFY"
    assert (token, close) == (INFY, quote["ohlc"]["close"])
    assert bid <= last <= ask_ or bid < ask_
    assert volume > 0
    assert len(minutes) >= 5
    assert minutes[-1][0] - minutes[0][0] == (len(minutes) - 1) * 60_000
    assert {phase["phase"] for phase in now["market"]["phases"]} == {"open"}
    assert now["market"]["running"]


def test_it_shows_who_listens_what_is_asked_and_what_is_refused() -> None:
    with kitesim() as running:
        client = running.client()
        client.profile()
        client.profile()
        with pytest.raises(kite.InputException):
            client.place_order(**ORDER | {"tradingsymbol": "NOPE"})
        with connect(running.feed) as feed:
            feed.send(json.dumps({"a": "mode", "v": ["ltp", [INFY, 256265]]}))
            ticks(feed)
            now = shown(running, "/now")

    (one,) = now["sockets"]["open"]
    assert (one["user"], one["api_key"], one["modes"]) == ("KS0001", API_KEY, {"ltp": 2})
    routes = {(method, path): count for method, path, count in now["requests"]["routes"]}
    assert routes == {("GET", "/user/profile"): 2, ("POST", "/orders/{variety}"): 1}, "the page itself does not count"
    (refused,) = now["requests"]["refused"]
    assert (refused["status"], refused["path"], refused["api_key"]) == (400, "/orders/regular", API_KEY)
    assert refused["why"].startswith("InputException: ")


def test_no_secret_is_shown(lying: Faulty) -> None:
    with pytest.raises(kite.TokenException):
        lying.running.client("stolen").profile()
    # Somebody forgets his key, and sends the token alone.
    requests.get(f"{lying.running.root}/orders", headers={"Authorization": "token alone"}, timeout=S_MAX)
    paths = ["/about", "/now", "/orders", "/trades", f"/instruments/{INFY}", f"/prices?tokens={INFY}"]

    told = json.dumps([shown(lying.running, path) for path in paths])

    assert API_KEY in told
    for secret in (TOKEN, API_SECRET, "stolen", "alone"):
        assert f'"{secret}' not in told
        assert f":{secret}" not in told


@pytest.mark.parametrize(
    "path",
    [
        "/orders/1",
        "/instruments/1",
        "/instruments/1/chart",
        "/instruments/x",
        "/instruments/99999999999/chart",
        "/orders?token=x",
    ],
)
def test_what_there_is_not_is_a_404_and_no_bug(lying: Faulty, path: str) -> None:
    status, said, _ = ask(lying.address, f"/api{path}")

    assert status == 404
    assert said["error"]
