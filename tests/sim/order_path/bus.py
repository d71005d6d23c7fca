"""The bus: frames that may be lost, late or doubled; and how a hearer misses nothing all the same.

A hearer keeps one number per source. On a hole, on a heartbeat that is ahead, at its start and on a new epoch it
reads the source's tape
after its number; what is at or below the number is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.order_path.records import Payload, TailLost

if TYPE_CHECKING:
    from sim.order_path.process import Process
    from sim.order_path.world import World

HEARERS = {"strategy": ("gate",), "gate": ("execution",), "execution": ("gate", "strategy")}
LATE_MAX = 6_000
BEAT = 1_000


class Bus:
    """Every frame goes out once to each hearer, and arrives after a millisecond, later, twice, or never."""

    __slots__ = ("beats", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.beats: set[tuple[str, str]] = set()

    def send(self, source: str, epoch: int, seq: int, payload: Payload, after: int) -> None:
        world = self.world
        rates, random = world.swarm.rates, world.random
        for hearer in HEARERS[source]:
            copies = 2 if rates["bus_double"] and random.random() < rates["bus_double"] else 1
            for _ in range(copies):
                if rates["bus_lose"] and random.random() < rates["bus_lose"]:
                    self.beat(hearer, source)
                    continue
                late = rates["bus_late"] and random.random() < rates["bus_late"]
                delay = random.randint(1, LATE_MAX) if late else 1
                world.schedule.after(delay, self.arrive, world.machine.boot, hearer, source, epoch, seq, payload, after)

    def arrive(self, boot: int, hearer: str, source: str, epoch: int, seq: int, payload: Payload, after: int) -> None:
        """At every life of the hearer: a stopped one has its sockets still."""
        world = self.world
        if boot != world.machine.boot or hearer not in world.processes:
            return
        for process in (world.processes[hearer], *(world.stopped if hearer == "execution" else ())):
            if process.is_alive:
                process.run(Hearing.take, (process.hearing[source], process, source, epoch, seq, payload, after))

    def beat(self, hearer: str, source: str) -> None:
        """Heartbeats say each second how far a source is.

        One that finds nothing new does nothing, so only those after a loss are run.
        """
        if (hearer, source) not in self.beats:
            self.beats.add((hearer, source))
            self.world.schedule.after(BEAT, self.heads, hearer, source)

    def heads(self, hearer: str, source: str) -> None:
        self.beats.discard((hearer, source))
        world = self.world
        process = world.processes.get(hearer)
        if process is None or not process.is_alive:
            return  # it reads on by itself at its start
        if world.random.random() < world.swarm.rates["bus_lose"]:
            self.beat(hearer, source)
        else:
            process.run(Hearing.read_on, (process.hearing[source], process, source))


class Hearing:
    """How far a hearer is in what one source says."""

    __slots__ = ("epoch", "seen", "seq")

    def __init__(self) -> None:
        self.epoch = 0
        self.seq = 0
        self.seen: set[tuple[int, int]] = set()  # of the mutant that tells repetitions by a set

    def take(self, process: Process, source: str, epoch: int, seq: int, payload: Payload, after: int) -> None:
        """A frame came."""
        guards = process.world.guards
        if epoch < self.epoch:
            return
        if not guards.hearer_keeps_one_number:
            if (epoch, seq) not in self.seen:
                self.seen.add((epoch, seq))
                self.epoch, self.seq = epoch, max(seq, self.seq)
                process.hear(source, epoch, seq, payload)
            return
        if epoch > self.epoch and guards.hearer_reads_the_tape(process.name):
            self.read_on(process, source)
        elif seq <= self.seq and epoch == self.epoch and guards.number_drops_repetitions:
            return
        elif seq == self.seq + 1 or not guards.hearer_reads_the_tape(process.name):
            self._wait_for(process, after)
            self.epoch, self.seq = epoch, max(seq, self.seq)
            process.hear(source, epoch, seq, payload)
        elif seq > self.seq:
            self.read_on(process, source)
        else:
            process.hear(source, epoch, seq, payload)  # a mutant's: once more

    def _wait_for(self, process: Process, after: int) -> None:
        """What the speaker had applied of execution is applied here first: no exit is judged before the fill that it
        stands on.
        """
        if after and process.world.guards.signal_waits_for_its_fills:
            execution = process.hearing.get("execution")
            if execution is not None and execution.seq < after:
                execution.read_on(process, "execution")

    def read_on(self, process: Process, source: str) -> None:
        """The source's tape after the number, in order."""
        world = process.world
        if not world.guards.hearer_reads_the_tape(process.name):
            return
        tape = world.tapes[source]
        for start in tape.epochs:
            if start.epoch > self.epoch:
                is_lost, self.epoch = start.after < self.seq, start.epoch
                if is_lost:
                    self.seq = start.after
                    process.hear("", 0, 0, TailLost(source, start.epoch, start.after))
        if not world.guards.hearer_keeps_one_number:
            for number, record in enumerate(tape.outs, 1):
                if (record.epoch, number) not in self.seen:
                    self.seen.add((record.epoch, number))
                    process.hear(source, record.epoch, number, record.payload)
            self.seq = len(tape.outs)
            return
        while self.seq < len(tape.outs):
            record = tape.outs[self.seq]
            self._wait_for(process, record.after)
            self.epoch, self.seq = record.epoch, self.seq + 1
            process.hear(source, record.epoch, self.seq, record.payload)
