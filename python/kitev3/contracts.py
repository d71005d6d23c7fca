"""Every topic of the system: what it carries, who says it, who hears it, how it travels, how a late hearer joins.

This table is the only place where a topic is written down; the bus, the tape, the documentation and the tests read it.
A payload is a frozen struct that travels as a msgpack array, so a field is only ever appended, each with a default:
a message of an older known schema is then read with the defaults, one of an unknown schema is refused and counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_type_hints

import msgspec

from kitev3._core import BarBatch, TickBatch

Action: TypeAlias = Literal["BUY", "SELL", "HOLD"]
Side: TypeAlias = Literal["BUY", "SELL"]
IntentKind: TypeAlias = Literal["enter", "exit", "modify", "cancel"]
OrderType: TypeAlias = Literal["MARKET", "LIMIT", "SL", "SL-M"]
Product: TypeAlias = Literal["CNC", "MIS", "NRML", "MTF"]
Validity: TypeAlias = Literal["DAY", "IOC", "TTL"]
WORDS_MAX = 1_000  # characters of what a person gives as a reason


class Payload(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an event carries. The struct's type is the topic."""


# --- marketdata ---------------------------------------------------------------------------------------------------


class Quote(Payload, frozen=True, array_like=True, gc=False):
    """GET /quote of one instrument, read at the start and every minute: what the feed does not repeat."""

    instrument_token: int
    exchange: str
    tradingsymbol: str
    last_price_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int  # of the previous day
    volume: int
    oi: int
    bid_e4: int  # 0: none
    ask_e4: int  # 0: none
    lower_circuit_e4: int
    upper_circuit_e4: int


class Instrument(Payload, frozen=True, array_like=True, gc=False):
    """A subscribed instrument as of today: the row of the instruments file, with freeze quantity and today's band."""

    instrument_token: int
    exchange: str
    tradingsymbol: str
    name: str  # the underlying's name for derivatives
    instrument_type: str  # EQ, FUT, CE, PE; an index is EQ of segment INDICES
    segment: str
    expiry: str  # YYYY-MM-DD or empty
    strike_e4: int
    tick_size_e4: int
    lot_size: int
    freeze_quantity: int  # 0: none known
    products: tuple[str, ...]
    lower_circuit_e4: int  # 0: no band known
    upper_circuit_e4: int
    previous_close_e4: int
    file_date: str  # of the instruments file
    file_hash: str  # first 8 hex digits of its SHA-256


class FeedHealth(Payload, frozen=True, array_like=True, gc=False):
    """The state of the broker's feed. ``sick``: the socket is up, and none of its ticks can be traded on."""

    state: Literal["connecting", "up", "sick", "silent", "refused", "down"]
    frames: int
    ticks: int
    errors: int
    flagged: int
    reconnects: int
    reason: str = ""
    left_out: int = 0  # rows, lines and messages of the broker's that could not be read


class Gap(Payload, frozen=True, array_like=True, gc=False):
    """Ticks of these instruments are missing; their indicators warm up anew. Empty: of all instruments."""

    instrument_tokens: tuple[int, ...]
    reason: str


class OrderFrame(Payload, frozen=True, array_like=True, gc=False):
    """An order update seen on the broker's socket: a hint to read the book, never truth."""

    order_id: str
    status: str
    filled_quantity: int
    tag: str = ""


# --- strategy -----------------------------------------------------------------------------------------------------


class DataRange(Payload, frozen=True, array_like=True, gc=False):
    """The events of one topic that a decision used."""

    source: str
    epoch: int
    first_topic_seq: int
    last_topic_seq: int
    topic: str = "marketdata.tick"


class Signal(Payload, frozen=True, array_like=True, gc=False):
    """An intent: enter, exit, modify or cancel. Nothing is an order before the gate has passed it."""

    strategy: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    action: Action
    intent: IntentKind
    quantity: int
    order_type: OrderType
    price_e4: int
    trigger_price_e4: int
    product: Product
    validity: Validity
    confidence: float  # 0 to 1
    deadline_ns: int  # machine time: not a byte leaves after it
    data: tuple[DataRange, ...]
    data_ts_ns: int  # market time at which marketdata took the newest frame used
    reason: str
    indicators: dict[str, float]
    order: str = ""  # of modify and cancel: the order's tag
    market_protection_bp: int = 0  # of MARKET and SL-M: hundredths of a percent, -1 automatic


# --- risk_portfolio -----------------------------------------------------------------------------------------------


class Verdict(Payload, frozen=True, array_like=True, gc=False):
    """Every rule's result: bit n stands for rule Rn."""

    evaluated: int
    refused: int
    rule: str = ""  # the first that refused, in evaluation order
    why: str = ""


class Reservation(Payload, frozen=True, array_like=True, gc=False):
    """The worst case that an approval holds back until its order is final."""

    quantity: int
    value_e4: int
    margin_e4: int


class Approved(Payload, frozen=True, array_like=True, gc=False):
    """An order that every rule has passed. Only the gate makes one; execution checks it again on arrival."""

    intent_id: str  # 32 hex digits: the event id of the signal
    signal: Signal
    verdict: Verdict
    reservation: Reservation
    check: str = ""  # keyed, over the message before it: 32 hex digits


class Blocked(Payload, frozen=True, array_like=True, gc=False):
    """A signal that the gate refused, with the reason."""

    intent_id: str
    signal: Signal
    verdict: Verdict


class Position(Payload, frozen=True, array_like=True, gc=False):
    """One position: the key is (exchange, tradingsymbol, product)."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    product: str
    quantity: int  # negative: short
    average_price_e4: int
    last_price_e4: int
    realised_e4: int
    unrealised_e4: int
    charges_e4: int


class PortfolioSnapshot(Payload, frozen=True, array_like=True, gc=False):
    """Positions and profit and loss; gross is before charges, net after."""

    positions: tuple[Position, ...]
    gross_pnl_e4: int
    charges_e4: int
    net_pnl_e4: int
    capital_e4: int
    reserved_e4: int
    open_orders: int
    state: str  # HALTED, RECONCILING, REDUCING, ACTIVE
    missing: tuple[str, ...] = ()  # limits that are not set and therefore refuse every order
    tripped: str = ""  # the rule, or the fault, that took back a permission: the account's latch is lowered with it


# --- execution ----------------------------------------------------------------------------------------------------


class Intent(Payload, frozen=True, array_like=True, gc=False):
    """INTENT of the order path: what will be sent, under which tag, with the approval whole."""

    tag: str
    epoch: int  # of the account
    approved: Approved


class Sending(Payload, frozen=True, array_like=True, gc=False):
    """SENDING of the order path: appended and synced before the first byte.

    A tag is posted once. Only an exit or a cancel that the broker did not take, being asked too often, leaves again.
    """

    tag: str
    attempt: int
    epoch: int
    verb: Literal["place", "modify", "cancel"]
    order_id: str  # of modify and cancel
    deadline_ns: int  # machine time


class OrderPlaced(Payload, frozen=True, array_like=True, gc=False):
    """OUTCOME: the broker's acknowledgement."""

    tag: str
    order_id: str
    verb: Literal["place", "modify", "cancel"] = "place"


class Reject(Payload, frozen=True, array_like=True, gc=False):
    """OUTCOME: definitely not an order: refused by the broker, or never sent.

    One with an ``order_id`` was taken and has ended at the broker otherwise than its strategy asked for: REJECTED, or
    CANCELLED by the exchange, by a person, by a halt or with the day. What had been filled of it is filled.
    """

    tag: str
    intent_id: str
    sent: bool  # False: refused on our side before the first byte
    error_type: str
    message: str
    order_id: str = ""
    verb: Literal["place", "modify", "cancel"] = "place"
    strategy: str = ""  # that asked for it
    instrument_token: int = 0


class UnknownOutcome(Payload, frozen=True, array_like=True, gc=False):
    """OUTCOME: nobody knows. The reservation stays until the book proves otherwise."""

    tag: str
    message: str
    ended_ns: int  # machine time at which the attempt ended
    verb: Literal["place", "modify", "cancel"] = "place"


class OrderUpdate(Payload, frozen=True, array_like=True, gc=False):
    """STATE: one order as the book shows it, merged by rank. ``tag`` is empty for an order that is not ours."""

    tag: str
    order_id: str
    status: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    side: Side
    product: str
    order_type: str
    quantity: int
    filled_quantity: int
    pending_quantity: int
    price_e4: int
    trigger_price_e4: int
    average_price_e4: int
    final: bool
    message: str = ""
    origin: Literal["own", "orphan", "external"] = "own"
    strategy: str = ""  # that asked for the order; empty when it is not ours


class Fill(Payload, frozen=True, array_like=True, gc=False):
    """FILL: one trade of the broker's, booked once: the key is (exchange, trade_id)."""

    tag: str
    order_id: str
    trade_id: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    side: Side
    product: str
    quantity: int
    price_e4: int
    traded_ns: int  # market time, the broker's
    strategy: str = ""  # that asked for the order; empty when it is not ours


class Carried(Payload, frozen=True, array_like=True, gc=False):
    """What was brought into the day of one position; the day's trades are not in it."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    product: str
    quantity: int  # negative: short
    average_price_e4: int


class Book(Payload, frozen=True, array_like=True, gc=False):
    """The whole book as of one read: a position is what was brought into the day and what was traded since.

    The broker's own positions are compared with that and never stand here: they are of another moment than the trades.
    """

    orders: tuple[OrderUpdate, ...]
    trades: tuple[Fill, ...]
    carried: tuple[Carried, ...]
    hash: str
    read: int  # the number of the read it came from, rising over the day


class Adjust(Payload, frozen=True, array_like=True, gc=False):
    """ADJUST: a person has taken over what the broker says of a position and no trade explains.

    It stands in the book as a trade of no order. What it closes has our own average for its price.
    """

    exchange: str
    tradingsymbol: str
    instrument_token: int
    product: str
    quantity: int  # negative: sold
    price_e4: int
    by: str
    reason: str


class Forged(Payload, frozen=True, array_like=True, gc=False):
    """An approval that the gate did not make, or made once: nothing was sent, and the account is halted."""

    intent_id: str
    source: str  # that it was said to be from
    why: str


class Holding(Payload, frozen=True, array_like=True, gc=False):
    """Shares in the demat account."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    quantity: int  # deliverable today
    average_price_e4: int


class Holdings(Payload, frozen=True, array_like=True, gc=False):
    """All holdings."""

    rows: tuple[Holding, ...]


class Funds(Payload, frozen=True, array_like=True, gc=False):
    """What the broker says is available and used."""

    available_e4: int
    utilised_e4: int


class Reconciled(Payload, frozen=True, array_like=True, gc=False):
    """Book and tape agree (``mismatches`` empty), or do not."""

    book_hash: str
    orders: int
    trades: int
    mismatches: tuple[str, ...] = ()


class Read(Payload, frozen=True, array_like=True, gc=False):
    """Execution asks its driver to read from the broker; each read comes back as one ``world.rows``."""

    what: tuple[Literal["orders", "trades", "positions", "holdings", "margins"], ...]
    reason: str


# --- kitesim ------------------------------------------------------------------------------------------------------


class Request(Payload, frozen=True, array_like=True, gc=False):
    """A write that kitesim accepted, with the market time at which it counts: all that its accounts are made of."""

    at_ns: int
    user: str
    verb: str  # of kitesim's table of deeds: place, modify, cancel, convert, …
    order_id: str  # of the order, trigger or alert that it made or changed
    variety: str
    fields: dict[str, str]


class Accepted(Payload, frozen=True, array_like=True, gc=False):
    """kitesim has noted a write: what its accounts are rebuilt from by another build, which executes nothing again."""

    request: Request


class Origin(Payload, frozen=True, array_like=True, gc=False):
    """What kitesim's exchange is made from. The same of it, asked the same, is the same exchange."""

    form: int  # of the records of requests that follow
    session: str
    start_ns: int
    user: str
    others: tuple[str, ...]  # the users after the first, in order
    market: str  # its name, and the file's digest
    universe: str
    hours: str
    profile: str
    seed: int
    frame_ms: int
    rules: dict[str, str]  # all of them, as a settings file has them: a profile may change from one version to the next
    calendar: str  # the digest of its rows


class MarketRun(Payload, frozen=True, array_like=True, gc=False):
    """What kitesim's market does from now on."""

    state: Literal["waiting", "running", "stopped"]
    t0_ns: int = 0  # its clock, as in control.clock
    m0_ns: int = 0
    speed_e3: int = 0
    requests: tuple[Request, ...] = ()  # of a kitesim that came back: what it had accepted before
    origin: Origin | None = None  # of the exchange that accepted them


# --- control ------------------------------------------------------------------------------------------------------

Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Words: TypeAlias = Annotated[str, msgspec.Meta(max_length=WORDS_MAX)]


class Clock(Payload, frozen=True, array_like=True, gc=False):
    """Market time is t0 + speed x (mono - m0)."""

    t0_ns: Time  # market time
    m0_ns: Time  # machine time
    speed_e3: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]  # thousandths: 30000 is 30 market seconds a second


class Start(Payload, frozen=True, array_like=True, gc=False):
    """The session begins."""

    session: str  # market date YYYY-MM-DD


class Stop(Payload, frozen=True, array_like=True, gc=False):
    """Finish what is on its way, then say no more."""

    reason: Words = ""


class Kill(Payload, frozen=True, array_like=True, gc=False):
    """HALTED from now on: cancels only, until a person arms."""

    reason: str
    by: str = ""


class Arm(Payload, frozen=True, array_like=True, gc=False):
    """A person, or a profile on the local exchange, lets entries pass."""

    by: Words


class TakePositions(Payload, frozen=True, array_like=True, gc=False):
    """A person takes the broker's positions for right where they differ from ours for no reason that we know."""

    by: Words
    reason: Words


# --- what the world says: EXT on the tape, never on the bus -------------------------------------------------------


class Frame(Payload, frozen=True, array_like=True, gc=False):
    """A binary message of the broker's socket, as it came."""

    data: bytes


class Text(Payload, frozen=True, array_like=True, gc=False):
    """An order update on the broker's socket, read."""

    order_id: str
    status: str = ""
    filled_quantity: int = 0
    tag: str = ""


class Socket(Payload, frozen=True, array_like=True, gc=False):
    """The broker's socket changed its state."""

    state: Literal["connecting", "up", "silent", "refused", "down"]
    reason: str = ""


class Subscribed(Payload, frozen=True, array_like=True, gc=False):
    """An instrument that marketdata listens to, and the bars that are asked of it."""

    instrument: Instrument  # without its band and previous close, which quotes bring
    bars: tuple[str, ...]


class Instruments(Payload, frozen=True, array_like=True, gc=False):
    """What of today's instruments file is subscribed."""

    rows: tuple[Subscribed, ...]


class Quotes(Payload, frozen=True, array_like=True, gc=False):
    """The good rows of one answer of GET /quote."""

    rows: tuple[Quote, ...]


class LeftOut(Payload, frozen=True, array_like=True, gc=False):
    """Something that the broker sent could not be read, and was left out."""

    what: Literal["instruments", "quote", "text"]
    count: int  # rows, lines or messages
    why: str  # of the first, by name


class OrderRow(Payload, frozen=True, array_like=True, gc=False):
    """One row of GET /orders: the latest state of one order, of whatever origin."""

    order_id: str
    status: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    side: Side
    product: str
    order_type: str
    quantity: int
    filled_quantity: int
    price_e4: int = 0
    trigger_price_e4: int = 0
    average_price_e4: int = 0
    variety: str = "regular"
    message: str = ""
    updated_ns: int = 0  # when the exchange last changed it (UTC, whole seconds); 0: never, or unreadable
    tags: tuple[str, ...] = ()


class TradeRow(Payload, frozen=True, array_like=True, gc=False):
    """One row of GET /trades: one fill. It carries no tag, so an order is found by its id."""

    trade_id: str
    order_id: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    side: Side
    product: str
    quantity: int
    price_e4: int
    traded_ns: int = 0  # the exchange's time (UTC, whole seconds); 0: unreadable


class PositionRow(Payload, frozen=True, array_like=True, gc=False):
    """One row of the net positions."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    product: str
    quantity: int
    average_price_e4: int = 0
    overnight_quantity: int = 0  # what was brought into the day, of all that was bought and sold
    overnight_price_e4: int = 0  # what that cost on average; 0: not known


class BrokerRows(Payload, frozen=True, array_like=True, gc=False):
    """What a read of the broker's came to, row by row: those that are new or have changed since the last read.

    What could not be read is not here. ``doubtful``: a row of ours may be among that, so nothing is absent for sure.
    """

    what: Literal["orders", "trades", "positions", "holdings", "margins"]
    outcome: Literal["ok", "error"]
    first: bool = False  # there is no last read: what is here is all
    orders: tuple[OrderRow, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    holdings: tuple[Holding, ...] = ()
    funds: tuple[Funds, ...] = ()
    gone: tuple[str, ...] = ()  # keys of rows that were there the last time
    bad: int = 0  # rows that could not be read, or hold a word that nobody has told us of
    why: str = ""  # of the first of them; or of the error
    doubtful: bool = False
    error_type: str = ""


class Answer(Payload, frozen=True, array_like=True, gc=False):
    """A broker's answer to a write. Secrets are gone before it is made.

    ``throttled``: nothing was taken, since too much was asked for lately.
    """

    verb: Literal["place", "modify", "cancel"]
    tag: str
    outcome: Literal["ok", "not_sent", "throttled", "reject", "unknown"]
    error_type: str = ""
    message: str = ""
    order_id: str = ""


class Timer(Payload, frozen=True, array_like=True, gc=False):
    """A machine-time timer of the service's ran out."""

    name: str


class LatchRead(Payload, frozen=True, array_like=True, gc=False):
    """The account's halt latch, as read when it was last seen to change."""

    state: Literal["HALTED", "REDUCING", "ACTIVE"]


class RiskLimits(Payload, frozen=True, array_like=True, gc=False):
    """What the owner allows from now on: ``[risk]`` of the profile, put on the gate's tape at each of its starts."""

    limits: dict[str, int]  # by name; one that is not there refuses every order
    live: bool  # whose hard ceilings hold: a broker's, or the local exchange's
    halted: tuple[str, ...] = ()  # strategies and symbols (EXCHANGE:SYMBOL) of which only cancels pass
    reducing: tuple[str, ...] = ()  # ... and exits
    outside_closing_auction: tuple[str, ...] = ()  # shares (EXCHANGE:SYMBOL) that trade on when it begins


class Beat(Payload, frozen=True, array_like=True, gc=False):
    """A heartbeat of a source has come: it lives."""

    source: str


class AccountOpened(Payload, frozen=True, array_like=True, gc=False):
    """Execution holds the account, in this epoch: what earlier ones sent and did not hear of is unknown."""

    epoch: int
    gate_epoch_before: int = 0  # the gate's last of an earlier run, whose approvals bear another key


class SequenceGap(Payload, frozen=True, array_like=True, gc=False):
    """A source's messages are missing (open) or have been read from its tape (not open).

    ``skipped``: what was too old to be worth reading; its newest rows follow; what is computed from it warms up anew.
    """

    source: str
    open: bool
    skipped: tuple[str, ...] = ()  # topics


class Epoch(Payload, frozen=True, array_like=True, gc=False):
    """The service itself has started: what it had begun in an earlier epoch and not finished is nobody's now."""

    epoch: int
    after_seq: int  # the last that it said before
    begins_run: bool = False  # the first of a run, which has a clock and a start of its own


class LostTail(Payload, frozen=True, array_like=True, gc=False):
    """A source came back knowing less than it had said: its tape lost its end to a power cut."""

    source: str
    applied_seq: int  # what this service has applied of it
    continues_after: int  # what the source still knows


# --- the table ----------------------------------------------------------------------------------------------------

Delivery: TypeAlias = Literal["pub", "work", "control", "world"]
"""How it travels.

``pub``: PUB to all. ``work``: PUB, and PUSH to the one hearer named in ``worker``. ``control``: ROUTER. ``world``: EXT.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One topic."""

    topic: str
    payload: type[Any]
    speakers: tuple[str, ...]
    hearers: tuple[str, ...]
    delivery: Delivery = "pub"
    worker: str = ""
    join: str = "now"  # now, day, or keyed:<field>
    after: str = ""  # the service of whose events a message of it stands on the last that its speaker had applied

    @property
    def schema(self) -> int:
        """A 32-bit hash of the payload's fields: what the header carries."""
        return schema_hash(self.payload)

    @property
    def bulk(self) -> bool:
        """Ticks: by reference on a hearer's tape, and not worth reading there when they are old."""
        return self.payload is TickBatch

    @property
    def dense(self) -> bool:
        """What goes only to those who ask for some of it: columns of many instruments at once, and work."""
        return self.payload in LAYOUTS or bool(self.worker)


def _describe(kind: Any) -> str:
    """A type in words, nested structs spelled out, so that a change deep inside changes the hash."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        return kind.__name__ + "(" + ",".join(f"{n}:{_describe(hints[n])}" for n in kind.__struct_fields__) + ")"
    args = get_args(kind)
    name = getattr(kind, "__name__", str(kind))
    return f"{name}[{','.join(_describe(a) for a in args)}]" if args else name if isinstance(kind, type) else repr(kind)


LAYOUTS: Mapping[type[Any], str] = MappingProxyType({TickBatch: "TickBatch:1", BarBatch: "BarBatch:1"})
"""Payloads that are columns in one piece of memory, which is their wire form; by their layout's version."""


def schema_hash(payload: type[Any]) -> int:
    """CRC-32 of a payload's field names and types; of columns, of their layout's version."""
    text = LAYOUTS.get(payload) or _describe(payload)
    return zlib.crc32(text.encode())


_ALL = ("marketdata", "strategy", "risk_portfolio", "execution", "journal")


def _c(
    topic: str,
    payload: type[Any],
    speakers: str,
    hearers: str,
    *,
    delivery: Delivery = "pub",
    worker: str = "",
    join: str = "now",
    after: str = "",
) -> Contract:
    return Contract(
        topic=topic,
        payload=payload,
        speakers=tuple(speakers.split()),
        hearers=tuple(hearers.split()),
        delivery=delivery,
        worker=worker,
        join=join,
        after=after,
    )


_EVERYONE = " ".join(_ALL)

CONTRACTS: tuple[Contract, ...] = (
    _c("marketdata.tick", TickBatch, "marketdata", "strategy risk_portfolio journal", join="keyed:instrument_token"),
    _c("marketdata.quote", Quote, "marketdata", "risk_portfolio journal", join="keyed:instrument_token"),
    _c("marketdata.ohlc", BarBatch, "marketdata", "strategy journal", join="day"),
    _c("marketdata.instrument", Instrument, "marketdata", "strategy risk_portfolio journal",
       join="keyed:instrument_token"),
    _c("marketdata.health", FeedHealth, "marketdata", "risk_portfolio journal", join="keyed:source"),
    _c("marketdata.gap", Gap, "marketdata", "strategy risk_portfolio journal"),
    _c("marketdata.order_frame", OrderFrame, "marketdata", "execution journal"),
    _c("strategy.signal", Signal, "strategy", "risk_portfolio journal",
       delivery="work", worker="risk_portfolio", after="execution"),
    _c("risk.approved", Approved, "risk_portfolio", "execution journal",
       delivery="work", worker="execution", join="day"),
    _c("risk.blocked", Blocked, "risk_portfolio", "strategy journal", join="day"),
    _c("portfolio.snapshot", PortfolioSnapshot, "risk_portfolio", "journal", join="keyed:source"),
    _c("execution.intent", Intent, "execution", "risk_portfolio journal", join="day"),
    _c("execution.sending", Sending, "execution", "journal", join="day"),
    _c("execution.order_placed", OrderPlaced, "execution", "risk_portfolio journal", join="day"),
    _c("execution.update", OrderUpdate, "execution", "risk_portfolio journal", join="day"),
    _c("execution.fill", Fill, "execution", "risk_portfolio strategy journal", join="day"),
    _c("execution.reject", Reject, "execution", "risk_portfolio strategy journal", join="day"),
    _c("execution.unknown", UnknownOutcome, "execution", "risk_portfolio journal", join="day"),
    _c("execution.book", Book, "execution", "risk_portfolio journal", join="keyed:source"),
    _c("execution.forged", Forged, "execution", "journal", join="day"),
    _c("execution.adjust", Adjust, "execution", "journal", join="day"),
    _c("execution.holdings", Holdings, "execution", "risk_portfolio journal", join="keyed:source"),
    _c("execution.funds", Funds, "execution", "risk_portfolio journal", join="keyed:source"),
    _c("execution.reconciled", Reconciled, "execution", "risk_portfolio journal", join="keyed:source"),
    _c("execution.read", Read, "execution", "journal"),
    _c("kitesim.market", MarketRun, "kitesim", "journal", join="day"),
    _c("kitesim.accepted", Accepted, "kitesim", "journal", join="day"),
    _c("control.clock", Clock, "control", _EVERYONE + " kitesim", delivery="control"),
    _c("control.start", Start, "control", _EVERYONE + " kitesim", delivery="control"),
    _c("control.stop", Stop, "control", _EVERYONE + " kitesim", delivery="control"),
    _c("control.kill", Kill, "control", _EVERYONE + " kitesim", delivery="control"),
    _c("control.arm", Arm, "control", _EVERYONE + " kitesim", delivery="control"),
    _c("control.take_positions", TakePositions, "control", "execution", delivery="control"),
    _c("world.frame", Frame, "world", "marketdata", delivery="world"),
    _c("world.text", Text, "world", "marketdata", delivery="world"),
    _c("world.socket", Socket, "world", "marketdata", delivery="world"),
    _c("world.instruments", Instruments, "world", "marketdata", delivery="world"),
    _c("world.quotes", Quotes, "world", "marketdata", delivery="world"),
    _c("world.left_out", LeftOut, "world", "marketdata", delivery="world"),
    _c("world.answer", Answer, "world", "execution", delivery="world"),
    _c("world.rows", BrokerRows, "world", "execution", delivery="world"),
    _c("world.exchange", Origin, "world", "kitesim", delivery="world"),
    _c("world.request", Request, "world", "kitesim", delivery="world"),
    _c("world.timer", Timer, "world", "marketdata risk_portfolio execution journal", delivery="world"),
    _c("world.latch", LatchRead, "world", "risk_portfolio execution", delivery="world"),
    _c("world.limits", RiskLimits, "world", "risk_portfolio", delivery="world"),
    _c("world.beat", Beat, "world", "risk_portfolio", delivery="world"),
    _c("world.account", AccountOpened, "world", "execution", delivery="world"),
    _c("world.sequence_gap", SequenceGap, "world", "risk_portfolio strategy", delivery="world"),
    _c("world.epoch", Epoch, "world", "strategy execution kitesim", delivery="world"),
    _c("world.lost_tail", LostTail, "world", "risk_portfolio", delivery="world"),
)  # fmt: skip

BY_TOPIC: Mapping[str, Contract] = MappingProxyType({c.topic: c for c in CONTRACTS})
TOPIC_OF: Mapping[type[Any], str] = MappingProxyType({c.payload: c.topic for c in CONTRACTS})
assert len(TOPIC_OF) == len(BY_TOPIC) == len(CONTRACTS)  # the struct's type is the topic


def heard_by(service: str) -> tuple[Contract, ...]:
    """The topics that *service* hears, in the table's order."""
    return tuple(c for c in CONTRACTS if service in c.hearers)


def said_by(service: str) -> tuple[Contract, ...]:
    """The topics that *service* says, in the table's order."""
    return tuple(c for c in CONTRACTS if service in c.speakers)
