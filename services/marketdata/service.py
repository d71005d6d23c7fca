"""The marketdata service: raw frames in; tick batches, bars, quotes and instrument rows out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kitev3._core import NativeHandler, marketdata_handler
from kitev3.calendar import read
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.services.marketdata.config import MarketdataConfig
from kitev3.system.figure import Figure

NS = 1_000_000_000


def _handler(context: Context, config: MarketdataConfig) -> NativeHandler:
    return marketdata_handler(read(context.whole().calendar))


def _driver(context: Context, config: MarketdataConfig) -> Driver:
    from kitev3.services.marketdata.door import feed  # sockets and clients are loaded by the process that opens them

    return feed(context, config)


def _alarms(status: Mapping[str, Any]) -> Iterable[str]:
    if status.get("state", "up") != "up":
        yield f"feed {status['state']} {status.get('reason', '')}".strip()
    elif status.get("ticks") and status.get("unquoted"):
        yield f"{status['unquoted']} instruments without a quote: no strategy is asked about them"


def _unquoted(status: Mapping[str, Any]) -> int:
    """How many, when they are all that there are: one whose row is bad costs itself, and is named while it lasts."""
    unquoted: int = status.get("unquoted", 0)
    return unquoted if unquoted == status.get("instruments") else 0


SERVICE = ServiceSpec(
    name="marketdata",
    config=MarketdataConfig,
    handler=_handler,
    driver=_driver,
    timers={"health": NS},
    rank=1,
    notes=lambda status: ["feed up"] if status.get("state") == "up" else [],
    alarms=_alarms,
    figures=(
        Figure(key="ticks", label="ticks", live=True),
        Figure(key="batches", label="batches"),
        Figure(key="bars", label="bars"),
        Figure(
            key="unquoted",
            label="instruments without a quote",
            said=_unquoted,
            trouble="instruments without a quote of the broker's: no strategy was asked about them",
        ),
    ),
)
