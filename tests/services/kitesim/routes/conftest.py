"""Exchanges under the older rules: one whose market hardly moves, and one whose market does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kiteconnect import KiteConnect

from services.kitesim_rig import Kitesim, kitesim


@pytest.fixture(scope="module")
def legacy() -> Iterator[Kitesim]:
    with kitesim("--market", "synthetic", "--speed", "0.01", "--profile", "legacy") as running:
        yield running


@pytest.fixture(scope="module")
def running() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as one:
        yield one


@pytest.fixture(scope="module")
def client(running: Kitesim) -> KiteConnect:
    return running.client()
