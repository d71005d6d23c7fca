"""What the market lists and shows: the instruments file, quotes, candles."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from kitev3._core import LTPS_MAX, QUOTES_MAX, Exchange
from kitev3.services.kitesim.answers import Fault, file
from kitev3.services.kitesim.routes.auth import Auth, Endpoint, query
from kitev3.services.kitesim.routes.user import EXCHANGES
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

JSON_LINES = "/instruments.json"


def table(auth: Auth) -> list[BaseRoute]:
    exchange, file = auth.exchange, auth.open(InstrumentsFile(auth.exchange))
    return [
        Route("/instruments", file),
        Route(JSON_LINES, file),
        Route("/instruments/trigger_range/{transaction_type}", auth.read(partial(trigger_range, exchange))),
        Route("/instruments/historical/{token}/{interval}", auth.read(partial(candles, exchange), kind="history")),
        Route("/instruments/{exchange}", file),
        Route("/quote", quotes(auth, exchange.quote, QUOTES_MAX)),
        Route("/quote/ohlc", quotes(auth, exchange.ohlc, LTPS_MAX)),
        Route("/quote/ltp", quotes(auth, exchange.ltp, LTPS_MAX)),
    ]


def quotes(auth: Auth, answer: Callable[[list[str]], Any], most: int) -> Endpoint:
    """A quote route: repeated ``i``."""

    def rows(user: str, request: Request) -> Any:
        return answer(_names(request, most))

    return auth.read(rows, kind="quote")


def _names(request: Request, most: int) -> list[str]:
    names = request.query_params.getlist("i")
    if not 0 < len(names) <= most:
        raise Fault.bad(f"Invalid `i`: from 1 to {most} instruments.")
    return names


def trigger_range(exchange: Exchange, user: str, request: Request) -> Any:
    """Where the trigger of a cover order may be."""
    if request.path_params["transaction_type"] not in ("buy", "sell"):
        raise Fault.bad("Invalid `transaction_type`.")
    return exchange.trigger_range(_names(request, QUOTES_MAX))


def candles(exchange: Exchange, user: str, request: Request) -> Any:
    """What an instrument did, in candles."""
    wanted = {name: text for name, text in query(request).items() if name in ("from", "to", "continuous", "oi")}
    return exchange.candles(request.path_params["token"], request.path_params["interval"], **wanted)


class InstrumentsFile:
    """The day's file, as CSV or as JSON lines, gzipped once: the bytes are the same for all, and the same each time."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.files: dict[tuple[str | None, bool], bytes] = {}

    def __call__(self, request: Request) -> Response:
        name, _, kind = request.path_params.get("exchange", "").partition(".")
        lines, exchange = kind == "json" or request.url.path == JSON_LINES, name or None
        if kind not in ("", "json") or (exchange is not None and exchange not in EXCHANGES):
            raise Fault.bad("Invalid `exchange`.")
        if (exchange, lines) not in self.files:
            text = self.exchange.instruments_json(exchange) if lines else self.exchange.instruments_csv(exchange)
            self.files[exchange, lines] = gzip.compress(text.encode(), mtime=0)
        content, headers = self.files[exchange, lines], {"vary": "accept-encoding"}
        if takes_gzip(request.headers.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
        return file(content, headers | ({"content-type": "application/x-ndjson"} if lines else {}))


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip: named with a weight that is not 0, or by `*` where it is not named."""
    weights = {}
    for one in accepted.lower().split(","):
        coding, _, weight = one.partition(";")
        weights[coding.strip()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return weights.get("gzip", weights.get("*", False))
