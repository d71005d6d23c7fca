"""The page's addresses: what a browser loads, what it asks each second, and the switches of the faults.

Its answers are plain JSON, not Kite's envelopes; they count to nobody's limits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from kitev3._core import ExchangeRefusal
from kitev3.errors import ConfigError
from kitev3.services.kitesim.faults.switches import BODY_BYTES_MAX, Switches, Unwelcome
from kitev3.services.kitesim.page.entrance import PARAMETER, Entrance
from kitev3.services.kitesim.page.files import files
from kitev3.services.kitesim.page.guard import HEADERS, PATH, at_home, from_the_page
from kitev3.services.kitesim.page.queries import Queries
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

TOKENS_MAX = 200  # prices in one answer
DIGITS_MAX = 10

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def table(watch: Queries, entrance: Entrance) -> list[BaseRoute]:
    """Of a page that is shown to whom the entrance admits."""
    page = _Page(watch, entrance)
    api = f"{PATH}/api"
    return [
        Route(PATH, page.enter),
        Route(f"{PATH}/", page.file),
        Route(f"{api}/about", page.reads(lambda _: watch.about())),
        Route(f"{api}/now", page.reads(lambda _: watch.now())),
        Route(f"{api}/prices", page.reads(page.prices)),
        Route(f"{api}/instruments/{{token}}", page.reads(page.instrument)),
        Route(f"{api}/instruments/{{token}}/chart", page.reads(lambda it: watch.chart(_number(it, "token")))),
        Route(f"{api}/orders", page.reads(page.orders)),
        Route(f"{api}/orders/{{order_id}}", page.reads(lambda it: watch.order(it.path_params["order_id"]))),
        Route(f"{api}/trades", page.reads(lambda _: watch.trades())),
        Route(f"{api}/faults", page.add, methods=["POST"]),
        Route(f"{api}/faults", page.changes(lambda switches, _: switches.remove()), methods=["DELETE"]),
        Route(f"{api}/faults/{{number}}", page.changes(_remove), methods=["DELETE"]),
        Route(f"{PATH}/{{name}}", page.file),
    ]


def closed(why: str) -> list[BaseRoute]:
    """Of a page that is not shown: the same words wherever it would be."""

    async def say(request: Request) -> Response:
        return Response(why + "\n", 404, media_type="text/plain")

    return [Route(PATH, say), Route(f"{PATH}/{{path:path}}", say)]


class _Page:
    def __init__(self, watch: Queries, entrance: Entrance) -> None:
        self.watch, self.entrance, self.files = watch, entrance, files()

    async def enter(self, request: Request) -> Response:
        """Relative addresses in the page need the slash."""
        return RedirectResponse(f"{PATH}/?{request.url.query}", 302, dict(HEADERS))

    async def file(self, request: Request) -> Response:
        try:
            at_home(request)
            if PARAMETER in request.query_params:
                cookie = self.entrance.enter(request.query_params[PARAMETER])
                return RedirectResponse(f"{PATH}/", 303, {**HEADERS, "set-cookie": cookie})
            self.entrance.admit(request)
        except Unwelcome as no:
            return Response(no.message + "\n", no.status, HEADERS, "text/plain")
        content, kind = self.files.get(request.path_params.get("name", "index.html"), (b"", ""))
        if not kind:
            return _answer(404, {"error": "there is no such file"})
        return Response(content, headers={**HEADERS, "content-type": kind})

    def reads(self, look: Callable[[Request], Any]) -> Endpoint:
        """Shows something."""

        async def endpoint(request: Request) -> Response:
            try:
                self._let_in(request, changes=False)
                return _answer(200, look(request))
            except Unwelcome as no:
                return _answer(no.status, {"error": no.message})
            except KeyError:
                return _answer(404, {"error": "there is none of that name"})
            except ExchangeRefusal as no:
                return _answer(404, {"error": no.message})

        return endpoint

    def changes(self, deed: Callable[[Switches, Request], Any]) -> Endpoint:
        """Does something with the faults."""

        async def endpoint(request: Request) -> Response:
            try:
                return _answer(200, {"removed": deed(self._switches(request), request)})
            except Unwelcome as no:
                return _answer(no.status, {"error": no.message})

        return endpoint

    async def add(self, request: Request) -> Response:
        """Switches a fault on."""
        try:
            switches = self._switches(request)
            if "json" not in request.headers.get("content-type", ""):
                raise Unwelcome(415, "the body is JSON, and says so in Content-Type")
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    break  # it is refused for that
            return _answer(201, switches.add(body))
        except Unwelcome as no:
            return _answer(no.status, {"error": no.message})
        except ConfigError as wrong:
            return _answer(400, {"error": str(wrong)})

    def _switches(self, request: Request) -> Switches:
        self._let_in(request, changes=True)
        switches = self.watch.switches
        if switches is None or not switches.address:
            raise Unwelcome(409, "faults are switched only when the exchange was started with --admin")
        return switches

    def _let_in(self, request: Request, *, changes: bool) -> None:
        from_the_page(request, changes=changes)
        self.entrance.admit(request)

    def prices(self, request: Request) -> Any:
        tokens = request.query_params.get("tokens", "").split(",")[:TOKENS_MAX]
        return self.watch.exchange.prices([_parsed(token) for token in tokens if token])

    def instrument(self, request: Request) -> Any:
        shown = self.watch.instrument(_number(request, "token"))
        if shown is None:
            raise Unwelcome(404, "there is no such instrument")
        return shown

    def orders(self, request: Request) -> Any:
        asked = request.query_params
        return self.watch.orders(
            user=asked.get("user") or None,
            token=_parsed(asked["token"]) if asked.get("token") else None,
            open_only=asked.get("open") == "1",
        )


def _remove(switches: Switches, request: Request) -> int:
    return switches.remove_one(_number(request, "number"))


def _number(request: Request, name: str) -> int:
    return _parsed(request.path_params[name])


def _parsed(text: str) -> int:
    if not _is_number(text) or int(text) >= 1 << 32:
        raise Unwelcome(404, f"{text[:DIGITS_MAX]} is no number that is known here")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX


def _answer(status: int, data: object) -> Response:
    headers = {**HEADERS, "content-type": "application/json"}
    return Response(msgspec.json.encode(data), status, headers)
