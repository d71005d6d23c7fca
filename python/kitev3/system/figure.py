"""The figures that a session comes to: where each is found, how it reads, and when it is a reason to worry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMED_MAX = 4  # positions in one line


def count(number: int) -> str:
    return f"{number:,}"


def by_rule(rules: Mapping[str, int]) -> str:
    """``7 (R23 5, R35 2)``, the busiest rule first."""
    if not rules:
        return "0"
    parts = ", ".join(f"{rule} {count:,}" for rule, count in sorted(rules.items(), key=lambda row: (-row[1], row[0])))
    return f"{sum(rules.values()):,} ({parts})"


def positions(rows: Sequence[Mapping[str, Any]]) -> str:
    """``3 (INFY +400, SBIN -100, …)``: how many, and the first few by name."""
    if not rows:
        return "0"
    some = [f"{row['tradingsymbol']} {row['quantity']:+,}" for row in rows[:NAMED_MAX]]
    return f"{len(rows)} ({', '.join(some)}{', …' if len(rows) > NAMED_MAX else ''})"


def rupees(amount_e4: int) -> str:
    """An amount for people: rupees and paise, rounded half away from zero."""
    paise = (abs(amount_e4) + 50) // 100
    return f"{'-' if amount_e4 < 0 and paise else ''}₹{paise // 100:,}.{paise % 100:02d}"


def percentiles(latency_us: Mapping[str, int]) -> str:
    """``150 / 400 / 1,900 µs of 77``: p50, p99 and p99.9."""
    if not latency_us.get("n"):
        return "none"
    return " / ".join(f"{latency_us[key]:,}" for key in ("p50", "p99", "p999")) + f" µs of {latency_us['n']:,}"


def said(words: Sequence[str]) -> str:
    """Words after each other."""
    return "; ".join(words) if words else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a service, found in what it says of itself in its health."""

    key: str  # in summary.json
    label: str = ""  # of its line; none: it stands in summary.json alone
    form: Callable[[Any], str] = count
    none: Any = 0  # while the service has said nothing
    said: str | Callable[[Mapping[str, Any]], Any] = ""  # its key there, if it is another; or how it follows from it
    live: bool = False  # also shown while the session runs
    trouble: str = ""  # what it means when it is not none at the end: the exit code is then 1

    def of(self, status: Mapping[str, Any]) -> Any:
        """Its value, as a service's status says it."""
        if callable(self.said):
            return self.said(status)
        return status.get(self.said or self.key, self.none)


def states(status: Mapping[str, Any], *keys: str) -> Iterable[str]:
    """``2 unknown``: each of some counts that is not zero, in words."""
    return (f"{status[key]} {key.replace('_', ' ')}" for key in keys if status.get(key))
