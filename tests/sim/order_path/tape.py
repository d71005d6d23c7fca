"""A process's tape on a disk that may be full, fail a sync, or lose what it had not written.

An append survives the process, not the power: a cut leaves any beginning that holds at least what was synced. After a
failed sync
the pages count as clean although they are not on the disk: from there on nothing is durable, whatever later syncs of
that file say.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from sim.order_path.machine import Machine
from sim.order_path.records import Payload

RESERVE = 80  # records that still fit when the disk is full
SYNC_EVERY = 1_000  # ms: what is older was synced beside the loop


class DiskFullError(Exception):
    """Not even the reserve is left."""


class SyncError(Exception):
    """The sync failed: nobody knows what is on the disk."""


class In(NamedTuple):
    """What was heard, with its number at its source; of the world's own, source is ``""``."""

    source: str
    epoch: int
    seq: int
    payload: Payload
    mono: int
    time: int


class Out(NamedTuple):
    """What was said: its number is its place among the tape's OUTs.

    *after* is what the speaker had applied of execution.
    """

    epoch: int
    payload: Payload
    after: int
    time: int


class Epoch(NamedTuple):
    """A start, and after which number of its own it continues."""

    epoch: int
    after: int
    boot: int
    is_new_build: bool  # so that nothing before it is handled again
    time: int


class Tape:
    """One file. Hearers read it by number, dead speaker or not."""

    __slots__ = ("epochs", "fenced", "lost_from", "machine", "outs", "records", "reserve", "synced")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.records: list[In | Out | Epoch] = []
        self.outs: list[Out] = []
        self.epochs: list[Epoch] = []
        self.synced = 0
        self.lost_from: int | None = None  # behind a failed sync nothing is durable
        self.reserve = RESERVE

    def append(self, record: In | Out | Epoch) -> None:
        if self.machine.is_full:
            if self.reserve <= 0:
                raise DiskFullError
            self.reserve -= 1
        self.records.append(record)
        if type(record) is Out:
            self.outs.append(record)
        elif type(record) is Epoch:
            self.epochs.append(record)

    def sync(self, fails: bool) -> None:
        if fails:
            if self.lost_from is None:
                self.lost_from = self.synced
            raise SyncError
        self.synced = len(self.records)

    def rewrite(self) -> None:
        """What stands above the last good sync is written again to a new file, so that a sync means something again."""
        self.lost_from = None

    def durable(self, now: int) -> int:
        """How many records the disk surely holds."""
        synced = self.synced
        while synced < len(self.records) and self.records[synced].time <= now - SYNC_EVERY:
            synced += 1
        return synced if self.lost_from is None else min(synced, self.lost_from)

    def cut(self, random: Random, now: int) -> int:
        """The power fails. How many records are gone."""
        before, least = len(self.records), self.durable(now)
        keep = random.choice((least, before, random.randint(least, before)))
        if self.lost_from is not None:
            keep = least
        self.keep(keep)
        self.lost_from = None
        return before - keep

    def keep(self, count: int) -> None:
        del self.records[count:]
        self.outs = [record for record in self.records if type(record) is Out]
        self.epochs = [record for record in self.records if type(record) is Epoch]
        self.synced = count

    def taken_over(self) -> Tape:
        """A file of the successor's own that goes on from here: what a fenced process still writes lands in the old
        one.
        """
        successor = Tape(self.machine)
        successor.records, successor.outs, successor.epochs = self.records[:], self.outs[:], self.epochs[:]
        successor.synced, successor.lost_from = self.synced, self.lost_from
        return successor
