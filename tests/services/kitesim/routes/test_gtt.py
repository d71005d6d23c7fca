"""kitesim's triggers: set, changed and ended through the official client; fired by the market."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from kitev3._core import Exchange, ExchangeRefusal
from kitev3.contracts import Request
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.replay import replay
from kitev3.services.kitesim.triggers import read_trigger
from waiting import S_MAX

from services.kitesim_rig import Kitesim

START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20
SYMBOL = "RELIANCE"


def leg(price: float, side: str = "BUY", **changes: Any) -> dict[str, Any]:
    fields = {"transaction_type": side, "quantity": 1, "order_type": "LIMIT", "product": "CNC", "price": price}
    return fields | changes


def last_price(client: KiteConnect) -> float:
    return float(client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"])


def test_a_trigger_lives_and_ends(client: KiteConnect) -> None:
    last = last_price(client)
    below, above = round(last * 0.95, 1), round(last * 1.05, 1)

    made = client.place_gtt("single", "INFY", "NSE", [below], last, [leg(below)])["trigger_id"]

    gtt = client.get_gtt(made)
    assert (gtt["status"], gtt["type"], gtt["condition"]["trigger_values"]) == ("active", "single", [below])
    assert gtt["expires_at"].startswith("2027-11-19")
    pair = [leg(below, "SELL"), leg(above, "SELL", quantity=2)]
    client.modify_gtt(made, "two-leg", "INFY", "NSE", [below, above], last, pair)
    changed = client.get_gtt(made)
    assert [order["quantity"] for order in changed["orders"]] == [1, 2]
    assert made in [row["id"] for row in client.get_gtts()]
    client.delete_gtt(made)
    assert client.get_gtt(made)["status"] == "deleted"
    with pytest.raises(kite.InputException, match="not active"):
        client.delete_gtt(made)
    with pytest.raises(kite.InputException, match="trigger_id"):
        client.get_gtt(1)


@pytest.mark.parametrize(
    ("kind", "triggers", "change"),
    [
        ("single", [1.0], {}),  # of the last price: too near
        ("single", [0.95], {"order_type": "MARKET"}),
        ("single", [0.95], {"price": 0}),
        ("single", [0.95], {"quantity": 0}),
        ("single", [0.95], {"transaction_type": "HOLD"}),
        ("single", [0.95], {"product": "XYZ"}),
        ("two-leg", [1.05, 0.95], {}),  # the lower comes first
        ("two-leg", [0.95, 0.9], {}),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(
    client: KiteConnect, kind: str, triggers: list[float], change: dict[str, Any]
) -> None:
    last, before = last_price(client), client.get_gtts()
    values = [round(last * part, 1) for part in triggers]

    with pytest.raises(kite.InputException):
        client.place_gtt(kind, "INFY", "NSE", values, last, [leg(value) | change for value in values])

    assert client.get_gtts() == before


def test_what_go_sends_beside_it_is_left_out() -> None:
    blank = {"order_id": "", "meta": None, "tags": [], "order_timestamp": "0001-01-01T00:00:00Z", "modified": False}
    orders = [{"exchange": "NSE", "tradingsymbol": SYMBOL, "validity": ""} | blank | leg(1)]
    condition = {"exchange": "NSE", "tradingsymbol": SYMBOL, "trigger_values": [1.0], "last_price": 1.0}
    exchange = floor()

    made = exchange.place_gtt(
        "U", **read_trigger({"type": "single", "condition": json.dumps(condition), "orders": json.dumps(orders)})
    )

    assert exchange.gtt("U", str(made))["status"] == "active"


def test_a_trailing_trigger_is_taken_and_shown(client: KiteConnect, running: Kitesim) -> None:
    last = last_price(client)
    below, above = round(last * 0.95, 1), round(last * 1.05, 1)
    where = {"exchange": "NSE", "tradingsymbol": "INFY"}
    legs = [where | leg(below, "SELL"), where | leg(above, "SELL")]
    condition = where | {"trigger_values": [below, above], "last_price": last, "trailing_points": [2.5]}
    form = {"type": "trailing-two-leg", "condition": json.dumps(condition), "orders": json.dumps(legs)}
    headers = {"Authorization": f"token {client.api_key}:{client.access_token}"}

    made = requests.post(f"{running.root}/gtt/triggers", data=form, headers=headers, timeout=S_MAX).json()["data"]

    gtt = client.get_gtt(made["trigger_id"])
    assert (gtt["type"], gtt["status"]) == ("trailing-two-leg", "active")
    assert gtt["condition"]["trailing_points"] == [2.5, 0]  # the stop follows, the target stays
    client.delete_gtt(made["trigger_id"])
    del condition["trailing_points"]  # by how much it follows is not said
    form["condition"] = json.dumps(condition)
    assert requests.post(f"{running.root}/gtt/triggers", data=form, headers=headers, timeout=S_MAX).status_code == 400


def floor() -> Exchange:
    return Exchange(users=["U", "V"], market="synthetic", seed=1, start_ns=START_NS, profile="legacy")


def form(triggers: list[float], legs: list[dict[str, Any]], last: float) -> dict[str, str]:
    where = {"exchange": "NSE", "tradingsymbol": SYMBOL}
    return {
        "type": "single" if len(triggers) == 1 else "two-leg",
        "condition": json.dumps(where | {"trigger_values": triggers, "last_price": last}),
        "orders": json.dumps([where | one for one in legs]),
    }


def at(exchange: Exchange) -> float:
    return float(exchange.ltp([f"NSE:{SYMBOL}"])[f"NSE:{SYMBOL}"]["last_price"])


def until_fired(exchange: Exchange, gtt_id: int) -> dict[str, Any]:
    while exchange.gtt("U", str(gtt_id))["status"] == "active":
        assert not exchange.market_ended, "it never fired"
        exchange.advance(exchange.next_cut_ns)
    return exchange.gtt("U", str(gtt_id))


def test_one_of_two_legs_fires_once_and_ends_the_other() -> None:
    exchange = floor()
    last = at(exchange)
    low, high = round(last * 0.9970, 1), round(last * 1.0030, 1)
    legs = [leg(round(low * 0.99, 1), "SELL", product="MIS"), leg(round(high * 0.99, 1), "SELL", product="MIS")]
    made = exchange.place_gtt("U", **read_trigger(form([low, high], legs, last)))

    gtt = until_fired(exchange, made)

    (fired,) = [order["result"] for order in gtt["orders"] if order["result"] is not None]
    reached = fired["triggered_at"] <= low if gtt["orders"][0]["result"] else fired["triggered_at"] >= high
    assert (gtt["status"], fired["order_result"]["status"], reached) == ("triggered", "success", True)
    order_id = fired["order_result"]["order_id"]
    assert exchange.order_history("U", order_id)[-1]["status"] == "COMPLETE"
    assert [order["order_id"] for order in exchange.orders("U")] == [order_id]
    exchange.advance(exchange.now_ns + 600_000_000_000)
    assert len(exchange.orders("U")) == 1
    with pytest.raises(ExchangeRefusal, match="not active"):
        exchange.delete_gtt("U", str(made))


def test_an_order_that_is_refused_when_it_fires_says_why() -> None:
    exchange = floor()
    last = at(exchange)
    values = [round(last * 0.997, 1), round(last * 1.003, 1)]
    made = exchange.place_gtt("U", **read_trigger(form(values, [leg(last * 2), leg(last * 2)], last)))

    gtt = until_fired(exchange, made)

    (fired,) = [order["result"]["order_result"] for order in gtt["orders"] if order["result"]]
    assert (fired["status"], fired["order_id"]) == ("failed", "")
    assert fired["rejection_reason"]
    assert exchange.orders("U") == []


def test_a_trigger_is_its_owners_and_comes_back_after_a_crash() -> None:
    first, second = floor(), floor()
    last = at(first)
    near = form([round(last * 0.997, 1), round(last * 1.003, 1)], [leg(last, "SELL", product="MIS")] * 2, last)
    made = first.place_gtt("U", **read_trigger(near))
    gone = first.place_gtt("U", **read_trigger(near))
    requests = [Request(first.now_ns, "U", "gtt", str(number), "", near) for number in (made, gone)]
    first.delete_gtt("U", str(gone))
    requests.append(Request(first.now_ns, "U", "gtt_delete", str(gone), "", {}))
    until_fired(first, made)

    replay(second, Books(second), tuple(requests))
    second.advance(first.now_ns)

    assert second.gtts("U") == first.gtts("U")
    assert second.orders("U") == first.orders("U")
    assert first.gtts("V") == []
    with pytest.raises(ExchangeRefusal):
        first.gtt("V", str(made))


def test_there_is_an_end_to_the_number_of_triggers() -> None:
    exchange = floor()
    last = at(exchange)
    wanted = read_trigger(form([round(last * 0.95, 1)], [leg(1)], last))
    for _ in range(250):
        exchange.place_gtt("U", **wanted)

    with pytest.raises(ExchangeRefusal, match="Maximum allowed triggers exceeded"):
        exchange.place_gtt("U", **wanted)
    exchange.place_gtt("V", **wanted)


def test_a_market_that_is_passed_in_one_go_fires_what_its_steps_fire() -> None:
    stepped, passed = floor(), floor()
    last = at(stepped)
    values = [round(last * 0.9960, 1), round(last * 1.0060, 1)]
    legs = [leg(round(last * 0.98, 1), "SELL", product="MIS")] * 2
    made = [one.place_gtt("U", **read_trigger(form(values, legs, last))) for one in (stepped, passed)]

    until_fired(stepped, made[0])
    stepped.advance(START_NS + 3 * 3_600_000_000_000)
    passed.advance(START_NS + 3 * 3_600_000_000_000)

    assert passed.gtts("U") == stepped.gtts("U")
    assert passed.orders("U") == stepped.orders("U") != []
