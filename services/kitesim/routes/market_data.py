"""What the market lists and shows: the instruments file, quotes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from kitev3._core import LTPS_MAX, QUOTES_MAX, Exchange
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.routes.door import Door, Endpoint
from kitev3.services.kitesim.routes.user import EXCHANGES
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def table(door: Door) -> list[BaseRoute]:
    exchange, file = door.exchange, door.open(InstrumentsFile(door.exchange))
    return [
        Route("/instruments", file),
        Route("/instruments/{exchange}", file),
        Route("/quote", quotes(door, exchange.quote, QUOTES_MAX)),
        Route("/quote/ohlc", quotes(door, exchange.ohlc, LTPS_MAX)),
        Route("/quote/ltp", quotes(door, exchange.ltp, LTPS_MAX)),
    ]


def quotes(door: Door, answer: Callable[[list[str]], Any], most: int) -> Endpoint:
    """A quote route: repeated ``i``."""

    def rows(user: str, request: Request) -> Any:
        names = request.query_params.getlist("i")
        if not 0 < len(names) <= most:
            raise Fault.bad(f"Invalid `i`: from 1 to {most} instruments.")
        return answer(names)

    return door.read(rows, quote=True)


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
        return Response(content, media_type="text/csv", headers=headers)
