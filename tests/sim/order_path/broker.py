"""A broker that behaves like Kite: it takes an order and shows it later, answers what is not so, and echoes
nothing but a tag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.order_path.classify import INPUT, TOKEN, TOO_MANY
from sim.order_path.records import Id, Payload, Request, Row, Rows, Tag, Trade, Unread, Update
from sim.order_path.triggers import Triggers

if TYPE_CHECKING:
    from sim.order_path.world import World

WRITES_PER_SECOND = 3  # Kite's is 10; the pace of the model is as small
LAG_MAX = 100_000  # with a late arrival less than T_absent, less the age of a stale book
STALE_MAX = 30_000
FINAL = frozenset({"COMPLETE", "CANCELLED", "REJECTED"})


@dataclass(slots=True)
class Order:
    """As the broker has it. *intent* is whose it is in truth, whatever its tag says."""

    order_id: int
    tag: Tag | None
    intent: Id | None
    kind: str
    symbol: int
    side: int
    quantity: int
    updated: int
    filled: int = 0
    price: int = 0
    status: str = "PUT ORDER REQ RECEIVED"
    is_shown: bool = False
    shown_at: int = 0
    is_registered: bool = False
    row: Row | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def open(self) -> int:
        return 0 if self.status in FINAL else self.quantity - self.filled

    def as_row(self) -> Row:
        if self.row is None:
            self.row = Row(
                self.order_id,
                self.tag,
                self.symbol,
                self.side,
                self.status,
                self.quantity,
                self.filled,
                self.price,
                self.updated,
            )
        return self.row


class Broker:
    """Its book, its trades, and the market that fills them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.orders: dict[int, Order] = {}
        self.trades: list[tuple[int, Trade]] = []  # with the time from which they are shown
        self.numbers = 1_000
        self.is_token_dead = False
        self.changes_pending = 0
        self.changed_at = 0
        self.second, self.writes = -1, 0
        self.was_short = False
        self.kept: tuple[int, tuple[Row, ...]] = (0, ())
        self.triggers = Triggers(world, self)

    # Writes ---------------------------------------------------------------------------------------------------------

    def take(self, request: Request) -> tuple[str, int]:
        """The true answer. Pre-checks reject what then never shows in the book."""
        if self.is_token_dead:
            return TOKEN, 0
        second = (self.world.schedule.now + 137) // 1_000
        self.second, self.writes = second, self.writes + 1 if second == self.second else 1
        if self.writes > WRITES_PER_SECOND:
            return TOO_MANY, 0
        if request.tag.role == "gtt" and request.order_id not in self.orders:
            return self.triggers.take(request)
        if request.verb == "POST":
            return self._place(request)
        order = self.orders.get(request.order_id)
        if order is None or not order.is_registered or order.is_final or self.world.happens("change_refused"):
            return INPUT, 0
        self.changes_pending += 1
        delay = self.world.random.randint(10, 400)
        if self.world.happens("change_late"):
            delay = self.world.random.randint(400, self.world.random.choice((5_000, LAG_MAX)))
        self.world.schedule.after(delay, self._change if request.verb == "PUT" else self._cancel, order, request)
        return "200", order.order_id

    def _place(self, request: Request) -> tuple[str, int]:
        if self.world.happens("precheck"):
            return INPUT, 0
        tag = request.tag
        order = self.new(tag, tag.intent, tag.role, request.symbol, request.side, request.quantity)
        self.world.checks.placed(order)
        lag = self.world.lag()
        order.shown_at = self.world.schedule.now
        order.is_shown = lag > 1_000 and self.world.random.random() < 0.3  # as received, long before it is registered
        self.world.schedule.after(lag, self.register, order)
        return "200", order.order_id

    def new(self, tag: Tag | None, intent: Id | None, kind: str, symbol: int, side: int, quantity: int) -> Order:
        self.numbers += 1
        order = Order(self.numbers, tag, intent, kind, symbol, side, quantity, self.world.schedule.now)
        self.orders[order.order_id] = order
        return order

    def register(self, order: Order) -> None:
        world = self.world
        order.shown_at = order.shown_at if order.is_shown else world.schedule.now
        order.is_registered = order.is_shown = True
        if world.happens("book_reject") and order.kind != "hand":
            self._is(order, "REJECTED")
            return
        self._is(order, "TRIGGER PENDING" if order.kind == "stop" else "OPEN")
        random = world.random
        if order.kind == "entry":
            if random.random() < 0.85:
                world.schedule.after(int(random.expovariate(1 / 3_000)), self.match, order)
        elif order.kind == "stop":
            if random.random() < 0.4:
                world.schedule.after(random.randint(500, 60_000), self._trigger_stop, order)
        elif not world.happens("market_rests"):
            world.schedule.after(random.randint(10, 400), self.match, order)

    def _change(self, order: Order, request: Request) -> None:
        self.changes_pending -= 1
        if order.is_final or request.quantity <= order.filled:
            return  # NOT MODIFIED
        order.price, order.quantity = request.price, request.quantity
        self._is(order, order.status)
        self.world.checks.grown(order)
        if order.kind in ("exit", "gtt"):
            self.world.schedule.after(self.world.random.randint(10, 400), self.match, order)

    def _cancel(self, order: Order, request: Request | None) -> None:
        self.changes_pending -= request is not None
        if not order.is_final:
            self._is(order, "CANCELLED")

    # The market -----------------------------------------------------------------------------------------------------

    def match(self, order: Order) -> None:
        """Some or all of what is open fills."""
        world = self.world
        if order.is_final or not order.is_registered or (world.is_calm and order.kind == "entry"):
            return
        quantity = order.open if world.random.random() < 0.6 else world.random.randint(1, order.open)
        self.fill(order, quantity)
        if order.open and (order.kind == "entry" or not world.happens("market_rests")):
            world.schedule.after(world.random.randint(10, 4_000), self.match, order)

    def fill(self, order: Order, quantity: int) -> None:
        self.numbers += 1
        shown = self.world.schedule.now
        if self.world.happens("trades_late"):
            shown += self.world.random.randint(100, 8_000)
        self.trades.append((shown, Trade(self.numbers, order.order_id, order.symbol, order.side, quantity)))
        self.changed_at = max(self.changed_at, shown)
        order.filled += quantity
        if order.kind == "entry" and self.world.random.random() < 0.15:  # some exits follow their fill at once
            delay = self.world.random.randint(0, 3_000)
            self.world.schedule.after(delay, self.world.wish, "exit", None, order.intent)
        self._is(order, "OPEN" if order.filled < order.quantity else "COMPLETE")

    def _trigger_stop(self, order: Order) -> None:
        if not order.is_final and not self.world.is_calm:
            self._is(order, "OPEN")
            self.world.schedule.after(self.world.random.randint(5, 300), self.match, order)

    def _is(self, order: Order, status: str) -> None:
        """A new state, told to whoever listens on the socket."""
        world = self.world
        order.status, order.row = status, None
        order.updated = max(world.schedule.now, order.updated + 1)
        self.changed_at = max(self.changed_at, world.schedule.now)
        if world.tell:
            world.tell(
                "broker",
                f"order {order.order_id} {order.kind} of {order.intent}: {status} {order.filled}/{order.quantity}",
            )
        if order.tag is None and order.kind == "hand" and world.random.random() < 0.5:
            return
        for _ in range(2 if world.happens("update_double") else 1):
            if not world.happens("update_lost"):
                late = (
                    world.random.randint(100, 10_000) if world.happens("update_late") else world.random.randint(5, 40)
                )
                world.schedule.after(late, self._tell, order.as_row())

    def _tell(self, row: Row) -> None:
        self.world.hear("execution", Update(row))

    # Reads ----------------------------------------------------------------------------------------------------------

    def read(self, begun: int, reply: Callable[[Payload], None]) -> None:
        """The orders, as they are now, were a while ago, or with some missing."""
        if self.is_token_dead:
            reply(Unread(True))
            return
        world = self.world
        now = world.schedule.now
        rows = tuple([order.as_row() for order in self.orders.values() if order.is_shown])
        if world.happens("read_stale") and now - self.kept[0] <= STALE_MAX:
            rows = self.kept[1]
        else:
            self.kept = (now, rows)
        self.was_short = not self.was_short and world.happens("read_short")  # never twice in a row
        if self.was_short:
            rows = tuple([row for row in rows if world.random.random() < 0.7])
        world.schedule.after(world.random.randint(5, 60), self._read_on, begun, rows, reply)

    def _read_on(self, begun: int, rows: tuple[Row, ...], reply: Callable[[Payload], None]) -> None:
        now = self.world.schedule.now
        trades = tuple([trade for shown, trade in self.trades if shown <= now])
        triggers = None if self.world.happens("triggers_fail") else self.triggers.rows()
        reply(Rows(begun, rows, trades, triggers))

    # By others ------------------------------------------------------------------------------------------------------

    def by_hand(self, tag: Tag | None, symbol: int, side: int, quantity: int) -> None:
        """Someone trades beside us in the app."""
        self.register(self.new(tag, None, "hand", symbol, side, quantity))

    def square_off(self) -> None:
        """The broker closes the day: what is pending is cancelled, what is held is sold by orders of its own."""
        for order in list(self.orders.values()):
            if not order.is_final and order.is_registered:
                self._cancel(order, None)
        for symbol in (1, 2):
            net = sum(trade.side * trade.quantity for _, trade in self.trades if trade.symbol == symbol)
            if net:
                self.by_hand(None, symbol, -1 if net > 0 else 1, abs(net))

    def net(self, symbol: int) -> int:
        return sum(trade.side * trade.quantity for _, trade in self.trades if trade.symbol == symbol)
