"""Who may see the page and use its switches: this machine, under its own name, from the page itself.

Whoever has come in by the link is trusted (`entrance`). What his browser would do for a site on the internet is kept
out: a name of that site's that leads here (DNS rebinding) by the `Host`, a form or a
script of another page by `Origin` and `Sec-Fetch-Site`, a frame around it by the headers. Nothing here grants CORS.
"""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import urlsplit

from kitev3.services.kitesim.access import is_this_machine
from kitev3.services.kitesim.faults.switches import Unwelcome
from starlette.requests import Request

PATH = "/_sim"
HEADERS = MappingProxyType(
    {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cache-control": "no-store",
    }
)


def is_operators(route: str) -> bool:
    """Whether a path is the page's: no client's, and so nothing happens to it."""
    return route == PATH or route.startswith(PATH + "/")


def at_home(request: Request) -> None:
    """Raises Unwelcome unless it was this machine's own name that led here."""
    if not is_this_machine(_host(request)):
        raise Unwelcome(403, "ask this machine by its own address")


def from_the_page(request: Request, *, changes: bool) -> None:
    """Raises Unwelcome for what the page itself did not ask. What changes something must prove it."""
    at_home(request)
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none"):
        raise Unwelcome(403, "another site's page may not ask that")
    # A browser gives the origin of every request that is no plain read, and lets no script write it.
    origin = request.headers.get("origin", "")
    if (changes or origin) and origin != f"http://{request.headers.get('host', '')}":
        raise Unwelcome(403, "only the page itself may ask that")


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
