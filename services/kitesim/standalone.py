"""The exchange alone: its own command line, without the other services."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kitev3._core import Exchange
from kitev3.calendar import IST
from kitev3.contracts import Request
from kitev3.errors import ConfigError
from kitev3.runtime.clock import MarketClock, machine_ns
from kitev3.services.kitesim.applications import credentials, tokens_of, users_of
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.faults.front import Front, in_front
from kitev3.services.kitesim.logins import Logins, Session
from kitev3.services.kitesim.loop import run
from kitev3.services.kitesim.opening import open_exchange
from kitev3.services.kitesim.options import Options, read_options
from kitev3.services.kitesim.replay import replay
from kitev3.services.kitesim.rules import differences, text
from kitev3.services.kitesim.server import Server, address_of, listen, unmarked
from kitev3.services.kitesim.state import Memory, check, remembered
from kitev3.system.private import write_whole
from kitev3.system.unread import unread

NS = 1_000_000_000
PAGE_FILE = "page"  # of mode 0600, in the state's folder
FAULTS_FILE = "faults"  # the same


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM. Exit code 2: refused before it began, with one line that says why."""
    try:
        options = read_options(arguments)
        faults, access, accounts = options.all_faults(), options.access, options.accounts
        exchange, books, memory = _exchange(options, users_of(accounts))
        listener = listen(options.listen)
        done_url = f"http://{address_of(listener)}/connect/done"
        applications = tuple(account.application(done_url) for account in accounts)
        logins = Logins(applications, tokens_of(accounts), machine_ns)

        def heard(caller: Session, verb: str, order_id: str, variety: str, fields: dict[str, str]) -> None:
            if memory is not None:
                memory.keep(Request(exchange.now_ns, caller.user_id, verb, order_id, variety, fields))

        def serves(port: socket.socket, address: str) -> Server:
            about = _about(options) if options.page else None
            mark = memory.mark if memory is not None else unmarked
            return Server(exchange, logins, port, machine_ns, heard, address, books, access, about, mark)

        faulty = options.admin or faults
        front = in_front(serves, listener, options.admin, faults, options.seed) if faulty else None
    except ConfigError as error:
        print(f"kitesim: {error}", file=sys.stderr)
        return 2
    server = front.server if front else serves(listener, address_of(listener))
    _keep_link(server, options)
    _say(_greeting(server, options))
    server.entrance.announce = lambda: _next_link(server, options)
    if front is not None:
        if options.state and front.link:
            write_whole(Path(options.state) / FAULTS_FILE, f"{front.link}\n".encode())
        _say(front.greeting())
    server.run_market(MarketClock.at_speed(exchange.now_ns, machine_ns(), options.speed))
    try:
        run(_until_signal(front or server))
    finally:
        if memory is not None:
            memory.close()
    return 0


def _exchange(options: Options, users: tuple[str, ...]) -> tuple[Exchange, Books, Memory | None]:
    """The exchange as it is at its start; with a state as it was at its end."""
    folder = Path(options.state) if options.state else None
    kept = remembered(folder) if folder else None
    start = _clock(options.clock)
    if start is None and kept is not None:
        start = datetime.fromtimestamp(kept[0].start_ns / NS, UTC)
    exchange, origin = open_exchange(
        users=users,
        market=options.market,
        seed=options.seed,
        start=start,
        profile=options.profile,
        frame_ms=options.frame_ms,
        universe=options.universe,
        hours=options.kept_hours,
        rules=options.all_rules,
        calendar=options.calendar,
    )
    books = Books(exchange)
    if folder is None:
        return exchange, books, None
    if kept is not None:
        check(kept[0], origin, f"state: {folder}", "take another folder")
        refused = replay(exchange, books, kept[1])
        if refused:
            print(f"kitesim: {refused} requests of {folder} are refused by this version", file=sys.stderr)
        exchange.advance(kept[2])
        exchange.take_order_frames()
    return exchange, books, Memory(folder, origin)


def _about(options: Options) -> dict[str, str]:
    """How it was started, for its page: no key, no token."""
    return {"market": Path(options.market).name, "hours": options.kept_hours, "seed": str(options.seed)}


def _clock(text: str) -> datetime | None:
    if not text:
        return None
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"clock: {text!r} is no time of the form 2026-11-19T09:20") from None
    return clock if clock.tzinfo else clock.replace(tzinfo=IST)


def _greeting(server: Server, options: Options) -> str:
    real = options.market not in ("synthetic", "frozen")
    what = f"{Path(options.market).name}, with synthetic instruments around it" if real else options.market
    exchange, logins = server.exchange, server.auth.logins
    listed = f"{what}, {exchange.session}, {len(exchange.tokens)} instruments"
    return "\n".join(
        (
            f"kitesim listens on {server.address}",
            f"  REST       http://{server.address}",
            f"  WebSocket  ws://{server.address}",
            f"  login      http://{server.address}/connect/login?api_key={options.api_key}&v=3",
            _page_line(server),
            *credentials(logins),
            f"  market     {listed}, hours {options.kept_hours}, profile {exchange.profile}",
            *_own_rules(exchange),
        )
    )


def _page_line(server: Server) -> str:
    return f"  page       {server.page_link}"


def _next_link(server: Server, options: Options) -> None:
    """The last one has been used."""
    _keep_link(server, options)
    _say(_page_line(server))


def _say(text: str) -> None:
    """For whoever reads it: the exchange goes on without him."""
    with unread(sys.stdout):
        print(text, flush=True)


def _keep_link(server: Server, options: Options) -> None:
    """The page's link is written beside the state, for who has not got the terminal any more."""
    if options.state and not server.page_off:
        write_whole(Path(options.state) / PAGE_FILE, f"{server.page_link}\n".encode())


def _own_rules(exchange: Exchange) -> tuple[str, ...]:
    """A line of the rules that are not the profile's, if there are any."""
    own = [f"{name}={text(value)}" for name, value in differences(exchange).items()]
    return (f"  rules      {' '.join(own)}",) if own else ()


async def _until_signal(server: Server | Front) -> None:
    serving = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):  # by the signal
        await serving
