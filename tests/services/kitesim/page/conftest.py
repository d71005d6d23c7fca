"""An exchange whose page has been entered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.faults_rig import Faulty, faulty
from services.page_rig import COOKIES


@pytest.fixture(scope="module")
def lying() -> Iterator[Faulty]:
    with faulty("--market", "frozen", "--profile", "legacy") as exchange:
        COOKIES[exchange.address] = exchange.running.cookie
        yield exchange
