"""Own orders: what was approved, what was sent, and what came of it.

    approved ──▶ sending ──▶ placed ──▶ final
                    │  ╲        ▲
                    │   ▼       │ found in the book by its tag
                    │  unknown ─┤
                    ▼           ▼ absent long enough
                   void ◀───────┘

A tag is sent at most once for ever; only an exit that the broker did not take, being asked too often, leaves again.
*Sending* and *unknown* hold their reservation; only the book, or an answer that proves it, ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from kitev3.broker.tags import TagId, Tags, strategy_code
from kitev3.contracts import Answer, Approved, Intent, OrderPlaced, Reject, Sending, Signal, UnknownOutcome
from kitev3.events import Payload
from kitev3.services.execution.config import MS, ExecutionConfig, S

Stage = Literal["sending", "unknown", "placed", "void"]
Verb = Literal["place", "modify", "cancel"]


REJECTED = "REJECTED"  # the broker's word for an order that it took and then refused


class OwnOrder(msgspec.Struct, array_like=True):
    """One order of ours, from its approval on."""

    tag: str
    approved: Approved
    stage: Stage = "sending"
    order_id: str = ""
    final: bool = False
    ended_ns: int = 0  # machine time at which the attempt ended that left it unknown, or told its id
    reads_after: int = 0  # full reads without it since it should have been there
    cancel_wanted: bool = False
    cancel_asked: bool = False  # by its strategy, which need not be told then
    cancelling: bool = False  # a cancel is on its way
    cancels: int = 0
    cancel_ended_ns: int = 0
    modifying: bool = False
    modifies: int = 0
    throttled: bool = False  # the broker did not take it, and it is to be asked again

    @property
    def signal(self) -> Signal:
        return self.approved.signal

    @property
    def open(self) -> bool:
        """It may still become, or is, exposure that changes by itself."""
        return self.stage in ("sending", "unknown") or (self.stage == "placed" and not self.final)

    @property
    def cancellable(self) -> bool:
        return self.stage == "placed" and not self.final and not self.cancelling

    def reject(self, sent: bool, error_type: str, message: str, verb: Verb = "place") -> Reject:
        """The end of an attempt of it that is no order, told to the strategy that asked for it."""
        signal = self.signal
        return Reject(
            self.tag,
            self.approved.intent_id,
            sent,
            error_type,
            message,
            self.order_id,
            verb,
            signal.strategy,
            signal.instrument_token,
        )


class OwnOrders:
    """All own orders of the day. Every method gives the payloads to be said; time comes in as *now_ns*."""

    def __init__(self, config: ExecutionConfig, tags: Tags) -> None:
        self._config = config
        self._tags = tags
        self.epoch = 0  # of the account; 0: not held
        self.sequence = 0  # of the last tag made in this epoch
        self.orders: dict[str, OwnOrder] = {}  # by tag
        self._perhaps_open: dict[str, OwnOrder] = {}  # the open ones, and some that were
        self.tag_of: dict[str, str] = {}  # by the broker's order id
        self.names: dict[int, str] = {}  # of strategies, by their code
        self._codes: dict[str, int] = {}
        self.placed = 0
        self.rejected = 0

    # What the gate approved ---------------------------------------------------------------------------------------

    def next_tag(self, strategy: str) -> str:
        """The tag of a strategy's new order."""
        self.sequence = sequence = self.sequence + 1
        code = self._codes.get(strategy)
        if code is None:
            code = self._codes[strategy] = strategy_code(strategy)
            self.names[code] = strategy
        return self._tags.make(code, self.epoch, sequence, 0, 1)

    def modify(self, approved: Approved) -> Iterator[Payload]:
        """A change of an open order; never repeated by us, since a fill may have come between."""
        own = self.orders.get(approved.signal.order)
        if own is None or own.stage != "placed" or own.final:
            yield self.refuse(approved, "there is no such open order")
        elif own.modifying:
            yield self.refuse(approved, "a modify of this order is on its way")
        elif own.modifies >= self._config.modifies_max:
            yield self.refuse(approved, f"the order was modified {own.modifies} times, more is not allowed")
        else:
            own.modifies += 1
            own.modifying = True
            yield Intent(own.tag, self.epoch, approved)
            yield Sending(own.tag, own.modifies, self.epoch, "modify", own.order_id, approved.signal.deadline_ns)

    def cancel(self, approved: Approved, now_ns: int) -> Iterator[Payload]:
        """The end of an open order; of one that is not acknowledged yet, as soon as it is."""
        own = self.orders.get(approved.signal.order)
        if own is None or not own.open:
            yield self.refuse(approved, "there is no such open order")
        else:
            own.cancel_asked = True
            yield Intent(own.tag, self.epoch, approved)
            yield from self.want_cancel(own, now_ns)

    def refuse(self, approved: Approved, why: str) -> Reject:
        """Never sent. A new order has no tag, whatever its signal says: the gate gives free what it holds for a tag."""
        signal = approved.signal
        verb: Verb = signal.intent if signal.intent in ("modify", "cancel") else "place"
        self.rejected += verb == "place"
        tag = "" if verb == "place" else signal.order
        return Reject(
            tag, approved.intent_id, False, "Refused", why, "", verb, signal.strategy, signal.instrument_token
        )

    # What came of it ----------------------------------------------------------------------------------------------

    def answered(self, answer: Answer, now_ns: int) -> Iterator[Payload]:
        """The end of an attempt. An answer that the book has overtaken changes nothing."""
        own = self.orders.get(answer.tag)
        if own is None:
            return
        if answer.verb == "place":
            yield from self._place_answered(own, answer, now_ns)
        elif answer.verb == "cancel":
            if own.cancelling:
                own.cancelling, own.cancel_ended_ns = False, now_ns
                if answer.outcome == "throttled":
                    own.cancels -= 1  # the same attempt leaves again
                else:
                    yield self._ended(own, answer, now_ns)
        elif own.modifying:
            own.modifying = False
            yield self._ended(own, answer, now_ns)

    def found(self, own: OwnOrder, order_id: str, now_ns: int) -> Iterator[Payload]:
        """The broker has it: by its acknowledgement, or by its tag in the book."""
        if own.order_id:
            return  # known already; another order under the same tag is the book's to show, as an orphan
        own.stage, own.order_id, own.ended_ns = "placed", order_id, now_ns
        self.keep(own)  # it may have been given up
        self.tag_of[order_id] = own.tag
        self.placed += 1
        yield OrderPlaced(own.tag, order_id)
        if own.cancel_wanted:
            yield from self.want_cancel(own, now_ns)

    def over(self, own: OwnOrder, status: str, message: str, filled: int) -> Iterator[Payload]:
        """The book shows an order that was taken as over: its strategy hears of an end that it did not ask for."""
        if status == "COMPLETE" or (own.cancel_asked and status != REJECTED):
            return
        self.rejected += status == REJECTED
        yield own.reject(True, status, message or f"{status.lower()} at the broker, {filled} filled")

    def _place_answered(self, own: OwnOrder, answer: Answer, now_ns: int) -> Iterator[Payload]:
        if answer.outcome == "ok":
            yield from self.found(own, answer.order_id, now_ns)
        elif own.stage == "sending":
            if answer.outcome == "throttled" and own.signal.intent == "exit" and not own.cancel_wanted:
                own.throttled = True
                return
            own.stage = "unknown" if answer.outcome == "unknown" else "void"
            own.ended_ns = now_ns
            self.rejected += own.stage == "void"
            yield self._ended(own, answer, now_ns)

    @staticmethod
    def _ended(own: OwnOrder, answer: Answer, now_ns: int) -> Payload:
        if answer.outcome == "ok":
            return OrderPlaced(own.tag, own.order_id, answer.verb)
        if answer.outcome == "unknown":
            return UnknownOutcome(own.tag, answer.message, now_ns, answer.verb)
        return own.reject(answer.outcome != "not_sent", answer.error_type, answer.message, answer.verb)

    # What is wanted of all ----------------------------------------------------------------------------------------

    def want_cancel(self, own: OwnOrder, now_ns: int) -> Iterator[Payload]:
        """A cancel now, or as soon as the order has an id; repeated while the book still shows it open."""
        own.cancel_wanted = True
        if self.epoch and own.cancellable and own.cancels < self._config.cancels_max:
            own.cancels += 1
            own.cancelling = True
            deadline_ns = now_ns + self._config.write_ms * MS
            yield Sending(own.tag, own.cancels, self.epoch, "cancel", own.order_id, deadline_ns)

    def cancel_all(self, now_ns: int) -> Iterator[Payload]:
        """Whatever is open shall end."""
        for own in self.open_orders():
            if not own.cancel_wanted:
                yield from self.want_cancel(own, now_ns)

    def again(self) -> Iterator[Payload]:
        """Exits that the broker did not take are sent again, until their deadline ends it."""
        for own in [own for own in self._perhaps_open.values() if own.throttled]:
            own.throttled = False
            if own.cancel_wanted:
                yield self._void(own, "Cancelled", "it was cancelled before the broker took it")
            else:
                yield Sending(own.tag, 1, self.epoch, "place", "", own.signal.deadline_ns)

    def opened(self, epoch: int, now_ns: int) -> Iterator[Payload]:
        """The account is held anew: of what was on its way, nobody knows."""
        self.epoch, self.sequence = epoch, 0
        for own in self.open_orders():
            if own.cancelling:
                own.cancelling, own.cancel_ended_ns = False, now_ns
            own.modifying = False
            if own.throttled:
                own.throttled = False
                yield self._void(own, "Throttled", "the broker did not take it, then execution was started anew")
            elif own.stage in ("sending", "unknown"):
                own.stage, own.ended_ns, own.reads_after = "unknown", now_ns, 0
                yield UnknownOutcome(own.tag, "execution was started anew before it was known", now_ns)

    def looked(self, read_ns: int, full: bool, now_ns: int) -> Iterator[Payload]:
        """A read of the book that began at *read_ns* is through: what is still missing, and what is still open."""
        for own in self.open_orders():
            if own.stage == "unknown" and full and read_ns >= own.ended_ns + self._config.absent_s * S:
                own.reads_after += 1
                if own.reads_after >= self._config.absent_reads:
                    words = f"in no book since {self._config.absent_s} s after the attempt: it does not exist"
                    yield self._void(own, "Absent", words)
            elif own.cancel_wanted and own.cancellable:
                again_ns = own.cancel_ended_ns + self._config.cancel_again_ms * MS
                if read_ns > own.cancel_ended_ns and now_ns >= again_ns:
                    yield from self.want_cancel(own, now_ns)

    def _void(self, own: OwnOrder, error_type: str, words: str) -> Reject:
        """It was asked for, and is no order."""
        own.stage = "void"
        self.rejected += 1
        return own.reject(True, error_type, words)

    def keep(self, own: OwnOrder) -> None:
        """Takes up an order that is new, or that was thought to be over."""
        self.orders[own.tag] = own
        self._perhaps_open[own.tag] = own

    def open_orders(self) -> list[OwnOrder]:
        """In the order of their approval. Asked several times a second, so it does not walk over all of the day's."""
        found = [own for own in self._perhaps_open.values() if own.open]
        if len(found) < len(self._perhaps_open):
            self._perhaps_open = {own.tag: own for own in found}
        return sorted(found, key=_number)

    def unknown(self) -> list[OwnOrder]:
        """Those of which nobody knows."""
        return [own for own in self.open_orders() if own.stage == "unknown"]

    def of_tags(self, tags: tuple[str, ...]) -> tuple[str, TagId] | None:
        """The first that is a tag of this account, whether we know the order or not."""
        for text in tags:
            if (tag := self._tags.decode(text)) is not None:
                return text, tag
        return None


def _number(own: OwnOrder) -> str:
    """Epoch and sequence of its tag, whose digits sort as they count."""
    return own.tag[3:12]
