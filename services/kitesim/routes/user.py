"""Who the user is, and what money he has."""

from __future__ import annotations

from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.routes.door import Door
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

EXCHANGES = ["NSE", "BSE", "NFO"]
PRODUCTS = ["CNC", "NRML", "MIS", "MTF"]
ORDER_TYPES = ["MARKET", "LIMIT", "SL", "SL-M"]


def table(door: Door) -> list[BaseRoute]:
    def margins(user: str, request: Request) -> Any:
        segments = door.exchange.margins(user)
        name = request.path_params.get("segment")
        if name is None:
            return segments
        if name not in segments:
            raise Fault.bad("Invalid `segment`.")
        return segments[name]

    return [
        Route("/user/profile", door.read(lambda user, _: person(user))),
        Route("/user/margins", door.read(margins)),
        Route("/user/margins/{segment}", door.read(margins)),
        Route("/margins/{segment}", door.read(margins)),
    ]


def person(user: str) -> dict[str, Any]:
    """The profile, which is also most of a login's answer."""
    return {
        "user_id": user,
        "user_type": "individual",
        "email": f"{user.lower()}@kitesim.invalid",
        "user_name": f"Trader {user}",
        "user_shortname": user,
        "broker": "ZERODHA",
        "exchanges": EXCHANGES,
        "products": PRODUCTS,
        "order_types": ORDER_TYPES,
        "avatar_url": None,
        "meta": {"demat_consent": "consent"},
    }
