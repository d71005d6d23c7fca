"""Mutual funds: the file of schemes, orders, SIPs, holdings."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import file
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.door import Door, Fields
from starlette.requests import Request
from starlette.routing import BaseRoute, Route


def table(door: Door) -> list[BaseRoute]:
    funds, sips = door.books.funds, door.books.sips
    return [
        Route("/mf/instruments", door.open(lambda _: file(funds.csv().encode()))),
        Route("/mf/holdings", door.read(lambda user, _: funds.holdings(user))),
        Route("/mf/holdings/{isin}", door.read(lambda user, request: funds.holding(user, request.path_params["isin"]))),
        Route("/mf/allotments", door.read(lambda user, _: [])),  # nothing is allotted on the day itself
        Route("/mf/orders", door.read(lambda user, _: funds.orders(user))),
        Route("/mf/orders", door.change(partial(place, door)), methods=["POST"]),
        Route("/mf/orders/{number}", door.read(lambda user, request: funds.order(user, _id(request)))),
        Route("/mf/orders/{number}", door.change(partial(cancel, door)), methods=["DELETE"]),
        Route("/mf/sips", door.read(lambda user, _: sips.all(user))),
        Route("/mf/sips", door.change(partial(place_sip, door)), methods=["POST"]),
        Route("/mf/sips/{number}", door.read(lambda user, request: sips.sip(user, _id(request)))),
        Route("/mf/sips/{number}", door.change(partial(modify_sip, door)), methods=["PUT"]),
        Route("/mf/sips/{number}", door.change(partial(cancel_sip, door)), methods=["DELETE"]),
    ]


def place(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    order_id = door.books.funds.place(caller.user_id, fields)
    door.heard(caller, "fund", order_id, "", fields)
    return {"order_id": order_id}


def cancel(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    door.books.funds.cancel(caller.user_id, _id(request))
    door.heard(caller, "fund_cancel", _id(request), "", {})
    return {"order_id": _id(request)}


def place_sip(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    made = door.books.sips.place(caller.user_id, fields)
    door.heard(caller, "sip", made["sip_id"], "", fields)
    return made


def modify_sip(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    door.books.sips.modify(caller.user_id, _id(request), fields)
    door.heard(caller, "sip_modify", _id(request), "", fields)
    return {"sip_id": _id(request)}


def cancel_sip(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    door.books.sips.cancel(caller.user_id, _id(request))
    door.heard(caller, "sip_cancel", _id(request), "", {})
    return {"sip_id": _id(request)}


def _id(request: Request) -> str:
    return str(request.path_params["number"])
