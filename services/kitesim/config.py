"""The settings of kitesim as a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kitev3.services.kitesim.rules import read_rules
from kitev3.system.profile import ServiceSettings
from kitev3.system.settings import Count, location


@dataclass(frozen=True, slots=True, kw_only=True)
class KitesimConfig(ServiceSettings):
    """``[kitesim]`` of the profile. Market, seed, clock and address are the profile's own."""

    profile: Literal["strict-2026", "legacy"] = "strict-2026"
    frame_ms: Count = 1000  # market time between two frames
    universe: Literal["house", "full"] = "house"
    hours: Literal["plain", "dated", "always-open"] = "plain"
    admin: str = location()  # where faults are switched, an address of this machine alone; empty: nowhere
    fault: tuple[Mapping[str, Any], ...] = ()  # faults from the beginning: [[kitesim.fault]]
    rules: Mapping[str, Any] = field(default_factory=dict)  # those that are not the profile's: [kitesim.rules]

    def __post_init__(self) -> None:
        """A rule that is none is refused with the other settings, before anything runs."""
        read_rules(self.profile, self.rules)
