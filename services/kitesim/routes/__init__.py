"""Kite's REST routes over the exchange, a file for each noun; what they mean is the exchange's affair.

auth          who may speak, and how a request becomes fields and an answer an envelope
login         the page in the browser
session       tokens
user          profile, funds
orders        orders and trades
portfolio     positions, holdings
market_data   instruments, quotes
alerts        conditions on the market, and what became of them
funds         mutual funds
gtt           triggers
margins       what orders would tie up and cost
"""

from __future__ import annotations

from kitev3.services.kitesim.routes import (
    alerts,
    funds,
    gtt,
    login,
    margins,
    market_data,
    orders,
    portfolio,
    session,
    user,
)
from kitev3.services.kitesim.routes.auth import Auth
from starlette.routing import BaseRoute

NOUNS = (login, session, user, orders, portfolio, market_data, alerts, funds, gtt, margins)


def table(auth: Auth) -> list[BaseRoute]:
    """Paths and methods. Kite's root is the host's, since the Python client drops any prefix."""
    return [route for noun in NOUNS for route in noun.table(auth)]
