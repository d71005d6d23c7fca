"""An exchange from its settings."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kitev3._core import Calendar, Exchange, MarketFile, session_open_ns
from kitev3.calendar import IST, read
from kitev3.contracts import Origin
from kitev3.errors import ConfigError
from kitev3.runtime.clock import datetime_ns
from kitev3.services.kitesim.rules import text
from kitev3.system.market_file import read_market

MINUTE_NS = 60_000_000_000
FIRST_MINUTES = 5  # a market that is no file starts this long after the open, with something to look at
FORM = 3  # of the requests that are kept beside an origin


def open_exchange(
    *,
    users: tuple[str, ...],
    market: str,
    seed: int,
    start: datetime | None,
    profile: str,
    frame_ms: int,
    universe: str = "house",
    hours: str = "plain",
    rules: Mapping[str, Any] | None = None,
    calendar: str = "",
) -> tuple[Exchange, Origin]:
    """An exchange at its start, under its profile's rules with these in their place, and what it was made from.

    *calendar* is a file of dated rows; guesses count, since an exchange that pretends may be wrong about a day.

    ConfigError for a market, a clock, a number or a rule that cannot be.
    """
    source: str | MarketFile = market if market in ("synthetic", "frozen") else read_market(Path(market))
    dates = read(calendar, provisional=True)
    try:
        exchange = Exchange(
            users=list(users),
            market=source,
            seed=seed,
            start_ns=_start_ns(source, start, dates),
            profile=profile,
            frame_ms=frame_ms,
            universe=universe,
            hours=hours,
            rules=dict(rules or {}),
            calendar=dates,
        )
    except (ValueError, OverflowError) as error:
        raise ConfigError(str(error)) from None
    return exchange, Origin(
        form=FORM,
        session=exchange.session,
        start_ns=exchange.now_ns,
        user=users[0],
        others=users[1:],
        market=_known_as(market),
        universe=universe,
        hours=hours,
        profile=profile,
        seed=seed,
        frame_ms=frame_ms,
        rules={name: text(value) for name, value in exchange.rules.items()},
        calendar=dates.sha256,
    )


def _known_as(market: str) -> str:
    """What a market is known by: a file or a folder's tape by its content, wherever it lies."""
    path = Path(market)
    if market in ("synthetic", "frozen"):
        return market
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.tape")) if path.is_dir() else [path]:
        with contextlib.suppress(OSError):  # who reads the market says what is wrong with it
            digest.update(file.read_bytes())
    return f"{path.name} {digest.hexdigest()}"


def _start_ns(market: str | MarketFile, start: datetime | None, dates: Calendar) -> int:
    if start is not None:
        return datetime_ns(start)
    if isinstance(market, MarketFile):
        return session_open_ns(market.session)
    today = dates.trading_day(datetime.now(IST).date().isoformat())
    return session_open_ns(today) + FIRST_MINUTES * MINUTE_NS
