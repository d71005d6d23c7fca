"""Alerts: met once, ended by name, and what they order."""

from __future__ import annotations

import json

import pytest

from services.books_rig import ABOVE, ITEM, ask, until_counted
from services.kitesim_rig import Kitesim


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
