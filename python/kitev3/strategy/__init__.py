"""Strategies: the base class, what it may look at, and two that everybody knows."""

from kitev3.strategy.base import Decision, Indicator, Strategy, View, indicator, through
from kitev3.strategy.ema_cross import EmaCross
from kitev3.strategy.load import load, parameters
from kitev3.strategy.rsi_pullback import RsiPullback

__all__ = [
    "Decision",
    "EmaCross",
    "Indicator",
    "RsiPullback",
    "Strategy",
    "View",
    "indicator",
    "load",
    "parameters",
    "through",
]
