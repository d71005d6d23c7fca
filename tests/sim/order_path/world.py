"""One run: everything that a seed decides, from the first signal until all is quiet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from sim.order_path.broker import LAG_MAX, STALE_MAX, Broker
from sim.order_path.bus import HEARERS, Bus
from sim.order_path.execution import Execution
from sim.order_path.gate import Gate
from sim.order_path.guards import MUTANTS, Guards
from sim.order_path.invariants import Checks, Truth, Violation
from sim.order_path.machine import Machine
from sim.order_path.process import LEASE, TAKEOVER, Died, Process
from sim.order_path.records import Id, Payload, Touched, tag_of
from sim.order_path.rest import ExecutionProcess
from sim.order_path.schedule import Schedule
from sim.order_path.strategy import Strategy, Wish
from sim.order_path.swarm import Swarm
from sim.order_path.tape import RESERVE, Tape
from sim.order_path.wire import Wire

SIGNALS_UNTIL = 60_000
CALM = 75_000
QUIET_WITHIN = 600_000
READS = ("read_fail", "read_stale", "read_short", "trades_late", "triggers_fail")
READS_LIE_FOR = 200_000  # after all else has calmed down: so that absence is not proved in fair weather alone
HANDLERS: dict[str, Callable[[World], Any]] = {"strategy": Strategy, "gate": Gate, "execution": Execution}


class Result(NamedTuple):
    """What came of a seed. *violation* is empty where all held."""

    seed: int
    violation: str
    counts: Counter[str]
    story: list[str]


class PowerCut(Died):
    """The machine is gone."""


class World:
    """The machine, the processes, the broker, and chance."""

    def __init__(self, seed: int, guards: Guards, *, with_story: bool = False) -> None:
        self.random = Random(seed)
        self.guards = guards
        self.schedule = Schedule()
        self.machine = Machine(self.schedule)
        self.swarm = Swarm(self.random)
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.tell: Callable[[str, str], None] | None = self._tell if with_story else None
        self.is_calm = False
        self.oldest_book = STALE_MAX if self.swarm.rates["read_stale"] else 0
        self.reads_calm_at = 0
        self.checks = Checks(self)
        self.bus = Bus(self)
        self.wire = Wire(self)
        self.broker = Broker(self)
        self.tapes = {name: Tape(self.machine) for name in HANDLERS}
        self.processes: dict[str, Process] = {}
        self.stopped: list[Process] = []  # that another took over from

    def _tell(self, who: str, what: str) -> None:
        self.story.append(f"{self.schedule.now / 1000:9.3f}  {who:<10} {what}")

    # Chance ---------------------------------------------------------------------------------------------------------

    def happens(self, fault: str) -> bool:
        if fault == "reset_is_seen":
            return self.random.random() < 0.5
        rate = self.swarm.rates[fault]
        if rate and self.random.random() < rate:
            self.counts[fault] += 1
            return True
        return False

    def lag(self) -> int:
        """Until an order is registered: moments, or with a heavy tail."""
        if self.happens("lag"):
            most = LAG_MAX if self.guards.broker_registers_in_time else 600_000
            return min(most, int(200 * self.random.paretovariate(0.6)))
        return self.random.randint(5, 60)

    def fuel(self, process: Process) -> int:
        """How many named steps the life that begins now has. One that takes over dies oftener than others."""
        if self.stopped and not process.epoch and self.swarm.rates["kill"] and self.random.random() < 0.7:
            return self.random.randint(1, 3)
        rate = self.swarm.rates["kill"] + self.swarm.rates["pause"]
        return int(self.random.expovariate(rate / 1_000)) + 1 if rate else 0

    def sync_fails(self) -> bool:
        return self.happens("sync_error")

    def strike(self, process: Process, point: str) -> None:
        """At a named step the process is killed, stopped for a while, or loses its power."""
        rates, random = self.swarm.rates, self.random
        self.counts[f"at {process.name} {point}"] += 1
        if random.random() * (rates["kill"] + rates["pause"]) >= rates["kill"]:
            duration = random.choice((random.randint(10, 4_000), random.randint(4_000, 40_000)))
            self.counts["pause"] += 1
            process.fuel = self.fuel(process)
            process.pause(duration)
            if process.name == "execution":
                self.schedule.after(TAKEOVER, self.take_over, process)
            return
        if rates["power"] and random.random() < 0.15:
            self.power_cut()
            raise PowerCut("power cut")
        self.counts["kill"] += 1
        raise Died(f"killed: {point}")

    # Lives ----------------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """A life of a service, where none is."""
        if not self.machine.is_up or (name in self.processes and self.processes[name].is_alive):
            return
        make, tape = HANDLERS[name], self.tapes[name]
        process = ExecutionProcess(self, make, tape) if name == "execution" else Process(self, name, make, tape)
        self.processes[name] = process
        process.start()

    def has_started(self, process: Process) -> None:
        self.counts["lives"] += 1
        for hearer in HEARERS[process.name]:
            self.bus.beat(hearer, process.name)  # what was appended and not sent in the last life

    def has_died(self, process: Process) -> None:
        if process.name == "execution" and self.stopped and self.random.random() < 0.5:
            stopped = self.stopped[-1]  # just then it wakes up, and has work
            stopped.paused_until = min(stopped.paused_until, self.schedule.now + 100)
            for _ in range(3):
                self.schedule.after(self.random.randint(50, 1_500), self.wish, self.random.choice(("enter", "exit")))
        if self.processes.get(process.name) is process and self.machine.is_up:
            delay = 500 if self.is_calm else int(self.random.expovariate(1 / 2_500)) + 200
            self.schedule.after(delay, self.begin, process.name)

    def take_over(self, stopped: Process) -> None:
        """The second execution, after lease, longest request and margin; unless the first has renewed its lease."""
        is_run_out = stopped.lease_until is not None and self.schedule.now >= stopped.lease_until - LEASE + TAKEOVER
        is_gone = is_run_out and self.schedule.now < stopped.paused_until
        if not is_gone or not stopped.is_alive or self.processes["execution"] is not stopped or not self.machine.is_up:
            return
        self.counts["takeover"] += 1
        if self.tell:
            self.tell("execution", "a second one takes over")
        self.stopped.append(stopped)
        process = ExecutionProcess(self, Execution, self.tapes["execution"])
        self.processes["execution"] = process
        process.start()

    def power_cut(self) -> None:
        self.counts["power cut"] += 1
        lost = {name: tape.cut(self.random, self.schedule.now) for name, tape in self.tapes.items()}
        if self.tell:
            self.tell("machine", f"the power fails; records lost: {lost}")
        self.machine.is_up = False
        for process in [*self.lives, *self.stopped]:
            process.is_alive = False
        self.schedule.after(self.random.randint(3_000, 25_000), self._power)

    def _power(self) -> None:
        self.machine.reboot()
        for name in HANDLERS:
            self.schedule.after(self.random.randint(1, 3_000), self.begin, name)

    # What a seed decides --------------------------------------------------------------------------------------------

    def plan(self) -> None:
        random, at, rates = self.random, self.schedule.at, self.swarm.rates
        for name in HANDLERS:
            at(0, self.begin, name)
        for _ in range(random.randint(2, 6)):
            at(random.randint(5_000, SIGNALS_UNTIL), self.wish, "enter")
        for _ in range(random.randint(2, 9)):
            at(
                random.randint(6_000, SIGNALS_UNTIL),
                self.wish,
                random.choice(("exit", "exit", "cancel", "modify", "modify")),
            )
        if random.random() < 0.3:  # an entry that is modified twice while it is still on its way
            when = random.randint(6_000, SIGNALS_UNTIL)
            at(when, self.wish, "enter")
            for _ in range(2):
                at(when + random.randint(5, 500), self.wish, "modify", -1)
        for _ in range(random.randint(0, 6)):
            at(random.randint(8_000, CALM), self.touch, random.choice(("target", "trail")))
        if rates["burst"]:
            when = random.randint(5_000, SIGNALS_UNTIL)
            for _ in range(6):
                at(when + random.randint(0, 300), self.wish, "enter")
        if rates["power"]:
            when = random.randint(6_000, CALM)
            at(when, self._planned_cut)
            for _ in range(2):
                at(when - random.randint(0, 1_000), self.wish, random.choice(("enter", "exit")))
        if rates["disk_full"]:
            at(random.randint(0, CALM - 5_000), self._disk, True)
            at(random.randint(CALM - 5_000, CALM), self._disk, False)
        if rates["token_death"]:
            self._span(lambda dead: setattr(self.broker, "is_token_dead", dead))
        if rates["halt"]:
            word = random.choice(("HALTED", "REDUCING"))
            self._span(lambda low: self._latch(word if low else "ACTIVE"))
        if rates["wall_jump"]:
            jump = random.choice((-3_600_000, -3_000, 3_000, 3_600_000))
            at(random.randint(0, SIGNALS_UNTIL), lambda: setattr(self.machine, "wall_offset", jump))
        if rates["external"]:
            for _ in range(random.randint(1, 3)):
                at(random.randint(0, CALM), self.by_hand, False)
            for _ in range(random.randint(0, 4)):
                self.broker.triggers.by_hand(random.randint(1, 2), random.choice((1, -1)), random.randint(1, 10))
        if rates["forged"]:
            at(random.randint(6_000, CALM), self.by_hand, True)
        if rates["square_off"]:
            at(random.randint(SIGNALS_UNTIL - 20_000, CALM), self.broker.square_off)
        if rates["orphan"]:
            self._orphan()

    def _span(self, set_it: Callable[[bool], None]) -> None:
        """On for a while, and off again."""
        begin = self.random.randint(3_000, CALM - 5_000)
        self.schedule.at(begin, set_it, True)
        self.schedule.at(self.random.randint(begin, CALM), set_it, False)

    def wish(self, kind: Any, draw: int | None = None, target: Id | None = None) -> None:
        random = self.random
        draw = random.randrange(1 << 16) if draw is None else draw
        protect = random.choice(("", "stop", "stop", "gtt"))
        self.hear(
            "strategy",
            Wish(
                kind,
                target,
                draw,
                random.randint(1, 2),
                random.choice((1, -1)),
                random.randint(1, 10),
                protect,
                random.random() < 0.6,
                self.machine.wall(),
            ),
        )

    def touch(self, what: Any) -> None:
        known = list(self.checks.truth)
        if known:
            self.hear("execution", Touched(self.random.choice(known), what))

    def hear(self, name: str, payload: Payload) -> None:
        process = self.processes.get(name)
        if process is not None and process.is_alive:
            process.run(process.hear, ("", 0, 0, payload))

    def _planned_cut(self) -> None:
        if self.machine.is_up:
            self.power_cut()

    def _disk(self, is_full: bool) -> None:
        self.machine.is_full = is_full
        for tape in self.tapes.values():
            tape.reserve = RESERVE

    def _latch(self, word: Any) -> None:
        self.machine.latch = word
        for name in ("gate", "execution"):
            self.schedule.after(10, self._look, name)

    def _look(self, name: str) -> None:
        process = self.processes.get(name)
        if process is not None and process.is_alive:
            process.run(process.look, ())

    def by_hand(self, is_forged: bool) -> None:
        """A person's order; a forged one bears a tag that looks like one of ours."""
        random = self.random
        symbol, side, quantity, tag = random.randint(1, 2), random.choice((1, -1)), random.randint(1, 10), None
        if is_forged:
            known = list(self.checks.truth)
            if known:
                intent = random.choice((random.choice(known), (9, random.randint(1, 99))))
                genuine = tag_of(intent, "entry", 0)
                tag = genuine._replace(check=genuine.check + 1)
        self.broker.by_hand(tag, symbol, side, quantity)

    def _orphan(self) -> None:
        """An order of an earlier day's tape that is gone."""
        random = self.random
        intent = (0, random.randint(1, 9))
        symbol, side, quantity = random.randint(1, 2), random.choice((1, -1)), random.randint(1, 6)
        order = self.broker.new(tag_of(intent, "entry", 0), intent, "entry", symbol, side, quantity)
        truth = self.checks.truth[intent] = Truth(symbol, side)
        truth.is_injected = True
        truth.entries.append(order)
        self.broker.register(order)

    # The end --------------------------------------------------------------------------------------------------------

    def calm(self) -> None:
        """No new faults; what is stopped or down comes back."""
        self.is_calm = True
        is_foul = self.random.random() < 0.3
        self.swarm.heal(but=READS if is_foul else ())
        self.reads_calm_at = CALM + (self.random.randint(0, READS_LIE_FOR) if is_foul else 0)
        self.schedule.at(self.reads_calm_at, self.swarm.heal)
        self.broker.is_token_dead = False
        self._disk(False)
        if self.machine.latch != "ACTIVE":
            self._latch("ACTIVE")
        for process in self.lives:
            process.fuel = 0
        if self.machine.is_up:
            for name in HANDLERS:
                self.schedule.after(self.random.randint(1, 2_000), self.begin, name)

    @property
    def lives(self) -> list[Process]:
        return list(self.processes.values())

    def is_quiet(self) -> bool:
        """Nothing is on its way, and execution has read twice since the last change."""
        execution = self.processes["execution"]
        if any(not process.is_alive or process.paused_until > self.schedule.now for process in self.lives):
            return False
        broker, handler = self.broker, execution.handler
        if broker.changes_pending or any(not order.is_registered for order in broker.orders.values()):
            return False
        if not handler.is_reconciled or execution.last_rows < max(broker.changed_at + 8_000, self.reads_calm_at):
            return False
        for bracket in handler.books.brackets.values():
            for leg in (bracket.entry, *bracket.exits):
                if leg.state in ("SENDING", "UNKNOWN", "ACK") or leg.change is not None:
                    return False
            if (bracket.wants_flat or bracket.protect) and not bracket.is_alarmed and bracket.out < bracket.held:
                return False
            if bracket.wants_flat and (bracket.held or not bracket.entry.is_over) and not bracket.is_alarmed:
                return False
        return True

    def run(self) -> None:
        """All of it. Raises where an invariant breaks."""
        self.plan()
        self.schedule.run(CALM)
        self.calm()
        until = CALM + 50_000
        self.schedule.run(until)
        while not self.is_quiet() and until < CALM + QUIET_WITHIN:
            until += 5_000
            self.schedule.run(until)
        self.schedule.run(until + 2_000)
        self.checks.quiet()


def run(seed: int, mutant: str = "", *, with_story: bool = False) -> Result:
    """One seed."""
    world = World(seed, Guards.without(*MUTANTS[mutant].off) if mutant else Guards(), with_story=with_story)
    violation = ""
    try:
        world.run()
    except Violation as found:
        violation = str(found)
    except AssertionError as error:
        if not mutant:
            raise
        violation = f"a tape that cannot be: {error}"
    world.counts["deeds"] = world.schedule.asked
    return Result(seed, violation, world.counts, world.story)
