"""The sessions of a date at the running exchange: what they end, and what they let through."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from waiting import until

from services.kitesim_rig import kitesim, ticker

DATED = ("--profile", "legacy", "--hours", "dated")  # the hours of the date without limits on requests


def row(client: KiteConnect, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in client.orders() if row["order_id"] == order_id)
    return found


def traded(client: KiteConnect, order_id: str) -> dict[str, Any]:
    """The order's row when it is complete."""
    until(lambda: row(client, order_id)["status"] == "COMPLETE")
    return row(client, order_id)


def position(client: KiteConnect, symbol: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in client.positions()["net"] if row["tradingsymbol"] == symbol)
    return found


def test_an_option_that_ends_today_trades_and_is_settled_at_the_index() -> None:
    # A Tuesday; the weekly contracts of NIFTY end.
    with kitesim(*DATED, "--clock", "2026-12-01T15:35", "--speed", "30") as running:
        client = running.client()
        (call, *_) = [
            one
            for one in client.instruments("NFO")
            if one["instrument_type"] == "CE" and one["expiry"] == date(2026, 12, 1)
        ]
        symbol = call["tradingsymbol"]
        order = {
            "variety": "regular", "exchange": "NFO", "tradingsymbol": symbol, "transaction_type": "BUY",
            "quantity": 65, "product": "NRML", "order_type": "MARKET",
        }  # fmt: skip
        assert row(client, client.place_order(**order))["status"] == "COMPLETE"
        assert position(client, symbol)["quantity"] == 65

        ended = until(lambda: (held := position(client, symbol))["quantity"] == 0 and held)

        index = client.ltp(["NSE:NIFTY 50"])["NSE:NIFTY 50"]["last_price"]
        worth = max(index - call["strike"], 0)
        assert ended["sell_price"] == pytest.approx(worth)
        assert ended["pnl"] == pytest.approx(65 * worth - ended["buy_value"])
        paid = client.margins("equity")["utilised"]["debits"]
        executed = order | {"order_id": "1", "average_price": ended["buy_price"], "price": 0}
        (note,) = client.get_virtual_contract_note([executed])
        cost = note["charges"]["total"]
        assert paid == pytest.approx(65 * worth * 0.0015 + cost - ended["pnl"], abs=0.01)
        with pytest.raises(kite.InputException, match="has expired"):
            client.place_order(**order)


def test_after_the_close_shares_trade_at_the_closing_price() -> None:
    with kitesim(*DATED, "--clock", "2026-11-19T15:50", "--speed", "30") as running:
        client = running.client()
        order = {
            "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "quantity": 10, "product": "CNC",
            "order_type": "MARKET",
        }  # fmt: skip
        today = date(2026, 11, 19)
        (candle,) = client.historical_data(408065, today, today, "day")
        off = order | {"order_type": "LIMIT", "price": candle["close"] + 1, "transaction_type": "BUY"}
        with pytest.raises(kite.OrderException, match="closing price alone"):
            client.place_order(**off)

        for side in ("SELL", "BUY"):
            assert (
                traded(client, client.place_order(**order, transaction_type=side))["average_price"] == candle["close"]
            )


def test_shares_offered_in_an_auction_are_bought_at_its_end() -> None:
    with kitesim(*DATED, "--clock", "2026-11-19T14:55", "--speed", "30") as running:
        client = running.client()
        share = next(one for one in client.get_auction_instruments() if one["tradingsymbol"] == "INFY")
        order = {
            "variety": "auction", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "SELL",
            "quantity": 10, "product": "CNC", "order_type": "LIMIT", "price": round(share["last_price"] - 20, 1),
            "auction_number": share["auction_number"],
        }  # fmt: skip
        order_id = client.place_order(**order)
        assert row(client, order_id)["status"] == "OPEN"
        with pytest.raises(kite.OrderException, match="cannot be modified"):
            client.modify_order("auction", order_id, quantity=5)

        sold = traded(client, order_id)

        assert sold["average_price"] >= order["price"]
        assert [trade["quantity"] for trade in client.order_trades(order_id)] == [10]
        assert next(one["used_quantity"] for one in client.holdings() if one["tradingsymbol"] == "INFY") == 10
        assert client.get_auction_instruments() == []
        with pytest.raises(kite.OrderException, match="is over"):
            client.place_order(**order)


def test_an_after_market_order_trades_in_the_opening_auction_and_its_owner_is_told() -> None:
    strict = ("--profile", "strict-2026", "--hours", "dated", "--clock", "2026-11-19T06:40", "--speed", "600")
    with kitesim(*strict, "--frame-ms", "5000") as running, ticker(running.address, {}) as official:
        official.wait("connect")
        client = running.client()
        order = {
            "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10, "product": "CNC",
            "order_type": "LIMIT", "price": 1600,
        }  # fmt: skip
        with pytest.raises(kite.OrderException, match="Markets are closed"):
            client.place_order("regular", **order)
        order_id = client.place_order("amo", **order)
        assert official.wait("order")["data"]["status"] == "AMO REQ RECEIVED"

        told = official.wait("order")["data"]

        assert (told["order_id"], told["status"], told["variety"]) == (order_id, "COMPLETE", "amo")
        assert told["average_price"] < 1600
        (trade,) = client.order_trades(order_id)
        assert "09:08:00" <= f"{trade['exchange_timestamp']:%H:%M:%S}" < "09:10:10"
        history = [state["status"] for state in client.order_history(order_id)]
        assert history[1:4] == ["AMO REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING"]


def test_an_index_that_falls_ten_percent_halts_the_market(tmp_path: Path) -> None:
    seconds = range(33_300, 55_801, 20)  # 09:15 to 15:30
    stamps = (f"2026-11-19 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in seconds)
    values = (26_000 if second < 40_980 else 23_300 for second in seconds)  # 11:23
    file = tmp_path / "fall.csv"
    file.write_text("".join(f"{stamp},{value}\n" for stamp, value in zip(stamps, values, strict=True)))
    with kitesim(*DATED, "--market", str(file), "--clock", "2026-11-19T11:15", "--speed", "60") as running:
        client = running.client()
        order = {
            "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "SELL",
            "quantity": 1, "product": "CNC", "order_type": "LIMIT", "price": 1650,
        }  # fmt: skip
        resting = client.place_order(**order)

        until(lambda: row(client, resting)["status"] == "CANCELLED")

        assert "circuit breaker" in row(client, resting)["status_message"]
        with pytest.raises(kite.OrderException, match="halted by the market-wide circuit breaker"):
            client.place_order(**order)
        assert client.ltp("NSE:NIFTY 50")["NSE:NIFTY 50"]["last_price"] == 23_300
