"""What the market lists and shows: the instruments file, quotes, candles."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from typing import Any

from kitev3._core import LTPS_MAX, QUOTES_MAX, Exchange
from kitev3.services.kitesim.answers import Fault, file
from kitev3.services.kitesim.routes.door import Door, Endpoint, query
from kitev3.services.kitesim.routes.user import EXCHANGES
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def table(door: Door) -> list[BaseRoute]:
    exchange, file = door.exchange, door.open(InstrumentsFile(door.exchange))
    return [
        Route("/instruments", file),
        Route("/instruments/trigger_range/{transaction_type}", door.read(partial(trigger_range, exchange))),
        Route("/instruments/historical/{token}/{interval}", door.read(partial(candles, exchange), kind="history")),
        Route("/instruments/{exchange}", file),
        Route("/quote", quotes(door, exchange.quote, QUOTES_MAX)),
        Route("/quote/ohlc", quotes(door, exchange.ohlc, LTPS_MAX)),
        Route("/quote/ltp", quotes(door, exchange.ltp, LTPS_MAX)),
    ]


def quotes(door: Door, answer: Callable[[list[str]], Any], most: int) -> Endpoint:
    """A quote route: repeated ``i``."""

    def rows(user: str, request: Request) -> Any:
        return answer(_names(request, most))

    return door.read(rows, kind="quote")


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
    """The day's file, gzipped once: the bytes are the same for all, and the same each time."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.files: dict[str | None, bytes] = {}

    def __call__(self, request: Request) -> Response:
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
        return file(content, headers)
