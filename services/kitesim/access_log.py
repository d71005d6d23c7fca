"""What was asked of the exchange: how often each route, and what was refused of late."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

from kitev3.services.kitesim.logins import presented
from kitev3.services.kitesim.page.guard import is_operators
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

REFUSED_MAX = 100  # the oldest are forgotten first
PATH_CHARS_MAX = 120
MS_NS = 1_000_000


class AccessLog:
    """Of one exchange. The operator's own page does not count.

    Args:
        now_ns: market time.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.routes: Counter[tuple[str, str]] = Counter()  # of each method and route
        self.statuses: Counter[int] = Counter()  # of answers that are no success
        self.refused: deque[dict[str, Any]] = deque(maxlen=REFUSED_MAX)

    def counting(self, application: ASGIApp) -> ASGIApp:
        """The application, and each request that comes to it counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await application(scope, receive, send)
            finally:
                route = getattr(scope.get("route"), "path", "")
                if scope["type"] == "http" and not is_operators(scope["path"]):
                    self.routes[scope["method"], route or "unknown"] += 1

        return counted

    def noting(
        self, answer: Callable[[Request, Exception], Awaitable[Response]]
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        """What answers a problem, and the problem noted."""

        async def noted(request: Request, problem: Exception) -> Response:
            response = await answer(request, problem)
            if not is_operators(request.url.path):
                api_key, _ = presented(request.headers.get("authorization", ""))
                self.note(request.method, request.url.path, response.status_code, _words(problem), api_key)
            return response

        return noted

    def note(self, method: str, path: str, status: int, why: str, api_key: str) -> None:
        """A request that was turned away."""
        self.statuses[status] += 1
        self.refused.append(
            {
                "at_ms": self.now_ns() // MS_NS,
                "method": method,
                "path": path[:PATH_CHARS_MAX],
                "status": status,
                "why": why,
                "api_key": api_key,
            }
        )


def _words(problem: Exception) -> str:
    """Kite's own words, or of a bug its kind alone: its text may hold anything."""
    kind, words = getattr(problem, "error_type", ""), getattr(problem, "message", "") or getattr(problem, "detail", "")
    return f"{kind}: {words}" if kind else words or type(problem).__name__
