"""Each fault of the exchange against execution, over HTTP.

Whatever is asked for while it lies, in the end each order and trade is known once, and the gate holds what was filled.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from broker.execution_desk import Desk, approval
from doubles.account import NOW_NS, WIDE
from doubles.gate import CoreGate
from kitev3.contracts import Book, Fill, Intent, OrderPlaced, OrderUpdate, Reject, UnknownOutcome
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from waiting import until

from .faults_rig import faulty
from .kitesim_rig import API_KEY, TOKEN

CONFIG = ExecutionConfig(
    look_ms=20, hint_ms=20, open_ms=100, idle_ms=100, funds_ms=100, reconcile_ms=100, unknown_ms=100, absent_s=2,
    cancel_again_ms=100, differ_ms=1_500, fills_late_s=3,
)  # fmt: skip
WANTS = 14
ORDERS = {"route": "/orders*"}
FAULTS: dict[str, dict[str, Any]] = {
    "delay": {"ms": 100},
    "timeout_before": {"ms": 900, "where": ORDERS},
    "timeout_after": {"ms": 900, "where": ORDERS},
    "reset_before": {},
    "reset_after": {"at_byte": -1},
    "error_after": {},
    "html_429": {},
    "http_400_then_placed": {"ms": 8_000},
    "stuck_put_order": {"ms": 20_000},
    "late_in_book": {"ms": 700},
    "stale_book": {"ms": 700},
    "truncated_book": {"rows": 2},
    "wrong_tag": {},
    "missing_tag": {},
    "reject_after_ack": {"ms": 5_000},
    "cancel_fill_race": {},
    "clock_skew": {"ms": 30_000},
    "halt": {"ms": 20_000, "probability": 0.01},
}
ELSEWHERE = {
    "frame_duplicate", "frame_lost", "frame_late", "frame_reordered", "frame_truncated", "frame_oversized",
    "silent_socket", "half_open", "pong_unsolicited", "stale_instruments",  # marketdata hears these
    "postback_duplicate", "postback_lost",  # nobody of ours
    "partial_autoslice",  # never asked for
    "token_death",  # nothing goes on after it
}  # fmt: skip


def test_every_fault_is_met_here_or_elsewhere() -> None:
    assert FAULTS.keys() | ELSEWHERE == CATALOGUE.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_in_the_end_every_order_and_trade_is_known_once_and_positions_are_the_sum_of_fills(
    name: str, tmp_path: Path
) -> None:
    draw = random.Random(name)
    with faulty("--speed", "30") as exchange:
        desk = Desk(exchange.root, tmp_path, 30, CONFIG, api_key=API_KEY, access_token=TOKEN, total_s_max=0.4)
        client = exchange.running.client()
        price_e4 = round(client.quote(["NSE:SBIN"])["NSE:SBIN"]["last_price"]) * 1_0000
        with exchange.fault(name, **({"probability": 0.4} | FAULTS[name])):
            for number in range(WANTS):
                want(desk, draw, number, price_e4)
                for _ in range(draw.randrange(12)):
                    desk.look()
        desk.until(
            lambda: not [own for own in desk.handler.mine.orders.values() if own.stage in ("sending", "unknown")]
        )
        with exchange.fault("halt"):  # so that nothing trades between its last look and ours
            until(lambda: exchange.happened("halt"))
            status = desk.stop()
            orders, trades = client.orders(), client.trades()

    said = desk.said()
    ids = [row["order_id"] for row in orders]
    fills = [fill for fill in said if isinstance(fill, Fill)]
    assert (status["unknown"], status["mismatches"]) == (0, []), name
    placed = [one.order_id for one in said if isinstance(one, OrderPlaced) and one.verb == "place"]
    assert len(placed) == len(set(placed)), f"{name}: an order was told twice"
    assert {update.order_id for update in said if isinstance(update, OrderUpdate)} == set(ids), (
        f"{name}: lost or made up"
    )
    if name not in ("wrong_tag", "missing_tag"):
        assert sorted(placed) == sorted(ids), f"{name}: an order of ours that is not known as ours"
        tags = [row["tag"] for row in orders]
        assert len(tags) == len(set(tags)), f"{name}: a tag was placed twice"
    assert sorted((f.trade_id, f.quantity) for f in fills) == sorted((t["trade_id"], t["quantity"]) for t in trades), (
        name
    )
    assert gate_position(said) == sum(f.quantity if f.side == "BUY" else -f.quantity for f in fills), name


def want(desk: Desk, draw: random.Random, number: int, price_e4: int) -> None:
    """Something that a strategy might want now."""
    tags = list(desk.handler.mine.orders)
    match draw.choice(["enter", "enter", "rest", "stop", "cancel", "modify"]):
        case "enter":
            side = draw.choice(["BUY", "SELL"])
            desk.approve(approval(number, price_e4 + (2_0000 if side == "BUY" else -2_0000), action=side))
        case "rest":
            desk.approve(approval(number, price_e4 - 5_0000))
        case "stop":
            desk.approve(approval(number, price_e4, stop=True))
        case "cancel" if tags:
            desk.approve(approval(number, 0, intent="cancel", order=draw.choice(tags)))
        case "modify" if tags:
            desk.approve(approval(number, price_e4 - 4_0000, intent="modify", order=draw.choice(tags)))


def gate_position(said: list[Any]) -> int:
    gate = CoreGate(WIDE.limits())
    learn: dict[type[Any], Any] = {
        Intent: gate.on_intent, OrderPlaced: gate.on_placed, OrderUpdate: gate.on_update, Reject: gate.on_reject,
        UnknownOutcome: gate.on_unknown, Fill: lambda fill: gate.on_fill(fill, NOW_NS),
        Book: lambda book: gate.on_book(book, NOW_NS),
    }  # fmt: skip
    for payload in said:
        if type(payload) in learn:
            learn[type(payload)](payload)
    return sum(row.quantity for row in gate.snapshot(NOW_NS).positions)
