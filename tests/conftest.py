"""Fixtures that several tests use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.system import System, until


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="k") as sockets:  # tmp_path itself is longer than a socket's may be
        one = System(tmp_path, Path(sockets))
        yield one
        if one.up is not None and one.up.poll() is None:
            one.up.kill()
            one.up.communicate()
            until(lambda: not one.pids())
