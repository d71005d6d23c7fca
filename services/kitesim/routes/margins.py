"""The calculators: what orders would tie up, and what executed ones cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kitev3.services.kitesim.answers import Fault, success
from kitev3.services.kitesim.client_json import read_json
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Endpoint, Fields, body, query, refusals
from kitev3.services.kitesim.triggers import words
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

# The clients of Go and Java leave out what is false.
FLAGS = {"": False, "true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


def table(auth: Auth) -> list[BaseRoute]:
    exchange = auth.exchange

    def orders(caller: Session, items: list[Fields], fields: Fields) -> Any:
        return exchange.order_margins(caller.user_id, items, compact=_compact(fields))

    def basket(caller: Session, items: list[Fields], fields: Fields) -> Any:
        consider = FLAGS.get(fields.get("consider_positions", ""))
        if consider is None:
            raise Fault.bad("Invalid `consider_positions`.")
        return exchange.basket_margins(caller.user_id, items, consider_positions=consider, compact=_compact(fields))

    def charges(caller: Session, items: list[Fields], fields: Fields) -> Any:
        return exchange.contract_note(items)

    return [
        Route("/margins/orders", calculator(auth, orders), methods=["POST"]),
        Route("/margins/basket", calculator(auth, basket), methods=["POST"]),
        Route("/charges/orders", calculator(auth, charges), methods=["POST"]),
    ]


def calculator(auth: Auth, answer: Callable[[Session, list[Fields], Fields], Any]) -> Endpoint:
    """A route that takes a JSON array of orders and changes nothing; it counts with the reads of its key."""

    async def endpoint(request: Request) -> Response:
        caller = auth.session(request)
        items = orders_of(await body(request))
        with refusals():
            auth.exchange.admit_read(caller.api_key, at_ns=auth.clock_ns())
            return success(answer(caller, items, query(request)))

    return endpoint


def orders_of(content: bytes) -> list[Fields]:
    """The orders of a JSON array, each member as a form would carry it. An empty one comes from Go as null."""
    try:
        items = read_json(content)
    except ValueError:
        items = 0
    if not isinstance(items, list | None) or not all(isinstance(item, dict) for item in items or ()):
        raise Fault.bad("The request is no JSON array of orders.")
    return [words(item) for item in items or ()]


def _compact(fields: Fields) -> bool:
    return fields.get("mode") == "compact"
