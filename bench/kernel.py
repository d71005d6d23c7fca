"""The kernel: an event through a runtime that it drives beside the same called by hand, both on a disk in memory."""

from __future__ import annotations

from bench.example import rows_of
from bench.result import Result

NAME = "kernel"


def run() -> Result:
    """Three services in a row, each of which says what it hears; 100 bytes a message."""
    rows = rows_of("kernel_bench")
    return Result(
        name=NAME,
        rows=rows,
        ratios={"kernel": float(str(rows[0]["ratio"]))},
        notes=["an event is one message checked, taped, handled, answered and taped again; best of the rounds"],
    )
