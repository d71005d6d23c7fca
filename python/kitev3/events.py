"""The shapes that everything else is written in."""

from __future__ import annotations

from typing import TypeAlias

from kitev3._core import BarBatch, Event, TickBatch
from kitev3.contracts import Payload as _Struct

Payload: TypeAlias = _Struct | TickBatch | BarBatch
"""What a handler yields: a struct of ``contracts.py``, whose type is the topic, or a batch of ticks or bars."""

__all__ = ["Event", "Payload"]
