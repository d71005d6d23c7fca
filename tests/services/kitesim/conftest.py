"""An exchange for what the broker keeps beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.kitesim_rig import Kitesim, kitesim


@pytest.fixture(scope="module")
def running() -> Iterator[Kitesim]:
    with kitesim("--speed", "20", "--profile", "legacy") as one:
        yield one
