"""What the broker's books say: orders merged and adopted by tag, fills from trades, absence proved, what is not
ours counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.order_path.guards import Guards
from sim.order_path.leg import FINAL, RANK, Bracket, Leg
from sim.order_path.records import (
    Alarm,
    Closed,
    External,
    ExternalTrigger,
    Fill,
    Id,
    Modified,
    Orphan,
    Payload,
    Placed,
    Reclaimed,
    Row,
    Rows,
    Tag,
    Trade,
    TriggerRow,
    is_ours,
)

ABSENT_AFTER = 180_000  # registered within this after the attempt's end, or never
ABSENT_READS = 3
TRIGGERS_OVER = frozenset({"deleted", "cancelled", "expired", "rejected", "disabled"})


class Books:
    """Our orders by tag and by the broker's number, and all that stands beside them in its books."""

    def __init__(self, guards: Guards) -> None:
        self.guards = guards
        self.brackets: dict[Id, Bracket] = {}
        self.by_tag: dict[Tag, Leg] = {}
        self.by_order: dict[int, Leg] = {}
        self.by_trigger: dict[int, Leg] = {}
        self.externals: dict[int, Row] = {}
        self.external_trades: dict[int, list[Trade]] = {}
        self.external_since: dict[int, int] = {}  # the last read of the GTTs before it was seen
        self.by_hand: dict[int, External] = {}  # of each external order the worst case
        self.trades: set[int] = set()  # booked
        self.seen_orders: set[int] = set()
        self.seen_trades: set[int] = set()
        self.seen_triggers: set[int] = set()
        self.read_at = self.triggers_read_at = 0  # begin of the last read of the orders, and of the GTTs

    def legs(self) -> Iterator[Leg]:
        for bracket in self.brackets.values():
            yield bracket.entry
            yield from bracket.exits

    def open_legs(self) -> list[Leg]:
        return [leg for leg in self.legs() if not leg.is_settled]

    def boot(self) -> None:
        """Machine time begins anew: times of earlier reads say nothing."""
        self.read_at = self.triggers_read_at = 0
        self.external_since = dict.fromkeys(self.externals, 0)

    # A read -------------------------------------------------------------------------------------------------------

    def read(self, rows: Rows) -> tuple[list[Payload], bool]:
        """What a read says, and whether it is whole: rows never leave a day's book, so one that lacks a known one is
        not.
        """
        said: list[Payload] = []
        is_whole = self._is_whole(rows)
        self.read_at = rows.begun
        if rows.triggers is not None:
            self.triggers_read_at = rows.begun
            for trigger in rows.triggers:
                said += self._trigger(trigger)
        for row in rows.orders:
            said += self.row(row)
        for trade in rows.trades:
            self.seen_trades.add(trade.trade_id)
            if trade.trade_id not in self.trades or not self.guards.fills_are_keyed:
                said += self._trade(trade)
        said += self._absences(rows, is_whole)
        return said, is_whole

    def _is_whole(self, rows: Rows) -> bool:
        if not self.guards.only_whole_reads_prove:
            return True
        return self.seen_orders <= {row.order_id for row in rows.orders} and self.seen_trades <= {
            trade.trade_id for trade in rows.trades
        }

    def row(self, row: Row) -> list[Payload]:
        """A row of the book, or of an update."""
        self.seen_orders.add(row.order_id)
        leg = self.by_order.get(row.order_id)
        if leg is not None:
            return self._merge(leg, row)
        tag = row.tag
        if tag is None or not (is_ours(tag) or not self.guards.tag_is_checked):
            return self._external(row)
        if not self.guards.adopts_by_tag:
            return []
        leg = self.by_tag.get(tag) if is_ours(tag) else self._mistaken(tag)
        if leg is None:
            return self._orphan(row, tag)
        if leg.order_id:
            return [Alarm(f"two orders bear the tag {tag}"), *self._external(row)]
        return self._adopt(leg, row)

    def _mistaken(self, tag: Tag) -> Leg | None:
        """The mutant's: a tag that only looks like ours."""
        return next((leg for known, leg in self.by_tag.items() if known[:3] == tag[:3]), None)

    def _adopt(self, leg: Leg, row: Row) -> list[Payload]:
        said: list[Payload] = []
        if leg.is_over:  # against the assumption: it counts again, and a person is called
            said = [Alarm(f"{leg.tag} was {leg.state} and is in the book")]
            bracket = self.brackets[leg.intent]
            if leg.role == "entry":
                bracket.is_closed = False
                said.append(Orphan(leg.intent, bracket.strategy, leg.symbol, leg.side, leg.quantity))
        elif leg.state == "UNKNOWN":
            said = [Placed(leg.tag, "found", row.order_id, 0)]
        leg.order_id = row.order_id
        self.by_order[row.order_id] = leg
        return said + self._merge(leg, row)

    def _merge(self, leg: Leg, row: Row) -> list[Payload]:
        before = leg.filled
        if not leg.merge(row, self.guards.merges_by_rank):
            return []
        said: list[Payload] = [leg.as_state()]
        change = leg.change
        if change is not None and (leg.price == change.price or leg.state == "DONE"):
            leg.change = None
            if change.answers is not None:
                said.append(Modified(leg.intent, leg.quantity, change.answers))
        if not self.guards.fills_from_trades_alone and leg.filled > before:
            said.append(self._book(leg, leg.filled - before, -row.order_id * 1_000 - leg.filled))
        return said

    # Fills --------------------------------------------------------------------------------------------------------

    def _trade(self, trade: Trade) -> list[Payload]:
        leg = self.by_order.get(trade.order_id)
        if leg is not None:
            return [self._book(leg, trade.quantity, trade.trade_id)]
        if trade.order_id not in self.externals:
            return []  # its order is not known yet; the trade stands in the next read too
        self.trades.add(trade.trade_id)
        self.external_trades.setdefault(trade.order_id, []).append(trade)
        return [self._worst_by_hand(trade.order_id)]

    def _book(self, leg: Leg, quantity: int, trade_id: int) -> Fill:
        self.trades.add(trade_id)
        leg.traded += quantity
        return Fill(leg.tag, quantity, trade_id)

    # What is not ours, or not known ---------------------------------------------------------------------------------

    def _external(self, row: Row) -> list[Payload]:
        if not self.guards.externals_are_seen:
            return []
        known = self.externals.get(row.order_id)
        if known is not None and (RANK[known.status], known.filled, known.updated) >= (
            RANK[row.status],
            row.filled,
            row.updated,
        ):
            return []
        self.externals[row.order_id] = row
        self.external_since.setdefault(row.order_id, self.triggers_read_at)
        return [self._worst_by_hand(row.order_id)]

    def _worst_by_hand(self, order_id: int) -> External:
        row = self.externals[order_id]
        traded = sum(trade.quantity for trade in self.external_trades.get(order_id, ()))
        most = row.filled if RANK[row.status] == FINAL else row.quantity
        still = max(0, most - traded)
        buys, sells = (still, 0) if row.side > 0 else (0, still)
        worst = self.by_hand[order_id] = External(order_id, row.symbol, row.side * traded, buys, sells)
        return worst

    def _orphan(self, row: Row, tag: Tag) -> list[Payload]:
        if tag.role != "entry" or tag.intent in self.brackets:
            return [Alarm(f"an exit of nobody's: {tag}"), *self._external(row)]
        leg = Leg(tag, row.symbol, row.side, row.quantity)
        strategy = 1 + (row.side < 0)
        self.brackets[tag.intent] = Bracket(tag.intent, strategy, row.symbol, row.side, "", False, leg)
        self.by_tag[tag] = self.by_order[row.order_id] = leg
        leg.order_id = row.order_id
        return [Orphan(tag.intent, strategy, row.symbol, row.side, row.quantity), *self._merge(leg, row)]

    # Absence --------------------------------------------------------------------------------------------------------

    def _absences(self, rows: Rows, is_whole: bool) -> list[Payload]:
        """Never shown, long after the attempt and by several whole reads: there is no such order."""
        said: list[Payload] = []
        after = ABSENT_AFTER if self.guards.absence_takes_its_time else 10_000
        if not self.guards.absence_takes_time:
            after = 0
        for leg in self.open_legs():
            if not is_whole or (leg.role == "gtt" and rows.triggers is None) or leg.state == "SENDING":
                continue
            if not leg.is_shown and leg.ended_at is not None:
                if rows.begun >= leg.ended_at + after:
                    leg.reads += 1
                if leg.reads >= ABSENT_READS:
                    leg.state = "ABSENT"
                    said += [Placed(leg.tag, "ABSENT", 0, 0), Alarm(f"{leg.tag} is absent")]
            change = leg.change
            if change is not None and change.ended_at is not None:
                if rows.begun >= change.ended_at + after:
                    change.reads += 1
                if change.reads >= ABSENT_READS:
                    leg.change = None
                    if change.answers is not None:
                        said.append(Modified(leg.intent, leg.quantity, change.answers))
        return said

    # GTTs -----------------------------------------------------------------------------------------------------------

    def _trigger(self, row: TriggerRow) -> list[Payload]:
        leg = self.by_trigger.get(row.trigger_id)
        said: list[Payload] = []
        if leg is None and (row.trigger_id not in self.seen_triggers or not self.guards.trigger_is_new):
            leg = self._unknown_trigger(row)
            if leg is None and row.trigger_id not in self.seen_triggers:
                said.append(ExternalTrigger(row.trigger_id))
            elif leg is not None:
                self.by_trigger[row.trigger_id] = leg
                leg.trigger_id = row.trigger_id
        self.seen_triggers.add(row.trigger_id)
        if leg is None or leg.is_over:
            return said
        before = leg.as_state()
        leg.is_shown = True
        if leg.rank < 0:
            leg.state, leg.status = "LIVE", row.status
        is_gone = row.status in TRIGGERS_OVER or row.order_id < 0
        if is_gone or (row.status == "triggered" and not self.guards.triggered_is_adopted):
            leg.state = "DONE"
        elif row.order_id and leg.order_id != row.order_id:
            leg.order_id = row.order_id
            self.by_order[row.order_id] = leg
            said += self._reclaim(leg)
        # RECLAIMED goes first: a new build that finds the one and not the other finds the rest in the next read.
        return said if leg.as_state() == before else [*said, leg.as_state()]

    def _unknown_trigger(self, row: TriggerRow) -> Leg | None:
        """A GTT has no tag: one of the same content that no read showed before we asked for it is ours."""
        wanted = (row.symbol, row.side, row.quantity)
        for leg in self.open_legs():
            if leg.role == "gtt" and not leg.trigger_id and (leg.symbol, leg.side, leg.quantity) == wanted:
                return leg
        return None

    def _reclaim(self, leg: Leg) -> list[Payload]:
        """Its order had looked like one made by hand."""
        if self.by_hand.pop(leg.order_id, None) is None:
            return []
        said: list[Payload] = [Reclaimed(leg.order_id)]
        row = self.externals.pop(leg.order_id, None)
        if row is not None:
            said += self._merge(leg, row)
        for trade in self.external_trades.pop(leg.order_id, ()):
            said.append(self._book(leg, trade.quantity, trade.trade_id))
        return said

    # What it all comes to ---------------------------------------------------------------------------------------------

    def closed(self) -> list[Payload]:
        """Entries that are settled now. A final state without all its trades still counts."""
        said: list[Payload] = []
        for bracket in self.brackets.values():
            entry = bracket.entry
            if not bracket.is_closed and (
                entry.is_settled or (entry.is_over and not self.guards.closed_waits_for_trades)
            ):
                bracket.is_closed = True
                said.append(Closed(bracket.intent, entry.state))
        return said

    def _may_be_a_triggers(self, order_id: int) -> bool:
        """An order without a tag that looks like what a GTT of ours becomes: the GTT counts, until it is read."""
        row = self.externals.get(order_id)
        if row is None:
            return False
        is_unread = self.triggers_read_at <= self.external_since[order_id]
        return any(
            not leg.order_id and not leg.is_over and (is_unread or leg.status == "triggered")
            for leg in self.by_trigger.values()
            if (leg.symbol, leg.side, leg.quantity) == (row.symbol, row.side, row.quantity)
        )

    def against(self, symbol: int, side: int) -> int:
        """How much orders made by hand took from that side of a symbol, or may still take."""
        net = still = 0
        for order_id, worst in self.by_hand.items():
            if worst.symbol == symbol and not self._may_be_a_triggers(order_id):
                net += worst.net
                still += worst.sells if side > 0 else worst.buys
        return max(0, still - side * net)
