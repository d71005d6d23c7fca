"""The broker's books as execution knows them: orders merged, trades booked once, positions, holdings, funds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from kitev3.contracts import Book, Fill, Funds, Holding, Holdings, OrderRow, OrderUpdate, TradeRow
from kitev3.events import Payload
from kitev3.services.execution.config import MS, S
from kitev3.services.execution.fills import FillBook
from kitev3.services.execution.merge import Merged, merge
from kitev3.services.execution.orders import OwnOrder, OwnOrders
from kitev3.services.execution.positions import Positions


class BrokerBook:
    """All orders and trades of the account's day, of whatever origin."""

    def __init__(self, mine: OwnOrders) -> None:
        self._mine = mine
        self.merged: dict[str, Merged] = {}  # by order id
        self.fills = FillBook()
        self.booked: list[Fill] = []  # what was said of them
        self.held: list[TradeRow] = []  # trades of orders that no book has shown yet
        self.positions = Positions(self.booked)
        self.holdings: Holdings | None = None
        self.funds: Funds | None = None
        self.final_ns: dict[str, int] = {}  # since when the trades of an order, final or of too many, do not add up
        self.taken: set[str] = set()  # what a person has taken as it is, in the words in which it was said
        self.twins: dict[str, str] = {}  # orders under the tag of another, by id: that tag

    # Orders -------------------------------------------------------------------------------------------------------

    def on_orders(self, rows: Iterable[OrderRow], read: int, now_ns: int) -> Iterator[Payload]:
        """Merges rows of the order book; says what changed. *now_ns* is machine time."""
        for row in rows:
            known = self.merged.get(row.order_id)
            merged = self.merged[row.order_id] = merge(known, row, read)
            found = self._mine.of_tags(row.tags) if known is None else None
            own = self._mine.orders.get(found[0]) if found else None
            if own is not None:
                yield from self._mine.found(own, row.order_id, now_ns)
                self.pair(own, row.order_id)
            if known is None or _shown(known) != _shown(merged):
                self.note(merged, now_ns)
                yield self.update(merged)
            own = self._mine.orders.get(self._mine.tag_of.get(row.order_id, ""))
            if own is not None and merged.final and not (known is not None and known.final):
                yield from self._mine.over(own, merged.row.status, merged.row.message, merged.filled_quantity)

    def note(self, merged: Merged, now_ns: int) -> None:
        """An order has changed: whether it is over, and whether its trades are still to come."""
        order_id = merged.row.order_id
        own = self._mine.orders.get(self._mine.tag_of.get(order_id, ""))
        if own is not None and own.final != merged.final:
            own.final = merged.final
            self._mine.keep(own)
        self.check(order_id, now_ns)

    def pair(self, own: OwnOrder, order_id: str) -> None:
        """An order is shown under a tag of ours, of which there is one order: a second one was made on its way."""
        if own.order_id != order_id:
            self.twins[order_id] = own.tag

    def check(self, order_id: str, now_ns: int) -> None:
        """Notes an order whose trades do not add up to what it has filled; while it is open, more may be under way."""
        if order_id in self.merged and not self._adds_up(order_id):
            self.final_ns.setdefault(order_id, now_ns)

    def _adds_up(self, order_id: str) -> bool:
        merged, traded = self.merged[order_id], self.fills.filled(order_id)
        return traded == merged.filled_quantity or (traded < merged.filled_quantity and not merged.final)

    def update(self, merged: Merged) -> OrderUpdate:
        """One order as all sightings together show it."""
        row = merged.row
        tag, origin, strategy = self._whose(row)
        return OrderUpdate(
            tag=tag,
            order_id=row.order_id,
            status=row.status,
            exchange=row.exchange,
            tradingsymbol=row.tradingsymbol,
            instrument_token=row.instrument_token,
            side=row.side,
            product=row.product,
            order_type=row.order_type,
            quantity=row.quantity,
            filled_quantity=merged.filled_quantity,
            pending_quantity=merged.pending_quantity,
            price_e4=row.price_e4,
            trigger_price_e4=row.trigger_price_e4,
            average_price_e4=merged.average_price_e4,
            final=merged.final,
            message=row.message,
            origin=origin,  # type: ignore[arg-type]
            strategy=strategy,
        )

    def _whose(self, row: OrderRow) -> tuple[str, str, str]:
        """Tag, origin and strategy: our own, an orphan of a tape that is gone, or somebody else's."""
        tag = self._mine.tag_of.get(row.order_id)
        if tag is not None:
            return tag, "own", self._mine.orders[tag].signal.strategy
        found = self._mine.of_tags(row.tags)
        if found is None:
            return "", "external", ""
        return found[0], "orphan", self._mine.names.get(found[1].strategy, "")

    # Trades -------------------------------------------------------------------------------------------------------

    def on_trades(self, rows: Iterable[TradeRow], market_ns: int, now_ns: int) -> Iterator[Payload]:
        """Books what is new. A trade of an order that no book has shown waits: only the order says whose it is.

        One without a time of the exchange's is dated *market_ns*: better a fill with a late time than none.
        """
        waiting = {(row.exchange, row.trade_id): row for row in (*self.held, *rows)}.values()
        self.held = []
        for row in waiting:
            if row.order_id not in self.merged and row.order_id not in self._mine.tag_of:
                self.held.append(row)
                continue
            for new in self.fills.book([row]):
                self.booked.append(self._fill(new, market_ns))
                self.check(new.order_id, now_ns)
                yield self.booked[-1]
        self.settle()
        self.positions.settle(self.held)

    def settle(self) -> None:
        """Orders whose trades add up now wait for none."""
        self.final_ns = {order_id: ns for order_id, ns in self.final_ns.items() if not self._adds_up(order_id)}

    def _fill(self, row: TradeRow, market_ns: int) -> Fill:
        merged = self.merged.get(row.order_id)
        tag, _, strategy = self._whose(merged.row) if merged is not None else self._own_by_id(row.order_id)
        return Fill(
            tag=tag,
            order_id=row.order_id,
            trade_id=row.trade_id,
            exchange=row.exchange,
            tradingsymbol=row.tradingsymbol,
            instrument_token=row.instrument_token,
            side=row.side,
            product=row.product,
            quantity=row.quantity,
            price_e4=row.price_e4,
            traded_ns=row.traded_ns or market_ns,
            strategy=strategy,
        )

    def _own_by_id(self, order_id: str) -> tuple[str, str, str]:
        tag = self._mine.tag_of[order_id]
        return tag, "own", self._mine.orders[tag].signal.strategy

    def awaits(self, now_ns: int, late_s: int, differ_ms: int) -> bool:
        """Whether the trades of an order may still come to add up."""
        return len(self.late(now_ns, late_s, differ_ms)) < len(self.final_ns)

    def late(self, now_ns: int, late_s: int, differ_ms: int) -> list[str]:
        """Orders whose trades have not added up for so long: too few may come late, too many do not go."""
        found = []
        for order_id, since_ns in self.final_ns.items():
            filled, traded = self.merged[order_id].filled_quantity, self.fills.filled(order_id)
            if now_ns - since_ns >= (differ_ms * MS if traded > filled else late_s * S):
                state = "final with" if self.merged[order_id].final else "open with"
                found.append(f"order {order_id} is {state} {filled} filled, its trades add up to {traded}")
        return found

    # Holdings, funds ----------------------------------------------------------------------------------------------

    def on_holdings(self, rows: Iterable[Holding]) -> Iterator[Payload]:
        """Says the holdings when they changed."""
        holdings = Holdings(tuple(rows))
        if holdings != self.holdings:
            self.holdings = holdings
            yield holdings

    def on_funds(self, funds: Funds) -> Iterator[Payload]:
        """Says the funds at every read, also unchanged ones.

        The gate holds what filled orders cost until it knows that the broker has counted them.
        """
        self.funds = funds
        yield funds

    # The whole ----------------------------------------------------------------------------------------------------

    def whole(self, read: int) -> Book:
        """Everything, in an order that does not depend on how it was learned; the same book has the same hash."""
        orders = tuple(self.update(self.merged[order_id]) for order_id in sorted(self.merged))
        fills = tuple(sorted(self.booked, key=lambda fill: (fill.exchange, fill.trade_id)))
        carried = tuple(row for _, row in sorted(self.positions.carried.items()))
        digest = hashlib.sha256()
        for order in orders:
            digest.update(
                f"{order.order_id} {order.status} {order.filled_quantity} {order.average_price_e4}\n".encode()
            )
        for fill in fills:
            digest.update(f"{fill.exchange} {fill.trade_id} {fill.quantity} {fill.price_e4}\n".encode())
        for row in carried:
            digest.update(f"{row.exchange} {row.tradingsymbol} {row.product} {row.quantity}\n".encode())
        return Book(orders, fills, carried, digest.hexdigest()[:16], read)


def _shown(merged: Merged) -> tuple[object, ...]:
    """What an update tells, so that nothing is told twice."""
    row = merged.row
    return (
        row.status,
        row.quantity,
        row.price_e4,
        row.trigger_price_e4,
        row.order_type,
        row.message,
        merged.filled_quantity,
        merged.average_price_e4,
    )
