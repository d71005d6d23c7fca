"""Mutual funds: the file of schemes, orders, SIPs, holdings."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import file
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Fields
from starlette.requests import Request
from starlette.routing import BaseRoute, Route


def table(auth: Auth) -> list[BaseRoute]:
    funds, sips = auth.books.funds, auth.books.sips
    return [
        Route("/mf/instruments", auth.open(lambda _: file(funds.csv().encode()))),
        Route("/mf/holdings", auth.read(lambda user, _: funds.holdings(user))),
        Route("/mf/holdings/{isin}", auth.read(lambda user, request: funds.holding(user, request.path_params["isin"]))),
        Route("/mf/allotments", auth.read(lambda user, _: [])),  # nothing is allotted on the day itself
        Route("/mf/orders", auth.read(lambda user, _: funds.orders(user))),
        Route("/mf/orders", auth.change(partial(place, auth)), methods=["POST"]),
        Route("/mf/orders/{number}", auth.read(lambda user, request: funds.order(user, _id(request)))),
        Route("/mf/orders/{number}", auth.change(partial(cancel, auth)), methods=["DELETE"]),
        Route("/mf/sips", auth.read(lambda user, _: sips.all(user))),
        Route("/mf/sips", auth.change(partial(place_sip, auth)), methods=["POST"]),
        Route("/mf/sips/{number}", auth.read(lambda user, request: sips.sip(user, _id(request)))),
        Route("/mf/sips/{number}", auth.change(partial(modify_sip, auth)), methods=["PUT"]),
        Route("/mf/sips/{number}", auth.change(partial(cancel_sip, auth)), methods=["DELETE"]),
    ]


def place(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    order_id = auth.books.funds.place(caller.user_id, fields)
    auth.heard(caller, "fund", order_id, "", fields)
    return {"order_id": order_id}


def cancel(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    auth.books.funds.cancel(caller.user_id, _id(request))
    auth.heard(caller, "fund_cancel", _id(request), "", {})
    return {"order_id": _id(request)}


def place_sip(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    made = auth.books.sips.place(caller.user_id, fields)
    auth.heard(caller, "sip", made["sip_id"], "", fields)
    return made


def modify_sip(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    auth.books.sips.modify(caller.user_id, _id(request), fields)
    auth.heard(caller, "sip_modify", _id(request), "", fields)
    return {"sip_id": _id(request)}


def cancel_sip(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    auth.books.sips.cancel(caller.user_id, _id(request))
    auth.heard(caller, "sip_cancel", _id(request), "", {})
    return {"sip_id": _id(request)}


def _id(request: Request) -> str:
    return str(request.path_params["number"])
