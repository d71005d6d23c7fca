"""Triggers (GTT): single and two-leg."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Fields
from kitev3.services.kitesim.triggers import read_trigger
from starlette.requests import Request
from starlette.routing import BaseRoute, Route


def table(auth: Auth) -> list[BaseRoute]:
    exchange = auth.exchange
    return [
        Route("/gtt/triggers", auth.read(lambda user, _: exchange.gtts(user))),
        Route("/gtt/triggers", auth.change(partial(place, auth)), methods=["POST"]),
        Route("/gtt/triggers/{trigger_id}", auth.read(lambda user, request: exchange.gtt(user, _id(request)))),
        Route("/gtt/triggers/{trigger_id}", auth.change(partial(modify, auth)), methods=["PUT"]),
        Route("/gtt/triggers/{trigger_id}", auth.change(partial(delete, auth)), methods=["DELETE"]),
    ]


def place(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    made = auth.exchange.place_gtt(caller.user_id, at_ns=auth.clock_ns(), **read_trigger(fields))
    auth.heard(caller, "gtt", str(made), "", fields)
    return {"trigger_id": made}


def modify(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    wanted = read_trigger(fields)
    changed = auth.exchange.place_gtt(caller.user_id, at_ns=auth.clock_ns(), gtt_id=_id(request), **wanted)
    auth.heard(caller, "gtt_modify", str(changed), "", fields)
    return {"trigger_id": changed}


def delete(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    deleted = auth.exchange.delete_gtt(caller.user_id, _id(request), at_ns=auth.clock_ns())
    auth.heard(caller, "gtt_delete", str(deleted), "", {})
    return {"trigger_id": deleted}


def _id(request: Request) -> str:
    return str(request.path_params["trigger_id"])
