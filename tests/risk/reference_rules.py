"""The rules of the gate written to be read: one method a rule, None where a fact is missing."""

from __future__ import annotations

import math
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from kitev3.contracts import Signal
from reference_account import IST, LIMITS_OF, MS, NEEDS_ORDER, OF_INDEX, SECOND, Order, Unknown, day_of, fits

if TYPE_CHECKING:
    from reference import ReferenceGate


class Ask:
    """One order, as the rules look at it."""

    def __init__(self, gate: ReferenceGate, signal: Signal, now_ns: int, mono_ns: int) -> None:
        self.gate, self.signal = gate, signal
        self.now_ns, self.mono_ns, self.day = now_ns, mono_ns, day_of(now_ns)
        self.key = gate.tokens.get(signal.instrument_token)
        self.line = gate.lines[self.key] if self.key is not None else None
        self.row = self.line.row if self.line is not None else None
        self.target = gate.tags.get(signal.order) if signal.intent == "modify" else None
        self.full = self.line is not None and signal.action in ("BUY", "SELL")
        self.sign = 1 if signal.action == "BUY" else -1
        self.reduces = False
        if self.full:
            assert self.key is not None
            self.left = signal.quantity - (self.target.filled if self.target is not None else 0)
            released = self.target if self.target is not None and self.same_side() else None
            self.before = self.before_of(released)
            held, buys, sells = self.before
            waiting = buys if self.sign > 0 else sells
            self.reduces = held * self.sign < 0 and self.left > 0 and waiting + self.left <= abs(held)

    def same_side(self) -> bool:
        assert self.target is not None
        return self.target.product == self.signal.product and self.target.sign == self.sign

    def before_of(self, released: Order | None) -> tuple[int, int, int]:
        assert self.key is not None
        held, buys, sells = self.gate.ends(self.key, self.signal.product)
        if released is not None:
            gone = released.worst()[0]
            buys, sells = (buys - gone, sells) if self.sign > 0 else (buys, sells - gone)
        return held, buys, sells

    def after(self) -> tuple[int, int, int]:
        held, buys, sells = self.before
        return (held, buys + self.left, sells) if self.sign > 0 else (held, buys, sells + self.left)

    def passes(self, rule: int) -> bool | None:
        """None: a fact that the rule needs is missing."""
        if rule in NEEDS_ORDER and not self.full:
            return None
        if any(self.gate.limits[name] is None for name in LIMITS_OF.get(rule, ())) and rule != 9:
            return False
        try:
            verdict: bool | None = getattr(self, f"r{rule:02}")()
        except Unknown:
            return False
        return verdict

    def limit(self, name: str) -> int:
        value = self.gate.limits[name]
        return -1 if value is None else value

    # Prices and values --------------------------------------------------------------------------------------------

    def bound_e4(self) -> int:
        """The worst price at which it may trade."""
        signal = self.signal
        assert self.line is not None
        if signal.order_type in ("LIMIT", "SL"):
            return signal.price_e4
        start = signal.trigger_price_e4 if signal.order_type == "SL-M" else self.line.mark_e4
        if signal.order_type == "MARKET" and start == 0:
            raise Unknown
        bp = signal.market_protection_bp
        if bp == -1:
            option = self.kind() in ("CE", "PE")
            steps = ((10, 500), (100, 300)) if option else ((100, 200),)
            bp = next((share for below, share in steps if start < below * 10_000), 0)
            bp = bp or ((200 if option else 100) if start <= 500 * 10_000 else (100 if option else 50))
        return start + self.sign * math.ceil(Fraction(start * bp, 10_000))

    def price_e4(self) -> int:
        """The price at which it is valued."""
        assert self.line is not None
        if self.sign < 0 and self.signal.order_type == "SL-M":
            return self.signal.trigger_price_e4
        if self.sign < 0 and self.signal.order_type == "MARKET" and self.line.mark_e4:
            return self.line.mark_e4
        return self.bound_e4()

    def margin_e4(self) -> int:
        if self.reduces:
            self.price_e4()
            return 0
        assert self.row is not None
        value = fits(self.signal.quantity * self.price_e4())
        strike = self.signal.quantity * self.row.strike_e4
        big = self.row.name in OF_INDEX
        kind = self.kind()
        if kind == "INDEX":
            raise Unknown
        if kind == "EQ":
            if self.signal.product == "MIS":
                return math.ceil(Fraction(value * 20, 100))
            return value if self.sign > 0 else 0
        if kind == "FUT":
            return math.ceil(Fraction(value * (15 if big else 25), 100))
        if self.sign > 0:
            return value
        return fits(math.ceil(Fraction(fits(strike) * (15 if big else 25), 100)) + value)

    def kind(self) -> str:
        if self.row is None:
            return "EQ"
        return "INDEX" if self.row.segment == "INDICES" else self.row.instrument_type

    # The rules ----------------------------------------------------------------------------------------------------

    def r01(self) -> bool:
        return {"ACTIVE": True, "REDUCING": self.reduces}.get(self.gate.standing(self.now_ns), False)

    def r02(self) -> bool:
        mine = {self.signal.strategy, f"{self.signal.exchange}:{self.signal.tradingsymbol}"}
        states = [state for scope, state in self.gate.scopes if scope in mine]
        return "HALTED" not in states and ("REDUCING" not in states or self.reduces)

    def r05(self) -> bool:
        if self.reduces:
            return True
        return self.gate.beat_ns is not None and self.mono_ns - self.gate.beat_ns <= self.limit("beat_age_ms_max") * MS

    def r04(self) -> bool:
        if self.gate.books == "unread":
            return False
        unknown = any(o.unknown and o.key == self.key for o in self.gate.orders)
        return self.reduces or not (self.gate.books == "differ" or self.gate.sequence_gaps or unknown)

    def r07(self) -> bool:
        return True

    def r09(self) -> bool:
        left_ns = self.signal.deadline_ns - self.mono_ns
        names = LIMITS_OF[9]
        if left_ns < 0 or any(self.gate.limits[name] is None for name in names):
            return False
        return left_ns <= self.limit(names[1] if self.reduces else names[0]) * MS

    def r11(self) -> bool | None:
        if self.signal.intent != "modify":
            return True
        old = self.target
        if old is None:
            return False
        if not self.full:
            return None
        mine = old.own and old.strategy == self.signal.strategy and old.key == self.key and self.same_side()
        return mine and old.open and not old.unknown and old.pending is None and self.left > 0

    def r12(self) -> bool:
        row = self.row
        if row is None or (row.exchange, row.tradingsymbol) != (self.signal.exchange, self.signal.tradingsymbol):
            return False
        if row.file_date != self.day or row.segment == "INDICES" or row.lot_size <= 0 or row.tick_size_e4 <= 0:
            return False
        return row.instrument_type == "EQ" if not row.expiry else row.expiry >= self.day

    def r14(self) -> bool:
        assert self.row is not None
        tick = self.row.tick_size_e4
        prices = (self.signal.price_e4, self.signal.trigger_price_e4)
        return tick > 0 and all(price >= 0 and price % tick == 0 for price in prices)

    def r15(self) -> bool:
        assert self.row is not None
        return (
            self.row.lot_size > 0 and 0 < self.signal.quantity < 2**31 and self.signal.quantity % self.row.lot_size == 0
        )

    def r16(self) -> bool:
        assert self.row is not None
        if self.row.freeze_quantity <= 0:
            return self.kind() in ("EQ", "INDEX")
        lot = self.row.lot_size
        return lot > 0 and self.signal.quantity <= self.row.freeze_quantity - self.row.freeze_quantity % lot

    def r17(self) -> bool | None:
        signal = self.signal
        if signal.action not in ("BUY", "SELL"):
            return False
        if self.row is None:
            return None
        cash = self.kind() == "EQ"
        prices = {"MARKET": (False, False), "LIMIT": (True, False), "SL": (True, True), "SL-M": (False, True)}
        protection = signal.market_protection_bp
        market = signal.order_type in ("MARKET", "SL-M")
        return (
            signal.product in self.row.products
            and {"CNC": cash, "MTF": cash, "NRML": not cash, "MIS": True}[signal.product]
            and (signal.price_e4 > 0, signal.trigger_price_e4 > 0) == prices[signal.order_type]
            and (protection == -1 or 1 <= protection <= 10_000 if market else protection == 0)
            and not (market and self.kind() in ("CE", "PE") and self.row.name not in OF_INDEX)
            and signal.validity != "TTL"
        )

    def r18(self) -> bool:
        if self.sign > 0 or self.signal.product not in ("CNC", "MTF"):
            return True
        assert self.line is not None
        held, _, sells = self.before
        return self.left <= held - sells + (self.line.holding if self.signal.product == "CNC" else 0)

    def r19(self) -> bool:
        assert self.line is not None
        assert self.row is not None
        market = datetime.fromtimestamp(self.now_ns // SECOND, IST)
        weekday = self.day in ("2026-11-19", "2026-11-20", "2026-11-23")  # 22nd is a Sunday, 24th a holiday
        at = market.hour * 60 + market.minute
        if not weekday or self.kind() == "INDEX":
            return False
        derivative = self.row.exchange == "NFO"
        close = 15 * 60 + (40 if derivative else 15 if self.line.in_auction else 30)
        intraday = 15 * 60 + (15 if derivative else 0 if self.line.in_auction else 10)
        until = intraday if self.signal.product == "MIS" and not self.reduces else close
        return 9 * 60 + 15 <= at < until

    def r22(self) -> bool:
        signal = self.signal
        assert self.line is not None
        if signal.order_type not in ("SL", "SL-M"):
            return True
        if not self.line.last_e4 or (signal.trigger_price_e4 - self.line.last_e4) * self.sign <= 0:
            return False
        return signal.order_type == "SL-M" or (signal.price_e4 - signal.trigger_price_e4) * self.sign >= 0

    def r23(self) -> bool:
        assert self.line is not None
        age_ns = self.mono_ns - self.line.heard_ns
        fresh = self.line.last_e4 > 0 and 0 <= age_ns <= self.limit("tick_age_ms_max") * MS
        return self.reduces or (self.gate.feed_up and fresh)

    def r26(self) -> bool:
        assert self.line is not None
        assert self.row is not None
        bound = self.bound_e4()
        seen = self.line.seen
        if seen and seen[-1][0] - seen[0][0] >= 30:
            window = [price for second, price in seen if second > seen[-1][0] - 30]
            ref = Fraction(sum(window), len(window))
        elif self.reduces:
            ref = Fraction(self.line.mark_e4)
        else:
            return False
        kind, big = self.kind(), self.row.name in OF_INDEX
        if kind in ("CE", "PE"):
            return abs(bound - ref) <= max(19 * 10_000, ref * 38 / 100)
        future = "collar_index_future_bp_max" if big else "collar_stock_future_bp_max"
        return abs(bound - ref) <= ref * self.limit(future if kind == "FUT" else "collar_cash_bp_max") / 10_000

    def r27(self) -> bool:
        signal = self.signal
        assert self.line is not None
        lower, upper = self.line.band
        if lower <= 0 or upper <= 0:
            return self.reduces
        prices = {
            "LIMIT": (signal.price_e4,),
            "SL": (signal.price_e4, signal.trigger_price_e4),
            "SL-M": (signal.trigger_price_e4,),
            "MARKET": (self.line.mark_e4,),
        }
        return all(lower <= price <= upper for price in prices[signal.order_type])

    def r31(self) -> bool:
        return self.signal.quantity <= self.limit("order_quantity_max")

    def r32(self) -> bool:
        return self.left * self.price_e4() <= self.limit("order_value_e4_max")

    def r35(self) -> bool:
        assert self.key is not None
        worst = 0
        for product in ("CNC", "MIS", "NRML", "MTF"):
            mine = product == self.signal.product
            held, buys, sells = self.after() if mine else self.gate.ends(self.key, product)
            worst += max(abs(held + buys), abs(held - sells))
        return self.reduces or worst <= self.limit("position_quantity_max")

    def r37(self) -> bool:
        if self.reduces:
            return True
        assert self.key is not None
        assert self.line is not None
        price = max(self.price_e4(), self.line.mark_e4)
        gross, long, short = self.gate.exposure(self.key, price, {self.signal.product: self.after()})
        for key, line in self.gate.lines.items():
            if key != self.key:
                more = self.gate.exposure(key, line.mark_e4, {})
                gross, long, short = gross + more[0], long + more[1], short + more[2]
                touched = any(any(self.gate.ends(key, p)) for p in ("CNC", "MIS", "NRML", "MTF"))
                if touched and line.mark_e4 == 0:
                    return False
        capital = self.limit("capital_e4")
        net = max(abs(long), abs(short))
        return gross * 100 <= capital * self.limit("gross_pct_max") and net * 100 <= capital * self.limit("net_pct_max")

    def r39(self) -> bool:
        if self.reduces:
            return True
        value = self.left * self.price_e4() + sum(o.worst()[1] for o in self.gate.orders if o is not self.target)
        more = 1 if self.signal.intent != "modify" else 0
        open_orders = [o for o in self.gate.orders if o.open]
        return (
            len(open_orders) + more <= self.limit("open_orders_max")
            and sum(o.key == self.key for o in open_orders) + more <= self.limit("open_orders_symbol_max")
            and sum(o.strategy == self.signal.strategy for o in open_orders) + more
            <= self.limit("open_orders_strategy_max")
            and value <= self.limit("open_value_e4_max")
        )

    def r41(self) -> bool:
        return self.reduces or self.signal.intent != "exit"

    def r44(self) -> bool:
        return self.reduces or self.gate.lost_on != self.day

    def r49(self) -> bool:
        if self.reduces:
            return True
        if self.gate.funds is None:
            return False
        available, utilised = self.gate.funds
        bound = sum(o.worst()[2] for o in self.gate.orders if o is not self.target)
        bound += self.gate.spent + self.gate.spent_before
        enough = self.margin_e4() * 105 <= (available - bound) * 100
        return enough and (utilised + bound) * 100 < (available + utilised) * self.limit("margin_use_pct_max")

    def r52(self) -> bool:
        burst = [entry for sent, entry, _ in self.gate.sent if sent >= self.mono_ns - 1_250 * MS]
        minute = [entry for sent, entry, _ in self.gate.sent if sent >= self.mono_ns - 60_000 * MS]
        today = [entry for _, entry, day in self.gate.sent if day == self.day]
        return self.reduces or (
            len(burst) < self.limit("all_burst_max")
            and sum(burst) < self.limit("entries_burst_max")
            and sum(minute) < self.limit("entries_minute_max")
            and sum(today) < self.limit("entries_day_max")
        )

    def r54(self) -> bool | None:
        if not self.full:
            return None
        self.price_e4()
        self.margin_e4()
        fits(sum(abs(part) for part in self.after()))
        return True

    def reserve(self) -> Order:
        assert self.key is not None
        signal = self.signal
        terms = (signal.quantity, signal.price_e4, self.price_e4(), self.margin_e4())
        if self.target is not None:
            self.target.pending = terms
            return self.target
        order = Order(self.key, signal.strategy, signal.product, self.sign, *terms, own=True)
        self.gate.orders.append(order)
        return order
