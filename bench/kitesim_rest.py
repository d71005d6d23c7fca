"""What the local exchange's REST costs, beside a bare server of the same framework; and how late it is when many ask.

Both servers have a core of their own, the same one, and are asked in turn from another. The exchange keeps its limits:
so many keys and accounts ask that none is over its own.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from sys import executable
from tempfile import TemporaryDirectory
from time import perf_counter, perf_counter_ns

import uvloop

from bench.load.caller import Caller
from bench.load.exchange import Login, Running, environment, exchange, logins
from bench.places import cores, pinned
from bench.result import Result

NAME = "kitesim_rest"
CLOCK = "2026-11-19T09:20"
ORDERS = 1_000
KEYS = 100  # of the user with the orders: each may ask ten times a second
USERS = 120  # who place: each may ten times a second, and 400 times a minute
ROUNDS, READS, PLACES = 15, 60, 100
SETUP_SPEED = "100"  # a hundred market seconds in one: the limits of a minute pass in less than one
# The time of a request counts from when it was due, whether the one before it was late or not.
ASKED_A_SECOND, ASKED_S = 200, 30
ACCOUNTS = 20
READ_PATHS = ("/orders", "/user/margins", "/portfolio/positions", "/trades")


def run() -> Result:
    server_cpu, caller_cpu = cores()
    with (
        TemporaryDirectory(prefix="kitesim-rest-") as state,
        pinned(caller_cpu),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(measure(state, server_cpu))


async def measure(state: str, cpu: int) -> Result:
    people = (*logins(1, KEYS), *logins(USERS + 1)[1:])
    book, placers = people[:KEYS], people[KEYS:]
    with exchange(people, CLOCK, "--state", state, "--speed", SETUP_SPEED, cpu=cpu) as running:
        await fill(running, book[0])
    with exchange(people, CLOCK, "--state", state, cpu=cpu) as running:
        callers = [await caller.connect() for caller in callers_of(running.address, book)]
        status, content = await callers[0].send(callers[0].request("GET", "/orders"))
        if status != 200:
            raise AssertionError(content)
        with bare(len(content), cpu) as address:
            orders = await compared(address, callers, "GET", "/orders", None, READS)
            placing = [await caller.connect() for caller in callers_of(running.address, placers)]
            price = await last_price(callers[1])
            places = await compared(address, placing, "POST", "/orders/regular", form(price), PLACES)
        people = placers[:ACCOUNTS]
        at_rate_ms = await at_rate(running, people, form(price))
    p50_ms, p99_ms, worst_ms = (at_rate_ms[int(part * (len(at_rate_ms) - 1))] for part in (0.5, 0.99, 1.0))
    rows: list[dict[str, object]] = [
        {"what": f"GET /orders, {ORDERS:,} orders, {len(content):,} bytes", "ms": orders[0], "bare ms": orders[1]},
        {"what": "POST /orders/regular", "ms": places[0], "bare ms": places[1]},
        {"what": f"{ASKED_A_SECOND} requests a second", "ms": p50_ms, "p99 ms": p99_ms, "worst ms": worst_ms},
    ]
    return Result(
        NAME,
        rows,
        {
            "kitesim_orders": orders[0] / orders[1],
            "kitesim_place": places[0] / places[1],
            "kitesim_p99_ms": p99_ms,  # no ratio: milliseconds, which stay below ten
        },
        [
            f"medians of {ROUNDS} rounds in turn, one request after the other; server on core {cpu}",
            f"{ASKED_A_SECOND}/s, {ASKED_S} s: half reads, half places of {ACCOUNTS} accounts, from when each was due",
            "the market of all instruments runs beside them at a second a second",
        ],
    )


def callers_of(address: str, people: tuple[Login, ...]) -> list[Caller]:
    return [Caller(address, one.api_key, one.token) for one in people]


def form(price: float) -> dict[str, object]:
    """An order that waits."""
    return {
        "exchange": "NSE",
        "tradingsymbol": "SBIN",
        "transaction_type": "BUY",
        "quantity": 1,
        "product": "MIS",
        "order_type": "LIMIT",
        "price": round(round(price * 0.96 / 0.05) * 0.05, 2),
        "validity": "DAY",
    }


async def last_price(caller: Caller) -> float:
    answer = await caller.call("GET", "/quote/ltp?i=NSE:SBIN")
    assert isinstance(answer, dict)
    return float(answer["NSE:SBIN"]["last_price"])


async def fill(running: Running, login: Login) -> None:
    """A book of so many orders: those that wait, and as many that have traded."""
    (caller,) = callers_of(running.address, (login,))
    await caller.connect()
    price = await last_price(caller)
    waits, trades = form(price), form(price) | {"price": round(round(price * 1.02 / 0.05) * 0.05, 2)}
    placed = 0
    while placed < ORDERS:
        status, content = await caller.send(caller.request("POST", "/orders/regular", trades if placed % 2 else waits))
        if status == 200:
            placed += 1
        elif status != 429:  # a window is full: it passes soon
            raise AssertionError(content)


async def compared(
    bare_address: str, callers: list[Caller], method: str, path: str, fields: dict[str, object] | None, number: int
) -> tuple[float, float]:
    """Milliseconds of a request here and at the bare server: medians over rounds of both in turn."""
    plain = await Caller(bare_address).connect()
    ours = [(caller, caller.request(method, path, fields)) for caller in callers]
    theirs = plain.request(method, path, fields)
    turn = itertools.cycle(ours)
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        began_ns = perf_counter_ns()
        for _ in range(number):
            caller, request = next(turn)
            status, content = await caller.send(request)
            if status != 200:
                raise AssertionError(content)
        between_ns = perf_counter_ns()
        for _ in range(number):
            status, content = await plain.send(theirs)
            if status != 200:
                raise AssertionError(content)
        taken[0].append((between_ns - began_ns) / number / 1e6)
        taken[1].append((perf_counter_ns() - between_ns) / number / 1e6)
        # So that no account is over its own limits, which count by the second.
        await asyncio.sleep(number / len(callers) / 10 + 0.05)
    plain.close()
    return median(taken[0]), median(taken[1])


async def at_rate(running: Running, people: tuple[Login, ...], fields: dict[str, object]) -> list[float]:
    """Milliseconds from when each request was due until its answer was whole, sorted."""
    taken_ms: list[float] = []
    began_s = perf_counter() + 0.1

    async def ask(login: Login, first: int, request_of: Callable[[Caller, int], bytes]) -> None:
        (caller,) = callers_of(running.address, (login,))
        await caller.connect()
        step = 2 * ACCOUNTS
        for number in range(first, ASKED_A_SECOND * ASKED_S, step):
            due_s = began_s + number / ASKED_A_SECOND
            await asyncio.sleep(max(0.0, due_s - perf_counter()))
            status, content = await caller.send(request_of(caller, number // step))
            if status != 200:
                raise AssertionError(content)
            taken_ms.append((perf_counter() - due_s) * 1e3)
        caller.close()

    def place(caller: Caller, number: int) -> bytes:
        return caller.request("POST", "/orders/regular", fields)

    def read(caller: Caller, number: int) -> bytes:
        return caller.request("GET", READ_PATHS[number % len(READ_PATHS)])

    async with asyncio.TaskGroup() as group:
        for at, login in enumerate(people):
            group.create_task(ask(login, 2 * at, place))
            group.create_task(ask(login, 2 * at + 1, read))
    return sorted(taken_ms)


@contextmanager
def bare(size: int, cpu: int) -> Iterator[str]:
    """The bare server's address."""
    command = ["taskset", "-c", str(cpu), executable, "-m", "bench.load.bare", str(size)]
    with Popen(command, stdout=PIPE, text=True, env=environment(), cwd=Path(__file__).parents[1]) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
