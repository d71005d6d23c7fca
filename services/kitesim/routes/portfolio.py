"""Positions and holdings."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Fields
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

CONVERSION = (
    "exchange",
    "tradingsymbol",
    "transaction_type",
    "position_type",
    "quantity",
    "old_product",
    "new_product",
)
AUTHORISATION = {"type": ("", "mf", "equity"), "transfer_type": ("", "pre", "post", "off", "gift")}


def table(auth: Auth) -> list[BaseRoute]:
    exchange = auth.exchange
    return [
        Route("/portfolio/positions", auth.read(lambda user, _: exchange.positions(user))),
        Route("/portfolio/positions", auth.change(partial(convert, auth)), methods=["PUT"]),
        Route("/portfolio/holdings", auth.read(lambda user, _: exchange.holdings(user))),
        Route("/portfolio/holdings/summary", auth.read(lambda user, _: exchange.holdings_summary(user))),
        Route("/portfolio/holdings/compact", auth.read(lambda user, _: exchange.holdings_compact(user))),
        Route("/portfolio/holdings/auctions", auth.read(lambda user, _: exchange.auctions(user))),
        Route("/portfolio/holdings/authorise", auth.change(authorise), methods=["POST"]),
        Route("/connect/portfolio/authorise/holdings/{api_key}/{request_id}", auth.open(authorised_page)),
    ]


def convert(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    """A part of a position under another product."""
    fields = {name: fields.get(name, "") for name in CONVERSION}
    auth.exchange.convert(caller.user_id, at_ns=auth.clock_ns(), **fields)
    auth.heard(caller, "convert", "", "", fields)
    return True


def authorise(caller: Session, request: Request, fields: Fields) -> Any:
    """The number of a request to the depository. Here everything may be sold as it is: the page only says so."""
    for name, words in AUTHORISATION.items():
        if fields.get(name, "") not in words:
            raise Fault.bad(f"Invalid `{name}`.")
    return {"request_id": secrets.token_hex(16)}


def authorised_page(request: Request) -> Response:
    """Where the browser goes with that number."""
    return HTMLResponse("<!doctype html><title>Authorised</title><p>These holdings may be sold.")
