"""The exchange alone: its own command line, without the rest of the house."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from kitev3.clock import MarketClock, machine_ns
from kitev3.config import IST, SPEED_MAX
from kitev3.errors import ConfigError
from kitev3.services.kitesim.faults.catalogue import read_file
from kitev3.services.kitesim.faults.front import Front, in_front
from kitev3.services.kitesim.logins import Application, Logins
from kitev3.services.kitesim.opening import open_exchange
from kitev3.services.kitesim.postbacks import check_address
from kitev3.services.kitesim.server import Server, address_of, listen

USER = "KS0001"


def parser() -> argparse.ArgumentParser:
    """The options of the exchange alone."""
    options = argparse.ArgumentParser(
        prog="kitev3-proc kitesim",
        description="A local exchange that speaks Kite Connect v3: REST and WebSocket on one port, pretended money.",
        epilog="With --config or --run-dir it is a service of the house instead, with the profile's market and clock.",
    )
    options.add_argument("--listen", default="127.0.0.1:8787", metavar="HOST:PORT", help="port 0 takes a free one")
    options.add_argument(
        "--market", default="synthetic", help="synthetic, frozen, or a CSV of time and value, plain or gzipped"
    )
    options.add_argument("--profile", default="strict-2026", choices=("strict-2026", "legacy"))
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--speed", type=float, default=1.0, help="market seconds in a second")
    options.add_argument("--clock", default="", metavar="YYYY-MM-DDTHH:MM", help="market time of the start, IST")
    options.add_argument("--frame-ms", type=int, default=1000, help="market time between two frames")
    options.add_argument("--api-key", default="kitesim")
    options.add_argument("--api-secret", default="", help="a random one unless given")
    options.add_argument("--access-token", default="", help="a random one unless given")
    options.add_argument("--user", default=USER)
    options.add_argument("--redirect-url", default="", help="where the login leads; a page of its own unless given")
    options.add_argument("--postback-url", default="", help="where updates of orders are posted; nowhere unless given")
    options.add_argument("--postback-anywhere", action="store_true", help="also at another machine")
    options.add_argument("--renewable", action="store_true", help="a login gives a refresh token too")
    options.add_argument(
        "--admin", default="", metavar="127.0.0.1:PORT", help="where faults are switched; off unless given"
    )
    options.add_argument("--faults", default="", metavar="FILE", help="TOML of [[fault]]: those from the beginning")
    return options


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM. Exit code 2: refused before it began, with one line that says why."""
    options = parser().parse_args(arguments)
    try:
        if not 0 < options.speed <= SPEED_MAX:
            raise ConfigError(f"speed: above 0 and at most {SPEED_MAX}, not {options.speed:g}")
        if options.postback_url:
            check_address(options.postback_url, anywhere=options.postback_anywhere)
        exchange = open_exchange(
            user=options.user,
            market=options.market,
            seed=options.seed,
            start=_clock(options.clock),
            profile=options.profile,
            frame_ms=options.frame_ms,
        )
        faults = read_file(Path(options.faults)) if options.faults else ()
        listener = listen(options.listen)
        application = _application(options, listener)
        token = options.access_token or secrets.token_hex(16)
        logins = Logins((application,), {application.api_key: token}, machine_ns)

        def serves(port: socket.socket, address: str) -> Server:
            return Server(exchange, logins, port, machine_ns, address=address)

        faulty = options.admin or faults
        front = in_front(serves, listener, options.admin, faults, options.seed) if faulty else None
    except ConfigError as error:
        print(f"kitesim: {error}", file=sys.stderr)
        return 2
    server = front.server if front else serves(listener, address_of(listener))
    print(_greeting(server, options.market, application, token), flush=True)
    if front is not None:
        print(front.greeting(), flush=True)
    server.run_market(MarketClock(exchange.now_ns, machine_ns(), round(options.speed * 1000)))
    asyncio.run(_until_signal(front or server))
    return 0


def _application(options: argparse.Namespace, listener: socket.socket) -> Application:
    return Application(
        api_key=options.api_key,
        api_secret=options.api_secret or secrets.token_hex(16),
        user_id=options.user,
        redirect_url=options.redirect_url or f"http://{address_of(listener)}/connect/done",
        postback_url=options.postback_url,
        renewable=options.renewable,
    )


def _clock(text: str) -> datetime | None:
    if not text:
        return None
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"clock: {text!r} is no time of the form 2026-11-19T09:20") from None
    return clock if clock.tzinfo else clock.replace(tzinfo=IST)


def _greeting(server: Server, market: str, application: Application, token: str) -> str:
    what = market if market in ("synthetic", "frozen") else f"{Path(market).name}, with synthetic instruments around it"
    return (
        f"kitesim listens on {server.address}\n"
        f"  REST       http://{server.address}\n"
        f"  WebSocket  ws://{server.address}\n"
        f"  login      http://{server.address}/connect/login?api_key={application.api_key}&v=3\n"
        f"  api_key={application.api_key} api_secret={application.api_secret} access_token={token}\n"
        f"  market     {what}, {server.exchange.session}, profile {server.exchange.profile}"
    )


async def _until_signal(server: Server | Front) -> None:
    serving = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):  # by the signal
        await serving
