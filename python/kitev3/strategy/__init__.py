"""Strategies: the base class, what it may look at, and two that everybody knows."""

from kitev3.strategy.base import Indicator, Strategy, View, Wanted, indicator, through
from kitev3.strategy.decision import Decision, WrongDecision
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
    "Wanted",
    "WrongDecision",
    "indicator",
    "load",
    "parameters",
    "through",
]
