"""Puts the egress into the official client: a transport adapter whose connections ask it before their first byte.

The client retries nothing, but it follows redirects (a 307 would POST twice), reads proxies from the environment and
bounds only each read, not the whole. Here a redirect is refused, no proxy is used, and a request ends after its time,
whatever the other side dribbles.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from kitev3.broker.classify import Reply
from kitev3.broker.interface import Permit
from kitev3.errors import Refused, Unknown
from kitev3.runtime.worker import Worker

CONNECT_S_MAX = 2.0
TOTAL_S_MAX = 10.0


class Attempt:
    """One request, from before its connection to its whole reply. A read has no permit."""

    def __init__(self, permit: Permit | None) -> None:
        self.permit = permit
        self.handed_over = False
        self.first_byte_sent = False
        self.reply: Reply | None = None
        self.socket: socket.socket | None = None


class EgressAdapter(HTTPAdapter):
    """Mounted for http and https alike. One request at a time; a write needs an attempt with a permit.

    Args:
        let_through: what is asked right before a write's first byte; raises Refused.
    """

    def __init__(self, let_through: Callable[[Permit], None], total_s_max: float = TOTAL_S_MAX) -> None:
        self._let_through = let_through
        self._total_s_max = total_s_max
        self._attempt: Attempt | None = None
        self._watch = _Watch()
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    @contextmanager
    def attempt(self, permit: Permit | None = None) -> Iterator[Attempt]:
        """Within it the client may send one request."""
        assert self._attempt is None, "one request at a time"
        self._attempt = Attempt(permit)
        try:
            yield self._attempt
        finally:
            self._attempt = None
        self._watch.check()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """As requests does it, with connections that ask before their first byte."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._before_bytes),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._before_bytes),
        }

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends the attempt's one request and reads its whole reply, within the time.

        Raises:
            Refused: no byte of a write has left.
            Unknown: the reply is a redirect, or a second request was asked for.
        """
        attempt = self._attempt
        assert attempt is not None, "a request outside an attempt"
        if attempt.handed_over:
            raise Unknown("a second request was asked for; the first one stands")
        if attempt.permit is None and request.method != "GET":
            raise Refused(f"{request.method} without a permit")
        attempt.handed_over = True
        with self._watch.over(attempt, self._total_s_max):
            response = super().send(
                request, stream=False, timeout=(CONNECT_S_MAX, self._total_s_max), verify=True, cert=None, proxies={}
            )
            body = response.content
        if 300 <= response.status_code < 400:
            raise Unknown(f"HTTP {response.status_code}: a redirect is not followed")
        attempt.reply = Reply(response.status_code, response.headers.get("content-type", ""), body)
        return response

    def close(self) -> None:
        """Closes the connections and ends the watch."""
        super().close()
        self._watch.close()

    def _before_bytes(self, connection: HTTPConnection) -> None:
        attempt = self._attempt
        assert attempt is not None, "bytes outside an attempt"
        if attempt.first_byte_sent:
            return
        attempt.socket = connection.sock
        if attempt.permit is not None:
            self._let_through(attempt.permit)
        attempt.first_byte_sent = True


def _pool(pool: type[Any], connection: type[Any], before_bytes: Callable[[HTTPConnection], None]) -> type[Any]:
    """A pool whose connections call *before_bytes* once they are up and before they write."""

    class Asking(connection):  # type: ignore[misc]
        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            before_bytes(self)
            super().send(data)

    class AskingPool(pool):  # type: ignore[misc]
        ConnectionCls = Asking

    return AskingPool


class _Watch:
    """Cuts a request's socket when its time is over, so that a reply that comes byte by byte ends too.

    Machine time, unscaled: what waits for a socket never follows the market's clock.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._attempt: Attempt | None = None
        self._ends = 0.0
        self._closed = False
        self._thread: Worker | None = None
        self._error: BaseException | None = None

    @contextmanager
    def over(self, attempt: Attempt, seconds: float) -> Iterator[None]:
        with self._turn:
            if self._thread is None:
                self._thread = Worker("rest-watch", self._run, self._died)
                self._thread.start()
            self._attempt, self._ends = attempt, time.monotonic() + seconds
            self._turn.notify()
        try:
            yield
        finally:
            with self._turn:
                self._attempt = None

    def check(self) -> None:
        """Raises when nobody watches any more: no request would have an end."""
        if self._error is not None:
            raise RuntimeError("the watch over requests has died") from self._error

    def close(self) -> None:
        with self._turn:
            self._closed = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join()

    def _died(self, error: BaseException) -> None:
        self._error = error  # whoever makes the requests ends by it

    def _run(self) -> None:
        with self._turn:
            while not self._closed:
                if self._attempt is None:
                    self._turn.wait()
                elif (left := self._ends - time.monotonic()) > 0:
                    self._turn.wait(left)
                else:
                    _cut(self._attempt.socket)
                    self._attempt = None


def _cut(connection: socket.socket | None) -> None:
    if connection is None:
        return  # still connecting, which has a bound of its own
    with suppress(OSError):  # closed meanwhile: that is all we wanted
        # Not SSLSocket's own shutdown: it takes the TLS state away from under the thread that is reading.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
