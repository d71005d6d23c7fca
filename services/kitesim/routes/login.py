"""The login page: where an application sends its user, who comes back to it with a request token.

A browser is shown a page with a button. A program, which does not ask for HTML, is led on at once, as if somebody had
pressed it.
"""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.logins import Application, Denied
from kitev3.services.kitesim.routes.auth import Auth, form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

PATH = "/connect/login"
STYLE = Path(__file__).parents[1] / "static" / "login.css"
FOUND, SEE_OTHER = 302, 303
OWN = frozenset({"action", "type", "status", "request_token"})  # parameters that are no application's
EXTRA_CHARS_MAX = 2_000
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · kitesim</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/connect/login.css">
</head>
<body>
<main>
<h1>{title}</h1>
{body}
<p class="small">kitesim, a local exchange. The money is pretended, and no password is asked.</p>
</main>
</body>
</html>
"""


def table(auth: Auth) -> list[BaseRoute]:
    return [
        Route(PATH, auth.open(partial(show, auth))),
        Route(PATH, partial(press, auth), methods=["POST"]),
        Route("/connect/login.css", auth.open(Style())),
        Route("/connect/done", auth.open(done)),
    ]


def show(auth: Auth, request: Request) -> Response:
    """The page, or what follows it."""
    api_key, extra = request.query_params.get("api_key", ""), request.query_params.get("redirect_params", "")
    if not _is_browsers(request):
        return _led_on(auth, api_key, extra, FOUND)
    application = auth.logins.applications.get(api_key)
    if application is None:
        return _unknown()
    return _page("Log in", _question(application, extra), leads_to=urlsplit(application.redirect_url))


async def press(auth: Auth, request: Request) -> Response:
    """The page's button. Everybody is who the application says: there is nothing to steal here."""
    fields = await form(request)
    if _is_browsers(request) and fields.get("api_key") not in auth.logins.applications:
        return _unknown()
    return _led_on(auth, fields.get("api_key", ""), fields.get("redirect_params", ""), SEE_OTHER)


def done(request: Request) -> Response:
    """Where the login leads when the application has no address of its own."""
    token = request.query_params.get("request_token", "")
    words = "<p>The request token, good once within five minutes:</p>"
    return _page("Logged in", f"{words}<p><code>{escape(token)}</code></p>" if token else "")


class Style:
    """The look of these pages, which no other address may give them."""

    def __init__(self) -> None:
        self.content = STYLE.read_bytes()

    def __call__(self, request: Request) -> Response:
        return Response(self.content, headers={"x-content-type-options": "nosniff"}, media_type="text/css")


def _is_browsers(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _unknown() -> Response:
    why = "<p>No application of this exchange has that <code>api_key</code>.</p>"
    return _page("Unknown application", why, status=400)


def _led_on(auth: Auth, api_key: str, extra: str, status: int) -> Response:
    try:
        application, request_token = auth.logins.login(api_key)
    except Denied as denied:
        raise Fault.bad(str(denied)) from None
    target = urlsplit(application.redirect_url)
    own = [("action", "login"), ("type", "login"), ("status", "success"), ("request_token", request_token)]
    given = [(name, text) for name, text in parse_qsl(extra[:EXTRA_CHARS_MAX]) if name not in OWN]
    query = urlencode([*parse_qsl(target.query), *own, *given])
    return RedirectResponse(urlunsplit(target._replace(query=query)), status_code=status)


def _question(application: Application, extra: str) -> str:
    hidden = (("api_key", application.api_key), ("redirect_params", extra[:EXTRA_CHARS_MAX]))
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in hidden)
    user, key = escape(application.user_id), escape(application.api_key)
    return (
        f"<p>The application <b>{key}</b> asks to trade for <b>{user}</b>.</p>"
        f'<form method="post" action="{PATH}">{fields}<button autofocus>Log in as {user}</button></form>'
        f"<p class=small>It leads to <code>{escape(_where(urlsplit(application.redirect_url)))}</code>.</p>"
    )


def _where(target: SplitResult) -> str:
    """An address without what identifies anybody."""
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else f"{target.scheme}:"


def _page(title: str, body: str, *, leads_to: SplitResult | None = None, status: int = 200) -> Response:
    # A form's policy holds for where its answer leads, too.
    forms = f"'self' {_where(leads_to)}" if leads_to is not None else "'none'"
    headers = {
        "content-security-policy": (
            f"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action {forms};"
            " frame-ancestors 'none'"
        ),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return HTMLResponse(FRAME.format(title=title, body=body), status, headers)
