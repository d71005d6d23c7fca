"""Kite's REST routes over the exchange: paths, forms and envelopes; what they mean is the exchange's affair."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from kitev3._core import LTPS_MAX, QUOTES_MAX, Exchange, ExchangeRefusal, ist_stamp
from kitev3.services.kitesim.answers import Fault, success
from kitev3.services.kitesim.logins import Denied, Logins, Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

BODY_BYTES_MAX = 1 << 20
EXCHANGES = ["NSE", "BSE", "NFO"]
PRODUCTS = ["CNC", "NRML", "MIS", "MTF"]
ORDER_TYPES = ["MARKET", "LIMIT", "SL", "SL-M"]

Fields: TypeAlias = dict[str, str]
Heard: TypeAlias = Callable[[str, str, str, str, Fields], None]
"""A write that was accepted: user, verb, order_id, variety, fields. Called before it is answered."""
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Routes:
    """The routes of one exchange.

    Args:
        now_ns: market time, as a request counts.
        clock_ns: market time by the clock alone, which the windows of limits follow.
        heard: told of every accepted write, before its answer leaves.
        logged_out: told of the API key whose token has ended.
    """

    def __init__(
        self,
        exchange: Exchange,
        logins: Logins,
        now_ns: Callable[[], int],
        clock_ns: Callable[[], int],
        heard: Heard,
        logged_out: Callable[[str], None],
    ) -> None:
        self.exchange, self.logins, self.now_ns = exchange, logins, now_ns
        self.clock_ns = clock_ns
        self.heard, self.logged_out = heard, logged_out
        self.files: dict[str | None, bytes] = {}

    def table(self) -> list[BaseRoute]:
        """Paths and methods. Kite's root is the host's, since the Python client drops any prefix."""
        get, read, quotes = self.open, self.read, self.quotes
        return [
            Route("/connect/login", get(self.login_page)),
            Route("/connect/done", get(self.logged_in_page)),
            Route("/session/token", self.session_token, methods=["POST", "DELETE"]),
            Route("/user/profile", read(self.profile)),
            Route("/user/margins", read(self.margins)),
            Route("/user/margins/{segment}", read(self.margins)),
            Route("/margins/{segment}", read(self.margins)),
            Route("/orders", read(lambda user, request: self.exchange.orders(user))),
            Route("/orders/{name}", self.order, methods=["GET", "POST"]),
            Route("/orders/{order_id}/trades", read(self.order_trades)),
            Route("/orders/{variety}/{order_id}", self.write(self.modify_or_cancel), methods=["PUT", "DELETE"]),
            Route("/trades", read(lambda user, request: self.exchange.trades(user))),
            Route("/portfolio/positions", read(lambda user, request: self.exchange.positions(user))),
            Route("/portfolio/holdings", read(lambda user, request: self.exchange.holdings(user))),
            Route("/instruments", get(self.instruments)),
            Route("/instruments/{exchange}", get(self.instruments)),
            Route("/quote", quotes(self.exchange.quote, QUOTES_MAX)),
            Route("/quote/ohlc", quotes(self.exchange.ohlc, LTPS_MAX)),
            Route("/quote/ltp", quotes(self.exchange.ltp, LTPS_MAX)),
        ]

    # --- who may ---------------------------------------------------------------------------------------------

    def session(self, request: Request) -> Session:
        """The caller's session, or a Fault."""
        try:
            return self.logins.authorised(request.headers.get("authorization", ""))
        except Denied as denied:
            raise _denied(denied) from None

    def open(self, answer: Callable[[Request], Response]) -> Endpoint:
        """A route without login."""

        async def endpoint(request: Request) -> Response:
            return answer(request)

        return endpoint

    def read(self, answer: Callable[[str, Request], Any], *, quote: bool = False) -> Endpoint:
        """A GET with login, within its limits."""

        async def endpoint(request: Request) -> Response:
            session = self.session(request)
            with _Refusals():
                self.exchange.admit_read(session.api_key, quote=quote, at_ns=self.clock_ns())
                return success(answer(session.user_id, request))

        return endpoint

    def quotes(self, answer: Callable[[list[str]], Any], most: int) -> Endpoint:
        """A quote route: repeated ``i``."""

        def rows(user: str, request: Request) -> Any:
            names = request.query_params.getlist("i")
            if not 0 < len(names) <= most:
                raise Fault.bad(f"Invalid `i`: from 1 to {most} instruments.")
            return answer(names)

        return self.read(rows, quote=True)

    def write(self, answer: Callable[[str, Request, Fields], Any]) -> Endpoint:
        """A write with login; the exchange counts it against the account's limits itself."""

        async def endpoint(request: Request) -> Response:
            user = self.session(request).user_id
            fields = await _form(request)
            with _Refusals():
                return success(answer(user, request, fields))

        return endpoint

    # --- session ---------------------------------------------------------------------------------------------

    def login_page(self, request: Request) -> Response:
        """Everybody is who the application says: there is nothing to steal here, so no password is asked."""
        try:
            application, request_token = self.logins.login(request.query_params.get("api_key", ""))
        except Denied as denied:
            raise Fault.bad(str(denied)) from None
        extra = parse_qsl(request.query_params.get("redirect_params", ""))
        target = urlsplit(application.redirect_url)
        query = [
            *parse_qsl(target.query),
            ("action", "login"),
            ("type", "login"),
            ("status", "success"),
            ("request_token", request_token),
            *extra,
        ]
        return RedirectResponse(urlunsplit(target._replace(query=urlencode(query))), status_code=302)

    def logged_in_page(self, request: Request) -> Response:
        """Where the login leads when the application has no address of its own; the token stands in the address bar."""
        return HTMLResponse("<!doctype html><title>Logged in</title><p>Logged in. The request token is in the address.")

    async def session_token(self, request: Request) -> Response:
        """Request token to access token; or the end of one."""
        if request.method == "DELETE":
            query = request.query_params
            try:
                ended = self.logins.end(query.get("api_key", ""), query.get("access_token", ""))
            except Denied as denied:
                raise _denied(denied) from None
            self.logged_out(ended.api_key)
            return success(True)
        form = await _form(request)
        for name in ("api_key", "request_token", "checksum"):
            if not form.get(name):
                raise Fault.bad(f"Missing `{name}`.")
        try:
            session, token = self.logins.exchange(form["api_key"], form["request_token"], form["checksum"])
        except Denied as denied:
            raise _denied(denied) from None
        return success(
            {
                **_person(session.user_id),
                "api_key": session.api_key,
                "access_token": token,
                "public_token": "",
                "enctoken": "",
                "refresh_token": "",
                "silo": "",
                "login_time": ist_stamp(self.now_ns()),
            }
        )

    # --- user ------------------------------------------------------------------------------------------------

    def profile(self, user: str, request: Request) -> Any:
        return _person(user)

    def margins(self, user: str, request: Request) -> Any:
        segments = self.exchange.margins(user)
        name = request.path_params.get("segment")
        if name is None:
            return segments
        if name not in segments:
            raise Fault.bad("Invalid `segment`.")
        return segments[name]

    # --- orders ----------------------------------------------------------------------------------------------

    async def order(self, request: Request) -> Response:
        """One path, two meanings: POST names a variety, GET an order."""
        name = request.path_params["name"]
        if request.method == "POST":
            return await self.write(lambda user, _, fields: self.place(user, name, fields))(request)
        return await self.read(lambda user, _: self.exchange.order_history(user, name))(request)

    def place(self, user: str, variety: str, fields: Fields) -> Any:
        fields = _own(fields)
        order_id = self.exchange.place(user, variety=variety, at_ns=self.clock_ns(), **fields)
        self.heard(user, "place", order_id, variety, fields)
        return {"order_id": order_id}

    def modify_or_cancel(self, user: str, request: Request, fields: Fields) -> Any:
        variety, order_id = request.path_params["variety"], request.path_params["order_id"]
        if variety != "regular":
            raise Fault.bad("Invalid `variety`.")
        if request.method == "PUT":
            fields = _own(fields)
            self.exchange.modify(user, order_id, at_ns=self.clock_ns(), **fields)
            self.heard(user, "modify", order_id, variety, fields)
        else:
            self.exchange.cancel(user, order_id, at_ns=self.clock_ns())
            self.heard(user, "cancel", order_id, variety, {})
        return {"order_id": order_id}

    def order_trades(self, user: str, request: Request) -> Any:
        return self.exchange.order_trades(user, request.path_params["order_id"])

    # --- instruments -----------------------------------------------------------------------------------------

    def instruments(self, request: Request) -> Response:
        """The day's file, gzipped once: the bytes are the same for all, and the same each time."""
        exchange = request.path_params.get("exchange")
        if exchange is not None and exchange not in EXCHANGES:
            raise Fault.bad("Invalid `exchange`.")
        if exchange not in self.files:
            self.files[exchange] = gzip.compress(self.exchange.instruments_csv(exchange).encode(), mtime=0)
        content, headers = self.files[exchange], {"vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
        return Response(content, media_type="text/csv", headers=headers)


class _Refusals:
    """Turns the exchange's refusals into faults."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, refusal: BaseException | None, trace: Any) -> None:
        if isinstance(refusal, ExchangeRefusal):
            raise Fault(refusal.status, refusal.error_type, refusal.message) from None


def _denied(denied: Denied) -> Fault:
    return Fault(403, "TokenException", str(denied))


def _own(fields: Fields) -> Fields:
    """Fields that the clients send twice, or that mean nothing to an order, go."""
    return {name: text for name, text in fields.items() if name not in ("variety", "order_id", "at_ns", "user")}


async def _form(request: Request) -> Fields:
    """The fields of a form body; the first of a name counts."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Fault(413, "InputException", "The request is too large.")
        chunks.append(chunk)
    try:
        pairs = parse_qsl(b"".join(chunks).decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Fault.bad("The request is no form.") from None
    return dict(reversed(pairs))


def _person(user: str) -> dict[str, Any]:
    return {
        "user_id": user,
        "user_type": "individual",
        "email": f"{user.lower()}@kitesim.invalid",
        "user_name": f"Trader {user}",
        "user_shortname": user,
        "broker": "ZERODHA",
        "exchanges": EXCHANGES,
        "products": PRODUCTS,
        "order_types": ORDER_TYPES,
        "avatar_url": None,
        "meta": {"demat_consent": "consent"},
    }
