"""Many runs, or the story of one.

cd tests && python -m sim.order_path --seeds 10000 --from 0 --jobs 2
cd tests && python -m sim.order_path --mutant retry_on_timeout --seeds 1000
cd tests && python -m sim.order_path --mutants --seeds 10000      # each until it is caught
cd tests && python -m sim.order_path --story 7463
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator

from sim.order_path.guards import MUTANTS
from sim.order_path.world import Result, run

PIECE = 50  # seeds that a job takes at once
SHOWN_MAX = 20


def _piece(asked: tuple[int, int, str]) -> list[Result]:
    begin, end, mutant = asked
    return [run(seed, mutant) for seed in range(begin, end)]


def results(begin: int, count: int, jobs: int, mutant: str) -> Iterator[Result]:
    """Of each seed, in their order."""
    pieces = [(at, min(at + PIECE, begin + count), mutant) for at in range(begin, begin + count, PIECE)]
    if jobs == 1:
        for piece in pieces:
            yield from _piece(piece)
        return
    with multiprocessing.Pool(jobs) as pool:
        for done in pool.imap(_piece, pieces):
            yield from done


def many(
    begin: int, count: int, jobs: int, mutant: str, *, until_caught: bool = False, seconds: float = float("inf")
) -> tuple[int, list[Result], Counter[str]]:
    """How many ran, those that broke something, and what happened in all of them."""
    bad: list[Result] = []
    counts: Counter[str] = Counter()
    started = told = time.monotonic()
    ran = 0
    for result in results(begin, count, jobs, mutant):
        ran += 1
        counts.update(result.counts)
        if result.violation:
            bad.append(result)
            if until_caught:
                break
        now = time.monotonic()
        if now - started >= seconds:
            break
        if now - told >= 5 and sys.stderr.isatty():
            told = now
            print(
                f"\r{ran:,} of {count:,} runs, {len(bad)} bad, {ran / (now - started):.0f}/s ", end="", file=sys.stderr
            )
    return ran, bad, counts


def report(ran: int, bad: list[Result], counts: Counter[str], seconds: float) -> None:
    print(
        f"{ran:,} runs in {seconds:.0f} s ({ran / max(seconds, 1e-9):.0f}/s), {counts['deeds']:,} deeds: {len(bad)} bad"
    )
    points = sum(1 for name in counts if name.startswith("at "))
    print(f"struck at {points} named points, {sum(n for name, n in counts.items() if name.startswith('at ')):,} times")
    print(
        ", ".join(
            f"{name} {n:,}" for name, n in sorted(counts.items()) if not name.startswith("at ") and name != "deeds"
        )
    )
    for result in bad[:SHOWN_MAX]:
        print(f"seed {result.seed}: {result.violation}")


def tell(seed: int, mutant: str) -> int:
    result = run(seed, mutant, with_story=True)
    print("\n".join(result.story))
    print(f"seed {seed}: {result.violation or 'all holds'}")
    return int(bool(result.violation))


def catch(names: list[str], begin: int, count: int, jobs: int) -> int:
    """Each mutant until it is caught. How many are not."""
    missed = 0
    for name in names:
        mutant = MUTANTS[name]
        ran, bad, _ = many(begin, count, jobs, name, until_caught=True)
        found = f"seed {bad[0].seed} after {ran:,}: {bad[0].violation}" if bad else f"NOT CAUGHT in {ran:,}"
        missed += not bad
        print(f"{name} ({mutant.breaks}): {found}", flush=True)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="sim.order_path", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1_000, help="how many runs")
    parser.add_argument("--from", dest="begin", type=int, default=0, help="the first seed")
    parser.add_argument("--for", dest="seconds", type=float, default=float("inf"), help="stop after so many seconds")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="without that guard")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="every mutant, or these, until it is caught")
    parser.add_argument("--story", type=int, metavar="SEED", help="tells one run")
    words = parser.parse_args()
    if words.story is not None:
        return tell(words.story, words.mutant)
    if words.mutants is not None:
        return catch(words.mutants or list(MUTANTS), words.begin, words.seeds, words.jobs)
    started = time.monotonic()
    ran, bad, counts = many(words.begin, words.seeds, words.jobs, words.mutant, seconds=words.seconds)
    report(ran, bad, counts, time.monotonic() - started)
    if bad and not words.mutant:
        tell(bad[0].seed, "")
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(main())
