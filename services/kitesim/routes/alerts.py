"""Alerts: set, change, end, and what became of them. The official Python client has no methods for these."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.routes.auth import Auth, Fields, query
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

FILTERS = ("status", "type", "name", "lhs_exchange", "lhs_tradingsymbol", "rhs_type")


def table(auth: Auth) -> list[BaseRoute]:
    alerts = auth.books.alerts
    return [
        Route("/alerts", auth.read(partial(listed, auth))),
        Route("/alerts", auth.change(partial(place, auth)), methods=["POST"]),
        Route("/alerts", auth.change(partial(delete, auth)), methods=["DELETE"]),
        Route("/alerts/{uuid}", auth.read(lambda user, request: alerts.find(user, _uuid(request)).row())),
        Route("/alerts/{uuid}", auth.change(partial(modify, auth)), methods=["PUT"]),
        Route("/alerts/{uuid}/history", auth.read(lambda user, request: alerts.find(user, _uuid(request)).history)),
    ]


def listed(auth: Auth, user: str, request: Request) -> Any:
    """A user's alerts, all or those that are as the query says."""
    wanted = {name: text for name, text in query(request).items() if name in FILTERS}
    rows = [alert.row() for alert in auth.books.alerts.of(user)]
    return [row for row in rows if all(row[name] == text for name, text in wanted.items())]


def place(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    alert = auth.books.alerts.place(caller, fields)
    auth.heard(caller, "alert", alert.uuid, caller.api_key, fields)
    return alert.row()


def modify(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    alert = auth.books.alerts.modify(caller.user_id, _uuid(request), fields)
    auth.heard(caller, "alert_modify", alert.uuid, "", fields)
    return alert.row()


def delete(auth: Auth, caller: Session, request: Request, fields: Fields) -> Any:
    """Ends all that the query names. The official Go client loses its names: that is a request for nothing."""
    uuids = request.query_params.getlist("uuid")
    if not uuids:
        raise Fault.bad("Missing `uuid`.")
    auth.books.alerts.delete(caller.user_id, uuids)
    for uuid in uuids:
        auth.heard(caller, "alert_delete", uuid, "", {})
    return None


def _uuid(request: Request) -> str:
    return str(request.path_params["uuid"])
