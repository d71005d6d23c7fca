"""The two clocks: the machine's for what waits, the market's for what trades."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from kitev3.calendar import IST
from kitev3.contracts import Clock

NS = 1_000_000_000


def machine_ns() -> int:
    """CLOCK_MONOTONIC, never scaled: the same for all processes of this machine."""
    return time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class MarketClock:
    """Market time as a function of machine time: ``t0 + speed x (mono - m0)``, rounded down."""

    t0_ns: int  # market time
    m0_ns: int  # machine time
    speed_e3: int  # thousandths: 30,000 is thirty market seconds a second

    @classmethod
    def at_speed(cls, t0_ns: int, m0_ns: int, speed: float) -> MarketClock:
        """The clock that shows *t0_ns* at machine time *m0_ns*, and runs *speed* times as fast."""
        return cls(t0_ns, m0_ns, round(speed * 1000))

    def at_ns(self, mono_ns: int) -> int:
        """Market time at machine time *mono_ns*."""
        return self.t0_ns + (mono_ns - self.m0_ns) * self.speed_e3 // 1000

    def payload(self) -> Clock:
        """What ``control.clock`` carries."""
        return Clock(self.t0_ns, self.m0_ns, self.speed_e3)


def market_date(moment: datetime) -> str:
    """The date in India at an aware datetime, YYYY-MM-DD."""
    return moment.astimezone(IST).date().isoformat()


def datetime_ns(moment: datetime) -> int:
    """An aware datetime as nanoseconds UTC, exact to the microsecond that it holds."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS + since.microseconds * 1000
