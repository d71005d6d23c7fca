"""The stepped bus carries services from frame to work, and brings back what was killed."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3.bus.stepped import SteppedBus
from kitev3.events import Event
from kitev3.runtime.handler import Handler

from bus.people import LISTENER, RELAY, SPEAKER, WORKER, context, signal, text


def full_house(run_dir: Path, **arguments: object) -> SteppedBus:
    bus = SteppedBus(segment_bytes=1 << 20, **arguments)  # type: ignore[arg-type]
    for spec in (LISTENER, WORKER, RELAY, SPEAKER):
        bus.add(spec, context(run_dir))
    bus.open()
    return bus


def test_what_is_said_reaches_who_hears_it_in_order(tmp_path: Path) -> None:
    with full_house(tmp_path) as bus:
        for number in range(5):
            bus.runners["marketdata"].put(text(number))
        bus.run()

        worked = [number for _, _, _, number in bus.runners["risk_portfolio"].handler.heard]
        listened = [(topic, number) for topic, _, _, number in bus.runners["journal"].handler.heard]

    assert worked == [0, 1, 2, 3, 4]
    assert [number for topic, number in listened if topic == "marketdata.ohlc"] == [0, 1, 2, 3, 4]
    assert [number for topic, number in listened if topic == "strategy.signal"] == [0, 1, 2, 3, 4]


def test_a_killed_hearer_comes_back_to_where_it_was(tmp_path: Path) -> None:
    bus = full_house(tmp_path)
    for number in range(5):
        bus.runners["marketdata"].put(text(number))
    bus.run()

    bus.remove("strategy")
    for number in range(5, 8):
        bus.runners["marketdata"].put(text(number))
    bus.run()
    relay = bus.add(RELAY, context(tmp_path))
    assert [number for _, _, _, number in relay.handler.heard] == [0, 1, 2, 3, 4]
    relay.join("marketdata")
    bus.advance(2_000_000_000)

    assert [number for _, _, _, number in relay.handler.heard] == list(range(8))
    assert [number for _, _, _, number in bus.runners["risk_portfolio"].handler.heard] == list(range(8))
    assert relay.runtime.epoch == 2
    bus.close()


def tapes(run_dir: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run_dir)): path.read_bytes() for path in sorted(run_dir.rglob("*.tape"))}


def run_with_losses(run_dir: Path, losses: set[int]) -> SteppedBus:
    sent, ends = itertools.count(), [False]
    bus = full_house(run_dir, loses=lambda hearer, frame: not ends[0] and next(sent) in losses)
    for number in range(20):
        bus.runners["marketdata"].put(text(number))
        bus.advance(10_000_000)
    bus.advance(2_000_000_000)
    ends[0] = True
    return bus


@given(st.sets(st.integers(0, 120)))
@settings(max_examples=25)
def test_whatever_is_lost_is_heard_after_the_next_heartbeat(losses: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, run_with_losses(Path(folder), losses) as bus:
        bus.beat()  # the relay hears its last bar by it,
        bus.beat()  # the worker and the journal what the relay then says

        worked = [number for _, _, _, number in bus.runners["risk_portfolio"].handler.heard]
        listened = [
            number for topic, _, _, number in bus.runners["journal"].handler.heard if topic == "marketdata.ohlc"
        ]
        assert worked == listened == list(range(20))


def test_the_same_inputs_leave_the_same_tapes(tmp_path: Path) -> None:
    losses = {3, 17, 18, 40, 71}

    for run in ("one", "two"):
        run_with_losses(tmp_path / run, losses).close()

    one, two = tapes(tmp_path / "one"), tapes(tmp_path / "two")
    assert len(one) == 4
    assert one == two


def test_publish_is_not_for_handlers(tmp_path: Path) -> None:
    def publishes(event: Event) -> tuple[()]:
        runner.publish(signal(event))
        return ()

    with full_house(tmp_path) as bus:
        bus.remove("strategy")
        runner = bus.add(
            replace(RELAY, handler=lambda context, config: Handler({"marketdata.ohlc": publishes})), context(tmp_path)
        )
        runner.join("marketdata")
        bus.runners["marketdata"].put(text(1))

        with pytest.raises(RuntimeError, match="yields"):
            bus.run()
        bus.remove("strategy")
