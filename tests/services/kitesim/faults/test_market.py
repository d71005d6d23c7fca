"""A halt of the market."""

from __future__ import annotations

import json

import pytest
from kiteconnect import exceptions as kite
from waiting import S_MAX, until
from websockets.sync.client import connect

from services.faults_rig import INFY, Faulty, order, row_of
from services.kitesim_rig import ticks


def test_a_halt_stops_ticks_and_trades_and_lets_one_cancel(moving: Faulty) -> None:
    client = moving.running.client()
    resting = client.place_order(**order())
    with connect(moving.running.feed, compression=None) as reader:
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
        ticks(reader)
        with moving.fault("halt", message="17071 : Halted"):
            until(lambda: moving.happened("halt"))
            quoted = client.quote(["NSE:INFY"])
            rejected = row_of(client, client.place_order(**order(order_type="MARKET", price=None)))
            assert (rejected["status"], rejected["status_message"]) == ("REJECTED", "17071 : Halted")
            with pytest.raises(kite.OrderException, match="Halted"):
                client.modify_order("regular", resting, price=1449)
            client.cancel_order("regular", resting)
            while reader.recv(timeout=S_MAX) != b"\x00":
                pass  # what was sent before
            assert [reader.recv(timeout=S_MAX) for _ in range(2)] == [b"\x00"] * 2, "heartbeats, and nothing else"
            assert client.quote(["NSE:INFY"])["NSE:INFY"]["volume"] == quoted["NSE:INFY"]["volume"]
        assert len(ticks(reader)) == 188
        traded = client.place_order(**order(order_type="MARKET", price=None))
        assert row_of(client, traded)["status"] == "COMPLETE"
