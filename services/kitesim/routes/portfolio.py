"""Positions and holdings."""

from __future__ import annotations

from kitev3.services.kitesim.routes.door import Door
from starlette.routing import BaseRoute, Route


def table(door: Door) -> list[BaseRoute]:
    exchange = door.exchange
    return [
        Route("/portfolio/positions", door.read(lambda user, _: exchange.positions(user))),
        Route("/portfolio/holdings", door.read(lambda user, _: exchange.holdings(user))),
    ]
