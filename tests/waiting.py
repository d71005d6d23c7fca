"""Waiting for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Held = TypeVar("Held")
S_MAX = 60.0
"""How long anything is waited for: too long for any machine to be slow, and an end to what never comes."""
LOOK_S = 0.01


def until(holds: Callable[[], Held | None], told: Callable[[], object] = lambda: "no more is known") -> Held:
    """What *holds* gives once that is true; *told* is what is said of it if it never is."""
    end_s = time.monotonic() + S_MAX
    while not (held := holds()):
        assert time.monotonic() < end_s, f"it never came to be: {told()}"
        time.sleep(LOOK_S)
    return held
