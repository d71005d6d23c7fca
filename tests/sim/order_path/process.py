"""A process around a handler: append what is heard, handle, append what is said, sync where it must be, send, do.

It may die at every named step, by a signal or with the whole machine, and comes back by re-execution: what was heard
is handled again and must say
the same; what is missing at the end of the tape is said now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sim.order_path.bus import Hearing
from sim.order_path.records import Boot, LatchRead, Payload, Request, Sending, TailLost, Wished
from sim.order_path.story import words
from sim.order_path.tape import DiskFullError, Epoch, In, Out, SyncError, Tape

if TYPE_CHECKING:
    from sim.order_path.world import World

SOURCES = {"strategy": ("execution",), "gate": ("strategy", "execution"), "execution": ("gate",)}
LEASE = 3_000
TAKEOVER = LEASE + 10_000 + 1_000  # lease, the longest request, a margin


def must_be_synced(payload: Payload) -> bool:
    """What has to outlive a power cut: every write that is not repeated, and the wish to be flat."""
    kind = type(payload)
    return (kind is Sending and payload.request.verb != "DELETE") or (kind is Wished and payload.what == "flat")


class Died(Exception):
    """Killed at a named step."""


class Handler(Protocol):
    """One thing heard in, any number of payloads out; no clock, no disk, no chance of its own."""

    def hear(self, record: In) -> list[Payload]: ...

    def fold(self, outs: Sequence[Out]) -> None: ...


class Process:
    """One life of a service."""

    def __init__(self, world: World, name: str, make: Callable[[World], Handler], tape: Tape) -> None:
        self.world, self.name, self.make, self.tape = world, name, make, tape
        self.is_alive = True
        self.paused_until = 0
        self.lease_until: int | None = None  # since a pause, until it is renewed
        self.fuel = 0
        self.epoch = 0
        self.latch = ""
        self.handler: Any = None
        self.hearing = {source: Hearing() for source in SOURCES[name]}

    # Its life -----------------------------------------------------------------------------------------------------

    def run(self, deed: Callable[..., None], words: tuple[Any, ...], *, is_loop: bool = True) -> None:
        """A deed of this life: later if it is paused, never if it is over."""
        if not self.is_alive:
            return
        world = self.world
        if world.schedule.now < self.paused_until:
            world.schedule.at(self.paused_until, self._again, deed, words, is_loop)
            return
        if is_loop and self.lease_until is not None and self._is_fenced():
            return self.die("fenced")
        try:
            deed(*words)
        except Died as death:
            self.die(str(death))
        except (DiskFullError, SyncError) as error:
            self.die(type(error).__name__)

    def _again(self, deed: Callable[..., None], words: tuple[Any, ...], is_loop: bool) -> None:
        self.run(deed, words, is_loop=is_loop)

    def after(self, delay: int, deed: Callable[..., None], *words: Any) -> None:
        self.world.schedule.after(delay, self._again, deed, words, True)

    def _is_fenced(self) -> bool:
        """After a pause longer than the lease: does another hold the account? The loop asks before it says anything
        more.
        """
        assert self.lease_until is not None
        is_run_out = self.world.schedule.now >= self.lease_until and self.world.guards.fenced_says_nothing
        if is_run_out and self.name == "execution" and self.world.machine.epoch != self.epoch:
            return True
        self.lease_until = None
        return False

    def pause(self, duration: int) -> None:
        now = self.world.schedule.now
        self.paused_until = now + duration
        if self.lease_until is None:  # stopped again before it ran, it has renewed nothing
            self.lease_until = now + LEASE
        if self.world.tell:
            self.world.tell(self.name, f"is stopped for {duration} ms")

    def die(self, why: str) -> None:
        self.is_alive = False
        if self.world.tell:
            self.world.tell(self.name, f"dies ({why})")
        self.world.has_died(self)

    def point(self, name: str) -> None:
        """A named step, after which a process may be gone."""
        self.fuel -= 1
        if self.fuel == 0:
            self.world.strike(self, name)

    # What it hears and says ---------------------------------------------------------------------------------------

    def hear(self, source: str, epoch: int, seq: int, payload: Payload) -> None:
        machine = self.world.machine
        if self.latch != machine.latch and type(payload) not in (LatchRead, Boot):
            self.look()
        record = In(source, epoch, seq, payload, machine.mono(), self.world.schedule.now)
        self.tape.append(record)
        self.point("heard")
        said = self.handler.hear(record)
        self.world.checks.heard(self, record, said)
        self._say(said)

    def look(self) -> None:
        """The latch, as it stands."""
        if self.latch != self.world.machine.latch:
            self.latch = self.world.machine.latch
            self.hear("", 0, 0, LatchRead(self.latch))

    def _say(self, payloads: list[Payload]) -> None:
        if not payloads:
            return
        guards = self.world.guards
        kept = [p for p in payloads if guards.sending_is_recorded or type(p) is not Sending]
        first = self._append(kept)
        if guards.synced_before_the_first_byte and any(must_be_synced(p) for p in payloads):
            self.sync()
        self.world.checks.said(self, kept)
        self._publish(first, kept)
        self.do([p.request for p in payloads if type(p) is Sending])

    def _append(self, payloads: list[Payload]) -> int:
        """The number of the first."""
        execution = self.hearing.get("execution")
        after = execution.seq if execution is not None else 0
        first = len(self.tape.outs) + 1
        for payload in payloads:
            self.tape.append(Out(self.epoch, payload, after, self.world.schedule.now))
            self.point("said")
        return first

    def _publish(self, first: int, payloads: list[Payload]) -> None:
        after = self.tape.outs[first - 1].after if payloads else 0
        for seq, payload in enumerate(payloads, first):
            if self.world.tell:
                self.world.tell(self.name, words(payload))
            self.world.bus.send(self.name, self.epoch, seq, payload, after)
            self.point("sent")

    def sync(self) -> None:
        fails = self.world.sync_fails()
        try:
            self.tape.sync(fails)
        except SyncError:
            if self.world.tell:
                self.world.tell(self.name, "cannot sync its tape")
            if self.world.guards.failed_sync_stops:
                raise
            self.tape.sync(False)
        self.point("synced")

    def do(self, requests: list[Request]) -> None:
        """What was said is to be done in the world."""

    # Its start ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.run(self._start, ())

    def _start(self) -> None:
        world = self.world
        self.fuel = world.fuel(self)
        if world.guards.epoch_is_raised_first:
            self._raise_epoch()
        self.point("epoch raised")
        self._open()
        tape = self.tape
        if world.guards.tail_is_written_again:
            tape.rewrite()
        is_new_build = bool(tape.records) and world.happens("new_build")
        missing = self._recover(is_new_build)
        self.point("recovered")
        boot = next((start.boot for start in reversed(tape.epochs)), world.machine.boot)
        if not self.epoch:
            self._raise_epoch()
        tape.append(Epoch(self.epoch, len(tape.outs), world.machine.boot, is_new_build, world.schedule.now))
        self.point("epoch appended")
        self.sync()
        unsent = frozenset(p.request.serial for p in missing if type(p) is Sending)
        world.checks.recovered(self)
        if world.guards.missing_is_said:
            self._publish(self._append(missing), missing)
        self.point("missing said")
        if world.tell:
            world.tell(self.name, f"starts as epoch {self.epoch}, with {len(missing)} missing")
        is_power_loss = boot != world.machine.boot
        self.hear("", 0, 0, Boot(self.epoch, world.machine.boot, unsent))
        self.look()
        for source, hearing in self.hearing.items():
            if not (is_power_loss and not world.guards.gate_waits_for_the_book):
                hearing.read_on(self, source)
        self.point("read on")
        world.has_started(self)

    def _raise_epoch(self) -> None:
        self.epoch = max((start.epoch for start in self.tape.epochs), default=0) + 1

    def _open(self) -> None:
        """The tape is opened, once nobody else may write to it."""

    def _recover(self, is_new_build: bool) -> list[Payload]:
        """Handles again what the tape says was heard since the build began. What it did not say in its last life."""
        self.handler = self.make(self.world)
        records = self.tape.records
        builds = [at for at, record in enumerate(records) if type(record) is Epoch and record.is_new_build]
        begin = len(records) if is_new_build else builds[-1] if builds else 0
        if begin:
            self.handler.fold([record for record in records[:begin] if type(record) is Out])
        expected: deque[Payload] = deque()
        for record in records[begin:]:
            if type(record) is In:
                assert not expected or not self.world.guards.missing_is_said, f"{self.name} never said {expected[0]}"
                expected.clear()
                self._heard(record)
                kept = self.world.guards.sending_is_recorded
                expected.extend(p for p in self.handler.hear(record) if kept or type(p) is not Sending)
            elif type(record) is Out:
                assert expected, f"{self.name} says no more {record.payload}"
                said = expected.popleft()
                assert said == record.payload, f"{self.name} says {said} where its tape has {record.payload}"
        return list(expected)

    def _heard(self, record: In) -> None:
        if type(record.payload) is LatchRead:
            self.latch = record.payload.latch
        elif type(record.payload) is TailLost:
            hearing = self.hearing[record.payload.source]
            hearing.epoch, hearing.seq = record.payload.epoch, record.payload.seq
        elif record.source:
            hearing = self.hearing[record.source]
            hearing.epoch, hearing.seq = record.epoch, max(record.seq, hearing.seq)
            hearing.seen.add((record.epoch, record.seq))
