"""An exchange under the older rules, whose market hardly moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.kitesim_rig import Kitesim, kitesim


@pytest.fixture(scope="module")
def legacy() -> Iterator[Kitesim]:
    with kitesim("--market", "synthetic", "--speed", "0.01", "--profile", "legacy") as running:
        yield running
