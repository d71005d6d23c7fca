"""The exchange's memory: what survives a restart, and what is refused to be built on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from kiteconnect import KiteConnect
from kitev3.calendar import IST
from kitev3.runtime.clock import datetime_ns
from kitev3.services.kitesim.state import remembered
from waiting import S_MAX, until

from services.kitesim_rig import Kitesim, again, environment, kitesim

HOUSE = ("--universe", "house", "--hours", "plain")


def place(client: KiteConnect, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5,
        "product": "MIS", "order_type": "MARKET", "market_protection": -1,
    }  # fmt: skip
    return str(client.place_order(**(fields | changes)))


def books(running: Kitesim) -> dict[str, Any]:
    client = running.client()
    positions = [
        {name: row[name] for name in ("tradingsymbol", "quantity", "average_price")}
        for row in client.positions()["net"]
    ]
    return {"orders": client.orders(), "trades": client.trades(), "positions": positions}


def refusal(*options: str) -> str:
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=S_MAX, env=environment())
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    return done.stderr


def market_time(running: Kitesim) -> Any:
    return running.client().quote(["NSE:INFY"])["NSE:INFY"]["timestamp"]


def test_a_killed_exchange_comes_back_with_its_orders_money_and_time(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"), "--speed", "50")
    with kitesim(*state) as running:
        client = running.client()
        filled, resting = place(client), place(client, order_type="LIMIT", price=1400)
        stop = place(client, order_type="SL", price=1400, trigger_price=1401, transaction_type="SELL")
        client.modify_order("regular", resting, quantity=7)
        cancelled = place(client, order_type="LIMIT", price=1399)
        client.cancel_order("regular", cancelled)
        before, stood = books(running), market_time(running)
        running.process.kill()
        running.process.wait()

    kept = remembered(tmp_path / "state")
    assert kept is not None
    assert kept[2] >= datetime_ns(stood.replace(tzinfo=IST))  # without the time that the next start takes
    with kitesim(*state) as running:
        after = books(running)
        assert market_time(running) >= stood
        running.client().cancel_order("regular", resting)
        place(running.client())
        again = books(running)

    assert {row["order_id"]: row["status"] for row in after["orders"]} == {
        filled: "COMPLETE", resting: "OPEN", stop: "TRIGGER PENDING", cancelled: "CANCELLED",
    }  # fmt: skip
    assert after == before
    assert len(again["orders"]) == 5
    with kitesim(*state) as running:
        assert books(running) == again


def test_a_state_is_not_gone_on_with_by_another_exchange(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    with kitesim(*state):
        assert "in use by another exchange" in refusal(*state, *HOUSE)

    assert "its exchange has seed 1, not 2" in refusal(*state, *HOUSE, "--seed", "2")
    assert "its exchange has hours plain, not dated" in refusal(*state, "--universe", "house")
    assert "its exchange has session 2026-11-19, not 2026-11-20" in refusal(
        *state, *HOUSE, "--clock", "2026-11-20T09:20"
    )


def test_a_state_that_was_changed_is_refused_with_file_and_offset(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path), *HOUSE)
    with kitesim(*state) as running:
        for _ in range(3):
            place(running.client())
    (tape,) = tmp_path.glob("*.tape")
    content = bytearray(tape.read_bytes())
    at = content.index(b"INFY")
    content[at] ^= 1
    tape.write_bytes(content)

    said = refusal(*state)

    assert f"{tape}: offset " in said
    offset = int(said.partition("offset ")[2].partition(":")[0])
    assert 0 < offset <= at


def test_a_torn_end_costs_the_last_record_alone(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    with kitesim(*state) as running:
        (synced,) = tmp_path.glob("*.synced")
        before = synced.read_bytes()
        first = place(running.client())
        running.process.kill()
        running.process.wait()
    tape = min(tmp_path.glob("*.tape"))  # a killed writer leaves the next segment, which is empty
    content = tape.read_bytes().rstrip(b"\0")
    tape.write_bytes(content[:-3])
    synced.write_bytes(before)  # the power went before the order was synced

    with kitesim(*state) as running:
        orders = [row["order_id"] for row in running.client().orders()]

    assert orders in ([first], [])


def test_an_exchange_does_not_go_on_under_other_rules(tmp_path: Path) -> None:
    state, own = ("--state", str(tmp_path / "state")), ("--rule", "tag_chars_max=30")
    with kitesim(*state, *own) as running:
        place(running.client(), tag="x" * 25)

    said = refusal(*state, *HOUSE)
    with kitesim(*state, *own) as running:
        again = running.client().orders()

    assert said.endswith("its exchange has tag_chars_max 30, not 20; take another folder\n")
    assert [order["tag"] for order in again] == ["x" * 25]


def test_orders_on_their_way_arrive_after_a_restart(tmp_path: Path) -> None:
    slow = ("--rule", "latency_exchange_ms=2000", "--rule", "latency_cancel_ms=300")
    options = ("--state", str(tmp_path / "state"), "--market", "frozen", *slow)
    with kitesim(*options) as running:
        client = running.client()
        resting, filled = place(client, order_type="LIMIT", price=1400), place(client)
        on_their_way = {row["order_id"]: row["status"] for row in client.orders()}
        running.process.kill()

    with kitesim(*options) as running:
        client = running.client()
        rows: dict[str, str] = {}

        def arrived() -> bool:
            rows.update({row["order_id"]: row["status"] for row in again(client.orders)})
            return rows[filled] == "COMPLETE"

        until(arrived)
        client.cancel_order("regular", resting)

    assert on_their_way == {resting: "OPEN PENDING", filled: "OPEN PENDING"}
    assert rows == {resting: "OPEN", filled: "COMPLETE"}
