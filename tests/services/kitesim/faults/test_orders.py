"""What happens to one order on its way."""

from __future__ import annotations

import pytest
from kiteconnect import exceptions as kite
from waiting import until

from services.faults_rig import Faulty, ids, order, row_of


def test_an_order_stuck_in_put_order_req_received(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("stuck_put_order", ms=20_000, where={"tag": "stuck"}):
        order_id = client.place_order(**order(tag="stuck"))
        free = client.place_order(**order(tag="free"))

    row = row_of(client, order_id)
    assert (row["status"], row["exchange_order_id"]) == ("PUT ORDER REQ RECEIVED", None)
    assert row_of(client, free)["status"] == "OPEN"
    with pytest.raises(kite.OrderException):
        client.cancel_order("regular", order_id)
    until(lambda: row_of(client, order_id)["status"] == "OPEN")
    client.cancel_order("regular", order_id)


def test_an_order_rejected_after_its_acknowledgement(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("reject_after_ack", ms=20_000, message="16388 : Not today"):
        order_id = client.place_order(**order())

    assert row_of(client, order_id)["status"] == "OPEN"
    row = until(lambda: row_of(client, order_id)["status"] == "REJECTED" and row_of(client, order_id))
    assert row["status_message"] == "16388 : Not today"
    assert [state["status"] for state in client.order_history(order_id)] == [
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "REJECTED",
    ]  # fmt: skip


def test_an_autoslice_of_which_some_slices_fail(still: Faulty) -> None:
    client = still.running.client()
    options = [row for row in client.instruments("NFO") if row["instrument_type"] == "CE" and row["name"] == "NIFTY"]
    cheap = max(options, key=lambda row: row["strike"])["tradingsymbol"]
    sliced = order(exchange="NFO", tradingsymbol=cheap, quantity=65 * 60, product="NRML", price=0.05)
    del sliced["variety"]
    before = ids(still)

    with still.fault("partial_autoslice", slices=2, message="Insufficient funds."):
        answer = client.place_autoslice_order(variety="regular", **sliced)

    (first, second, third), parent = answer["children"], answer["order_id"]
    assert third["error"] == {
        "code": 400, "error_type": "MarginException", "message": "Insufficient funds.", "data": None,
    }  # fmt: skip
    assert ids(still) == [*before, first["order_id"], second["order_id"]]
    row = row_of(client, second["order_id"])
    assert (row["quantity"], row["tag"], row["tags"]) == (1755, None, ["autoslice", f"autoslice:{parent}"])

    with still.fault("partial_autoslice", slices=0), pytest.raises(kite.GeneralException, match="Insufficient"):
        client.place_autoslice_order(variety="regular", **sliced)


def test_a_cancellation_that_loses_its_race(still: Faulty) -> None:
    client = still.running.client()
    order_id = client.place_order(**order(tag="race"))
    with still.fault("cancel_fill_race", where={"tag": "race"}):
        assert client.cancel_order("regular", order_id) == order_id

    assert [state["status"] for state in client.order_history(order_id)][-3:] == [
        "CANCEL PENDING", "NOT CANCELLED", "COMPLETE",
    ]  # fmt: skip
    (trade,) = client.order_trades(order_id)
    assert (trade["quantity"], trade["average_price"]) == (1, 1450)
