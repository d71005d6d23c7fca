"""What a fresh exchange is asked after a crash: everything again, each at its time. What comes of it is the same, ids
and fills too. A write that changes what the exchange remembers has its line in `REPLAY_TABLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kitev3._core import Exchange, ExchangeRefusal
from kitev3.contracts import Request
from kitev3.errors import ConfigError
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.triggers import read_trigger


def replay(exchange: Exchange, books: Books, requests: tuple[Request, ...]) -> int:
    """Does it all again, the exchange's writes and those of the broker's books; how many are refused now, which takes
    an exchange that has been changed since. ConfigError when something else comes of one.
    """
    refused = 0
    exchange.replaying(True)
    for request in requests:
        exchange.advance(request.at_ns)
        try:
            if request.verb in REPLAY_TABLE:
                REPLAY_TABLE[request.verb](exchange, request)
            else:
                books.replay(request)
        except ExchangeRefusal:
            refused += 1
    exchange.replaying(False)
    if requests:
        exchange.halt(None)  # no halt outlives a crash: who ordered it is gone
    exchange.take_order_frames()  # they were said before the crash, or nobody was there to hear
    return refused


def _place(exchange: Exchange, request: Request) -> None:
    order_id = exchange.place(request.user, variety=request.variety, at_ns=request.at_ns, **request.fields)
    _same("order", request, order_id)


def _slice(exchange: Exchange, request: Request) -> None:
    sliced = exchange.place_sliced(request.user, variety=request.variety, at_ns=request.at_ns, **request.fields)
    _same("order", request, sliced["order_id"])


def _same(what: str, request: Request, made: str) -> None:
    if made != request.order_id:
        was = request.order_id
        raise ConfigError(f"{what} {was} of before comes out as {made} in this version: begin with an empty folder")


def _modify(exchange: Exchange, request: Request) -> None:
    exchange.modify(request.user, request.order_id, variety=request.variety, at_ns=request.at_ns, **request.fields)


def _cancel(exchange: Exchange, request: Request) -> None:
    exchange.cancel(request.user, request.order_id, variety=request.variety, at_ns=request.at_ns, **request.fields)


def _convert(exchange: Exchange, request: Request) -> None:
    exchange.convert(request.user, at_ns=request.at_ns, **request.fields)


def _halt(exchange: Exchange, request: Request) -> None:
    exchange.halt(request.fields.get("why"))


def _gtt(exchange: Exchange, request: Request) -> None:
    made = exchange.place_gtt(request.user, at_ns=request.at_ns, **read_trigger(request.fields))
    _same("trigger", request, str(made))


def _gtt_modify(exchange: Exchange, request: Request) -> None:
    wanted = read_trigger(request.fields)
    exchange.place_gtt(request.user, at_ns=request.at_ns, gtt_id=request.order_id, **wanted)


def _gtt_delete(exchange: Exchange, request: Request) -> None:
    exchange.delete_gtt(request.user, request.order_id, at_ns=request.at_ns)


REPLAY_TABLE: Mapping[str, Callable[[Exchange, Request], None]] = MappingProxyType(
    {
        "place": _place,
        "slice": _slice,
        "modify": _modify,
        "cancel": _cancel,
        "convert": _convert,
        "halt": _halt,
        "gtt": _gtt,
        "gtt_modify": _gtt_modify,
        "gtt_delete": _gtt_delete,
    }
)
