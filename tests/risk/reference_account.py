"""What the gate written to be read keeps: instruments, positions, orders."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction

from kitev3.contracts import Instrument

IST = timezone(timedelta(hours=5, minutes=30))
MS = 1_000_000
SECOND = 1_000 * MS
ORDER_OF_RULES = (
    1, 2, 4, 5, 7, 9, 11, 12, 14, 15, 16, 17, 18, 19, 22, 23, 26, 27, 31, 32, 35, 37, 39, 41, 44, 49, 52, 54,
)  # fmt: skip
NEEDS_ORDER = {14, 15, 16, 18, 19, 22, 23, 26, 27, 31, 32, 35, 37, 39, 41, 49}
OF_INDEX = {"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX", "SENSEX50"}
LIMITS_OF = {
    5: ("beat_age_ms_max",),
    9: ("entry_age_ms_max", "exit_age_ms_max"),
    23: ("tick_age_ms_max",),
    26: ("collar_cash_bp_max", "collar_index_future_bp_max", "collar_stock_future_bp_max"),
    31: ("order_quantity_max",),
    32: ("order_value_e4_max",),
    35: ("position_quantity_max",),
    37: ("capital_e4", "gross_pct_max", "net_pct_max"),
    39: ("open_orders_max", "open_orders_symbol_max", "open_orders_strategy_max", "open_value_e4_max"),
    44: ("capital_e4", "daily_loss_bp_max"),
    49: ("margin_use_pct_max",),
    52: ("all_burst_max", "entries_burst_max", "entries_minute_max", "entries_day_max"),
}
RANK = {"HALTED": 0, "REDUCING": 1, "ACTIVE": 2}

Key = tuple[str, str]  # exchange, symbol


class Unknown(Exception):
    """A number that nobody can say."""


@dataclass
class Line:
    """An instrument."""

    row: Instrument | None = None
    token: int = 0
    last_e4: int = 0
    mark_e4: int = 0
    heard_ns: int = 0
    seen: list[tuple[int, int]] = field(default_factory=list)  # (second, price) since the last gap
    holding: int = 0
    in_auction: bool = True
    band: tuple[int, int] = (0, 0)


@dataclass
class Held:
    """A position with what it cost."""

    quantity: int = 0
    cost_e4: int = 0
    realised_e4: int = 0
    charges_e15: int = 0

    def trade(self, signed: int, price_e4: int) -> None:
        against = self.quantity * signed < 0
        closing = min(abs(signed), abs(self.quantity)) if against else 0
        if closing:
            part = round(Fraction(self.cost_e4 * closing, abs(self.quantity)))
            direction = 1 if self.quantity > 0 else -1
            self.realised_e4 += direction * closing * price_e4 - part
            self.cost_e4 -= part
            self.quantity -= direction * closing
        opening = (abs(signed) - closing) * (1 if signed > 0 else -1)
        self.quantity += opening
        self.cost_e4 += opening * price_e4


@dataclass
class Order:
    """An order of the account."""

    key: Key
    strategy: str
    product: str
    sign: int
    quantity: int
    limit_e4: int
    price_e4: int
    margin_e4: int
    own: bool
    filled: int = 0
    settled: int | None = None
    unknown: bool = False
    pending: tuple[int, int, int, int] | None = None  # quantity, limit, price, margin

    @property
    def open(self) -> bool:
        return self.settled is None

    def worst(self) -> tuple[int, int, int]:
        """What it may still trade, its value, its margin."""
        terms = [(self.quantity, self.limit_e4, self.price_e4, self.margin_e4)]
        if self.pending is not None:
            terms.append(self.pending)
        out = []
        for quantity, _, price_e4, margin_e4 in terms:
            left = max((quantity if self.settled is None else self.settled) - self.filled, 0)
            margin = margin_e4 if left == quantity else math.ceil(Fraction(margin_e4 * left, max(quantity, 1)))
            out.append((left, left * price_e4, margin))
        return max(o[0] for o in out), max(o[1] for o in out), max(o[2] for o in out)


def fits(value: int) -> int:
    """Money and quantities are 64-bit numbers."""
    if abs(value) >= 2**63:
        raise Unknown
    return value


def day_of(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // SECOND, IST).date().isoformat()
