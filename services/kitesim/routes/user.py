"""Who the user is, and what money he has."""

from __future__ import annotations

from typing import Any

from kitev3._core import ist_stamp
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.routes.auth import Auth
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

EXCHANGES = ["NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO"]
PRODUCTS = ["CNC", "NRML", "MIS", "MTF"]
ORDER_TYPES = ["MARKET", "LIMIT", "SL", "SL-M"]


def table(auth: Auth) -> list[BaseRoute]:
    def margins(user: str, request: Request) -> Any:
        segments = auth.exchange.margins(user)
        name = request.path_params.get("segment")
        if name is None:
            return segments
        if name not in segments:
            raise Fault.bad("Invalid `segment`.")
        return segments[name]

    return [
        Route("/user/profile", auth.read(lambda user, _: person(user))),
        Route("/user/profile/full", auth.read(lambda user, _: whole_person(user, ist_stamp(auth.now_ns())))),
        Route("/user/margins", auth.read(margins)),
        Route("/user/margins/{segment}", auth.read(margins)),
        Route("/margins/{segment}", auth.read(margins)),
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


def whole_person(user: str, since: str) -> dict[str, Any]:
    """What the broker's own site shows of the user. `since` is when he last proved who he is."""
    person_ = person(user)
    return {
        **{name: person_[name] for name in WHOLE},
        "twofa_type": "totp",
        "phone": "*0001",
        "bank_accounts": [{"name": "KITESIM BANK", "branch": "", "account": "*0001"}],
        "dp_ids": ["0000000000000001"],
        "pan": "*001I",
        "tags": [],
        "password_timestamp": since,
        "twofa_timestamp": since,
        "meta": {"poa": "physical", "silo": "", "account_blocks": []},
    }


WHOLE = (
    "user_id",
    "user_name",
    "user_shortname",
    "user_type",
    "email",
    "broker",
    "products",
    "order_types",
    "exchanges",
    "avatar_url",
)
