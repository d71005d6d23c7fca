"""The shapes that everything else is written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from kitev3._core import Event, TickBatch
from kitev3.contracts import Payload as _Struct

Payload: TypeAlias = _Struct | TickBatch
"""What a handler yields: a struct of ``contracts.py``, whose type is the topic, or a batch of ticks."""

Handler: TypeAlias = Callable[[Event], Iterable[Any]]
"""One event in, any number of payloads out. All that a service has to write."""

__all__ = ["Event", "Handler", "Payload"]
