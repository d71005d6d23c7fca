"""The settings of marketdata. All times are machine time."""

from __future__ import annotations

from dataclasses import dataclass

from kitev3.system.profile import ServiceSettings
from kitev3.system.settings import Seconds

SILENCE_S = 5.0
"""No frame, heartbeat included, for so long: the socket is dead whatever TCP says (official client's issue 229)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketdataConfig(ServiceSettings):
    """``[marketdata]`` of the profile."""

    instruments: tuple[str, ...] = ()  # patterns of EXCHANGE:SYMBOL, for example NSE:INFY or NFO:NIFTY*FUT
    bars: tuple[str, ...] = ("1m",)
    silence_s: Seconds = SILENCE_S
    quote_interval_s: Seconds = 60.0
    reconnect_s_max: Seconds = 30.0
    ca_file: str = ""  # certificates to trust in place of the system's
