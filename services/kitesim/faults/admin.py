"""Switches faults while the exchange runs: JSON over HTTP, on this machine only, for who has the exchange's key.

Another process of this machine reaches the port as well as who started the exchange does; the key, which is printed at
the start with the address, is what it does not have.

GET    /faults         the catalogue, and what is active
POST   /faults         {"name": "frame_lost", "probability": 0.1, "where": {"tag": "test*"}}
DELETE /faults         all off
DELETE /faults/{name}  those of a name off

Each with the key: ``/faults?key=...``.
"""

from __future__ import annotations

import secrets

import msgspec
import uvicorn
from kitev3.errors import ConfigError
from kitev3.services.kitesim.access import is_this_machine
from kitev3.services.kitesim.answers import unheard
from kitev3.services.kitesim.bounds import Bounded
from kitev3.services.kitesim.faults.switches import BODY_BYTES_MAX, Switches, Unwelcome
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route


def loopback(address: str) -> str:
    """``host:port`` of this machine itself. ConfigError for any other: who can reach it can break every order."""
    if not is_this_machine(address.rpartition(":")[0].strip("[]")):
        raise ConfigError(f"admin: {address!r} is no address of this machine alone; take one like 127.0.0.1:8788")
    return address


def application(switches: Switches, key: str) -> Starlette:
    """Over one board."""
    admin = _Admin(switches, key)
    return Starlette(
        routes=[
            Route("/faults", admin.show, methods=["GET"]),
            Route("/faults", admin.add, methods=["POST"]),
            Route("/faults", admin.remove, methods=["DELETE"]),
            Route("/faults/{name}", admin.remove, methods=["DELETE"]),
        ],
        exception_handlers={Unwelcome: _unwelcome, ConfigError: _refused, ClientDisconnect: unheard},
    )


PARAMETER = "key"
WHERE = f"ask the address that the exchange printed at its start, with its ?{PARAMETER}="


class _Admin:
    def __init__(self, switches: Switches, key: str) -> None:
        self.switches, self.key = switches, key.encode()

    def admit(self, request: Request) -> None:
        """Raises Unwelcome for who comes from elsewhere, or without the key."""
        _at_home(request)
        if not secrets.compare_digest(request.query_params.get(PARAMETER, "").encode(), self.key):
            raise Unwelcome(403, WHERE)

    async def show(self, request: Request) -> Response:
        self.admit(request)
        return _json(200, {"faults": self.switches.catalogue(), "active": self.switches.active()})

    async def add(self, request: Request) -> Response:
        self.admit(request)
        # No browser sends this type to another site without asking first, and we never say yes.
        if "json" not in request.headers.get("content-type", ""):
            raise Unwelcome(415, "the body is JSON, and says so in Content-Type")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                break  # it is refused for that
        return _json(201, self.switches.add(body))

    async def remove(self, request: Request) -> Response:
        self.admit(request)
        return _json(200, {"removed": self.switches.remove(request.path_params.get("name"))})


def server(switches: Switches, key: str) -> uvicorn.Config:
    """How it is served."""
    return uvicorn.Config(
        application(switches, key), lifespan="off", log_config=None, access_log=False, server_header=False, http=Bounded
    )


def _at_home(request: Request) -> None:
    """A name that leads here from a page of somebody else's is not ours."""
    host = request.headers.get("host", "").rpartition(":")[0].strip("[]") or request.headers.get("host", "")
    if not is_this_machine(host):
        raise Unwelcome(403, "ask this machine by its own address")


def _json(status: int, data: object) -> Response:
    return Response(msgspec.json.encode(data), status_code=status, media_type="application/json")


async def _unwelcome(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Unwelcome)
    return _json(problem.status, {"error": problem.message})


async def _refused(request: Request, problem: Exception) -> Response:
    return _json(400, {"error": str(problem)})
