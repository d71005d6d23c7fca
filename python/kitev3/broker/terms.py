"""Our integers as the numbers that Kite's requests carry."""

from __future__ import annotations


def rupees(price_e4: int) -> float | None:
    """A price; none for none. Exact: the double prints as the decimal that was meant."""
    return price_e4 / 10_000 if price_e4 else None


def percent(basis_points: int) -> float | None:
    """Market protection: -1 automatic, none for none."""
    if basis_points == -1:
        return -1
    return basis_points / 100 if basis_points else None
