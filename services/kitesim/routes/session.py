"""Request tokens to access tokens, and their ends."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitev3._core import ist_stamp
from kitev3.services.kitesim.answers import Fault, success
from kitev3.services.kitesim.logins import Denied, Session, Tokens
from kitev3.services.kitesim.routes.auth import Auth, form, no_session, query
from kitev3.services.kitesim.routes.user import person
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def table(auth: Auth) -> list[BaseRoute]:
    return [
        Route("/session/token", partial(token, auth), methods=["POST"]),
        Route("/session/token", partial(log_out, auth), methods=["DELETE"]),
        Route("/session/refresh_token", partial(renew, auth), methods=["POST"]),
    ]


async def token(auth: Auth, request: Request) -> Response:
    """Request token to access token."""
    api_key, request_token, checksum = await _three(request, "request_token")
    try:
        session, tokens = auth.logins.exchange(api_key, request_token, checksum)
    except Denied as denied:
        raise no_session(denied) from None
    return success(_session(session, tokens) | {"login_time": ist_stamp(auth.now_ns())})


async def renew(auth: Auth, request: Request) -> Response:
    """Refresh token to access token; who listened under the old one has to come again."""
    api_key, refresh_token, checksum = await _three(request, "refresh_token")
    try:
        session, tokens = auth.logins.renew(api_key, refresh_token, checksum)
    except Denied as denied:
        raise no_session(denied) from None
    auth.logged_out(api_key)
    return success(_session(session, tokens))


async def log_out(auth: Auth, request: Request) -> Response:
    """The end of an access token, or of a refresh token."""
    fields = query(request)
    api_key = fields.get("api_key", "")
    try:
        if "refresh_token" in fields:
            auth.logins.end_refresh(api_key, fields["refresh_token"])
        else:
            auth.logins.end(api_key, fields.get("access_token", ""))
            auth.logged_out(api_key)
    except Denied as denied:
        raise no_session(denied) from None
    return success(True)


async def _three(request: Request, name: str) -> tuple[str, str, str]:
    fields = await form(request)
    for needed in ("api_key", name, "checksum"):
        if not fields.get(needed):
            raise Fault.bad(f"Missing `{needed}`.")
    return fields["api_key"], fields[name], fields["checksum"]


def _session(session: Session, tokens: Tokens) -> dict[str, Any]:
    return {
        **person(session.user_id),
        "api_key": session.api_key,
        "access_token": tokens.access,
        "public_token": "",
        "enctoken": "",
        "refresh_token": tokens.refresh,
        "silo": "",
    }
