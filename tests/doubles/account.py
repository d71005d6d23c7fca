"""An account on the morning of an expiry week: instruments, a gate that lets everything sensible pass, and signals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec
from doubles.gate import CoreGate
from kitev3._core import Tick, TickBatch
from kitev3.contracts import Approved, Blocked, Fill, Funds, Instrument, Intent, OrderUpdate, Reject, Signal
from kitev3.risk import Risk

SECOND_NS = 1_000_000_000
DAY = "2026-11-19"  # a Thursday
NOW_NS = 1_795_062_600 * SECOND_NS  # 2026-11-19 10:00 IST
MONO_NS = 1_000 * SECOND_NS
WARM_S = 31

FUTURE, CALL, STOCK_CALL, SHARE, INDEX = 256_002, 512_002, 768_002, 408_065, 256_265


def row(token: int, exchange: str, symbol: str, kind: str, last_e4: int, **changes: Any) -> Instrument:
    derivative = exchange == "NFO"
    made = Instrument(
        instrument_token=token,
        exchange=exchange,
        tradingsymbol=symbol,
        name=symbol,
        instrument_type=kind,
        segment=exchange,
        expiry="2026-11-24" if derivative else "",
        strike_e4=0,
        tick_size_e4=500,
        lot_size=65 if derivative else 1,
        freeze_quantity=1800 if derivative else 99_999,
        products=("NRML", "MIS") if derivative else ("CNC", "MIS", "MTF"),
        lower_circuit_e4=last_e4 * 8 // 10 // 500 * 500,
        upper_circuit_e4=last_e4 * 12 // 10 // 500 * 500,
        previous_close_e4=last_e4,
        file_date=DAY,
        file_hash="00000000",
    )
    return msgspec.structs.replace(made, **changes)


ROWS: dict[int, Instrument] = {
    FUTURE: row(FUTURE, "NFO", "NIFTY26NOVFUT", "FUT", 260_000_000, name="NIFTY"),
    CALL: row(CALL, "NFO", "NIFTY26NOV26000CE", "CE", 1_000_000, name="NIFTY", strike_e4=260_000_000,
              lower_circuit_e4=500, upper_circuit_e4=5_000_000),
    STOCK_CALL: row(STOCK_CALL, "NFO", "INFY26NOV1500CE", "CE", 300_000, name="INFY", strike_e4=15_000_000,
                    lot_size=400, freeze_quantity=16_000, lower_circuit_e4=500, upper_circuit_e4=3_000_000),
    SHARE: row(SHARE, "NSE", "INFY", "EQ", 15_000_000),
    INDEX: row(INDEX, "NSE", "NIFTY 50", "EQ", 260_000_000, segment="INDICES", products=(), lot_size=0),
}  # fmt: skip
LAST_E4 = {FUTURE: 260_000_000, CALL: 1_000_000, STOCK_CALL: 300_000, SHARE: 15_000_000, INDEX: 260_000_000}

WIDE = Risk(
    capital_e4=10_00_00_000_0000,
    order_quantity_max=50_000,
    order_value_e4_max=5_00_00_000_0000,
    position_quantity_max=100_000,
    gross_pct_max=1_000,
    net_pct_max=1_000,
    open_orders_max=50,
    open_orders_symbol_max=50,
    open_orders_strategy_max=50,
    open_value_e4_max=1_000_000_000_0000,
    daily_loss_bp_max=200,
    entry_age_ms_max=5_000,
    margin_use_pct_max=85,
)


def clean_ticks(prices: dict[int, int], now_ns: int) -> TickBatch:
    """A batch of clean full ticks."""
    exchange_ns = now_ns // SECOND_NS * SECOND_NS
    ticks = [Tick(token, last_price_e4, exchange_ns=exchange_ns) for token, last_price_e4 in prices.items()]
    return TickBatch.from_ticks(ticks)


class Desk:
    """A gate with its clock, and the account's side of it: what becomes of what it has passed."""

    def __init__(self, gate: Any = None, limits: Mapping[str, int | None] | None = None, *, ready: bool = True) -> None:
        self.gate = gate if gate is not None else CoreGate(WIDE.limits() if limits is None else limits)
        self.now_ns, self.mono_ns = NOW_NS, MONO_NS
        self.ids = itertools.count(1)
        self.placed: list[tuple[str, Approved]] = []
        if ready:
            self.make_ready()

    def make_ready(self) -> None:
        """Armed, reconciled, funded, warm."""
        for instrument in ROWS.values():
            self.gate.on_instrument(instrument)
        self.gate.on_latch("ACTIVE", self.now_ns)
        self.gate.on_reconciled(True)
        self.gate.on_funds(Funds(10_00_00_000_0000, 0))
        self.tick(LAST_E4)
        self.wait(WARM_S)
        self.tick(LAST_E4)

    def wait(self, seconds: float) -> None:
        """Time passes, and execution lives all the while."""
        self.now_ns += int(seconds * SECOND_NS)
        self.mono_ns += int(seconds * SECOND_NS)
        self.gate.on_beat(self.mono_ns)

    def tick(self, prices: dict[int, int]) -> None:
        self.gate.on_ticks(clean_ticks(prices, self.now_ns), self.now_ns, self.mono_ns)

    def judge(self, signal: Signal, intent_id: str | None = None) -> Approved | Blocked:
        if not signal.deadline_ns:
            signal = by_deadline(self, signal)
        answer: Approved | Blocked = self.gate.judge(signal, intent_id or self.intent_id(), self.now_ns, self.mono_ns)
        return answer

    def intent_id(self) -> str:
        return f"{next(self.ids):032x}"

    def place(self, signal: Signal) -> tuple[str, Approved]:
        """Judges a signal that must pass, and gives its order a tag."""
        approved = self.judge(signal)
        assert isinstance(approved, Approved), approved
        tag = f"K{len(self.placed):019d}"
        self.gate.on_intent(Intent(tag, 1, approved))
        self.placed.append((tag, approved))
        return tag, approved

    def update(self, tag: str, approved: Approved, **changes: Any) -> None:
        self.gate.on_update(order_update(tag, approved, **changes))

    def fill(self, tag: str, approved: Approved, quantity: int, price_e4: int, trade_id: str = "") -> None:
        signal = approved.signal
        fill = Fill(
            tag, f"O{tag}", trade_id or f"T{next(self.ids)}", signal.exchange, signal.tradingsymbol,
            signal.instrument_token, "BUY" if signal.action == "BUY" else "SELL", signal.product, quantity, price_e4,
            self.now_ns, signal.strategy,
        )  # fmt: skip
        self.gate.on_fill(fill, self.now_ns)

    def reject(self, tag: str, approved: Approved, verb: str = "place") -> None:
        self.gate.on_reject(Reject(tag, approved.intent_id, True, "InputException", "refused", verb=verb))  # type: ignore[arg-type]

    def hold(self, token: int, quantity: int, price_e4: int | None = None, product: str = "") -> None:
        """Buys (or sells short) and has it filled."""
        price_e4 = price_e4 or LAST_E4[token]
        signal = order(token, "BUY" if quantity > 0 else "SELL", abs(quantity), price_e4=price_e4)
        if product:
            signal = msgspec.structs.replace(signal, product=product)
        tag, approved = self.place(signal)
        self.fill(tag, approved, abs(quantity), price_e4)
        self.update(tag, approved, filled_quantity=abs(quantity), final=True, status="COMPLETE")
        self.wait(2)
        self.tick(LAST_E4)


def order_update(tag: str, approved: Approved, **changes: Any) -> OrderUpdate:
    signal = approved.signal
    made = OrderUpdate(
        tag=tag,
        order_id=f"O{tag}",
        status="OPEN",
        exchange=signal.exchange,
        tradingsymbol=signal.tradingsymbol,
        instrument_token=signal.instrument_token,
        side="BUY" if signal.action == "BUY" else "SELL",
        product=signal.product,
        order_type=signal.order_type,
        quantity=signal.quantity,
        filled_quantity=0,
        pending_quantity=signal.quantity,
        price_e4=signal.price_e4,
        trigger_price_e4=signal.trigger_price_e4,
        average_price_e4=0,
        final=False,
        strategy=signal.strategy,
    )
    return msgspec.structs.replace(made, **changes)


def order(token: int = FUTURE, action: str = "BUY", quantity: int = 65, **changes: Any) -> Signal:
    """A limit order at the last price; the desk gives it a deadline three seconds ahead."""
    instrument = ROWS[token]
    made = Signal(
        strategy="cross",
        exchange=instrument.exchange,
        tradingsymbol=instrument.tradingsymbol,
        instrument_token=token,
        action=action,  # type: ignore[arg-type]
        intent="enter",
        quantity=quantity,
        order_type="LIMIT",
        price_e4=LAST_E4[token],
        trigger_price_e4=0,
        product="CNC" if instrument.exchange == "NSE" else "NRML",
        validity="DAY",
        confidence=1.0,
        deadline_ns=0,
        data=(),
        data_ts_ns=0,
        reason="",
        indicators={},
    )
    return msgspec.structs.replace(made, **changes)


def by_deadline(desk: Desk, signal: Signal, seconds: float = 3) -> Signal:
    """The same signal, with its deadline that far ahead."""
    return msgspec.structs.replace(signal, deadline_ns=desk.mono_ns + int(seconds * SECOND_NS))
