"""Kite's envelopes: every answer is one of these."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"


class Fault(Exception):
    """A request that is answered with an error envelope."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error_type, self.message = status, error_type, message

    @classmethod
    def bad(cls, message: str) -> Fault:
        """A missing or bad parameter."""
        return cls(400, "InputException", message)


def success(data: Any) -> Response:
    """What went well."""
    return Response(msgspec.json.encode({"status": "success", "data": data}), media_type=JSON)


def file(content: bytes, headers: dict[str, str] | None = None) -> Response:
    """A CSV file. The official JavaScript client parses it only when the type stands there without a charset."""
    return Response(content, headers={"content-type": "text/csv", **(headers or {})})


def error(status: int, error_type: str, message: str) -> Response:
    """What did not; all four members are always there, since the official clients read them unasked."""
    body = {"status": "error", "message": message, "data": None, "error_type": error_type}
    return Response(msgspec.json.encode(body), status_code=status, media_type=JSON)


async def fault(request: Request, problem: Exception) -> Response:
    """Answers a Fault."""
    assert isinstance(problem, Fault)
    return error(problem.status, problem.error_type, problem.message)


async def no_route(request: Request, problem: Exception) -> Response:
    """Answers an address or a method that Kite does not have."""
    status = getattr(problem, "status_code", 404)
    message = "Route not found" if status == 404 else "Method not allowed"
    return error(status, "GeneralException", message)


async def unheard(request: Request, problem: Exception) -> Response:
    """Answers a client that left before its body was whole, which is no fault of ours: nobody hears it."""
    return error(400, "InputException", "The request ends before its body does.")


async def bug(request: Request, problem: Exception) -> Response:
    """Answers what we did not foresee; the server logs it whole and goes on."""
    return error(500, "GeneralException", "Something went wrong in the exchange.")
