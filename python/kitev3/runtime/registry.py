"""All services, by name. The one place that imports a service: the library itself never does."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kitev3.errors import ConfigError
from kitev3.system import settings
from kitev3.system.profile import known_services

if TYPE_CHECKING:
    from kitev3.runtime.service import ServiceSpec


def spec(name: str) -> ServiceSpec:
    """The service of a name, as its ``service.py`` declares it."""
    services = known_services()
    if name not in services:
        raise ConfigError(
            f"no service {name!r}{settings.nearest(name, services) or '.'} There are {', '.join(services)}"
        )
    declared: ServiceSpec = importlib.import_module(f"kitev3.services.{name}.service").SERVICE
    return declared


def start_order(names: Iterable[str]) -> list[str]:
    """Hearers before speakers, the market last: nothing is said before everyone who needs it listens."""
    return sorted(names, key=lambda name: (-spec(name).rank, name))


def stop_order(names: Iterable[str]) -> list[str]:
    """The market first, then with the stream: each still hears what the one before it had to say."""
    return start_order(names)[::-1]


def markets(names: Iterable[str]) -> list[str]:
    """Those that are the world to the others; on a broker's account there is none."""
    return [name for name in names if spec(name).is_market]
