"""Exchanges of which the faults are switched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.faults_rig import Faulty, faulty


@pytest.fixture(scope="module")
def still() -> Iterator[Faulty]:
    """A market that stands, in which the clock runs ten times faster."""
    with faulty("--market", "frozen", "--profile", "legacy", "--speed", "10") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def moving() -> Iterator[Faulty]:
    with faulty("--profile", "legacy", "--speed", "10") as exchange:
        yield exchange
