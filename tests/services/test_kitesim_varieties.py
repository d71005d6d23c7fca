"""Orders of every variety from the official client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite

from services.kitesim_rig import Kitesim, kitesim


@pytest.fixture(scope="module")
def legacy() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        yield running


def price(client: KiteConnect, part: float) -> float:
    """So much of the last price."""
    return round(float(client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"]) * part, 1)


def order(variety: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "variety": variety, "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10,
        "product": "MIS", "order_type": "LIMIT",
    }  # fmt: skip
    return fields | changes


def row(client: KiteConnect, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in client.orders() if row["order_id"] == order_id)
    return found


def test_an_after_market_order_is_modified_and_cancelled(legacy: Kitesim) -> None:
    client = legacy.client()
    order_id = client.place_order(**order("amo", price=price(client, 0.97)))
    assert row(client, order_id)["status"] == "AMO REQ RECEIVED"

    client.modify_order("amo", order_id, quantity=7)
    client.cancel_order("amo", order_id)

    last = row(client, order_id)
    assert (last["status"], last["quantity"], last["variety"]) == ("CANCELLED", 7, "amo")


def test_a_cover_order_is_left_through_its_second_leg(legacy: Kitesim) -> None:
    client = legacy.client()
    entry = client.place_order(**order("co", order_type="MARKET", trigger_price=price(client, 0.97)))
    (leg,) = [row for row in client.orders() if row["parent_order_id"] == entry]
    assert (leg["status"], leg["product"], leg["transaction_type"]) == ("TRIGGER PENDING", "CO", "SELL")

    client.exit_order("co", leg["order_id"], parent_order_id=entry)

    assert row(client, leg["order_id"])["status"] == "COMPLETE"


def test_an_iceberg_says_where_it_is(legacy: Kitesim) -> None:
    client = legacy.client()
    fields = order("iceberg", price=price(client, 0.97), iceberg_legs=3, iceberg_quantity=4)
    order_id = client.place_order(**fields)

    shown = row(client, order_id)
    client.cancel_order("iceberg", order_id)

    where = {"leg": 1, "legs": 3, "leg_quantity": 4, "total_quantity": 10, "remaining_quantity": 10}
    assert (shown["quantity"], shown["meta"]) == (4, {"iceberg": where})


def test_shares_are_offered_in_an_auction(legacy: Kitesim) -> None:
    client = legacy.client()
    number = next(row["auction_number"] for row in client.get_auction_instruments() if row["tradingsymbol"] == "INFY")
    fields = order("auction", transaction_type="SELL", product="CNC", price=price(client, 0.99))
    order_id = client.place_order(**fields, auction_number=number)

    shown = row(client, order_id)
    client.cancel_order("auction", order_id)

    assert (shown["status"], shown["auction_number"], shown["filled_quantity"]) == ("OPEN", number, 0)


def test_a_variety_that_is_none_is_refused(legacy: Kitesim) -> None:
    with pytest.raises(kite.InputException, match="variety"):
        legacy.client().place_order(**order("bo", price=100))
