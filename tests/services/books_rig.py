"""Asks for what the broker keeps beside the exchange."""

from __future__ import annotations

from typing import Any

import requests
from waiting import S_MAX, until

from services.kitesim_rig import API_KEY, TOKEN, Kitesim

START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20
ABOVE = {
    "name": "up", "type": "simple", "lhs_exchange": "NSE", "lhs_tradingsymbol": "INFY",
    "lhs_attribute": "LastTradedPrice", "operator": ">=", "rhs_type": "constant", "rhs_constant": "1",
}  # fmt: skip
ITEM = '{"items": [{"exchange": "NSE", "tradingsymbol": "TCS", "params": {"quantity": %s}}]}'
SCHEME, HELD = "INF179K01YV8", "INF109K016L0"


def ask(running: Kitesim, method: str, path: str, **fields: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}"}
    answer = requests.request(method, running.root + path, data=fields, headers=headers, timeout=S_MAX)
    body = answer.json()
    return answer.status_code, body["data"] if answer.ok else body["message"]


def until_counted(running: Kitesim, uuid: str) -> dict[str, Any]:
    def counted() -> dict[str, Any]:
        _, alert = ask(running, "GET", f"/alerts/{uuid}")
        return dict(alert) if alert["alert_count"] else {}

    return until(counted)
