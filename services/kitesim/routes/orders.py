"""Orders: place, modify, cancel, the book, an order's history, trades."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Fields
from msgspec import Raw
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

VARIETIES = ("regular", "amo", "co", "iceberg", "auction")


def table(auth: Auth) -> list[BaseRoute]:
    exchange = auth.exchange
    return [
        Route("/orders", auth.read(lambda user, _: Raw(exchange.read(user, "orders")))),
        Route("/orders/{variety}", auth.write(partial(place, auth)), methods=["POST"]),
        Route("/orders/{order_id}", auth.read(lambda user, request: exchange.order_history(user, _id(request)))),
        Route("/orders/{order_id}/trades", auth.read(lambda user, request: exchange.order_trades(user, _id(request)))),
        Route("/orders/{variety}/{order_id}", auth.write(partial(modify, auth)), methods=["PUT"]),
        Route("/orders/{variety}/{order_id}", auth.write(partial(cancel, auth)), methods=["DELETE"]),
        Route("/trades", auth.read(lambda user, _: Raw(exchange.read(user, "trades")))),
    ]


def place(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    """A new order, or none."""
    variety, fields = request.path_params["variety"], _own(fields)
    if fields.get("autoslice") == "true":
        sliced = auth.exchange.place_sliced(caller.user_id, variety=variety, at_ns=auth.clock_ns(), **fields)
        auth.heard(caller, "slice", sliced["order_id"], variety, fields)
        return sliced
    order_id = auth.exchange.place(caller.user_id, variety=variety, at_ns=auth.clock_ns(), **fields)
    auth.heard(caller, "place", order_id, variety, fields)
    return {"order_id": order_id}


def modify(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    """Another price, quantity or kind for an order that is open."""
    variety, order_id, fields = _variety(request), _id(request), _own(fields)
    auth.exchange.modify(caller.user_id, order_id, variety=variety, at_ns=auth.clock_ns(), **fields)
    auth.heard(caller, "modify", order_id, variety, fields)
    return {"order_id": order_id}


def cancel(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    """The end of an order that is open."""
    variety, order_id = _variety(request), _id(request)
    fields = {name: text for name, text in request.query_params.items() if name == "order_fault"}
    auth.exchange.cancel(caller.user_id, order_id, variety=variety, at_ns=auth.clock_ns(), **fields)
    auth.heard(caller, "cancel", order_id, variety, fields)
    return {"order_id": order_id}


def _id(request: Request) -> str:
    return str(request.path_params["order_id"])


def _variety(request: Request) -> str:
    variety = str(request.path_params["variety"])
    if variety not in VARIETIES:
        raise Fault.bad("Invalid `variety`.")
    return variety


def _own(fields: Fields) -> Fields:
    """Fields that the clients send twice, or that mean nothing to an order, go."""
    return {name: text for name, text in fields.items() if name not in ("variety", "order_id", "at_ns", "user")}
