"""Triggers (GTT): single and two-leg."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.door import Door, Fields
from kitev3.services.kitesim.triggers import read_trigger
from starlette.requests import Request
from starlette.routing import BaseRoute, Route


def table(door: Door) -> list[BaseRoute]:
    exchange = door.exchange
    return [
        Route("/gtt/triggers", door.read(lambda user, _: exchange.gtts(user))),
        Route("/gtt/triggers", door.change(partial(place, door)), methods=["POST"]),
        Route("/gtt/triggers/{trigger_id}", door.read(lambda user, request: exchange.gtt(user, _id(request)))),
        Route("/gtt/triggers/{trigger_id}", door.change(partial(modify, door)), methods=["PUT"]),
        Route("/gtt/triggers/{trigger_id}", door.change(partial(delete, door)), methods=["DELETE"]),
    ]


def place(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    made = door.exchange.place_gtt(caller.user_id, at_ns=door.clock_ns(), **read_trigger(fields))
    door.heard(caller, "gtt", str(made), "", fields)
    return {"trigger_id": made}


def modify(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    wanted = read_trigger(fields)
    changed = door.exchange.place_gtt(caller.user_id, at_ns=door.clock_ns(), gtt_id=_id(request), **wanted)
    door.heard(caller, "gtt_modify", str(changed), "", fields)
    return {"trigger_id": changed}


def delete(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    deleted = door.exchange.delete_gtt(caller.user_id, _id(request), at_ns=door.clock_ns())
    door.heard(caller, "gtt_delete", str(deleted), "", {})
    return {"trigger_id": deleted}


def _id(request: Request) -> str:
    return str(request.path_params["trigger_id"])
