"""kitesim's alerts and mutual funds: through the official client where it has them, raw where it has not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from kiteconnect import exceptions as kite
from kitev3._core import Exchange
from kitev3.contracts import Request
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.replay import replay

from services.kitesim_rig import API_KEY, TOKEN, Kitesim, kitesim

START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20
ABOVE = {
    "name": "up", "type": "simple", "lhs_exchange": "NSE", "lhs_tradingsymbol": "INFY",
    "lhs_attribute": "LastTradedPrice", "operator": ">=", "rhs_type": "constant", "rhs_constant": "1",
}  # fmt: skip
ITEM = '{"items": [{"exchange": "NSE", "tradingsymbol": "TCS", "params": {"quantity": %s}}]}'
SCHEME, HELD = "INF179K01YV8", "INF109K016L0"


@pytest.fixture(scope="module")
def running() -> Iterator[Kitesim]:
    with kitesim("--speed", "20", "--profile", "legacy") as one:
        yield one


def ask(running: Kitesim, method: str, path: str, **fields: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}"}
    answer = requests.request(method, running.root + path, data=fields, headers=headers, timeout=5)
    body = answer.json()
    return answer.status_code, body["data"] if answer.ok else body["message"]


def until_counted(running: Kitesim, uuid: str) -> dict[str, Any]:
    for _ in range(200):
        _, alert = ask(running, "GET", f"/alerts/{uuid}")
        if alert["alert_count"]:
            return dict(alert)
        time.sleep(0.02)
    raise AssertionError("it was never met")


# --- alerts ---------------------------------------------------------------------------------------------------------


def test_an_alert_is_met_once_when_its_condition_becomes_true(running: Kitesim) -> None:
    _, made = ask(running, "POST", "/alerts", **ABOVE)

    alert = until_counted(running, made["uuid"])

    _, history = ask(running, "GET", f"/alerts/{made['uuid']}/history")
    assert (alert["alert_count"], alert["status"], len(history)) == (1, "enabled", 1)
    assert history[0]["condition"] == 'LastTradedPrice("NSE:INFY") >= 1.0'
    assert history[0]["meta"][0]["tradingsymbol"] == "INFY"
    assert made in (
        {**row, "alert_count": 0, "updated_at": made["updated_at"]} for row in ask(running, "GET", "/alerts")[1]
    )


def test_an_alert_of_two_instruments_waits_while_it_is_not_true(running: Kitesim) -> None:
    rhs = {"rhs_type": "instrument", "rhs_exchange": "INDICES", "rhs_tradingsymbol": "NIFTY 50"}
    fields = ABOVE | rhs | {"rhs_attribute": "LastTradedPrice", "name": "never"}

    _, made = ask(running, "POST", "/alerts", **fields)
    _, met = ask(running, "POST", "/alerts", **fields | {"operator": "<", "name": "at once"})

    until_counted(running, met["uuid"])
    assert ask(running, "GET", f"/alerts/{made['uuid']}")[1]["alert_count"] == 0
    assert [row["name"] for row in ask(running, "GET", "/alerts?name=never")[1]] == ["never"]
    assert ask(running, "PUT", f"/alerts/{made['uuid']}", **ABOVE)[1]["rhs_type"] == "constant"
    until_counted(running, made["uuid"])


def test_an_alert_that_orders_places_its_basket_once(running: Kitesim) -> None:
    params = {"transaction_type": "BUY", "product": "MIS", "order_type": "MARKET", "quantity": 3, "variety": "regular"}
    items = [
        {"exchange": "NSE", "tradingsymbol": "TCS", "params": params},
        {"exchange": "NSE", "tradingsymbol": "NOPE", "params": params},
    ]
    _, made = ask(running, "POST", "/alerts", **ABOVE | {"type": "ato", "basket": json.dumps({"items": items})})

    alert = until_counted(running, made["uuid"])

    (met,) = ask(running, "GET", f"/alerts/{made['uuid']}/history")[1]
    order_id = met["order_meta"][0]["order_id"]
    assert met["order_meta"][1]["error"]["error_type"] == "InputException"
    assert (alert["status"], alert["disabled_reason"]) == ("disabled", "Triggered.")
    assert running.client().order_history(order_id)[-1]["status"] == "COMPLETE"


def test_alerts_end_by_name_and_all_or_none(running: Kitesim) -> None:
    uuids = [ask(running, "POST", "/alerts", **ABOVE | {"name": "to end"})[1]["uuid"] for _ in range(2)]

    assert ask(running, "DELETE", "/alerts") == (400, "Missing `uuid`.")
    assert ask(running, "DELETE", f"/alerts?uuid={uuids[0]}&uuid=nope")[0] == 400
    assert len(ask(running, "GET", "/alerts?name=to end")[1]) == 2
    assert ask(running, "DELETE", f"/alerts?uuid={uuids[0]}&uuid={uuids[1]}&uuid={uuids[1]}") == (200, None)
    assert ask(running, "GET", "/alerts?name=to end")[1] == []
    assert ask(running, "GET", f"/alerts/{uuids[0]}")[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"type": "loud"},
        {"name": ""},
        {"operator": "=>"},
        {"lhs_tradingsymbol": "NOPE"},
        {"lhs_attribute": "Mood"},
        {"rhs_type": ""},
        {"rhs_constant": "much"},
        {"rhs_constant": "nan"},
        {"rhs_constant": "1_000"},
        {"rhs_constant": "\u0967\u0968"},  # digits, but no number of Kite's
        {"rhs_type": "instrument"},
        {"type": "ato"},
        {"type": "ato", "basket": "[]"},
        {"type": "ato", "basket": '{"items": [{"exchange": 1}]}'},
        {"type": "ato", "basket": ITEM % "1e400"},
        {"type": "ato", "basket": ITEM % ("1" + "0" * 5000)},
    ],
)
def test_a_broken_alert_is_refused_and_none_is_made(running: Kitesim, change: dict[str, str]) -> None:
    before = len(ask(running, "GET", "/alerts")[1])

    assert ask(running, "POST", "/alerts", **ABOVE | change)[0] == 400
    assert len(ask(running, "GET", "/alerts")[1]) == before


# --- mutual funds ---------------------------------------------------------------------------------------------------


def test_fund_orders_are_taken_shown_and_cancelled(running: Kitesim) -> None:
    client = running.client()
    assert {row["tradingsymbol"] for row in client.mf_instruments()} >= {SCHEME, HELD}
    assert client.mf_orders() == []

    order_id = client.place_mf_order(SCHEME, "BUY", amount=5000, tag="mine")["order_id"]
    sale = client.place_mf_order(HELD, "SELL", quantity=100)["order_id"]

    order = client.mf_orders(order_id)
    assert (order["status"], order["amount"], order["tag"]) == ("OPEN", 5000, "mine")
    assert [row["order_id"] for row in client.mf_orders()] == [order_id, sale]
    client.cancel_mf_order(order_id)
    assert client.mf_orders(order_id)["status"] == "CANCELLED"
    with pytest.raises(kite.OrderException):
        client.cancel_mf_order(order_id)
    with pytest.raises(kite.GeneralException, match="Insufficient holdings"):
        client.place_mf_order(HELD, "SELL", quantity=201)
    assert [row["quantity"] for row in client.mf_holdings()] == [300]
    assert ask(running, "GET", f"/mf/holdings/{HELD}")[1][0]["tradingsymbol"] == HELD


def test_a_sip_lives_and_ends(running: Kitesim) -> None:
    client = running.client()

    made = client.place_mf_sip(SCHEME, 1000, -1, "monthly", initial_amount=5000, instalment_day=5)

    sip = client.mf_sips(made["sip_id"])
    assert (sip["status"], sip["next_instalment"], sip["instalments"]) == ("ACTIVE", "2026-12-05", -1)
    assert client.mf_orders(made["order_id"])["variety"] == "sip"
    client.modify_mf_sip(made["sip_id"], frequency="weekly", amount=2000, status="paused")
    sip = client.mf_sips(made["sip_id"])
    assert (sip["status"], sip["next_instalment"], sip["instalment_amount"]) == ("PAUSED", "2026-11-26", 2000)
    client.cancel_mf_sip(made["sip_id"])
    assert [row["status"] for row in client.mf_sips()] == ["CANCELLED"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tradingsymbol": "NOPE"}),
        ("/mf/orders", {"transaction_type": "HOLD", "amount": "5000"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "1"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "1e9"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "-5000"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tradingsymbol": "INF090I01239"}),
        ("/mf/orders", {"transaction_type": "BUY", "amount": "5000", "tag": "x" * 21}),
        ("/mf/sips", {"amount": "1000", "instalments": "0", "frequency": "monthly"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "daily"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "instalment_day": "31"}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "step_up": '{"now": 5}'}),
        ("/mf/sips", {"amount": "1000", "instalments": "12", "frequency": "monthly", "step_up": '{"31-02": 5}'}),
        ("/mf/sips", {"amount": "\u0967\u0966\u0966\u0966", "instalments": "12", "frequency": "monthly"}),
    ],
)
def test_a_broken_fund_order_is_refused_and_nothing_is_made(
    running: Kitesim, path: str, fields: dict[str, str]
) -> None:
    before = ask(running, "GET", path)[1]

    assert ask(running, "POST", path, **{"tradingsymbol": SCHEME} | fields)[0] == 400
    assert ask(running, "GET", path)[1] == before


# --- after a crash --------------------------------------------------------------------------------------------------


def test_the_books_come_back_as_they_were() -> None:
    def exchange() -> Exchange:
        return Exchange(users=["U"], market="synthetic", seed=1, start_ns=START_NS, profile="legacy")

    first, requests_ = exchange(), []
    books = Books(first)
    owner = Session("K", "U")

    def heard(verb: str, number: str, variety: str, fields: dict[str, str]) -> None:
        requests_.append(Request(first.now_ns, "U", verb, number, variety, fields))

    alert = books.alerts.place(owner, ABOVE)
    heard("alert", alert.uuid, "K", ABOVE)
    sip_fields = {"tradingsymbol": SCHEME, "amount": "1000", "instalments": "3", "frequency": "weekly"}
    sip = books.sips.place("U", sip_fields)
    heard("sip", sip["sip_id"], "", sip_fields)
    first.advance(first.next_cut_ns)
    books.alerts.look(lambda *_: "", lambda met, _: heard("alert_met", met.uuid, "", {"orders": "[]"}))
    books.sips.cancel("U", sip["sip_id"])
    heard("sip_cancel", sip["sip_id"], "", {})

    second = exchange()
    again = Books(second)
    replay(second, again, tuple(requests_))
    again.alerts.look(lambda *_: "", lambda *_: pytest.fail("it was met before the crash"))

    assert [one.row() for one in again.alerts.of("U")] == [one.row() for one in books.alerts.of("U")]
    assert again.alerts.find("U", alert.uuid).history == alert.history
    assert alert.count == 1
    assert again.sips.all("U") == books.sips.all("U")
