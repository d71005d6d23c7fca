"""Alerts: set, change, end, and what became of them. The official Python client has no methods for these."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.door import Door, Fields, query
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

FILTERS = ("status", "type", "name", "lhs_exchange", "lhs_tradingsymbol", "rhs_type")


def table(door: Door) -> list[BaseRoute]:
    alerts = door.books.alerts
    return [
        Route("/alerts", door.read(partial(listed, door))),
        Route("/alerts", door.change(partial(place, door)), methods=["POST"]),
        Route("/alerts", door.change(partial(delete, door)), methods=["DELETE"]),
        Route("/alerts/{uuid}", door.read(lambda user, request: alerts.find(user, _uuid(request)).row())),
        Route("/alerts/{uuid}", door.change(partial(modify, door)), methods=["PUT"]),
        Route("/alerts/{uuid}/history", door.read(lambda user, request: alerts.find(user, _uuid(request)).history)),
    ]


def listed(door: Door, user: str, request: Request) -> Any:
    """A user's alerts, all or those that are as the query says."""
    wanted = {name: text for name, text in query(request).items() if name in FILTERS}
    rows = [alert.row() for alert in door.books.alerts.of(user)]
    return [row for row in rows if all(row[name] == text for name, text in wanted.items())]


def place(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    alert = door.books.alerts.place(caller, fields)
    door.heard(caller, "alert", alert.uuid, caller.api_key, fields)
    return alert.row()


def modify(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    alert = door.books.alerts.modify(caller.user_id, _uuid(request), fields)
    door.heard(caller, "alert_modify", alert.uuid, "", fields)
    return alert.row()


def delete(door: Door, caller: Session, request: Request, fields: Fields) -> Any:
    """Ends all that the query names. The official Go client loses its names: that is a request for nothing."""
    uuids = request.query_params.getlist("uuid")
    if not uuids:
        raise Fault.bad("Missing `uuid`.")
    door.books.alerts.delete(caller.user_id, uuids)
    for uuid in uuids:
        door.heard(caller, "alert_delete", uuid, "", {})
    return None


def _uuid(request: Request) -> str:
    return str(request.path_params["uuid"])
