"""Who may speak, and how a request becomes fields and an answer an envelope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from kitev3._core import Exchange, ExchangeRefusal
from kitev3.services.kitesim.access import EVERYWHERE, Access
from kitev3.services.kitesim.answers import Fault, success
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.logins import Denied, Logins, Session
from kitev3.services.kitesim.rules import rules_of
from starlette.requests import Request
from starlette.responses import Response

BODY_BYTES_MAX = 1 << 20

Fields: TypeAlias = dict[str, str]
Heard: TypeAlias = Callable[[Session, str, str, str, Fields], None]
"""A write that was accepted: whose, verb, order_id, variety, fields. Called before it is answered."""
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Auth:
    """What every route of one exchange goes through.

    Args:
        now_ns: market time, as a request counts.
        clock_ns: market time by the clock alone, which the windows of limits follow.
        heard: told of every accepted write, before its answer leaves.
        logged_out: told of the API key whose token has ended.
        access: from where orders may come.
    """

    def __init__(
        self,
        exchange: Exchange,
        books: Books,
        logins: Logins,
        now_ns: Callable[[], int],
        clock_ns: Callable[[], int],
        heard: Heard,
        logged_out: Callable[[str], None],
        access: Access = EVERYWHERE,
    ) -> None:
        self.exchange, self.books, self.logins, self.now_ns = exchange, books, logins, now_ns
        self.clock_ns = clock_ns
        self.heard, self.logged_out, self.access = heard, logged_out, access
        self.rules = rules_of(exchange)

    def session(self, request: Request) -> Session:
        """The caller's session, or a Fault."""
        try:
            return self.logins.authorised(request.headers.get("authorization", ""))
        except Denied as denied:
            raise no_session(denied) from None

    def open(self, answer: Callable[[Request], Response]) -> Endpoint:
        """A route without login."""

        async def endpoint(request: Request) -> Response:
            return answer(request)

        return endpoint

    def read(self, answer: Callable[[str, Request], Any], *, kind: str = "other") -> Endpoint:
        """A GET with login, within the limits of its kind."""

        async def endpoint(request: Request) -> Response:
            session = self.session(request)
            with refusals():
                self.exchange.admit_read(session.api_key, kind, at_ns=self.clock_ns())
                return success(answer(session.user_id, request))

        return endpoint

    def write(self, answer: Callable[[Session, Request, Fields], Any]) -> Endpoint:
        """A write with login from an address that may; the exchange counts it against the account's limits itself."""

        async def endpoint(request: Request) -> Response:
            caller = self.session(request)
            address = request.client.host if request.client else ""
            if not self.access.admits(address):
                message = f"Orders are not allowed from the IP address {address}."
                raise Fault(self.rules.unlisted_status, self.rules.unlisted_error_type, message)
            fields = await form(request)
            with refusals():
                return success(answer(caller, request, fields))

        return endpoint

    def change(self, answer: Callable[[Session, Request, Fields], Any]) -> Endpoint:
        """A write that is no order's: it counts with the reads of its key."""

        async def endpoint(request: Request) -> Response:
            caller = self.session(request)
            fields = await form(request)
            with refusals():
                self.exchange.admit_read(caller.api_key, at_ns=self.clock_ns())
                return success(answer(caller, request, fields))

        return endpoint


@contextmanager
def refusals() -> Iterator[None]:
    """Turns the exchange's refusals into faults."""
    try:
        yield
    except ExchangeRefusal as refusal:
        raise Fault(refusal.status, refusal.error_type, refusal.message) from None


def query(request: Request) -> Fields:
    """The fields of an address; the first of a name counts, as in a form."""
    return dict(reversed(request.query_params.multi_items()))


def no_session(denied: Denied) -> Fault:
    """The fault of who has no valid login."""
    return Fault(403, "TokenException", str(denied))


async def body(request: Request) -> bytes:
    """The bytes of a body, within bounds."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Fault(413, "InputException", "The request is too large.")
        chunks.append(chunk)
    return b"".join(chunks)


async def form(request: Request) -> Fields:
    """The fields of a form body; the first of a name counts."""
    try:
        pairs = parse_qsl((await body(request)).decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Fault.bad("The request is no form.") from None
    return dict(reversed(pairs))
