"""The margin scan again, slow and plain: what a basket of NIFTY contracts ties up when all of it has traded.

The published model and the market maker's prices written down a second time, in rupees and floats, without any of the
shortcuts: every scenario prices every leg anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, log, sqrt

# As NSE Clearing publishes them for index derivatives, and the market maker's parameters.
RANGE, VOLATILITY_RANGE, CALENDAR = 0.093, 0.04, 0.0175
EXPOSURE, SHORT_OPTION = 0.02, 0.03
CARRY, AT_THE_MONEY, SKEW, WINGS = 0.065, 0.118, -0.55, 4.0
YEAR_S = 365 * 86_400


@dataclass(frozen=True)
class Market:
    """NIFTY 50 now and at the previous close; times in seconds."""

    last: float
    previous_close: float
    now_s: float
    open_s: float


@dataclass(frozen=True)
class Contract:
    """``strike`` is None of a future; ``call`` is False of a put."""

    symbol: str
    ends_s: float
    strike: float | None = None
    call: bool = False


def _normal(x: float) -> float:
    return 0.5 * (1 + erf(x / sqrt(2)))


def _forward(spot: float, at_s: float, contract: Contract) -> float:
    return spot * (1 + CARRY * (contract.ends_s - at_s) / YEAR_S)


def _volatility(market: Market, contract: Contract) -> float:
    assert contract.strike is not None
    moneyness = log(contract.strike / _forward(market.previous_close, market.open_s, contract))
    return max(AT_THE_MONEY + SKEW * moneyness + WINGS * moneyness**2, 0.03)


def value(market: Market, contract: Contract, spot: float, more_volatility: float = 0.0) -> float:
    """An option's value, never below a paisa."""
    assert contract.strike is not None
    forward, strike = _forward(spot, market.now_s, contract), contract.strike
    volatility = max(_volatility(market, contract) + more_volatility, 0.01)
    deviation = volatility * sqrt((contract.ends_s - market.now_s) / YEAR_S)
    upper = log(forward / strike) / deviation + deviation / 2
    call = forward * _normal(upper) - strike * _normal(upper - deviation)
    worth = call if contract.call else call - forward + strike
    intrinsic = forward - strike if contract.call else strike - forward
    return max(worth, intrinsic, 0.01)


def scenarios() -> list[tuple[float, float, float]]:
    """Price move as a part of the underlying's, volatility move, part of the loss that counts."""
    inner = [(RANGE * thirds / 3, VOLATILITY_RANGE * way, 1.0) for thirds in range(-3, 4) for way in (1, -1)]
    return [*inner, (2 * RANGE, 0.0, 0.35), (-2 * RANGE, 0.0, 0.35)]


def span(market: Market, held: dict[Contract, int]) -> float:
    """``held``: units, negative when short."""
    worst = 0.0
    for move, volatility, counted in scenarios():
        months: dict[float, float] = {}
        for contract, units in held.items():
            if contract.strike is None:
                gain = units * market.last * move
            else:
                gain = units * value(market, contract, market.last * (1 + move), volatility)
            months[contract.ends_s] = months.get(contract.ends_s, 0.0) - gain
        offset = 1 - CALENDAR / RANGE
        worst = max(worst, counted * sum(loss if loss > 0 else loss * offset for loss in months.values()))
    return max(worst, SHORT_OPTION * market.last * max(_net_short(held, call=True), _net_short(held, call=False)))


def _net_short(held: dict[Contract, int], *, call: bool) -> int:
    return max(0, -sum(units for one, units in held.items() if one.strike is not None and one.call is call))


def exposure(market: Market, held: dict[Contract, int]) -> float:
    rising = falling = 0
    for contract, units in held.items():
        if contract.strike is None:
            rising, falling = rising + max(units, 0), falling + max(-units, 0)
        elif contract.call:
            falling += max(-units, 0)
        else:
            rising += max(-units, 0)
    return EXPOSURE * market.last * max(rising, falling)
