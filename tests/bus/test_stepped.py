"""The stepped bus carries services from frame to work, and brings back what was killed."""

from __future__ import annotations

from pathlib import Path

from kitev3.bus.stepped import SteppedBus

from bus.people import LISTENER, RELAY, SPEAKER, WORKER, context, text


def full_house(run_dir: Path, **arguments: object) -> SteppedBus:
    bus = SteppedBus(segment_bytes=1 << 20, **arguments)  # type: ignore[arg-type]
    for spec in (LISTENER, WORKER, RELAY, SPEAKER):
        bus.add(spec, context(run_dir))
    bus.open()
    return bus


def test_what_is_said_reaches_who_hears_it_in_order(tmp_path: Path) -> None:
    with full_house(tmp_path) as bus:
        for number in range(5):
            bus.desks["marketdata"].put(text(number))
        bus.run()

        worked = [number for _, _, _, number in bus.desks["risk_portfolio"].handler.heard]
        listened = [(topic, number) for topic, _, _, number in bus.desks["journal"].handler.heard]

    assert worked == [0, 1, 2, 3, 4]
    assert [number for topic, number in listened if topic == "marketdata.ohlc"] == [0, 1, 2, 3, 4]
    assert [number for topic, number in listened if topic == "strategy.signal"] == [0, 1, 2, 3, 4]


def test_a_killed_hearer_comes_back_to_where_it_was(tmp_path: Path) -> None:
    bus = full_house(tmp_path)
    for number in range(5):
        bus.desks["marketdata"].put(text(number))
    bus.run()

    bus.remove("strategy")
    for number in range(5, 8):
        bus.desks["marketdata"].put(text(number))
    bus.run()
    relay = bus.add(RELAY, context(tmp_path))
    assert [number for _, _, _, number in relay.handler.heard] == [0, 1, 2, 3, 4]
    relay.join("marketdata")
    bus.advance(2_000_000_000)

    assert [number for _, _, _, number in relay.handler.heard] == list(range(8))
    assert [number for _, _, _, number in bus.desks["risk_portfolio"].handler.heard] == list(range(8))
    assert relay.heart.epoch == 2
    bus.close()
