"""One exchange on one port: REST, WebSocket and the market's steps in one loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import uvicorn
from kitev3._core import Exchange
from kitev3.errors import ConfigError
from kitev3.runtime.clock import MarketClock
from kitev3.services.kitesim import routes
from kitev3.services.kitesim.access import EVERYWHERE, Access, flushed, is_this_machine, time_of_day_ns
from kitev3.services.kitesim.access_log import AccessLog
from kitev3.services.kitesim.alerts import Alert
from kitev3.services.kitesim.answers import Fault, bug, fault, no_route, unheard
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.bounds import Bounded
from kitev3.services.kitesim.hangup import Hangup
from kitev3.services.kitesim.logins import Logins, Session
from kitev3.services.kitesim.page import routes as page
from kitev3.services.kitesim.page.entrance import Entrance
from kitev3.services.kitesim.page.queries import Queries
from kitev3.services.kitesim.postbacks import Postbacks
from kitev3.services.kitesim.routes.auth import Auth, Fields, Heard
from kitev3.services.kitesim.rules import rules_of
from kitev3.services.kitesim.sockets import Sockets
from kitev3.services.kitesim.stepper import Stepper
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import WebSocketRoute

SEND_BUFFER_BYTES = 1 << 16  # small, so that a reader who falls behind is felt within some frames
MESSAGE_BYTES_MAX = 1 << 18
GRACE_S_MAX = 1
WALL_E3 = 1000
KEEP_ALIVE_S = 75  # longer than anyone's rhythm of reads: who asks every five seconds need not connect each time


def listen(address: str) -> socket.socket:
    """A listening socket on ``host:port``; port 0 takes a free one. ConfigError when it cannot be had."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(f"listen: {address!r} is no address of the form 127.0.0.1:8787")
    try:
        family = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0][0]
        # Named TCP, since asyncio turns Nagle off only where it is: else each answer of two writes waits 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise ConfigError(f"listen: {address}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)  # inherited by each connection
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise ConfigError(f"listen: cannot listen on {address}: {error.strerror}") from None
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """``host:port`` as it was bound."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def unmarked(at_ns: int) -> None:
    """Nobody keeps the market's time."""


def _unheard(caller: Session, verb: str, order_id: str, variety: str, fields: Fields) -> None:
    """Nobody keeps the requests."""


class Server:
    """Serves an exchange until it is cancelled.

    Args:
        listener: the port, open already, so that the address is known before anything runs.
        address: what clients know it by; the listener's own unless given. Another one is the relay's, in front of it,
            which alone is believed when it says who asks.
        heard: told of every accepted write before it is answered.
        access: from where orders may come.
        about: how it was started, for the operator's page; None: there is no page.
        mark: told of the latest market time that may be served until the next step, before any of it is.
    """

    def __init__(
        self,
        exchange: Exchange,
        logins: Logins,
        listener: socket.socket,
        mono_ns: Callable[[], int],
        heard: Heard = _unheard,
        address: str = "",
        books: Books | None = None,
        access: Access = EVERYWHERE,
        about: Mapping[str, str] | None = MappingProxyType({}),
        mark: Callable[[int], None] = unmarked,
    ) -> None:
        self.exchange, self.listener, self.mark = exchange, listener, mark
        own = address_of(listener)
        self.address = address or own
        self.is_relayed = self.address != own
        self.postbacks = Postbacks(tuple(logins.applications.values()))
        self.rules = rules_of(exchange)
        self.sockets = Sockets(exchange, logins, self.postbacks.tell, self.rules)
        self.books = books or Books(exchange)
        self.stepper = Stepper(exchange, self.sockets, mono_ns, self._look)
        self.requests = 0
        self.access, self.looked_ns = access, exchange.now_ns
        mark(exchange.next_cut_ns - 1)
        self.login_end_ns = time_of_day_ns(self.rules.login_end)
        self.access_log = AccessLog(self.stepper.clock_ns)
        self.watch = Queries(exchange, logins, self.stepper, self.sockets, self.access_log, about or {})
        self.entrance = Entrance(f"kitesim_{self.address.rpartition(':')[2]}")
        self.page_off = "" if about is not None else "The operator's page is switched off."
        if not is_this_machine(self.address.rpartition(":")[0].strip("[]")):
            self.page_off = "The operator's page is there only when the exchange listens on a loopback address."

        def accepted(caller: Session, verb: str, order_id: str, variety: str, fields: Fields) -> None:
            heard(caller, verb, order_id, variety, fields)
            self.requests += 1
            if verb in ("place", "slice"):
                self.postbacks.placed_by(order_id, caller.api_key)
            self.sockets.tell_orders()
            self.stepper.asked()

        self.accepted = accepted
        self.auth = Auth(
            exchange,
            self.books,
            logins,
            self.stepper.now_ns,
            self.stepper.clock_ns,
            accepted,
            self.sockets.drop,
            self.access,
        )

    @property
    def page_link(self) -> str:
        """Where one browser comes in to the operator's page; or why nobody does."""
        return self.page_off or f"http://{self.address}{self.entrance.link}"

    def _look(self) -> None:
        """After each step of the market: who waited for this, and whose login has ended?"""
        self.mark(self.exchange.next_cut_ns - 1)  # a request's time stays below the next step
        before_ns, self.looked_ns = self.looked_ns, self.exchange.now_ns
        if flushed(self.login_end_ns, before_ns, self.looked_ns):
            for api_key in self.auth.logins.flush():
                self.sockets.drop(api_key)
        self.books.alerts.look(self._place, self._met)

    def _place(self, owner: Session, variety: str, fields: Fields) -> str:
        order_id = self.exchange.place(owner.user_id, variety=variety, at_ns=self.exchange.now_ns, **fields)
        self.accepted(owner, "place", order_id, variety, fields)
        return order_id

    def _met(self, alert: Alert, orders: list[dict[str, Any]]) -> None:
        self.accepted(alert.owner, "alert_met", alert.uuid, "", {"orders": msgspec.json.encode(orders).decode()})

    def run_market(self, clock: MarketClock) -> None:
        """The market moves by this clock. At the wall's own pace it waits for nobody."""
        self.sockets.conflating = clock.speed_e3 == WALL_E3
        self.stepper.run(clock)

    def stop_market(self) -> None:
        """The market stands; REST still answers and sockets still beat."""
        self.stepper.stop()

    def status(self) -> dict[str, Any]:
        """For the health answer: plain data."""
        return {
            "address": self.address,
            "market_running": self.stepper.running,
            "ended": self.exchange.market_ended,
            "market_ns": self.stepper.now_ns(),
            "market_lag_ms": self.stepper.lag_ns // 1_000_000,
            "sockets": len(self.sockets.connections),
            "frames": self.sockets.frames,
            "conflated": self.sockets.conflated,
            "postbacks": self.postbacks.posted,
            "postbacks_lost": self.postbacks.lost,
            "requests": self.requests,
        }

    async def serve(self) -> None:
        """Answers until it is cancelled; then closes every socket with 1001 and the port."""
        operators = page.closed(self.page_off) if self.page_off else page.table(self.watch, self.entrance)
        noting = self.access_log.noting
        application = Starlette(
            routes=[*routes.table(self.auth), *operators, WebSocketRoute("/{path:path}", self.sockets.serve)],
            exception_handlers={
                Fault: noting(fault),
                HTTPException: noting(no_route),
                ClientDisconnect: noting(unheard),
                Exception: noting(bug),
            },
        )
        application.router.redirect_slashes = False  # a client that follows a 307 posts twice
        server = Quiet(
            uvicorn.Config(
                self.access_log.counting(application),
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=self.is_relayed,  # else anybody could say which address he comes from
                server_header=False,
                ws=Hangup,
                http=Bounded,
                ws_per_message_deflate=False,  # the real one does not, and the official clients do not ask
                ws_ping_interval=None,
                ws_max_size=MESSAGE_BYTES_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S_MAX,
            )
        )
        serving = asyncio.create_task(server.serve([self.listener]))
        market = asyncio.create_task(self.stepper.keep())
        beat = asyncio.create_task(self.sockets.beat())
        post = asyncio.create_task(self.postbacks.deliver())
        try:
            # None of them ends by itself: the first that does has failed, and its error is ours.
            done, _ = await asyncio.wait((serving, market, beat, post), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            market.cancel()
            beat.cancel()
            post.cancel()
            await self.sockets.end()
            server.should_exit = True
            await asyncio.gather(serving, market, beat, post, return_exceptions=True)
            self.listener.close()


class Quiet(uvicorn.Server):
    """Without handlers of its own for signals: they are the process's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
