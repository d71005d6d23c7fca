"""Switches faults while the exchange runs: JSON over HTTP, on this machine only.

GET    /faults         the catalogue, and what is active
POST   /faults         {"name": "frame_lost", "probability": 0.1, "where": {"tag": "test*"}}
DELETE /faults         all off
DELETE /faults/{name}  those of a name off
"""

from __future__ import annotations

from ipaddress import ip_address

import msgspec
import uvicorn
from kitev3 import settings
from kitev3.errors import ConfigError
from kitev3.services.kitesim.faults import catalogue
from kitev3.services.kitesim.faults.board import Board
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY_BYTES_MAX = 1 << 16


class Unwelcome(Exception):
    """A request that is not answered with what it asks for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def loopback(address: str) -> str:
    """``host:port`` of this machine itself. ConfigError for any other: who can reach it can break every order."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        inside = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ConfigError(f"admin: {address!r} is no address of this machine alone; take one like 127.0.0.1:8788")
    return address


def application(board: Board) -> Starlette:
    """Over one board."""
    admin = _Admin(board)
    return Starlette(
        routes=[
            Route("/faults", admin.show, methods=["GET"]),
            Route("/faults", admin.add, methods=["POST"]),
            Route("/faults", admin.remove, methods=["DELETE"]),
            Route("/faults/{name}", admin.remove, methods=["DELETE"]),
        ],
        exception_handlers={Unwelcome: _unwelcome, ConfigError: _refused},
    )


class _Admin:
    def __init__(self, board: Board) -> None:
        self.board = board

    async def show(self, request: Request) -> Response:
        _at_home(request)
        return _json(200, {"faults": catalogue.rows(), "active": [one.row() for one in self.board.active]})

    async def add(self, request: Request) -> Response:
        _at_home(request)
        # No browser sends this type to another site without asking first, and we never say yes.
        if "json" not in request.headers.get("content-type", ""):
            raise Unwelcome(415, "the body is JSON, and says so in Content-Type")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise Unwelcome(413, f"a fault is described in at most {BODY_BYTES_MAX} bytes")
        try:
            table = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unwelcome(400, f"the body is no JSON: {error}") from None
        return _json(201, self.board.add(catalogue.read_fault(table, "fault")).row())

    async def remove(self, request: Request) -> Response:
        _at_home(request)
        name = request.path_params.get("name")
        if name is not None and name not in catalogue.CATALOGUE:
            raise Unwelcome(404, f"no fault {name!r}{settings.nearest(name, catalogue.CATALOGUE)}")
        return _json(200, {"removed": self.board.remove(name)})


def server(board: Board) -> uvicorn.Config:
    """How it is served."""
    return uvicorn.Config(application(board), lifespan="off", log_config=None, access_log=False, server_header=False)


def _at_home(request: Request) -> None:
    """A name that leads here from a page of somebody else's is not ours."""
    host = request.headers.get("host", "").rpartition(":")[0].strip("[]") or request.headers.get("host", "")
    try:
        loopback(f"{host}:0")
    except ConfigError:
        raise Unwelcome(403, "ask this machine by its own address") from None


def _json(status: int, data: object) -> Response:
    return Response(msgspec.json.encode(data), status_code=status, media_type="application/json")


async def _unwelcome(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Unwelcome)
    return _json(problem.status, {"error": problem.message})


async def _refused(request: Request, problem: Exception) -> Response:
    return _json(400, {"error": str(problem)})
