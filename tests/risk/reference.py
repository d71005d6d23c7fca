"""The gate written to be read, not to be fast: every sum is made anew at every question, every number is exact.

What the Rust gate must agree with. It keeps a list of orders and a list of trades, and looks at both each time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

from kitev3._core import TickBatch, charges
from kitev3.contracts import (
    Approved,
    Blocked,
    Fill,
    Instrument,
    OrderUpdate,
    PortfolioSnapshot,
    Position,
    Reservation,
    Signal,
    Verdict,
)

IST = timezone(timedelta(hours=5, minutes=30))
MS = 1_000_000
SECOND = 1_000 * MS
ORDER_OF_RULES = (
    1, 2, 4, 7, 9, 11, 12, 14, 15, 16, 17, 18, 19, 22, 23, 26, 27, 31, 32, 35, 37, 39, 41, 44, 49, 52, 54,
)  # fmt: skip
NEEDS_ORDER = {14, 15, 16, 18, 19, 22, 23, 26, 27, 31, 32, 35, 37, 39, 41, 49}
OF_INDEX = {"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX", "SENSEX50"}
LIMITS_OF = {
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


class ReferenceGate:
    """The same methods as ``kitev3._core.Gate``."""

    def __init__(self, limits: dict[str, int | None]) -> None:
        self.limits = dict(limits)
        self.lines: dict[Key, Line] = {}
        self.tokens: dict[int, Key] = {}
        self.orders: list[Order] = []
        self.tags: dict[str, Order] = {}
        self.order_ids: dict[str, Order] = {}
        self.of_intent: dict[str, Order] = {}
        self.first: dict[str, Approved | Blocked] = {}
        self.held: dict[tuple[str, str, str], Held] = {}
        self.turnover: dict[str, tuple[int, int]] = {}
        self.uncharged = False
        self.trades: set[str] = set()
        self.funds: tuple[int, int] | None = None
        self.spent = self.spent_before = 0
        self.sent: list[tuple[int, bool, str]] = []  # machine time, entry, day
        self.latch, self.armed_on, self.killed, self.books = "HALTED", "", False, "unread"
        self.lost_on = ""
        self.holes: set[str] = set()
        self.feed_up = True
        self.scopes: list[tuple[str, str]] = []

    # What it learns -----------------------------------------------------------------------------------------------

    def line(self, exchange: str, symbol: str, token: int) -> Line:
        line = self.lines.setdefault((exchange, symbol), Line(token=token))
        self.tokens[token] = (exchange, symbol)
        return line

    def on_instrument(self, row: Instrument, closing_auction: bool = True) -> None:
        line = self.line(row.exchange, row.tradingsymbol, row.instrument_token)
        line.row, line.in_auction, line.token = row, closing_auction, row.instrument_token
        line.band = (row.lower_circuit_e4, row.upper_circuit_e4)

    def on_quote(self, quote: Any) -> None:
        if quote.instrument_token in self.tokens:
            line = self.lines[self.tokens[quote.instrument_token]]
            line.band = (quote.lower_circuit_e4, quote.upper_circuit_e4)

    def on_ticks(self, batch: TickBatch, now_ns: int, mono_ns: int) -> None:
        for tick in batch:
            key = self.tokens.get(tick.token)
            if key is None or tick.flags or tick.last_price_e4 <= 0:
                continue
            line = self.lines[key]
            line.last_e4 = line.mark_e4 = tick.last_price_e4
            line.heard_ns = mono_ns
            second = (tick.exchange_ns or now_ns) // SECOND
            newest = line.seen[-1][0] if line.seen else second
            line.seen.append((max(second, newest), tick.last_price_e4))
        self.watch_loss(now_ns)

    def on_gap(self, tokens: Any) -> None:
        for token, key in self.tokens.items():
            if not tokens or token in tokens:
                self.lines[key].seen.clear()
        if not tokens:
            for line in self.lines.values():
                line.seen.clear()

    def on_feed(self, up: bool) -> None:
        self.feed_up = up

    def on_latch(self, state: str, now_ns: int) -> None:
        if RANK[state] > RANK[self.latch] or not self.armed_on:
            self.killed = False
            self.armed_on = day_of(now_ns) if state != "HALTED" else ""
        self.latch = state

    def on_kill(self) -> None:
        self.killed = True

    def on_arm(self, now_ns: int) -> None:
        self.killed = False
        self.armed_on = day_of(now_ns) if self.latch != "HALTED" else ""

    def limit_strategy(self, strategy: str, state: str) -> None:
        self.scopes.append((strategy, state))

    def limit_symbol(self, exchange: str, symbol: str, state: str) -> None:
        self.scopes.append((f"{exchange}:{symbol}", state))

    def on_hole(self, source: str, open: bool) -> None:
        if source.split(".")[0] == "execution":
            self.holes.discard(source)
            if open:
                self.holes.add(source)

    def on_reconciled(self, agree: bool) -> None:
        if agree:
            self.books = "agree"
        elif self.books != "unread":
            self.books = "differ"

    def on_execution_restarted(self) -> None:
        self.books = "unread"

    def on_funds(self, funds: Any) -> None:
        if self.funds is not None:
            self.spent_before = self.spent
        self.spent = 0
        self.funds = (funds.available_e4, funds.utilised_e4)

    def on_holdings(self, holdings: Any) -> None:
        for line in self.lines.values():
            line.holding = 0
        for row in holdings.rows:
            self.line(row.exchange, row.tradingsymbol, row.instrument_token).holding = row.quantity

    def on_intent(self, intent: Any) -> None:
        order = self.of_intent.get(intent.approved.intent_id)
        if order is not None:
            self.tags[intent.tag] = order

    def on_placed(self, placed: Any) -> None:
        order = self.tags.get(placed.tag)
        if order is not None:
            self.order_ids[placed.order_id] = order
            order.unknown = False

    def on_reject(self, reject: Any) -> None:
        order = self.of_intent.get(reject.intent_id) or self.find(reject.tag, reject.order_id)
        if order is None:
            return
        order.unknown = False
        if reject.verb == "place" and order.settled is None:
            order.settled = order.filled
        if reject.verb in ("place", "modify"):
            order.pending = None

    def on_unknown(self, unknown: Any) -> None:
        order = self.tags.get(unknown.tag)
        if unknown.verb == "place" and order is not None and order.open:
            order.unknown = True

    def find(self, tag: str, order_id: str) -> Order | None:
        return self.tags.get(tag) or self.order_ids.get(order_id)

    def on_update(self, update: OrderUpdate) -> None:
        order = self.find(update.tag, update.order_id)
        if order is None:
            if update.final and not update.filled_quantity:
                return
            order = self.adopt(update, update.quantity, update.price_e4)
        if update.tag:
            self.tags[update.tag] = order
        self.order_ids[update.order_id] = order
        order.unknown = False
        if not order.own and not update.final:
            order.settled = None
        if order.pending is None:
            order.quantity = update.quantity
        elif order.pending[:2] == (update.quantity, update.price_e4):
            order.quantity, order.limit_e4, order.price_e4, order.margin_e4 = order.pending
            order.pending = None
        if update.final:
            order.settled, order.pending = update.filled_quantity, None

    def adopt(self, seen: OrderUpdate | Fill, quantity: int, price_e4: int) -> Order:
        line = self.line(seen.exchange, seen.tradingsymbol, seen.instrument_token)
        sign = 1 if seen.side == "BUY" else -1
        key = (seen.exchange, seen.tradingsymbol)
        price = price_e4 if price_e4 > 0 else line.mark_e4
        order = Order(key, seen.strategy, seen.product, sign, quantity, price_e4, price, 0, own=False)
        self.orders.append(order)
        return order

    def on_fill(self, fill: Fill, now_ns: int) -> None:
        if f"{fill.exchange}:{fill.trade_id}" in self.trades:
            return
        self.trades.add(f"{fill.exchange}:{fill.trade_id}")
        line = self.line(fill.exchange, fill.tradingsymbol, fill.instrument_token)
        line.mark_e4 = line.mark_e4 or fill.price_e4
        held = self.held.setdefault((fill.exchange, fill.tradingsymbol, fill.product), Held())
        held.trade(fill.quantity if fill.side == "BUY" else -fill.quantity, fill.price_e4)
        self.charge(fill, held, line, now_ns)
        order = self.find(fill.tag, fill.order_id)
        if order is None:
            order = self.adopt(fill, fill.quantity, fill.price_e4)
            order.settled = 0
            if fill.tag:
                self.tags[fill.tag] = order
            self.order_ids[fill.order_id] = order
        before = order.worst()[2]
        order.filled += fill.quantity
        if self.funds is not None:
            self.spent += max(before - order.worst()[2], 0)
        self.watch_loss(now_ns)

    def charge(self, fill: Fill, held: Held, line: Line, now_ns: int) -> None:
        value_e4, cost_e15 = self.turnover.get(fill.order_id, (0, 0))
        value_e4 += fill.quantity * fill.price_e4
        kind = line.row.instrument_type if line.row is not None else "EQ"
        total = charges(fill.exchange, kind, fill.product, fill.side, value_e4, day_of(now_ns)).total_e15
        held.charges_e15 += total - cost_e15
        self.turnover[fill.order_id] = (value_e4, total)

    # What it adds up ----------------------------------------------------------------------------------------------

    def ends(self, key: Key, product: str, without: Order | None = None) -> tuple[int, int, int]:
        """(held, may still be bought, may still be sold)."""
        held = self.held.get((*key, product), Held()).quantity
        mine = [o for o in self.orders if o.key == key and o.product == product and o is not without]
        return (
            held,
            sum(o.worst()[0] for o in mine if o.sign > 0),
            sum(o.worst()[0] for o in mine if o.sign < 0),
        )

    def exposure(self, key: Key, mark_e4: int, changed: dict[str, tuple[int, int, int]]) -> tuple[int, int, int]:
        gross = long = short = 0
        for product in ("CNC", "MIS", "NRML", "MTF"):
            held, buys, sells = changed.get(product) or self.ends(key, product)
            gross += max(abs(held + buys), abs(held - sells)) * mark_e4
            long += (held + buys) * mark_e4
            short += (held - sells) * mark_e4
        return gross, long, short

    def pnl(self) -> tuple[int, int]:
        """Gross of all positions, and charges, in e4."""
        gross = 0
        for (exchange, symbol, _), held in self.held.items():
            mark = self.lines[exchange, symbol].mark_e4
            gross += held.realised_e4 + held.quantity * mark - held.cost_e4
        return gross, round(Fraction(sum(h.charges_e15 for h in self.held.values()), 10**11))

    def watch_loss(self, now_ns: int) -> None:
        capital, bp = self.limits["capital_e4"], self.limits["daily_loss_bp_max"]
        if capital is None or bp is None:
            return
        gross, cost = self.pnl()
        if gross - cost != 0 and (gross - cost) * 10_000 <= -capital * bp:
            self.lost_on = day_of(now_ns)

    def standing(self, now_ns: int) -> str:
        day = day_of(now_ns)
        if self.killed or self.latch == "HALTED" or self.armed_on != day:
            return "HALTED"
        if self.books == "unread":
            return "RECONCILING"
        if self.latch == "REDUCING" or self.lost_on == day or self.books == "differ":
            return "REDUCING"
        return "ACTIVE"

    def snapshot(self, now_ns: int) -> PortfolioSnapshot:
        gross, cost = self.pnl()
        rows = []
        for (exchange, symbol, product), held in self.held.items():
            line = self.lines[exchange, symbol]
            average = round(Fraction(held.cost_e4, held.quantity)) if held.quantity else 0
            rows.append(
                Position(
                    exchange, symbol, line.token, product, held.quantity, average, line.mark_e4, held.realised_e4,
                    held.quantity * line.mark_e4 - held.cost_e4, round(Fraction(held.charges_e15, 10**11)),
                )
            )  # fmt: skip
        return PortfolioSnapshot(
            positions=tuple(rows),
            gross_pnl_e4=gross,
            charges_e4=cost,
            net_pnl_e4=gross - cost,
            capital_e4=self.limits["capital_e4"] or 0,
            reserved_e4=sum(o.worst()[1] for o in self.orders),
            open_orders=sum(o.open for o in self.orders),
            state=self.standing(now_ns),
            missing=tuple(name for name, value in self.limits.items() if value is None),
            tripped="R44" if self.lost_on == day_of(now_ns) else "",
        )

    # The verdict --------------------------------------------------------------------------------------------------

    def judge(self, signal: Signal, intent_id: str, now_ns: int, mono_ns: int) -> Approved | Blocked:
        if intent_id not in self.first:
            self.first[intent_id] = self.judged(signal, intent_id, now_ns, mono_ns)
        first = self.first[intent_id]
        return first if first.signal == signal else Blocked(intent_id, signal, Verdict(1 << 7, 1 << 7, "R07"))

    def judged(self, signal: Signal, intent_id: str, now_ns: int, mono_ns: int) -> Approved | Blocked:
        if signal.intent == "cancel":
            self.sent.append((mono_ns, False, day_of(now_ns)))
            verdict = Verdict(1 << 1 | 1 << 7 | 1 << 52 | 1 << 54, 0)
            return Approved(intent_id, signal, verdict, Reservation(0, 0, 0))
        self.watch_loss(now_ns)
        ask = Ask(self, signal, now_ns, mono_ns)
        evaluated = refused = 0
        first = ""
        for rule in ORDER_OF_RULES:
            passes = ask.passes(rule)
            if passes is None:
                continue
            evaluated |= 1 << rule
            if not passes:
                refused |= 1 << rule
                first = first or f"R{rule:02}"
        verdict = Verdict(evaluated, refused, first)
        if refused or evaluated != sum(1 << rule for rule in ORDER_OF_RULES):
            return Blocked(intent_id, signal, verdict)
        order = ask.reserve()
        self.of_intent[intent_id] = order
        self.sent.append((mono_ns, not ask.reduces, day_of(now_ns)))
        return Approved(intent_id, signal, verdict, Reservation(*order.worst()))


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

    def r04(self) -> bool:
        if self.gate.books == "unread":
            return False
        unknown = any(o.unknown and o.key == self.key for o in self.gate.orders)
        return self.reduces or not (self.gate.books == "differ" or self.gate.holes or unknown)

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
        fits = len(burst) < self.limit("all_burst_max")
        return fits and (
            self.reduces
            or (
                sum(burst) < self.limit("entries_burst_max")
                and sum(minute) < self.limit("entries_minute_max")
                and sum(today) < self.limit("entries_day_max")
            )
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


def fits(value: int) -> int:
    """Money and quantities are 64-bit numbers."""
    if abs(value) >= 2**63:
        raise Unknown
    return value


def day_of(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // SECOND, IST).date().isoformat()
