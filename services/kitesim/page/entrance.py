"""Who is let in to the operator's page: whoever has the link, which only who started the exchange is given.

Another process of this machine reaches the port as well as the operator does; the link is what it does not have. It is
good once: the browser that opens it gets a cookie, and the next link is announced as the first one was.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from kitev3.services.kitesim.faults.switches import Unwelcome
from kitev3.services.kitesim.page.guard import PATH
from starlette.requests import Request

BROWSERS_MAX = 16  # who came in first has to come in again
PARAMETER = "key"
WHERE = "open the link that the exchange printed at its start; it is good once, and the next one is printed then"


class Entrance:
    """Of one page.

    Args:
        name: of the cookie; two exchanges of one machine have two.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.announce: Callable[[], None] = lambda: None  # told whenever there is another link
        self._key = secrets.token_urlsafe(24)
        self._browsers: deque[str] = deque(maxlen=BROWSERS_MAX)

    @property
    def link(self) -> str:
        """The path that lets one browser in."""
        return f"{PATH}/?{PARAMETER}={self._key}"

    def enter(self, key: str) -> str:
        """The cookie of a browser that has opened the link. Raises Unwelcome."""
        if not secrets.compare_digest(key.encode(), self._key.encode()):
            raise Unwelcome(403, WHERE)
        self._key = secrets.token_urlsafe(24)
        self._browsers.append(secrets.token_urlsafe(24))
        self.announce()
        return f"{self.name}={self._browsers[-1]}; Path={PATH}; HttpOnly; SameSite=Strict"

    def admit(self, request: Request) -> None:
        """Raises Unwelcome for who has not come in."""
        shown = request.cookies.get(self.name, "").encode()
        if not any(secrets.compare_digest(shown, known.encode()) for known in self._browsers):
            raise Unwelcome(403, WHERE)
