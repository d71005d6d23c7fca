"""Does what the handler says: writes and reads through a broker's end, and brings the answers back.

Over HTTP everything runs on the REST thread; on the stepped bus each call is done at once, in the loop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kitev3._core import GATE
from kitev3.account.account import Account, account_folder_of
from kitev3.account.approvals import epoch_before, key_of
from kitev3.account.latch import LatchState
from kitev3.account.secret import read_secret
from kitev3.broker.classify import Finding
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Broker, Kind, Order, Part, Permit
from kitev3.broker.null import NullBroker
from kitev3.broker.pace import Limits, Pace
from kitev3.broker.rest import Executor, InlineExecutor, Priority, RestThread
from kitev3.broker.rows import Books
from kitev3.broker.tags import Tags
from kitev3.contracts import AccountOpened, Answer, BrokerRows, Forged, Intent, Read, Sending, Signal
from kitev3.errors import KiteError
from kitev3.events import Event
from kitev3.runtime.service import Context, Driver, World
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.tagkey import tags_of
from kitev3.system.latency import Latency
from kitev3.system.log import LOG
from kitev3.system.placement import pin
from kitev3.system.runfolder import RunFolder

Connect = Callable[[Egress], Broker]
"""Opens the broker's end whose writes all pass the egress. KiteError when it cannot be opened yet."""

_PRIORITY: dict[Kind, Priority] = {"cancel": Priority.CANCEL, "exit": Priority.EXIT, "enter": Priority.ENTRY}


class BrokerDriver(Driver):
    """The driver of execution.

    Args:
        folder: of the account; held from `open` on.
        executor: makes what the calls run on, from who is told that it has died.
        durable: whether records are synced before a write; not on the stepped bus, which nothing outlives.
        speed: of the market's clock, which is the broker's.
        gate_epoch_before: of the gate's tape, as `kitev3.account.approvals` finds it.
    """

    topics = frozenset({"execution.intent", "execution.sending", "execution.read", "execution.forged"})

    def __init__(
        self,
        *,
        folder: Path,
        session: dt.date,
        tags: Tags,
        connect: Connect,
        pace: Limits,
        executor: Callable[[Callable[[BaseException], None]], Executor] = RestThread,
        durable: bool = True,
        speed: float = 1.0,
        gate_epoch_before: Callable[[], int] = lambda: 0,
    ) -> None:
        self._folder, self._session, self._tags = folder, session, tags
        self._connect, self._pace, self._new_executor, self._durable = connect, pace, executor, durable
        self._broker: Broker | None = None
        self._signals: dict[str, Signal] = {}  # approved and not sent yet, by tag
        self._kinds: dict[str, Kind] = {}  # what each order does to the risk, by tag
        self._books = Books(lambda text: self._tags.decode(text) is not None)
        self._warned: dict[str, str] = {}  # what was last said of each part's bad rows
        self._log = LOG
        self._speed_e3 = round(speed * 1000)
        self._find_epoch_before = gate_epoch_before
        self._reached = Latency()

    def open(self, world: World) -> None:
        """Takes the account, then says so. ConfigError when another execution holds it."""
        self._world = world
        self._account = Account(self._folder)
        self._account.begin_day(self._session)
        pace = Pace(self._pace, self._speed_e3 / 1000)
        self._egress = Egress(self._account, world.mono_ns, world.sync if self._durable else _nothing, pace)
        self._executor = self._new_executor(world.fail)
        self._gate_epoch_before = self._find_epoch_before()
        world.put(AccountOpened(self._account.epoch, self._gate_epoch_before))

    def said(self, event: Event) -> None:
        """An intent is kept for its sending; a sending is sent, a read is read."""
        payload = event.payload
        if isinstance(payload, Intent):
            signal = payload.approved.signal
            self._measure(event, signal)
            self._signals[payload.tag] = signal
            if signal.intent in ("enter", "exit"):
                self._kinds[payload.tag] = "exit" if signal.intent == "exit" else "enter"
        elif isinstance(payload, Sending):
            self._send(payload)
        elif isinstance(payload, Read):
            for what in payload.what:
                self._read(what)
        elif isinstance(payload, Forged):
            self._account.latch.lower(LatchState.HALTED)
            self._log.critical("an approval was forged: HALTED", source=payload.source, why=payload.why)

    def status(self) -> Mapping[str, Any]:
        """``reached_ns``: of each new order the time from its tick's frame in marketdata to its intent on the tape.

        Bucket -> count, as `Latency` keeps them. What execution itself takes is in it, so no replay can repeat it.
        """
        return {"reached_ns": dict(self._reached.counts)}

    def _measure(self, event: Event, signal: Signal) -> None:
        """Up to the approval in machine time, scaled back from the market's; from there on by the clock itself."""
        way_ns = (event.now_ns - signal.data_ts_ns) * 1000 // self._speed_e3
        self._reached.add(way_ns + event.taped_ns - event.mono_ns)

    def close(self) -> None:
        """Gives the account free."""
        self._executor.close()
        if self._broker is not None:
            self._broker.close()
        self._account.close()

    # Writes -------------------------------------------------------------------------------------------------------

    def _send(self, sending: Sending) -> None:
        signal = self._signals.get(sending.tag)
        kind: Kind = "cancel" if sending.verb == "cancel" else self._kinds.get(sending.tag, "enter")
        permit = Permit(
            tag=sending.tag,
            verb=sending.verb,
            kind=kind,
            attempt=sending.attempt,
            epoch=sending.epoch,
            deadline_ns=sending.deadline_ns,
        )

        def done(finding: Finding) -> None:
            if finding.outcome != "throttled":  # it may be asked for once more
                self._signals.pop(sending.tag, None)
            self._world.put(
                Answer(
                    sending.verb,
                    sending.tag,
                    finding.outcome,  # type: ignore[arg-type]
                    finding.error_type,
                    finding.message,
                    finding.order_id,
                )
            )

        queued = self._executor.submit(
            _PRIORITY[kind],
            lambda: self._left(sending, signal, permit),
            done,
            lambda: self._egress.wait_ns(permit),
        )
        if not queued:
            done(Finding(outcome="not_sent", error_type="Refused", message="too much is waiting for the broker"))

    def _left(self, sending: Sending, signal: Signal | None, permit: Permit) -> Finding:
        finding = self._write(sending, signal, permit)
        self._egress.ended(finding)
        return finding

    def _write(self, sending: Sending, signal: Signal | None, permit: Permit) -> Finding:
        try:
            broker = self._end()
        except KiteError as error:
            return Finding(outcome="not_sent", error_type=type(error).__name__, message=str(error))
        if sending.verb == "cancel":
            return broker.cancel(sending.order_id, permit)
        assert signal is not None, f"{sending.verb} {sending.tag} was said without its intent"
        order = order_of(signal)
        return (
            broker.place(order, permit) if sending.verb == "place" else broker.modify(sending.order_id, order, permit)
        )

    # Reads --------------------------------------------------------------------------------------------------------

    def _read(self, what: Part) -> None:
        def done(finding: Finding) -> None:
            self._bring(what, finding)

        if not self._executor.submit(Priority.READ, lambda: self._ask(what), done, self._egress.read_wait_ns):
            self._world.put(BrokerRows(what, "error", why="too much is waiting for the broker"))

    def _ask(self, what: str) -> Finding:
        try:
            broker = self._end()
        except KiteError as error:
            return Finding(outcome="error", error_type=type(error).__name__, message=str(error))
        finding: Finding = getattr(broker, what)()
        self._egress.read_ended()
        if finding.error_type == "TokenException":
            broker.close()  # and open anew at the next call, with the token that is in the file then
            self._broker = None
        return finding

    def _bring(self, what: Part, finding: Finding) -> None:
        """What is brought has been read: nothing on the tape has to be read again."""
        read = self._books.read(what, finding)
        if what == "orders" and read.outcome == "ok":
            self._check_epoch(read)
        if read.bad and read.why != self._warned.get(what):
            self._log.warning("rows of the broker's could not be read", what=what, rows=read.bad, first=read.why)
        self._warned[what] = read.why
        self._world.put(read)

    def _check_epoch(self, read: BrokerRows) -> None:
        """Our own tags of a later epoch than ours: the account's folder was lost once. Tags must not repeat."""
        if not read.first:
            return
        tags = (self._tags.decode(text) for row in read.orders for text in row.tags)
        latest = max((tag.epoch for tag in tags if tag is not None), default=0)
        before = self._account.epoch
        if latest > before:
            self._account.raise_epoch_above(latest)
            self._world.put(AccountOpened(self._account.epoch, self._gate_epoch_before))

    def _end(self) -> Broker:
        """The broker's end, opened at its first use: the exchange may start after us."""
        if self._broker is None:
            self._broker = self._connect(self._egress)
        return self._broker


def order_of(signal: Signal) -> Order:
    """What the broker is asked for."""
    return Order(
        exchange=signal.exchange,
        tradingsymbol=signal.tradingsymbol,
        side=signal.action,
        quantity=signal.quantity,
        product=signal.product,
        order_type=signal.order_type,
        price_e4=signal.price_e4,
        trigger_price_e4=signal.trigger_price_e4,
        validity=signal.validity,
        market_protection_bp=signal.market_protection_bp,
    )


def driver(context: Context, config: ExecutionConfig) -> BrokerDriver:
    """The driver on the profile's broker.

    REST has a thread, off the order path's core; what goes nowhere never waits, so it needs none.
    """
    is_null = config.broker == "none"
    return BrokerDriver(
        folder=account_folder_of(context.account, context.run_dir),
        session=dt.date.fromisoformat(context.session),
        tags=tags_of(context, config),
        connect=(lambda _: NullBroker()) if is_null else over_http(context),
        pace=config.pace,
        executor=InlineExecutor if is_null else partial(RestThread, begin=partial(pin, context.whole())),
        speed=context.whole().speed,
        gate_epoch_before=lambda: epoch_before(context.run_dir / "tape" / GATE, key_of(context)),
    )


def over_http(context: Context) -> Connect:
    """Kite itself, or the exchange that runs in this run folder."""

    def connect(egress: Egress) -> Broker:
        # Here and not above: the client brings 50 MB of libraries, which the stepped bus does not need.
        from kitev3.broker.kite import API_ROOT, KiteBroker

        profile, folder = context.whole(), RunFolder(context.run_dir)
        on_kitesim = context.account.startswith("kitesim-")
        return KiteBroker(
            api_key=profile.api_key,
            access_token=read_secret(profile.token_file or folder.token),
            egress=egress,
            root=f"http://{folder.read_run().exchange}" if on_kitesim else API_ROOT,
        )

    return connect


def _nothing() -> None:
    """No sync."""
