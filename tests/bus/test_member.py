"""What a member of a bus refuses at its door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kitev3.bus import EventBus
from kitev3.errors import ConfigError

from bus.buses import InMemory, OverZmq
from bus.people import bar


@pytest.fixture(params=["memory", "zmq"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventBus]:
    if request.param == "memory":
        buses: InMemory | OverZmq = InMemory()
        made: EventBus = buses.bus
    else:
        buses = OverZmq(tmp_path)
        made = buses.of("strategy")
    made.start()
    yield made
    made.stop()
    buses.close()


def test_a_payload_of_another_topic_is_refused(bus: EventBus) -> None:
    with pytest.raises(TypeError, match=r"marketdata\.ohlc"):
        bus.publish("marketdata.quote", bar(1))


def test_a_topic_that_its_name_does_not_say_is_refused_and_the_bus_goes_on(bus: EventBus) -> None:
    with pytest.raises(ConfigError, match=r"does not say marketdata\.ohlc: marketdata does"):
        bus.publish("marketdata.ohlc", bar(1))


def test_what_is_published_before_the_start_is_refused(tmp_path: Path) -> None:
    for bus in (InMemory().bus, OverZmq(tmp_path).of("marketdata")):
        with pytest.raises(RuntimeError, match="does not run"):
            bus.publish("marketdata.ohlc", bar(1))
