"""The execution service: approvals in; orders, what became of them, and fills out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from kitev3._core import EVALUATED_OF_A_CANCEL, GATE, ApprovalKey, Placing, risk_rules
from kitev3.account.account import account_folder_of
from kitev3.account.approvals import key_of
from kitev3.account.latch import LatchWatch
from kitev3.broker.tags import Tags
from kitev3.contracts import (
    AccountOpened,
    Answer,
    Approved,
    BrokerRows,
    Clock,
    Forged,
    Holding,
    Intent,
    LatchRead,
    OrderRow,
    PositionRow,
    Reconciled,
    Sending,
    Signal,
    TakePositions,
    TradeRow,
)
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, ServiceSpec, Watch
from kitev3.runtime.setup import ENCODE
from kitev3.services.execution.book import BrokerBook
from kitev3.services.execution.config import MS, ExecutionConfig, S
from kitev3.services.execution.driver import driver
from kitev3.services.execution.fold import fold
from kitev3.services.execution.orders import OwnOrder, OwnOrders
from kitev3.services.execution.reads import ABSENT, Reads, Reconciliation, View, interval_ns, mismatches, odd_trades
from kitev3.services.execution.state import State, restored, taken
from kitev3.services.execution.tagkey import tags_of
from kitev3.system.figure import Figure, percentiles, said, states
from kitev3.system.latency import Latency

RULES = sum(1 << int(rule.removeprefix("R")) for rule, _, _ in risk_rules())
"""What an order must have passed: every rule that the gate has, as bits of a verdict."""

ALARMS_MAX = 3  # in the health answer
USED_NS = 60 * S  # how long the gate's own approval may still come, at most, when its name was used by a forged one


class Execution(Handler):
    """The handler. Deterministic: time and the world come in as events, what shall be done goes out as such."""

    drained: bool = False

    def __init__(self, config: ExecutionConfig, tags: Tags, key: ApprovalKey) -> None:
        """*key*: of the run's approvals."""
        self.config = config
        self.tags = tags
        self.latency = Latency()
        super().__init__(
            {
                "risk.approved": self.approved,
                "world.answer": self.answer,
                "world.rows": self.rows,
                "world.timer": self.timer,
                "world.epoch": self.started,
                "world.account": self.account,
                "world.latch": self.latch,
                "marketdata.order_frame": self.hint,
                "control.clock": self.clock,
                "control.start": self.start,
                "control.stop": self.stop,
                "control.kill": self.kill,
                "control.arm": self.arm,
                "control.take_positions": self.take_positions,
            }
        )
        self.key = key
        self.placing = Placing(key=key, take=self.take, placed=self.placed)
        self.native = {"risk.approved": self.placing}
        self.orders: View[OrderRow] = View("orders")
        self.trades: View[TradeRow] = View("trades")
        self.positions: View[PositionRow] = View("positions")
        self.holdings: View[Holding] = View("holdings")
        self.views: tuple[View[Any], ...] = (self.orders, self.trades, self.positions, self.holdings)
        self.bad_rows: dict[str, int] = {}  # by what was read, at the last read
        self.bad_row = ""  # the last in words
        self.speed_e3 = 1000
        self.gate_epoch_before = 0  # up to here an earlier run's key made the approvals
        self._new_day("")

    def _new_day(self, session: str) -> None:
        """The broker's books, trade numbers and day orders end with the day; so does what we know of them."""
        self.session = session
        self.mine = OwnOrders(self.config, self.tags)
        self.book = BrokerBook(self.mine)
        self.reads = Reads()
        self.reconciliation = Reconciliation()
        self.unmerged = True  # the day's book knows nothing yet of what the last read showed
        self.intents: set[str] = set()
        self.repeated = 0
        self.forged: list[str] = []  # in words
        self.alarmed: Forged | None = None  # the last one, until the latch is seen lowered or a person arms
        self.used: dict[str, tuple[Approved, int]] = {}  # what was forged under whose name, and for how long it waits
        self.halted = False
        self.stopping = False
        self.stopped_ns = 0
        self.drained = False
        self.suspect: tuple[str, ...] = ()
        self.told: tuple[str, ...] = ()

    # What the gate passed -----------------------------------------------------------------------------------------

    def approved(self, event: Event) -> Iterable[Payload]:
        """Checks an approval again and makes it an order, a modify or a cancel."""
        approved: Approved = event.payload
        signal = approved.signal
        is_known = approved.intent_id in self.intents
        is_over = event.mono_ns >= signal.deadline_ns or self._is_of_an_earlier_run(event)
        if not is_over and (why := self._forgery(event, approved, is_known)):
            if not is_known:
                until_ns = min(signal.deadline_ns, event.mono_ns + USED_NS)
                self.used.setdefault(approved.intent_id, (approved, until_ns))
            return self.alarm(Forged(approved.intent_id, event.source, why))
        if is_known:
            self.repeated += 1
            return ()  # no word: the first one's outcome is said under the same intent
        if why := self._refusal(event, approved, signal):
            self.intents.add(approved.intent_id)
            return (self.mine.refuse(approved, why),)
        if signal.intent in ("enter", "exit"):
            taken = self.take(signal.strategy, approved.intent_id)
            assert taken is not None, "what is not refused is taken"
            return self.placed(event, *taken)
        self.intents.add(approved.intent_id)
        return self.mine.cancel(approved, event.mono_ns) if signal.intent == "cancel" else self.mine.modify(approved)

    def _forgery(self, event: Event, approved: Approved, is_known: bool) -> str:
        """Why it is not the gate's. Not asked of what is too late to leave: an earlier run's harms nobody."""
        bears = self.placing.seen()
        if bears is None:
            bears = self.key.bears(ENCODE(approved))
        if event.source.partition(".")[0] != GATE:
            return f"{event.source} is not the gate"
        if not bears:
            return "it does not bear the gate's check"
        return "the gate said it once, and it came again" if is_known else ""

    def _is_of_an_earlier_run(self, event: Event) -> bool:
        """It cannot bear this run's key, and is too late. What an epoch said that is over comes from tapes alone."""
        return event.source.partition(".")[0] == GATE and event.epoch <= self.gate_epoch_before

    def alarm(self, forged: Forged) -> Iterator[Payload]:
        """Somebody writes to the order path: nothing leaves until a person has looked. No reject yet, since that would
        give free what the gate holds for the order whose name was used."""
        self.halted = True
        self.alarmed = forged
        self.forged.append(f"an approval from {forged.source} is forged: {forged.why}")
        yield forged

    def _free(self, now_ns: int) -> Iterator[Payload]:
        """The gate holds what it approved until it hears of it. An approval in whose place a forged one came comes no
        more."""
        for intent_id in [intent_id for intent_id, (_, until_ns) in self.used.items() if until_ns <= now_ns]:
            approved, _ = self.used.pop(intent_id)
            if intent_id not in self.intents:
                self.intents.add(intent_id)
                yield self.mine.refuse(approved, "its name was used by a forged approval, and the gate's did not come")

    def take(self, strategy: str, intent_id: str) -> tuple[str, int] | None:
        """The tag of a new order and the account's epoch, if one may leave now and this intent is new."""
        mine = self.mine
        if self.halted or self.stopping or not mine.epoch or not self.reconciliation.done or intent_id in self.intents:
            return None
        self.intents.add(intent_id)
        return mine.next_tag(strategy), mine.epoch

    def placed(self, event: Event, tag: str, epoch: int) -> tuple[Intent, Sending]:
        """Keeps a new order that has got a tag."""
        approved: Approved = event.payload
        signal = approved.signal
        if signal.data_ts_ns:
            self.latency.add((event.now_ns - signal.data_ts_ns) * 1000 // self.speed_e3)
        self.mine.keep(OwnOrder(tag, approved))
        return Intent(tag, epoch, approved), Sending(tag, 1, epoch, "place", "", signal.deadline_ns)

    def _refusal(self, event: Event, approved: Approved, signal: Signal) -> str:
        """Why nothing may come of it."""
        verdict, is_cancel = approved.verdict, signal.intent == "cancel"
        if verdict.refused or verdict.rule:
            return f"the gate's own verdict refuses it: {verdict.rule} {verdict.why}".rstrip()
        needed = EVALUATED_OF_A_CANCEL if is_cancel else RULES
        if verdict.evaluated & needed != needed:  # a message's kind alone promises nothing
            return "not every rule was evaluated"
        if not self.mine.epoch:
            return "the account is not held"
        if not self.reconciliation.done:
            return "book and tape do not agree yet"
        if event.mono_ns >= signal.deadline_ns:
            return "the deadline has passed"
        if self._is_of_an_earlier_run(event):
            return "an earlier run approved it, whose key is gone"
        if is_cancel:
            return ""
        if self.stopping:
            return "execution is stopping"
        if self.halted:
            return "HALTED: cancels only"
        # What no broker could make an order of; the gate has judged everything else.
        if signal.action == "HOLD":
            return "HOLD is no order"
        if signal.quantity <= 0:
            return f"the quantity is {signal.quantity}"
        if signal.validity == "TTL":
            return "validity TTL needs its minutes, which a signal does not carry"
        return ""

    # What the broker says -----------------------------------------------------------------------------------------

    def answer(self, event: Event) -> Iterator[Payload]:
        """The end of a write."""
        answer: Answer = event.payload
        yield from self.mine.answered(answer, event.mono_ns)
        self.reads.wanted = self.reads.wanted or f"{answer.verb} answered"

    def rows(self, event: Event) -> Iterator[Payload]:
        """A part of a read. What was told without being asked for is merged and is no read."""
        read: BrokerRows = event.payload
        asked, good = read.what in self.reads.waiting, read.outcome == "ok"
        if asked:
            self.bad_rows[read.what] = read.bad
            self.bad_row = read.why if read.bad else self.bad_row
        if good:
            yield from self._take(read, event, asked)
        why = f"{read.what}: {read.error_type} {read.why}"
        if self.reads.answered(read.what, good, not (read.what == "orders" and read.doubtful), why):
            yield from self._read_through(event)

    def _take(self, read: BrokerRows, event: Event, asked: bool) -> Iterator[Payload]:
        view = next((view for view in self.views if view.part == read.what), None)
        if view is not None and asked:
            view.apply(read)
        if read.what == "orders":
            rows = self.orders.rows.values() if self.unmerged and asked else read.orders
            yield from self.book.on_orders(rows, self.reads.number, event.mono_ns)
            yield from self.book.on_trades((), event.now_ns, event.mono_ns)
        elif read.what == "trades":
            trades = self.trades.rows.values() if self.unmerged else read.trades
            yield from self.book.on_trades(trades, event.now_ns, event.mono_ns)
            self.unmerged = self.unmerged and not asked
        elif read.what == "positions" and asked:
            positions = self.positions
            self.book.positions.on_positions(
                positions.rows.values(), not positions.doubtful, self.book.held, event.now_ns, event.mono_ns
            )
        elif read.what == "holdings":
            yield from self.book.on_holdings(self.holdings.rows.values())
        elif read.what == "margins":
            yield from self.book.on_funds(read.funds[0])

    def _read_through(self, event: Event) -> Iterator[Payload]:
        """A read is through: reconcile, find what is absent, repeat cancels, note that all is over."""
        reads, config = self.reads, self.config
        if not reads.good:
            return
        yield from self.mine.looked(reads.began_ns, reads.full, event.mono_ns)
        differ_ms = config.differ_ms if self.reconciliation.done else 0  # nothing leaves on a doubt
        found = mismatches(
            self.mine, self.book, self.orders, self.trades, config.fills_late_s, differ_ms, event.mono_ns
        )
        if not self.reconciliation.done:
            grown = self.reconciliation.grown(self.orders, self.trades)
            if grown and reads.full and reads.all_good:
                self.reconciliation.done = not found
                self.book.positions.fixed |= self.reconciliation.done
                yield from self._tell(found, whole=not found)
        elif found == self.suspect and found != self.told:
            yield from self._tell(found, whole=not found)  # twice in a row: no race between two reads
        self.suspect = found
        if self.stopping and reads.began_ns >= self.stopped_ns:
            # What is found for the first time is not told yet: the next read tells it, or shows that it is gone.
            self.drained = reads.all_good and found == self.told and not self._unfinished(event.mono_ns)

    def _unfinished(self, now_ns: int) -> bool:
        """Whether something on its way is worth waiting for. The unknown is looked for, then left to the next start."""
        looked_ns = now_ns - self.config.unknown_first_s * S
        waiting = [own for own in self.mine.open_orders() if own.stage != "unknown" or own.ended_ns > looked_ns]
        differs_ns = now_ns - self.config.differ_ms * MS
        doubted = any(doubt.since_ns > differs_ns for doubt in self.book.positions.doubts.values())
        awaited = self.book.awaits(now_ns, self.config.fills_late_s, self.config.differ_ms)
        return bool(waiting or awaited or doubted)

    def _tell(self, found: tuple[str, ...], whole: bool) -> Iterator[Payload]:
        book = self.book.whole(self.reads.number)
        self.told = found
        if whole:
            yield book
        yield Reconciled(book.hash, len(book.orders), len(book.trades), found)

    # Time and hints -----------------------------------------------------------------------------------------------

    def timer(self, event: Event) -> Iterator[Payload]:
        """Asks for the book when it is time."""
        yield from self._free(event.mono_ns)
        if not self.mine.epoch or self.drained:
            return
        yield from self.mine.again()
        every_ns = interval_ns(self.mine, self.book, self.config, event.mono_ns)
        if not self.reconciliation.done:
            every_ns = self.config.reconcile_ms * MS
        elif self.stopping:
            every_ns = min(every_ns, self.config.hint_ms * MS)
        everything = not self.reconciliation.done or (self.stopping and self.reads.all_ns < self.stopped_ns)
        everything = everything or bool(self.book.positions.doubts)
        read = self.reads.due(event.mono_ns, every_ns, self.config, everything)
        if read is not None:
            self.book.positions.begin()
            yield read

    def hint(self, event: Event) -> Iterable[Payload]:
        """An order frame on marketdata's socket. Never truth: it makes us look."""
        self.reads.wanted = "an order frame"
        return self.timer(event)

    # The account, the latch and control ---------------------------------------------------------------------------

    def started(self, event: Event) -> Iterable[Payload]:
        """A new process: what is known is known, but the account is not held yet and nothing can leave."""
        self.mine.epoch = 0
        self.reconciliation.restart()
        return ()

    def account(self, event: Event) -> Iterator[Payload]:
        """The account is held, in a new epoch: nothing leaves before book and tape agree."""
        opened: AccountOpened = event.payload
        self.gate_epoch_before = opened.gate_epoch_before
        if self.alarmed is not None:
            yield self.alarmed  # who said it first may have died before the latch was lowered
        yield from self.mine.opened(opened.epoch, event.mono_ns)
        self.reads.restart()
        self.reconciliation.restart()
        self.stopped_ns, self.drained = event.mono_ns, False  # a stop holds until a start; its last read is made anew
        yield from self.timer(event)

    def latch(self, event: Event) -> Iterator[Payload]:
        """HALTED also ends what is open. The egress reads the latch itself; this is to act on it."""
        read: LatchRead = event.payload
        self.halted = read.state == "HALTED"
        if self.halted:
            self.alarmed = None
            yield from self.mine.cancel_all(event.mono_ns)

    def clock(self, event: Event) -> Iterable[Payload]:
        clock: Clock = event.payload
        self.speed_e3 = clock.speed_e3
        return ()

    def start(self, event: Event) -> Iterable[Payload]:
        """What was stopped goes on. A session of another day forgets the last one's orders: the broker has."""
        session = event.payload.session
        if self.session and session != self.session:
            epoch, sequence = self.mine.epoch, self.mine.sequence
            self._new_day(session)
            self.mine.epoch, self.mine.sequence = epoch, sequence
            self.reads.restart()
        self.session = session
        if self.stopping:
            self.stopping = self.drained = False
            self.reads.wanted = "a start"
        return ()

    def stop(self, event: Event) -> Iterator[Payload]:
        """Cancels what is open, reads once more, then says no more."""
        self.stopping, self.stopped_ns = True, event.mono_ns
        yield from self.mine.cancel_all(event.mono_ns)
        self.reads.wanted = "stop"
        yield from self.timer(event)

    def kill(self, event: Event) -> Iterator[Payload]:
        """Cancels what is open; until armed nothing else leaves."""
        self.halted = True
        yield from self.mine.cancel_all(event.mono_ns)

    def arm(self, event: Event) -> Iterable[Payload]:
        self.halted = False
        self.alarmed = None
        return ()

    def take_positions(self, event: Event) -> Iterator[Payload]:
        """A person settles what nothing explains, what was placed twice, odd trades: ADJUST, and a new book."""
        asked: TakePositions = event.payload
        yield from self.book.positions.take(asked.by, asked.reason)
        self.book.twins.clear()  # what they made of the positions has been seen
        late = self.config.fills_late_s, self.config.differ_ms
        self.book.taken.update(odd_trades(self.book, self.trades, *late, event.mono_ns))
        if self.reconciliation.done:
            yield self.book.whole(self.reads.number)
        self.reads.wanted = "positions were taken over"

    # For the process ----------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """For the health answer; ``latency_us`` from a frame's arrival in marketdata to the approval's here."""
        return {
            "orders": self.mine.placed,
            "fills": len(self.book.fills),
            "rejects": self.mine.rejected,
            "unknown": len(self.mine.unknown()),
            "open_orders": len(self.mine.open_orders()),
            "repeated": self.repeated,
            "reconciled": self.reconciliation.done,
            "mismatches": list(self.told),
            "forged": len(self.forged),
            "alarms": self.forged[-ALARMS_MAX:],
            "bad_rows": {what: bad for what, bad in self.bad_rows.items() if bad},
            "bad_row": self.bad_row,
            "read_failed": self.reads.failed,
            "drained": self.drained,
            "epoch": self.mine.epoch,
            "latency_us": self.latency.summary_us(),
        }

    def snapshot(self) -> bytes:
        """All that the next event's answer depends on."""
        return msgspec.msgpack.encode(taken(self))

    def rebuild(self, event: Event) -> None:
        """Takes over what another build said."""
        fold(self, event)

    def restore(self, snapshot: bytes) -> None:
        """Goes on where the snapshot was taken."""
        restored(self, msgspec.msgpack.decode(snapshot, type=State))


def _handler(context: Context, config: ExecutionConfig) -> Execution:
    return Execution(config, tags_of(context, config), ApprovalKey(key_of(context)))


def _timers(config: ExecutionConfig) -> Mapping[str, int]:
    return {"look": config.look_ms * MS}


def _watch(context: Context, config: ExecutionConfig) -> Watch:
    return LatchWatch(account_folder_of(context.account, context.run_dir))


def _notes(status: Mapping[str, Any]) -> Iterable[str]:
    return states(status, "open_orders", "unknown")


def _alarms(status: Mapping[str, Any]) -> Iterable[str]:
    yield from status.get("alarms", ())
    for line in status.get("mismatches", ()):
        way_out = "" if line.endswith(ABSENT) else "; `kitev3 take-positions` takes it over"
        yield f"differs from the broker: {line}{way_out}"
    if status.get("bad_rows"):
        yield f"not read: {status['bad_row']}"
    failed = status.get("read_failed", "")
    if "TokenException" in failed:
        yield "the broker refuses the token: log in again"
    elif failed:
        yield f"the broker's book cannot be read: {failed}"


SERVICE = ServiceSpec(
    name="execution",
    config=ExecutionConfig,
    handler=_handler,
    driver=driver,
    timers=_timers,
    watch=_watch,
    rank=4,
    notes=_notes,
    alarms=_alarms,
    figures=(
        Figure(key="orders", label="orders", live=True),
        Figure(key="fills", label="fills", live=True),
        Figure(key="rejects", label="rejects"),
        Figure(key="unknown", label="orders of unknown outcome", trouble="orders of unknown outcome: ask the broker"),
        Figure(key="forged", label="forged approvals", trouble="forged approvals: something writes to the order path"),
        Figure(
            key="mismatches",
            label="differs from the broker",
            none=[],
            form=said,
            trouble="(the broker's book and ours differ)",
        ),
        Figure(key="latency_us", label="tick to order p50 / p99 / p99.9", none={}, form=percentiles),
    ),
)
