"""The gate written to be read, not to be fast: every sum is made anew at every question, every number is exact.

What the Rust gate must agree with. It keeps a list of orders and a list of trades, and looks at both each time.
"""

from __future__ import annotations

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
from reference_account import ORDER_OF_RULES, RANK, SECOND, Held, Key, Line, Order, day_of
from reference_rules import Ask


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
        self.sequence_gaps: set[str] = set()
        self.feed_up = True
        self.beat_ns: int | None = None  # machine time of execution's last heartbeat
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

    def on_beat(self, mono_ns: int) -> None:
        self.beat_ns = mono_ns

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

    def on_sequence_gap(self, source: str, open: bool) -> None:
        if source.split(".")[0] == "execution":
            self.sequence_gaps.discard(source)
            if open:
                self.sequence_gaps.add(source)

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
        if not update.final:
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
