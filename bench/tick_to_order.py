"""Tick to order: from a frame's bytes in marketdata to an approval that is decoded, checked and on execution's tape.

Our four processes beside the same four with empty work (``RawChain``) and beside three hops and nothing else
(``BareChain``), all on one core, fed from the other, in alternating rounds. One full packet a frame, a signal a tick,
every rule evaluated, every order approved. The end is before any sync: what follows it is the broker's time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from kitev3.control import Health
from kitev3.system.latency import Latency
from kitev3.system.summary import unheard

from bench.chain import ROLES, BareChain, RawChain, per_mille
from bench.feeder import Feeder, feeder
from bench.places import cores
from bench.result import Result
from bench.system import HISTORY_S, System

NAME = "tick_to_order"
ROUNDS = 5
MESSAGES = 20_000
WARM_MESSAGES = 2_000
WARM_RATE = 5_000
RATES = (1_000, 5_000)
FIRST_FRAMES = 10
PERCENTILES = {"p50": 500, "p99": 990, "p99.9": 999}

Percentiles = dict[str, int]
"""Of one round, in ns."""
Round = Callable[[int, int], Percentiles]
"""So many messages, so many a second."""


def run() -> Result:
    """About six minutes. RuntimeError when a message was lost, refused or doubled."""
    order_cpu, feeder_cpu = cores()
    with ExitStack() as stack:
        feed = stack.enter_context(feeder(feeder_cpu))
        pinned = {f"{name}_CPU".upper(): str(order_cpu) for name in ROLES}
        system = stack.enter_context(System("bench", exchange=feed.address, settings=pinned))
        ours = Ours(system, feed)
        raw = stack.enter_context(RawChain(order_cpu, feed.address))
        bare = stack.enter_context(BareChain(order_cpu))
        ours.ready()
        raw.ready(feed.feed)
        bare.ready()
        sides: dict[str, Round] = {
            "ours": ours.round,
            "raw chain": lambda count, rate: exact(raw.round(feed.feed, count, rate)),
            "bare chain": lambda count, rate: exact(bare.round(count, rate)),
        }
        taken: dict[tuple[str, int], list[Percentiles]] = {}
        for _ in range(ROUNDS):
            for rate in RATES:
                for side, measured in sides.items():
                    if side == "bare chain" and rate != RATES[0]:
                        continue  # it is asked for at the slow rate only
                    measured(WARM_MESSAGES, WARM_RATE)
                    taken.setdefault((side, rate), []).append(measured(MESSAGES, rate))
        ours.prove()
    return result(taken)


def exact(latencies: Sequence[int]) -> Percentiles:
    """Of sorted latencies."""
    return {name: per_mille(latencies, of) for name, of in PERCENTILES.items()}


def result(taken: Mapping[tuple[str, int], Sequence[Percentiles]]) -> Result:
    """The table of medians over the rounds, and the ratios."""

    def median(side: str, rate: int, percentile: str) -> float:
        return statistics.median(one[percentile] for one in taken[side, rate])

    def ratio(side: str, rate: int, percentile: str) -> float:
        return median("ours", rate, percentile) / median(side, rate, percentile)

    slow, fast = RATES
    rows: list[dict[str, object]] = [
        {"path": side, "a second": rate}
        | {f"{name} µs": median(side, rate, name) / 1_000 for name in PERCENTILES}
        | {"p50 of the rounds": " ".join(f"{one['p50'] / 1_000:.0f}" for one in rounds)}
        for (side, rate), rounds in sorted(taken.items(), key=lambda row: row[0][1])
    ]
    return Result(
        name=NAME,
        rows=rows,
        ratios={
            "tick_to_order": ratio("raw chain", slow, "p50"),
            "tick_to_order_bare": ratio("bare chain", slow, "p50"),
            "tick_to_order_p99": ratio("raw chain", slow, "p99"),
            "tick_to_order_5000": ratio("raw chain", fast, "p50"),
            "tick_to_order_5000_p99": ratio("raw chain", fast, "p99"),
        },
        notes=[
            f"medians over {ROUNDS} alternating rounds of {MESSAGES:,} messages after {WARM_MESSAGES:,} for warm-up",
            "ours from a histogram whose buckets are at most 1/128 wide of what they hold, by their upper bound",
            "every message gave one approval, none was lost, refused or doubled",
        ],
    )


class Ours:
    """Our system as a side of the comparison."""

    def __init__(self, system: System, feeder: Feeder) -> None:
        self.system, self.feeder = system, feeder

    def ready(self) -> None:
        """Returns when an approval has come through, and with it the gate's half minute of prices."""
        self.system.arm()
        self.system.attach(self.feeder)
        for _ in range(FIRST_FRAMES):
            self._feed(1, RATES[0])
        self.system.until("execution", lambda health: reached(health).n > 0, "had an approval")
        self._settle(HISTORY_S + FIRST_FRAMES)
        self.blocked = self.system.health("risk_portfolio").service["blocked"]

    def _settle(self, frames: int) -> None:
        """Waits until nothing of the frames so far is on its way any more: a round counts its own."""
        marketdata, *hearers = reversed(ROLES)
        said = self.system.until(marketdata, lambda health: health.service["batches"] >= frames, f"had {frames} frames")
        for hearer in hearers:
            said = self.system.until(hearer, partial(self._has_heard, said), f"heard all of {said.name}")

    @staticmethod
    def _has_heard(said: Health, health: Health) -> bool:
        behind = unheard({said.name: said, health.name: health}, (said.name, health.name))
        return not any(hearer == health.name for hearer, _ in behind)

    def round(self, count: int, rate: int) -> Percentiles:
        """RuntimeError unless each frame gives one approval."""
        before = reached(self.system.health("execution"))
        self._feed(count, rate)
        wanted = before.n + count
        health = self.system.until("execution", lambda health: reached(health).n >= wanted, f"had {wanted} approvals")
        after = reached(health)
        if after.n != wanted:
            raise RuntimeError(f"{after.n - before.n} approvals of {count} frames")
        fresh = Latency({bucket: n - before.counts.get(bucket, 0) for bucket, n in after.counts.items()})
        return {name: fresh.percentile_ns(of) for name, of in PERCENTILES.items()}

    def prove(self) -> None:
        """RuntimeError unless everything came everywhere once, and the gate refused nothing once it was warm."""
        strategy, gate, execution = map(self.system.health, ("strategy", "risk_portfolio", "execution"))
        wrong = []
        for health in (strategy, gate, execution):
            counts = health.counters
            # A heartbeat that overtook work on its way makes a hole that is none: it is read from the tape, and what
            # then comes is dropped as a duplicate.
            if counts["gaps_seen"] != counts["gaps_filled"] or counts["refused_messages"] or counts["push_full"]:
                wrong.append(f"{health.name}: {counts}")
        if gate.service["blocked"] != self.blocked:
            wrong.append(f"the gate refused {gate.service['blocked']}")
        judged = gate.service["approved"] + sum(self.blocked.values())
        if judged != strategy.service["signals"]:
            wrong.append(f"{judged} of {strategy.service['signals']} signals were judged")
        if gate.service["approved"] != reached(execution).n or execution.service["repeated"]:
            wrong.append(f"{reached(execution).n} approvals reached execution, {gate.service['approved']} were given")
        if wrong:
            raise RuntimeError("; ".join(wrong))

    def _feed(self, count: int, rate: int) -> None:
        self.feeder.feed(self.system.profile.api_key, count, rate)


def reached(health: Health) -> Latency:
    """The approvals that have reached execution, by how long they took."""
    return Latency(health.service["reached_ns"])
