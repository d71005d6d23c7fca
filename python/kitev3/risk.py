"""``[risk]`` of a profile: capital, limits, and what is halted. The rules themselves are in the core.

A limit without a default must be set: while one is missing every order is refused, and the gate's status names it.
No limit may be above its hard ceiling, which depends on whether the account is a broker's or the local exchange's.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kitev3._core import check_risk_limits, risk_limits
from kitev3.contracts import RiskLimits
from kitev3.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What the owner allows. Money in 1/10,000 rupee (``_e4``), shares of it in hundredths of a percent (``_bp``)."""

    capital_e4: int | None = None
    order_quantity_max: int | None = None  # units of one order
    order_value_e4_max: int | None = None
    position_quantity_max: int | None = None  # units of one instrument, everything on its way filled the worst way
    gross_pct_max: int | None = None  # value of all positions in percent of capital: added up, and netted
    net_pct_max: int | None = None
    open_orders_max: int | None = None
    open_orders_symbol_max: int | None = None
    open_orders_strategy_max: int | None = None
    open_value_e4_max: int | None = None
    daily_loss_bp_max: int | None = None  # of capital; then exits only, until tomorrow
    beat_age_ms_max: int | None = 3_000  # of execution's last heartbeat
    tick_age_ms_max: int | None = 2_000
    entry_age_ms_max: int | None = 5_000
    exit_age_ms_max: int | None = 30_000
    collar_cash_bp_max: int | None = 300
    collar_index_future_bp_max: int | None = 100
    collar_stock_future_bp_max: int | None = 285
    margin_use_pct_max: int | None = 85
    entries_burst_max: int | None = 8  # in 1.25 s of the broker's clock
    entries_minute_max: int | None = 320
    entries_day_max: int | None = 4_000
    all_burst_max: int | None = 10
    halted: tuple[str, ...] = ()  # strategies and symbols (EXCHANGE:SYMBOL) of which only cancels pass
    reducing: tuple[str, ...] = ()  # ... and exits
    outside_closing_auction: tuple[str, ...] = ()  # shares (EXCHANGE:SYMBOL) that trade on until 15:30

    def limits(self) -> dict[str, int | None]:
        """The limits alone, by name."""
        return {name: getattr(self, name) for name, *_ in risk_limits()}


def limits(risk: Risk, account: str) -> RiskLimits:
    """What the gate of the account ``<broker>-<user id>`` is told.

    Raises ConfigError for a limit above its ceiling, or a scope that names no exchange.
    """
    try:
        told = RiskLimits(
            {name: value for name, value in risk.limits().items() if value is not None},
            not account.startswith("kitesim-"),
            tuple(risk.halted),
            tuple(risk.reducing),
            tuple(risk.outside_closing_auction),
        )
        check_risk_limits(msgspec.msgpack.encode(told))
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"[risk]: {error}") from None
    return told
