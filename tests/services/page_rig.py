"""Asks the operator's page as a browser's script or a program would."""

from __future__ import annotations

import http.client
import json
from typing import Any

from waiting import S_MAX

from services.kitesim_rig import Kitesim

INFY = 408065
COOKIES: dict[str, str] = {}  # of the exchanges whose page has been entered, by address
FAULT = {"name": "html_429", "where": {"route": "/user/profile"}}
ORDER = {
    "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 2,
    "product": "MIS", "order_type": "MARKET", "market_protection": -1, "tag": "page",
}  # fmt: skip


def ask(
    address: str, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Status, what was said, headers. A header's name is written with ``_`` for ``-``."""
    connection = http.client.HTTPConnection(address, timeout=S_MAX)
    content = json.dumps(body) if body is not None else None
    given = {"Cookie": COOKIES.get(address, "")} | {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, f"/_sim{path}", content, given)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    known = {name.lower(): text for name, text in answer.getheaders()}
    return answer.status, json.loads(said) if known["content-type"] == "application/json" else said, known


def page_of(address: str) -> dict[str, str]:
    """What a browser says of a request of the page's own."""
    return {"Origin": f"http://{address}", "Sec_Fetch_Site": "same-origin", "Content_Type": "application/json"}


def shown(running: Kitesim, path: str) -> Any:
    COOKIES[running.address] = running.cookie
    status, said, _ = ask(running.address, f"/api{path}")
    assert status == 200, said
    return said
