"""The marketdata service: raw frames in; tick batches, bars, quotes and instrument rows out."""

from __future__ import annotations

from dataclasses import dataclass

from kitev3._core import NativeHandler, marketdata_handler
from kitev3.calendar import read
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.system.figure import Figure

NS = 1_000_000_000
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


def _handler(context: Context, config: MarketdataConfig) -> NativeHandler:
    return marketdata_handler(read(context.whole().calendar))


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
