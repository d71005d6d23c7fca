"""The official Python client and KiteTicker, unmodified, through a day at kitesim with a login of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from services.kitesim_rig import API_SECRET, Kitesim, kitesim, ticker

INFY, NIFTY = 408065, 256265


def logged_in(running: Kitesim) -> tuple[Any, str]:
    """A client that has gone through the login page, and its access token."""
    client = running.client(token=None)
    client._default_login_uri = f"{running.root}/connect/login"  # the class's own attribute, as a user would set it
    page = requests.get(client.login_url(), allow_redirects=False, timeout=5)
    (request_token,) = parse_qs(urlsplit(page.headers["location"]).query)["request_token"]
    session = client.generate_session(request_token, api_secret=API_SECRET)
    return client, str(session["access_token"])


def test_from_login_to_charges_with_the_ticker_beside() -> None:
    with kitesim("--speed", "5", "--profile", "legacy") as running:
        client, token = logged_in(running)
        rows = {(row["exchange"], row["tradingsymbol"]): row for row in client.instruments()}
        assert rows["NSE", "INFY"]["instrument_token"] == INFY
        with ticker(running.address, {"full": [INFY, NIFTY], "ltp": [738561]}, token=token) as official:
            official.wait("connect")
            tick = official.wait("ticks")["ticks"][0]
            assert tick["last_price"] > 0

            last = client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"]
            below, above = round(last * 0.95, 1), round(last * 1.05, 1)
            order = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "product": "MIS"}
            resting = client.place_order("regular", **order, quantity=5, order_type="LIMIT", price=below, tag="walk")
            client.modify_order("regular", resting, quantity=6, price=round(below - 1, 1))
            assert (official.wait("order")["data"]["order_id"], client.orders()[0]["quantity"]) == (resting, 6)
            client.cancel_order("regular", resting)
            assert official.wait("order")["data"]["status"] == "CANCELLED"
            traded = client.place_order("regular", **order, quantity=5, order_type="MARKET")
            while (update := official.wait("order")["data"])["status"] != "COMPLETE":
                assert update["status"] == "UPDATE"
            assert (update["order_id"], update["filled_quantity"]) == (traded, 5)

            leg = {"transaction_type": "SELL", "quantity": 5, "order_type": "LIMIT", "product": "CNC"}
            pair = [leg | {"price": below}, leg | {"price": above}]
            gtt = client.place_gtt(client.GTT_TYPE_OCO, "INFY", "NSE", [below, above], last, pair)
            client.delete_gtt(gtt["trigger_id"])
            item = order | {
                "variety": "regular",
                "order_type": "LIMIT",
                "quantity": 5,
                "price": last,
                "trigger_price": 0,
            }
            margin = client.order_margins([item])[0]
            basket = client.basket_order_margins([item, item], consider_positions=False)
            (trade, *_) = client.order_trades(traded)
            executed = item | {"order_id": traded, "average_price": trade["average_price"]}
            note = client.get_virtual_contract_note([executed])[0]

        assert client.get_gtt(gtt["trigger_id"])["status"] == "deleted"
        assert basket["initial"]["total"] > margin["charges"]["total"] > 0
        assert note["charges"]["total"] > 0
        assert client.invalidate_access_token() is True
