"""Which cores a bench runs on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def cores() -> tuple[int, int]:
    """The core under test, and the one for what feeds it. RuntimeError where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        raise RuntimeError("two cores are needed: one for what is measured, one for what feeds it")
    return mine[-1], mine[0]


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """This thread, and those that it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
