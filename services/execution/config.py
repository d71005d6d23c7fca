"""The settings of execution. All times are machine time: what waits for the broker never follows the market's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kitev3.broker.pace import Limits
from kitev3.system.profile import ServiceSettings
from kitev3.system.settings import Count, location

MS = 1_000_000
S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfig(ServiceSettings):
    """``[execution]`` of the profile."""

    broker: Literal["rest", "none"] = "rest"  # none: an empty account that sends nothing, to measure the way there
    tag_key_file: str = location()  # of the key of our tags' check, mode 0400; on kitesim the seed makes it
    pace: Limits = field(default_factory=Limits)
    look_ms: Count = 250  # how often it is looked whether something is due
    open_ms: Count = 5_000  # between two reads of orders and trades while anything is open
    idle_ms: Count = 30_000  # the same while nothing is
    hint_ms: Count = 1_000  # and at least, however many hints arrive
    funds_ms: Count = 30_000  # between two reads of positions, holdings and funds
    reconcile_ms: Count = 2_000  # between the two equal-or-growing reads after a start
    unknown_ms: Count = 1_000  # between two reads while an order is unknown, at first
    unknown_first_s: Count = 15  # how long that is, and a stop waits; then as while anything is open
    absent_s: Count = 180  # an unknown order that is not in the book so long after its attempt ended does not exist
    absent_reads: Count = 3  # full reads after that, before we believe it
    differ_ms: Count = 5_000  # a position that differs from the broker's so long for no reason we know is an alarm
    fills_late_s: Count = 30  # a final order whose trades do not add up for so long is an alarm
    cancel_again_ms: Count = 1_000  # before a cancel is repeated
    cancels_max: Count = 20  # of one order
    modifies_max: Count = 20  # of one order; the broker allows 25
    write_ms: Count = 10_000  # what execution asks for by itself (cancels) may leave for so long
