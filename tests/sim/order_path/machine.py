"""The host: its boot, its two clocks, and what outlives every process on it."""

from __future__ import annotations

from typing import Literal

from sim.order_path.schedule import Schedule

Latch = Literal["ACTIVE", "REDUCING", "HALTED"]

MONO_AT_BOOT = 1_000


class Machine:
    """One host. The account's folder (epoch, latch) is written with a sync each time, so a power cut leaves it."""

    __slots__ = ("boot", "booted_at", "epoch", "is_full", "is_up", "latch", "schedule", "wall_offset")

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.boot = 1
        self.booted_at = 0
        self.wall_offset = 0
        self.is_up = True
        self.is_full = False
        self.latch: Latch = "ACTIVE"
        self.epoch = 0  # of the account: the fencing token of whoever may write to the broker

    def mono(self) -> int:
        """Machine time. It starts anew with each boot, so a time of an earlier boot says nothing."""
        return self.schedule.now - self.booted_at + MONO_AT_BOOT

    def wall(self) -> int:
        return self.schedule.now + self.wall_offset

    def reboot(self) -> None:
        self.boot += 1
        self.booted_at = self.schedule.now
        self.is_up = True
