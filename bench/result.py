"""What a bench answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Result:
    """A table's rows, the ratios (ours over floor or peer, smaller is better), and what must be said beside them."""

    name: str
    rows: list[dict[str, object]]
    ratios: dict[str, float]
    notes: list[str] = field(default_factory=list)
