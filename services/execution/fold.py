"""The state out of what was said: for a tape that another build wrote, which is not executed again.

Orders, outcomes and fills are all said, so nothing that counts is lost. Times of reads and the exchange's own times
are; the next two reads of the book bring them back before anything leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kitev3.broker.tags import strategy_code
from kitev3.contracts import (
    Adjust,
    Book,
    Fill,
    Forged,
    Funds,
    Holdings,
    Intent,
    OrderPlaced,
    OrderRow,
    OrderUpdate,
    Read,
    Reconciled,
    Reject,
    Sending,
    TradeRow,
    UnknownOutcome,
)
from kitev3.events import Event
from kitev3.runtime.clock import market_date
from kitev3.services.execution.merge import Merged
from kitev3.services.execution.orders import REJECTED, OwnOrder

if TYPE_CHECKING:
    from kitev3.services.execution.service import Execution


def fold(one: Execution, event: Event) -> None:
    """Takes over one event that execution once said, and with it its day: a session of another one forgets it."""
    one.session = max(one.session, market_date(event.time))
    _FOLDS[type(event.payload)](one, event.payload, event.mono_ns)


def _intent(one: Execution, intent: Intent, mono_ns: int) -> None:
    signal = intent.approved.signal
    one.intents.add(intent.approved.intent_id)
    one.mine.epoch = max(one.mine.epoch, intent.epoch)
    if signal.intent in ("enter", "exit"):
        one.alarmed = None  # a person had armed by then
        one.mine.keep(OwnOrder(intent.tag, intent.approved))
        one.mine.names[strategy_code(signal.strategy)] = signal.strategy
    elif signal.intent == "cancel":
        own = one.mine.orders[intent.tag]
        own.cancel_wanted = own.cancel_asked = True


def _sending(one: Execution, sending: Sending, mono_ns: int) -> None:
    own = one.mine.orders[sending.tag]
    if sending.verb == "cancel":
        own.cancel_wanted, own.cancelling, own.cancels = True, True, sending.attempt
    elif sending.verb == "modify":
        own.modifying, own.modifies = True, sending.attempt


def _placed(one: Execution, placed: OrderPlaced, mono_ns: int) -> None:
    own = one.mine.orders[placed.tag]
    if placed.verb == "place":
        own.stage, own.order_id = "placed", placed.order_id
        one.mine.keep(own)
        one.mine.tag_of[placed.order_id] = placed.tag
        one.mine.placed += 1
    else:
        _write_ended(own, placed.verb, mono_ns)


def _rejected(one: Execution, reject: Reject, mono_ns: int) -> None:
    one.intents.add(reject.intent_id)
    own = one.mine.orders.get(reject.tag)
    if reject.verb == "place" and reject.order_id:  # it was taken, and has ended at the broker
        one.mine.rejected += reject.error_type == REJECTED
    elif reject.verb == "place":
        one.mine.rejected += 1
        if own is not None:
            own.stage = "void"
    elif own is not None:
        _write_ended(own, reject.verb, mono_ns)


def _unknown(one: Execution, unknown: UnknownOutcome, mono_ns: int) -> None:
    own = one.mine.orders[unknown.tag]
    if unknown.verb == "place":
        own.stage, own.ended_ns = "unknown", unknown.ended_ns
        one.mine.keep(own)
    else:
        _write_ended(own, unknown.verb, mono_ns)


def _write_ended(own: OwnOrder, verb: str, mono_ns: int) -> None:
    if verb == "cancel":
        own.cancelling, own.cancel_ended_ns = False, mono_ns
    else:
        own.modifying = False


def _updated(one: Execution, update: OrderUpdate, mono_ns: int) -> None:
    row = OrderRow(
        order_id=update.order_id,
        status=update.status,
        exchange=update.exchange,
        tradingsymbol=update.tradingsymbol,
        instrument_token=update.instrument_token,
        side=update.side,
        product=update.product,
        order_type=update.order_type,
        quantity=update.quantity,
        filled_quantity=update.filled_quantity,
        price_e4=update.price_e4,
        trigger_price_e4=update.trigger_price_e4,
        average_price_e4=update.average_price_e4,
        message=update.message,
        tags=(update.tag,) if update.tag else (),
    )
    number = one.reads.number
    merged = Merged(row, number, update.filled_quantity, update.average_price_e4, 0, number)
    if update.tag in one.mine.orders and update.order_id not in one.book.merged:
        one.book.pair(one.mine.orders[update.tag], update.order_id)
    one.book.merged[update.order_id] = merged
    one.book.note(merged, mono_ns)


def _filled(one: Execution, fill: Fill, mono_ns: int) -> None:
    one.book.fills.book(
        [
            TradeRow(
                trade_id=fill.trade_id,
                order_id=fill.order_id,
                exchange=fill.exchange,
                tradingsymbol=fill.tradingsymbol,
                instrument_token=fill.instrument_token,
                side=fill.side,
                product=fill.product,
                quantity=fill.quantity,
                price_e4=fill.price_e4,
            )
        ]
    )
    one.book.booked.append(fill)
    one.book.check(fill.order_id, mono_ns)
    one.book.settle()


def _book(one: Execution, book: Book, mono_ns: int) -> None:
    one.book.positions.restore(book.carried, True, (), len(one.book.booked))


def _adjusted(one: Execution, adjust: Adjust, mono_ns: int) -> None:
    one.book.positions.adjust(adjust)


def _forged(one: Execution, forged: Forged, mono_ns: int) -> None:
    if forged != one.alarmed:  # else it was said again, by who could not know whether the latch had heard of it
        for _ in one.alarm(forged):
            pass  # it has been said


def _holdings(one: Execution, holdings: Holdings, mono_ns: int) -> None:
    one.book.holdings = holdings


def _funds(one: Execution, funds: Funds, mono_ns: int) -> None:
    one.book.funds = funds


def _reconciled(one: Execution, reconciled: Reconciled, mono_ns: int) -> None:
    one.told = one.suspect = reconciled.mismatches
    if not reconciled.mismatches:
        one.book.twins.clear()  # a person has seen them


def _read(one: Execution, read: Read, mono_ns: int) -> None:
    one.reads.number += 1
    one.reads.began_ns = mono_ns
    one.book.positions.begin()


_FOLDS: dict[type[Any], Callable[[Execution, Any, int], None]] = {
    Intent: _intent,
    Sending: _sending,
    OrderPlaced: _placed,
    Reject: _rejected,
    UnknownOutcome: _unknown,
    OrderUpdate: _updated,
    Fill: _filled,
    Book: _book,
    Adjust: _adjusted,
    Forged: _forged,
    Holdings: _holdings,
    Funds: _funds,
    Reconciled: _reconciled,
    Read: _read,
}
