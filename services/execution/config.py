"""The settings of execution. All times are machine time: what waits for the broker never follows the market's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kitev3.broker.pace import Limits
from kitev3.system.settings import location

MS = 1_000_000
S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfig:
    """``[execution]`` of the profile."""

    enabled: bool = True
    cpu: int | None = None
    broker: Literal["rest", "none"] = "rest"  # none: an empty account that sends nothing, to measure the way there
    tag_key_file: str = location()  # of the key of our tags' check, mode 0400; on kitesim the seed makes it
    pace: Limits = field(default_factory=Limits)
    look_ms: int = 250  # how often it is looked whether something is due
    open_ms: int = 5_000  # between two reads of orders and trades while anything is open
    idle_ms: int = 30_000  # the same while nothing is
    hint_ms: int = 1_000  # and at least, however many hints arrive
    funds_ms: int = 30_000  # between two reads of positions, holdings and funds
    reconcile_ms: int = 2_000  # between the two equal-or-growing reads after a start
    unknown_ms: int = 1_000  # between two reads while an order is unknown, at first
    unknown_first_s: int = 15  # how long that is, and a stop waits; then as while anything is open
    absent_s: int = 180  # an unknown order that is not in the book so long after its attempt ended does not exist
    absent_reads: int = 3  # full reads after that, before we believe it
    differ_ms: int = 5_000  # a position that differs from the broker's so long, for no reason that we know, is an alarm
    fills_late_s: int = 30  # a final order whose trades do not add up for so long is an alarm
    cancel_again_ms: int = 1_000  # before a cancel is repeated
    cancels_max: int = 20  # of one order
    modifies_max: int = 20  # of one order; the broker allows 25
    write_ms: int = 10_000  # what execution asks for by itself (cancels) may leave for so long
