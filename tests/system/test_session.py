"""A session and the next in the same run folder: real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import kitev3
import pytest
from services.real_system import RealSystem, real_system
from waiting import until

TICKS = "select ts_ns from read_parquet('journal/marketdata.tick/*/*.parquet') order by seq"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    with real_system(tmp_path) as system:
        yield system


def kept(folder: Path) -> str:
    """The demo in a folder that is gone on with."""
    profile = folder / "kept.toml"
    demo = (Path(kitev3.__file__).parent / "profiles" / "demo.toml").read_text()
    profile.write_text(demo.replace("fresh = true", "fresh = false", 1))
    return str(profile)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_next_run_in_a_folder_goes_on_at_the_market_time_of_the_last(
    system: RealSystem, tmp_path: Path, number: signal.Signals
) -> None:
    profile = kept(tmp_path)
    system.start(profile=profile)
    system.trades()
    stood_ns = system.status("kitesim", "market_ns")
    system.process.send_signal(number)
    system.process.communicate()
    until(lambda: not system.pids())  # killed, it leaves them to end by themselves
    orders = system.said("execution")

    system.start(profile=profile)
    system.until(lambda: bool(system.status("kitesim", "market_running")), "the market runs")
    assert system.status("kitesim", "market_ns") >= stood_ns
    fills = system.status("execution", "fills") or 0
    system.until(lambda: (system.status("execution", "fills") or 0) > fills, "a fill of the second run")
    system.process.send_signal(signal.SIGTERM)
    code, out, err = system.end()

    assert (code, err) == (0, ""), out
    assert system.said("execution")[: len(orders)] == orders
    times = system.sql(TICKS)
    assert times == sorted(times)
