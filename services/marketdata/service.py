"""The marketdata service: raw frames in; tick batches, bars, quotes and instrument rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from kitev3._core import Bar, BarBuilder, Decoder, session_hours
from kitev3.contracts import FeedHealth, Frame, Gap, Instrument, Ohlc, OrderFrame, Quote, Reading, Socket, Text
from kitev3.events import Event, Payload
from kitev3.runtime.service import Context, Driver, ServiceSpec

NS = 1_000_000_000
SEGMENTS = {"NSE": 1, "NFO": 2, "BSE": 4, "BFO": 5, "INDICES": 9}
HOURS_OF = {
    "NSE": ("NSE", "EQ"),
    "BSE": ("BSE", "EQ"),
    "INDICES": ("NSE", "EQ"),
    "NFO": ("NFO", "FUT"),
    "BFO": ("BFO", "FUT"),
}
"""Whose row of the dated table of hours a segment's bars follow."""
SILENCE_S = 5.0
"""No frame, heartbeat included, for so long: the socket is dead whatever TCP says (official client's issue 229)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketdataConfig:
    """``[marketdata]`` of the profile."""

    enabled: bool = True
    cpu: int | None = None
    instruments: tuple[str, ...] = ()  # patterns of EXCHANGE:SYMBOL, for example NSE:INFY or NFO:NIFTY*FUT
    bars: tuple[str, ...] = ("1m",)
    silence_s: float = SILENCE_S
    quote_interval_s: float = 60.0
    reconnect_s_max: float = 30.0
    ca_file: str = ""  # certificates to trust in place of the system's


class SubscribedRow(msgspec.Struct, frozen=True):
    """What a tape needs of an instruments file: one subscribed row, and which file it was."""

    instrument_token: int
    exchange: str
    tradingsymbol: str
    name: str
    instrument_type: str
    segment: str
    expiry: str
    strike_e4: int
    tick_size_e4: int
    lot_size: int
    freeze_quantity: int
    products: tuple[str, ...]
    file_date: str
    file_hash: str


class QuoteRow(msgspec.Struct, frozen=True):
    """One instrument of GET /quote, prices as integers."""

    instrument_token: int
    last_price_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    oi: int
    bid_e4: int
    ask_e4: int
    lower_circuit_e4: int
    upper_circuit_e4: int


class MarketdataHandler:
    """A function of frames and readings: sockets, silence and reconnects are the driver's."""

    def __init__(self, bars: Iterable[str], sessions: Mapping[int, tuple[int, int]] | None = None) -> None:
        """*sessions*: segment (token & 0xff) to opening and close, ns of the IST day."""
        self.decoder = Decoder()
        self.periods, self.sessions = tuple(bars), dict(sessions or {})
        self.bars = BarBuilder({}, self.sessions)
        self.rows: dict[int, SubscribedRow] = {}
        self.quotes: dict[int, QuoteRow] = {}
        self.in_core = {"world.frame": self.decoder}
        self.counts = {"bars": 0, "reconnects": 0}
        self.state: str = "down"
        self.reason = ""
        self.lost = False
        self.read_rows = msgspec.json.Decoder(list[SubscribedRow]).decode
        self.read_quotes = msgspec.json.Decoder(list[QuoteRow]).decode
        self.handles: dict[str, Callable[[Event], Iterable[Payload]]] = {
            "world.frame": self.frame,
            "world.text": self.text,
            "world.socket": self.socket,
            "world.reading": self.reading,
            "world.timer": self.timer,
            "control.stop": self.stop,
        }

    def __call__(self, event: Event) -> Iterable[Payload]:
        handle = self.handles.get(event.type)
        return handle(event) if handle is not None else ()

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        return {
            "ticks": self.decoder.ticks,
            "batches": self.decoder.batches,
            **self.counts,
            "state": self.state,
            "reason": self.reason,
            "errors": self.decoder.errors,
            "flagged": self.decoder.flagged,
            "instruments": len(self.rows),
        }

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What a start has to wait for: a market that begins before we listen is a day that lacks its beginning."""
        return () if self.rows and self.state == "up" else (f"the broker's feed ({self.state})",)

    def frame(self, event: Event) -> Iterable[Payload]:
        frame: Frame = event.payload
        batch = self.decoder.decode(frame.data)
        if not len(batch):
            return ()
        return (batch, *self.closed(self.bars.update(batch)))

    def closed(self, bars: Iterable[Bar]) -> Iterator[Ohlc]:
        """The events of bars that have closed."""
        for bar in bars:
            self.counts["bars"] += 1
            yield Ohlc(
                bar.token,
                bar.spec,
                bar.start_ns,
                bar.end_ns,
                bar.open_e4,
                bar.high_e4,
                bar.low_e4,
                bar.close_e4,
                bar.volume,
                bar.value_e4,
                bar.ticks,
                bar.short,
            )

    def text(self, event: Event) -> Iterable[Payload]:
        """An order frame is a hint to read the book; other texts are notices."""
        text: Text = event.payload
        try:
            message = msgspec.json.decode(text.text, type=SocketMessage)
        except msgspec.MsgspecError:
            return ()  # the protocol says that text which is not JSON is ignored (kite-protocol 5.5)
        if message.type != "order":
            return ()
        try:
            order = msgspec.convert(message.data, OrderData)
        except msgspec.ValidationError:
            return ()
        return (OrderFrame(order.order_id, order.status, order.filled_quantity, order.tag or ""),)

    def socket(self, event: Event) -> Iterator[Payload]:
        """Ticks that fell into an outage are gone: say so once the socket is up again."""
        socket: Socket = event.payload
        if socket.state == "up":
            if self.lost:
                self.lost = False
                self.counts["reconnects"] += 1
                yield Gap((), f"socket was {self.state}: {self.reason}")
        elif self.state == "up":
            self.lost = True
        self.state, self.reason = socket.state, socket.reason
        yield self._health()

    def reading(self, event: Event) -> Iterable[Payload]:
        reading: Reading = event.payload
        if reading.error:
            self.reason = reading.error
            return (self._health(),)
        if reading.what == "instruments":
            rows = {row.instrument_token: row for row in self.read_rows(reading.body)}
            if rows.keys() != self.rows.keys():  # the same day's file read again must not drop the bars under way
                self.bars = BarBuilder(dict.fromkeys(rows, self.periods), self.sessions)
            self.rows = rows
            return ()
        fresh = [q for q in self.read_quotes(reading.body) if q.instrument_token in self.rows]
        self.quotes.update((q.instrument_token, q) for q in fresh)
        return [said for q in fresh for said in (self._instrument(q), self._quote(q))]

    def timer(self, event: Event) -> Iterable[Payload]:
        return (self._health(),)

    def stop(self, event: Event) -> Iterable[Payload]:
        """The session is over: its last bars close, marked short."""
        return tuple(self.closed(self.bars.close_session()))

    def _instrument(self, quote: QuoteRow) -> Instrument:
        row = self.rows[quote.instrument_token]
        return Instrument(
            instrument_token=row.instrument_token,
            exchange=row.exchange,
            tradingsymbol=row.tradingsymbol,
            name=row.name,
            instrument_type=row.instrument_type,
            segment=row.segment,
            expiry=row.expiry,
            strike_e4=row.strike_e4,
            tick_size_e4=row.tick_size_e4,
            lot_size=row.lot_size,
            freeze_quantity=row.freeze_quantity,
            products=row.products,
            lower_circuit_e4=quote.lower_circuit_e4,
            upper_circuit_e4=quote.upper_circuit_e4,
            previous_close_e4=quote.close_e4,
            file_date=row.file_date,
            file_hash=row.file_hash,
        )

    def _quote(self, quote: QuoteRow) -> Quote:
        row = self.rows[quote.instrument_token]
        fields = msgspec.structs.asdict(quote)
        return Quote(exchange=row.exchange, tradingsymbol=row.tradingsymbol, **fields)

    def _health(self) -> FeedHealth:
        return FeedHealth(
            state=self.state,  # type: ignore[arg-type]  # it came as a Socket's state
            frames=self.decoder.batches,
            ticks=self.decoder.ticks,
            errors=self.decoder.errors,
            flagged=self.decoder.flagged,
            reconnects=self.counts["reconnects"],
            reason=self.reason,
        )


class SocketMessage(msgspec.Struct):
    """A text message of the broker's socket: ``order``, ``error``, ``message`` or something newer."""

    type: str = ""
    data: Any = None


class OrderData(msgspec.Struct):
    """What we read of an order frame; the book has the rest."""

    order_id: str
    status: str = ""
    filled_quantity: int = 0
    tag: str | None = None


def sessions_on(date: str) -> dict[int, tuple[int, int]]:
    """The day's hours by segment, from the dated table that the gate uses; bars begin and end with them.

    A segment that the table does not know that day keeps the builder's own hours: bars are for looking at, and the gate
    refuses to trade there anyway.
    """
    known = {SEGMENTS[segment]: session_hours(date, *kind, False) for segment, kind in HOURS_OF.items()}
    return {n: (hours["open"] * NS, hours["exit_until"] * NS) for n, hours in known.items() if hours is not None}


def _handler(context: Context, config: MarketdataConfig) -> MarketdataHandler:
    return MarketdataHandler(config.bars, sessions_on(context.session))


def _driver(context: Context, config: MarketdataConfig) -> Driver:
    from kitev3.services.marketdata.door import feed  # sockets and clients are loaded by the process that opens them

    return feed(context, config)


SERVICE = ServiceSpec(
    name="marketdata",
    config=MarketdataConfig,
    handler=_handler,
    driver=_driver,
    timers={"health": NS},
)
