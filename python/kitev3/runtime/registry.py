"""The services of the house, by name. The one place that imports a service: the library itself never does."""

from __future__ import annotations

import importlib
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
        raise ConfigError(f"no service {name!r}{settings.nearest(name, services)} There are {', '.join(services)}")
    declared: ServiceSpec = importlib.import_module(f"kitev3.services.{name}.service").SERVICE
    return declared
