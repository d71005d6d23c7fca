"""Who may send orders, and until when a login holds: from which addresses, and to which time of the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from kitev3.config import IST
from kitev3.errors import ConfigError

LOOPBACK = frozenset({"127.0.0.1", "::1"})
IST_NS = int(IST.utcoffset(None).total_seconds()) * 1_000_000_000
DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
FLUSH_NS = 6 * 60 * MINUTE_NS  # the hour is remembered, not documented


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the exchange asks of a caller beside his token.

    Args:
        addresses: those from which orders are placed, modified and cancelled; none: all. Everything else is read from
            anywhere, as at Kite since April 2026.
        flush_ns: the time of the day, IST, at which every access token dies.
    """

    addresses: frozenset[str] | None = None
    flush_ns: int = FLUSH_NS

    def admits(self, address: str) -> bool:
        """Whether orders may come from there."""
        return self.addresses is None or plain(address) in self.addresses

    def flushed(self, before_ns: int, now_ns: int) -> bool:
        """Whether tokens have died in between: after the first time, up to the second time."""
        return (now_ns + IST_NS - self.flush_ns) // DAY_NS > (before_ns + IST_NS - self.flush_ns) // DAY_NS


EVERYWHERE = Access()
"""Orders from anywhere, and tokens until the usual hour."""


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


def read_flush_ns(text: str) -> int:
    """A time of the day as ``06:00``. ConfigError for what is none."""
    hour, _, minute = text.partition(":")
    digits = len(text) == 5 and hour.isdecimal() and minute.isdecimal()
    if not digits or int(hour) > 23 or int(minute) > 59:
        raise ConfigError(f"login_end: {text!r} is no time of the form 06:00")
    return (int(hour) * 60 + int(minute)) * MINUTE_NS
