"""The exchange under a day's load: many accounts, full sockets, a slow reader and one that stalls.

    SOAK_SECONDS=600 python -m bench.soak

Ten orders a second in all over 20 accounts, each with three sockets of 3,000 instruments, one in full mode and two in
ltp, an update a second at the wall's pace. It passes when

* every frame of every one of these sockets is, byte for byte, the next that the market shows;
* each order placed is in its account's book once, and its updates came on each of the three sockets alike, up to the
  state that the book shows;
* the exchange's memory stays flat after it has warmed up, but for what its orders are;
* a reader that pauses is shown the last state when it comes back, and one that takes nothing is dropped, while the
  others miss nothing.

Exit code 1 and a line that says what was wrong, if anything was.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field

import uvloop

from bench.load.exchange import Login, Running, exchange, logins
from bench.load.reader import Reader, until_begun
from bench.load.shown import Shown
from bench.load.traders import Trader

CLOCK = "2026-11-19T09:20"
ACCOUNTS = 20
ORDERS_A_SECOND = 10
WISHES = {"full": ("full", 0, 3_000), "ltp": ("ltp", 100, 3_100), "more ltp": ("ltp", 50, 3_050)}
OPENED_S_MAX = 40.0
SETTLED_S = 2.0  # after the last order, until its updates are everywhere
SAMPLE_S = 5.0
SECONDS_MIN = 4 * SAMPLE_S  # as many samples as a trend of memory needs
PAUSE_S = 6.0  # of the slow reader
DROPPED_S_MAX = 25.0
SLOW_BYTES = 1 << 16
# Memory: a book of orders grows with them, at most by so much each (its states, its fills); beyond that it is flat.
ORDER_BYTES_MAX = 4_000
GROWTH_BYTES_MAX = 8 << 20


@dataclass
class Series:
    """What was seen in the course of it."""

    rss_bytes: list[int] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)


async def main(seconds: float) -> int:
    people = logins(ACCOUNTS + 2)
    with exchange(people, CLOCK) as running:
        shown = Shown(CLOCK, WISHES)
        if len(shown.tokens["ltp"]) != 3_000:
            raise AssertionError("fewer instruments are listed than three sockets of 3,000 need")
        try:
            await soak(running, shown, people, seconds)
        except Exception as wrong:
            for one in wrong.exceptions if isinstance(wrong, ExceptionGroup) else (wrong,):
                print(f"soak: FAILED: {type(one).__name__}: {one}", flush=True)
            return 1
    print("soak: passed", flush=True)
    return 0


async def soak(running: Running, shown: Shown, people: tuple[Login, ...], seconds: float) -> None:
    """Everything together, for so long."""
    loop = asyncio.get_running_loop()
    *traders_of, slow_one, stalled_one = people
    readers = [Reader(shown, login, wish) for login in traders_of for wish in WISHES]
    slow = Reader(shown, slow_one, "full", whole=False)
    stalled = Reader(shown, stalled_one, "full", whole=False)
    async with asyncio.TaskGroup() as group:
        tasks = []
        for reader in readers:
            await reader.open(running.address)
            tasks.append(group.create_task(reader.read()))
        for reader in (slow, stalled):
            await reader.open(running.address, SLOW_BYTES)
        tasks.append(group.create_task(slow.read()))
        await until_begun((*readers, slow), OPENED_S_MAX)
        began_s, cpu_s = loop.time(), running.cpu_s
        period_s = ACCOUNTS / ORDERS_A_SECOND
        traders = [Trader(shown, running.address, login, number, period_s) for number, login in enumerate(traders_of)]
        trading = [
            group.create_task(trader.trade(began_s + number / ORDERS_A_SECOND, began_s + seconds))
            for number, trader in enumerate(traders)
        ]
        pausing = group.create_task(pause(slow))
        dropping = group.create_task(dropped(stalled))
        series = Series()
        await watch(running, readers, traders, series, began_s + seconds)
        await asyncio.gather(*trading, pausing, dropping)
        await asyncio.sleep(SETTLED_S)
        wall_s = loop.time() - began_s
        cpu_s = running.cpu_s - cpu_s
        for reader in readers:
            assert not reader.socket.closed_with, f"{reader.name} was closed with {reader.socket.closed_with}"
            assert reader.frames >= seconds, f"{reader.name} had {reader.frames} frames"
        ends = [task for task in tasks if task.done()]
        assert not ends, f"{len(ends)} sockets were closed that should not have been"
        for task in tasks:
            task.cancel()
    await accounted(readers, traders)
    flat(series)
    tell(readers, traders, slow, series, wall_s, cpu_s)


async def pause(reader: Reader) -> None:
    """It takes nothing for a while, then everything: it is shown the last state, and goes on with the others."""
    reader.paused.clear()
    await asyncio.sleep(PAUSE_S)
    reader.paused.set()
    await asyncio.sleep(PAUSE_S)
    assert reader.passed_over > 0, "the slow reader was not conflated"
    assert not reader.socket.closed_with, "the slow reader was closed"


async def dropped(reader: Reader) -> None:
    """It takes nothing at all: the exchange ends it. What was on the way can still be read, then the end."""
    began_s = asyncio.get_running_loop().time()
    writer = reader.socket.writer
    while asyncio.get_running_loop().time() < began_s + DROPPED_S_MAX:
        await asyncio.sleep(0.5)
        # Who never reads learns of the end when he writes: a reset, since the other side has gone.
        try:
            reader.socket.say({"a": "unsubscribe", "v": []})
            await writer.drain()
        except ConnectionError:
            return
        if writer.is_closing():
            return
    raise AssertionError(f"a reader that took nothing for {DROPPED_S_MAX:.0f} s was not dropped")


async def watch(running: Running, readers: list[Reader], traders: list[Trader], series: Series, until_s: float) -> None:
    """A line each few seconds."""
    loop = asyncio.get_running_loop()
    frames, bytes_, cpu_s, at_s = 0, 0, running.cpu_s, loop.time()
    began_s = at_s
    while loop.time() < until_s:
        await asyncio.sleep(min(SAMPLE_S, max(0.1, until_s - loop.time())))
        now_s, now_cpu_s = loop.time(), running.cpu_s
        now_frames, now_bytes = sum(one.frames for one in readers), sum(one.bytes for one in readers)
        taken_s = now_s - at_s
        series.rss_bytes.append(running.rss_bytes)
        series.placed.append(sum(len(trader.placed) for trader in traders))
        print(
            f"soak: {now_s - began_s:5.0f} s  cut {min(one.cut for one in readers)}..{max(one.cut for one in readers)}"
            f"  {(now_frames - frames) / taken_s:5.1f} frames/s  {(now_bytes - bytes_) / taken_s / 1e6:5.1f} MB/s"
            f"  {series.placed[-1]} orders  rss {series.rss_bytes[-1] / 1e6:.1f} MB"
            f"  {(now_cpu_s - cpu_s) / taken_s:.0%} of a core",
            flush=True,
        )
        frames, bytes_, cpu_s, at_s = now_frames, now_bytes, now_cpu_s, now_s


async def accounted(readers: list[Reader], traders: list[Trader]) -> None:
    """Each order in its book once; its updates on all three sockets, alike, up to where it stands."""
    by_user: dict[str, list[Reader]] = {}
    for reader in readers:
        by_user.setdefault(reader.login.user, []).append(reader)
    for trader in traders:
        user, book = trader.login.user, await trader.book()
        assert sorted(book) == sorted(trader.placed), f"{user}: the book and what was placed differ"
        first, *others = by_user[user]
        assert all(one.said.digest() == first.said.digest() for one in others), f"{user}: sockets heard differently"
        otherwise = missing(first.status, book)
        assert not otherwise, f"{user}: the sockets said otherwise than the book: {otherwise[:3]}"
        trader.caller.close()


def missing(said: dict[str, str], book: dict[str, str]) -> list[tuple[str, str, str]]:
    """Orders whose last word was another than the book's. Of one that merely stands there is none."""
    silent = {"OPEN": ("nothing", "OPEN", "UPDATE")}
    rows = [(order_id, said.get(order_id, "nothing"), status) for order_id, status in book.items()]
    return [row for row in rows if row[1] not in silent.get(row[2], (row[2],))]


def flat(series: Series) -> None:
    """Warm is the exchange after a fifth of the time, or a minute."""
    warm = min(len(series.rss_bytes) // 3, int(60 / SAMPLE_S))
    grown = max(series.rss_bytes[-1], series.rss_bytes[-2]) - series.rss_bytes[warm]
    orders = series.placed[-1] - series.placed[warm]
    most = GROWTH_BYTES_MAX + orders * ORDER_BYTES_MAX
    print(f"soak: memory grew by {grown / 1e6:.1f} MB with {orders} orders since it was warm; {most / 1e6:.1f} may be")
    assert grown <= most, f"memory grew by {grown / 1e6:.1f} MB with {orders} orders: {series.rss_bytes}"


def tell(
    readers: list[Reader], traders: list[Trader], slow: Reader, series: Series, wall_s: float, cpu_s: float
) -> None:
    """The numbers."""
    taken_ms = sorted(1e3 * taken_s for trader in traders for taken_s in trader.taken_s)
    median_ms, p99_ms = (taken_ms[int(part * (len(taken_ms) - 1))] for part in (0.5, 0.99))
    frames, bytes_ = sum(one.frames for one in readers), sum(one.bytes for one in readers)
    print(
        f"soak: {len(readers)} sockets of {len(traders)} accounts for {wall_s:.0f} s: {frames} frames in order,"
        f" none lost, {bytes_ / wall_s / 1e6:.1f} MB/s\n"
        f"soak: the slow reader was shown {slow.frames} frames and passed over {slow.passed_over}; who took nothing was"
        " dropped\n"
        f"soak: {len(taken_ms)} orders, all in the books, {sum(one.texts for one in readers)} updates alike on all"
        f" sockets; placed in {median_ms:.1f} ms (median), {p99_ms:.1f} ms (p99), {taken_ms[-1]:.1f} ms (worst)\n"
        f"soak: the exchange took {cpu_s / wall_s:.1%} of a core; rss"
        f" {' '.join(f'{rss / 1e6:.0f}' for rss in series.rss_bytes)} MB",
        flush=True,
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(max(SECONDS_MIN, float(os.environ.get("SOAK_SECONDS", "600"))))))
