"""Fixtures that several tests use."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.system import System
from hypothesis import HealthCheck, settings
from waiting import until

# How long an example takes is the machine's affair: a busy one must not fail what is right. A test's fixture is for all
# of its examples. They are the same in every run, so that what fails has changed: `make test EXPLORE=1` tries others.
settings.register_profile(
    "unhurried",
    deadline=None,
    derandomize="EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("unhurried")

# Everything that is asked here is on this machine, whatever its user reaches the world through.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# A suite that a shell runs in the background has Ctrl-C ignored, and what it starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine gets an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="k", dir="/tmp") as sockets:  # elsewhere may be longer than a socket's path
        one = System(tmp_path, Path(sockets))
        yield one
        if one.up is not None and one.up.poll() is None:
            one.up.kill()
            one.up.communicate()
            until(lambda: not one.pids())
