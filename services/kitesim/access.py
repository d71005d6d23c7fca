"""From which addresses orders may come, and until which time of the day a login holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from kitev3._core import IST_NS
from kitev3.errors import ConfigError

LOOPBACK = frozenset({"127.0.0.1", "::1"})
DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the exchange asks of a caller beside his token.

    Args:
        addresses: those from which orders are placed, modified and cancelled; none: all. Everything else is read from
            anywhere, as at Kite since April 2026.
    """

    addresses: frozenset[str] | None = None

    def admits(self, address: str) -> bool:
        """Whether orders may come from there."""
        return self.addresses is None or plain(address) in self.addresses


EVERYWHERE = Access()
"""Orders from anywhere."""


def flushed(flush_ns: int, before_ns: int, now_ns: int) -> bool:
    """Whether tokens that die at that time of the day, IST, have died after the first time, up to the second."""
    return (now_ns + IST_NS - flush_ns) // DAY_NS > (before_ns + IST_NS - flush_ns) // DAY_NS


def is_this_machine(host: str) -> bool:
    """Whether a host, by name or address, is this machine and can be nothing else."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def plain(address: str) -> str:
    """An address in the one form that it is compared in; one of IPv4 in IPv6's clothes is itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def read_addresses(texts: Iterable[str]) -> frozenset[str]:
    """A list of addresses. ConfigError for what is none."""
    for text in (texts := tuple(texts)):
        try:
            ip_address(text)
        except ValueError:
            raise ConfigError(f"static_ip: {text!r} is no address") from None
    return frozenset(map(plain, texts))


def time_of_day_ns(text: str) -> int:
    """A time of the day as the rules have it, ``06:00``."""
    hour, minute = text.split(":")
    return (int(hour) * 60 + int(minute)) * MINUTE_NS
