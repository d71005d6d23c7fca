"""Holdings and positions."""

from __future__ import annotations

import pytest
import requests
from kiteconnect import exceptions as kite
from waiting import S_MAX

from services.kitesim_rig import API_KEY, TOKEN, Kitesim, get

INFY = 408065


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
    answer = requests.post(address, {"isin": ["INE009A01021"], "quantity": ["5"]}, headers=headers, timeout=S_MAX)
    number = answer.json()["data"]["request_id"]

    page = requests.get(f"{legacy.root}/connect/portfolio/authorise/holdings/{API_KEY}/{number}", timeout=S_MAX)

    assert (page.status_code, "may be sold" in page.text) == (200, True)
    assert requests.post(address, {"type": "gold"}, headers=headers, timeout=S_MAX).status_code == 400


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
