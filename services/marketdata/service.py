"""The marketdata service: raw frames in; tick batches, bars, quotes and instrument rows out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kitev3._core import BarBatch, BarBuilder, Calendar, Decoder
from kitev3.calendar import read
from kitev3.contracts import (
    Clock,
    FeedHealth,
    Frame,
    Gap,
    Instrument,
    Instruments,
    LeftOut,
    OrderFrame,
    Quotes,
    Socket,
    Text,
)
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.system.figure import Figure
from msgspec.structs import replace

NS = 1_000_000_000
START_NS_MAX = NS
"""Machine time within which everyone has heard the clock, and before which no market begins."""
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


class MarketdataHandler(Handler):
    """A function of frames and readings: sockets, silence and reconnects are the driver's."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        """*calendar*: when bars begin and end; the shipped one unless given."""
        self.decoder = Decoder()
        self.calendar = calendar
        self.bars = BarBuilder({}, calendar)
        self.heard_from_ns = 0  # what began before has a hole
        self.rows: dict[int, Instrument] = {}
        self.periods: dict[int, tuple[str, ...]] = {}
        self.native = {"world.frame": self.decoder}
        self.counts = {"reconnects": 0, "left_out": 0}
        self.state: str = "down"
        self.reason = ""
        self.lost = False
        self.seen = (0, 0)  # ticks, and flagged ones among them, when the feed was last looked at
        self.sick = ""
        super().__init__(
            {
                "world.frame": self.frame,
                "world.text": self.text,
                "world.socket": self.socket,
                "world.instruments": self.instruments,
                "world.quotes": self.quotes,
                "world.left_out": self.left_out,
                "world.timer": self.timer,
                "control.clock": self.clock,
                "control.stop": self.stop,
            }
        )

    def status(self) -> dict[str, Any]:
        """For the health answer."""
        return {
            "ticks": self.decoder.ticks,
            "batches": self.decoder.batches,
            "bars": self.bars.closed,
            **self.counts,
            "state": "sick" if self.sick and self.state == "up" else self.state,
            "reason": self.sick or self.reason,
            "errors": self.decoder.errors,
            "flagged": self.decoder.flagged,
            "instruments": len(self.rows),
        }

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What a start has to wait for: a market that begins before we listen is a day that lacks its beginning."""
        if self.rows and self.state == "up":
            return ()
        return (f"the broker's feed ({self.state}{': ' if self.reason else ''}{self.reason})",)

    def frame(self, event: Event) -> Iterable[Payload]:
        frame: Frame = event.payload
        batch = self.decoder.decode(frame.data, event.now_ns)
        if not len(batch):
            return ()
        return (batch, *BarBatch.of(self.bars.update(batch)))

    def text(self, event: Event) -> Iterable[Payload]:
        """An order update is a hint to read the book, never truth."""
        text: Text = event.payload
        return (OrderFrame(text.order_id, text.status, text.filled_quantity, text.tag),)

    def socket(self, event: Event) -> Iterator[Payload]:
        """Ticks that fell into an outage are gone: say so once the socket is up again."""
        socket: Socket = event.payload
        if socket.state == "up":
            self._heard_from(event.now_ns)
            if self.lost:
                self.lost = False
                self.counts["reconnects"] += 1
                yield Gap((), f"socket was {self.state}: {self.reason}")
        elif self.state == "up":
            self.lost = True
        self.state, self.reason = socket.state, socket.reason
        yield self._health()

    def clock(self, event: Event) -> Iterable[Payload]:
        """From now on ticks have a clock to agree with. Whoever hears it late has missed what came before."""
        clock: Clock = event.payload
        self.decoder.believes_clock = True
        in_time = event.mono_ns - clock.m0_ns < START_NS_MAX
        self._heard_from(clock.t0_ns if in_time else event.now_ns)
        return ()

    def instruments(self, event: Event) -> Iterable[Payload]:
        read: Instruments = event.payload
        rows = {row.instrument.instrument_token: row.instrument for row in read.rows}
        periods = {row.instrument.instrument_token: row.bars for row in read.rows}
        if periods != self.periods:  # the same day's file read again must not drop the bars under way
            self.bars = BarBuilder(periods, self.calendar)
            self.bars.gap(self.heard_from_ns)
        self.rows, self.periods = rows, periods
        return ()

    def quotes(self, event: Event) -> Iterator[Payload]:
        read: Quotes = event.payload
        for quote in read.rows:
            if row := self.rows.get(quote.instrument_token):
                yield replace(
                    row,
                    lower_circuit_e4=quote.lower_circuit_e4,
                    upper_circuit_e4=quote.upper_circuit_e4,
                    previous_close_e4=quote.close_e4,
                )
                yield quote

    def left_out(self, event: Event) -> Iterable[Payload]:
        left: LeftOut = event.payload
        self.counts["left_out"] += left.count
        self.reason = f"{left.what}: {left.count} left out: {left.why}"
        return (self._health(),)

    def timer(self, event: Event) -> Iterable[Payload]:
        """A feed is as good as its ticks of the last while: when all were flagged nothing can be traded on it."""
        ticks, flagged = self.decoder.ticks - self.seen[0], self.decoder.flagged - self.seen[1]
        if ticks:
            self.seen = (self.decoder.ticks, self.decoder.flagged)
            self.sick = f"all {ticks} ticks of the last second are flagged" if ticks == flagged else ""
        return (self._health(),)

    def _heard_from(self, market_ns: int) -> None:
        self.heard_from_ns = market_ns
        self.bars.gap(market_ns)

    def stop(self, event: Event) -> Iterable[Payload]:
        """The session is over: its last bars close, marked short."""
        return BarBatch.of(self.bars.close_session())

    def _health(self) -> FeedHealth:
        is_sick = self.sick and self.state == "up"
        return FeedHealth(
            state="sick" if is_sick else self.state,  # type: ignore[arg-type]  # it came as a Socket's state
            frames=self.decoder.batches,
            ticks=self.decoder.ticks,
            errors=self.decoder.errors,
            flagged=self.decoder.flagged,
            reconnects=self.counts["reconnects"],
            reason=self.sick if is_sick else self.reason,
            left_out=self.counts["left_out"],
        )


def _handler(context: Context, config: MarketdataConfig) -> MarketdataHandler:
    return MarketdataHandler(read(context.whole().calendar))


def _driver(context: Context, config: MarketdataConfig) -> Driver:
    from kitev3.services.marketdata.door import feed  # sockets and clients are loaded by the process that opens them

    return feed(context, config)


SERVICE = ServiceSpec(
    name="marketdata",
    config=MarketdataConfig,
    handler=_handler,
    driver=_driver,
    timers={"health": NS},
    rank=1,
    notes=lambda status: [f"feed {status['state']} {status.get('reason', '')}".strip()] if "state" in status else [],
    figures=(
        Figure(key="ticks", label="ticks", live=True),
        Figure(key="batches", label="batches"),
        Figure(key="bars", label="bars"),
    ),
)
