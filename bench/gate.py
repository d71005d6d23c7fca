"""The gate: a verdict in Rust beside a few comparisons, and from Python beside a call that does nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from kitev3._core import Event, NativeHandler, Tick, TickBatch, gate_handler
from kitev3.contracts import TOPIC_OF, Beat, FeedHealth, Funds, Instrument, LatchRead, Reconciled, Signal
from kitev3.risk import Risk, limits

from bench.example import rows_of
from bench.result import Result

NAME = "gate"
ROUNDS = 15
EACH = 2_000
SECOND_NS = 1_000_000_000
NOW_NS = 1_795_062_600 * SECOND_NS  # 2026-11-19 10:00 in India
LAST_E4 = 260_000_000
TOKEN = 256_002
APART_NS = 200_000  # 5,000 signals a second
ENCODE = msgspec.msgpack.Encoder().encode
SAYS = ["risk.approved", "risk.blocked", "portfolio.snapshot"]
CROWD = 1_000_000  # far more than a round asks for


def run() -> Result:
    """Every rule is evaluated, and every order passes."""
    rows = rows_of("gate_bench")
    rows.append(from_python())
    by_name = {str(row["what"]): row for row in rows}
    return Result(
        name=NAME,
        rows=rows,
        ratios={
            "gate_rust": float(str(by_name["judge"]["ratio"])),
            "gate_tick": float(str(by_name["tick"]["ratio"])),
            "gate_python": float(str(by_name["python"]["ratio"])),
        },
        notes=[
            "best of the rounds; floor of judge: five limits, two comparisons each, on the same order",
            "floor of tick: one addition a tick; of python: the state of the feed, heard in the same way",
        ],
    )


def from_python() -> dict[str, object]:
    """From the bytes of a signal to the bytes of its approval."""
    ours, floors = [], []
    for _ in range(ROUNDS):
        handle = ready().handle
        ours.append(each_ns(handle, "strategy.signal", signal()))
        floors.append(each_ns(handle, "marketdata.health", FeedHealth("up", 0, 0, 0, 0, 0)))
        event = Event("strategy.signal", None, seq=EACH + 1, now_ns=NOW_NS, mono_ns=EACH * APART_NS)
        ((topic, _),) = handle(event, ENCODE(signal()), SAYS)
        assert topic == "risk.approved"
    ns, floor_ns = min(ours), min(floors)
    return {"what": "python", "ns": round(ns, 1), "floor_ns": round(floor_ns, 2), "ratio": round(ns / floor_ns, 2)}


def ready() -> NativeHandler:
    """Armed, reconciled, funded and warm, under limits that nothing here reaches."""
    risk = Risk(
        capital_e4=10**16, order_quantity_max=CROWD, order_value_e4_max=10**16, position_quantity_max=10**9,
        gross_pct_max=CROWD, net_pct_max=CROWD, open_orders_max=CROWD, open_orders_symbol_max=CROWD,
        open_orders_strategy_max=CROWD, open_value_e4_max=10**16, daily_loss_bp_max=10_000,
        entries_burst_max=CROWD, entries_minute_max=CROWD, entries_day_max=CROWD, all_burst_max=CROWD,
    )  # fmt: skip
    gate = gate_handler(["strategy.signal"])
    for payload in (
        limits(risk, "kitesim-KS0001"),
        instrument(),
        LatchRead("ACTIVE"),
        Beat("execution"),
        Reconciled("", 0, 0),
        Funds(10**18, 0),
    ):
        gate.handle(Event(TOPIC_OF[type(payload)], None, now_ns=NOW_NS), ENCODE(payload), SAYS)
    for second in (-31, 0):
        tick = Tick(TOKEN, LAST_E4, exchange_ns=NOW_NS + second * SECOND_NS)
        gate.handle(Event("marketdata.tick", None, now_ns=NOW_NS), TickBatch.from_ticks([tick]).to_bytes(), SAYS)
    return gate


def instrument() -> Instrument:
    return Instrument(
        instrument_token=TOKEN, exchange="NFO", tradingsymbol="NIFTY26NOVFUT", name="NIFTY", instrument_type="FUT",
        segment="NFO-FUT", expiry="2026-11-24", strike_e4=0, tick_size_e4=500, lot_size=65, freeze_quantity=1800,
        products=("NRML", "MIS"), lower_circuit_e4=LAST_E4 // 2, upper_circuit_e4=LAST_E4 * 2,
        previous_close_e4=LAST_E4, file_date="2026-11-19", file_hash="00000000",
    )  # fmt: skip


def signal() -> Signal:
    return Signal(
        strategy="cross", exchange="NFO", tradingsymbol="NIFTY26NOVFUT", instrument_token=TOKEN, action="BUY",
        intent="enter", quantity=65, order_type="LIMIT", price_e4=LAST_E4, trigger_price_e4=0, product="NRML",
        validity="DAY", confidence=1.0, deadline_ns=2 * SECOND_NS, data=(), data_ts_ns=0, reason="", indicators={},
    )  # fmt: skip


def each_ns(handle: Callable[[Event, bytes, list[str]], object], topic: str, payload: object) -> float:
    """Nanoseconds a call."""
    data = ENCODE(payload)
    events = [Event(topic, None, seq=n + 1, now_ns=NOW_NS, mono_ns=n * APART_NS) for n in range(EACH)]
    began = time.perf_counter_ns()
    for event in events:
        handle(event, data, SAYS)
    return (time.perf_counter_ns() - began) / EACH
