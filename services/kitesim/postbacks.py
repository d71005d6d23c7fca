"""Postbacks: updates of an application's orders, posted to its own address.

They are best effort, as the real ones: each is posted once, in order, and nobody waits for it. An address that does not
answer costs its application updates, never the exchange a moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from kitev3.errors import ConfigError
from kitev3.services.kitesim.access import is_this_machine
from kitev3.services.kitesim.logins import Application

QUEUE_MAX = 1_000  # updates that wait for one application; those that come on top are lost, and counted
ANSWER_S_MAX = 2.0
STATUSES = ("COMPLETE", "CANCELLED", "CANCELLED AMO", "REJECTED", "UPDATE")


def checksum(order_id: str, order_timestamp: str, api_secret: str) -> str:
    """What tells the receiver that an update is the broker's."""
    return hashlib.sha256(f"{order_id}{order_timestamp}{api_secret}".encode()).hexdigest()


def check_address(url: str, *, anywhere: bool) -> None:
    """ConfigError for what is no address to post to. Unless `anywhere`, only this machine is one."""
    try:
        target = urlsplit(url)
        known = target.scheme in ("http", "https") and bool(target.hostname) and target.port != 0
    except ValueError:
        known = False
    if not known:
        raise ConfigError(f"postback: {url!r} is no http or https address")
    if not anywhere and not is_this_machine(target.hostname or ""):
        raise ConfigError(f"postback: {target.hostname} is not this machine; --postback-anywhere permits it")


def _once(data: dict[str, Any]) -> int:
    return 1


def _sliced_from(data: dict[str, Any]) -> str:
    """The id of the order that this one is a slice of."""
    tags: list[str] = data.get("tags") or []
    return next((tag.partition(":")[2] for tag in tags if tag.startswith("autoslice:")), "")


class _Line:
    """What waits for one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.target = urlsplit(application.postback_url)
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)


class Postbacks:
    """Posts to all the applications that gave an address."""

    def __init__(self, applications: tuple[Application, ...]) -> None:
        self.lines = {one.api_key: _Line(one) for one in applications if one.postback_url}
        self.first = {one.user_id: one.api_key for one in reversed(applications)}
        self.placed: dict[str, str] = {}  # order_id -> the API key it was placed with
        self.times: Callable[[dict[str, Any]], int] = _once  # how often an update is posted
        self.posted = 0
        self.lost = 0

    def placed_by(self, order_id: str, api_key: str) -> None:
        """An order has come under this key: its updates go there."""
        if self.lines:
            self.placed[order_id] = api_key

    def tell(self, user: str, data: dict[str, Any]) -> None:
        """An order's update, as sockets are told of it."""
        if not self.lines or data["status"] not in STATUSES:
            return
        # A leg and a slice have their parent's key; an order from before a restart that of the user's first one.
        parent = data["parent_order_id"] or _sliced_from(data)
        api_key = self.placed.get(data["order_id"]) or self.placed.get(parent)
        line = self.lines.get(api_key or self.first.get(user, ""))
        if line is None:
            return
        signed = checksum(data["order_id"], data["order_timestamp"] or "", line.application.api_secret)
        body = msgspec.json.encode(data | {"checksum": signed})
        for _ in range(self.times(data)):
            try:
                line.waiting.put_nowait(body)
            except asyncio.QueueFull:
                self.lost += 1

    async def deliver(self) -> None:
        """Posts, for ever."""
        await asyncio.gather(*(self._deliver(line) for line in self.lines.values()), asyncio.Event().wait())

    async def _deliver(self, line: _Line) -> None:
        while True:
            body = await line.waiting.get()
            if await asyncio.to_thread(_post, line.target, body):
                self.posted += 1
            else:
                self.lost += 1


def _post(target: SplitResult, body: bytes) -> bool:
    """One POST; whether it was answered. What the answer is does not matter."""
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=ANSWER_S_MAX)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        connection.getresponse().read(1)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
