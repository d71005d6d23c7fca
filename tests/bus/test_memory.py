"""What the bus of one process promises beyond the others."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from kitev3.bus.memory import InMemoryEventBus
from kitev3.contracts import FeedHealth
from kitev3.events import Event
from kitev3.runtime.service import ServiceBase, ServiceConfig
from waiting import S_MAX, until

from bus.people import Listener, bar, signal


def test_one_that_subscribes_while_it_runs_takes_the_day_so_far_and_goes_on() -> None:
    bus = InMemoryEventBus("strategy")
    early: list[Event] = []
    late: list[Event] = []
    bus.subscribe("marketdata.ohlc", early.append)
    bus.start()
    for number in range(3):
        bus.publish("marketdata.ohlc", bar(number), name="marketdata")

    bus.subscribe(("marketdata.ohlc", "marketdata.health"), late.append)
    bus.publish("marketdata.health", FeedHealth("up", 1, 0, 0, 0, 0), name="marketdata")
    bus.publish("marketdata.ohlc", bar(3), name="marketdata")
    bus.stop()

    assert [event.seq for event in early] == [1, 2, 3, 5]
    assert [event.seq for event in late] == [1, 2, 3, 4, 5]


def test_what_a_late_subscription_yields_is_a_shard_s() -> None:
    bus = InMemoryEventBus()
    heard: list[Event] = []
    bus.subscribe("strategy.signal", heard.append, name="notebook")
    bus.start()
    bus.publish("marketdata.ohlc", bar(1), name="marketdata")

    for _ in range(2):
        bus.subscribe("marketdata.ohlc", lambda event: (signal(event),), name="strategy")
    until(lambda: len(heard) == 2)
    bus.stop()

    assert sorted(event.source for event in heard) == ["strategy", "strategy.2"]


def test_run_ends_with_a_handler_s_error_and_names_the_event() -> None:
    bus = InMemoryEventBus("marketdata")

    def fails(event: Event) -> Any:
        raise ValueError("no")

    bus.subscribe("marketdata.ohlc", fails, name="strategy")
    bus.start()
    bus.publish("marketdata.ohlc", bar(1))

    with pytest.raises(ValueError, match="no") as raised:
        bus.run()

    assert "strategy was handling marketdata.ohlc" in raised.value.__notes__[0]


def test_stop_delivers_what_is_on_its_way_through_several_hands() -> None:
    bus = InMemoryEventBus()
    heard: list[Event] = []
    bus.subscribe("marketdata.ohlc", lambda event: (signal(event),), name="strategy")
    bus.subscribe("strategy.signal", heard.append, name="notebook")
    bus.start()

    for number in range(2_000):
        bus.publish("marketdata.ohlc", bar(number), name="marketdata")
    bus.stop()

    assert [event.payload.quantity for event in heard] == list(range(2_000))


def test_handlers_of_one_name_never_run_at_once() -> None:
    bus = InMemoryEventBus()
    inside = threading.Lock()
    clashes: list[Event] = []
    heard: list[Event] = []

    def alone(event: Event) -> None:
        if not inside.acquire(blocking=False):
            clashes.append(event)
            return
        heard.append(event)
        inside.release()

    bus.start()
    for _ in range(3):
        bus.subscribe("marketdata.ohlc", lambda event: alone(event), name="notebook")
    for number in range(300):
        bus.publish("marketdata.ohlc", bar(number), name="marketdata")
    bus.stop()

    assert (len(clashes), len(heard)) == (0, 900)


def bars(handler: Listener) -> list[int]:
    return [number for topic, _, _, number in handler.heard if topic == "marketdata.ohlc"]


def test_services_hang_on_it_and_end_with_it() -> None:
    bus = InMemoryEventBus()
    handlers = {"strategy": Listener("strategy"), "journal": Listener("journal")}
    services = [ServiceBase(bus, ServiceConfig(name=name), handler) for name, handler in handlers.items()]
    threads = [threading.Thread(target=service.run_forever) for service in services]
    for thread in threads:
        thread.start()
    bus.start()

    for number in range(10):
        bus.publish("marketdata.ohlc", bar(number), name="marketdata")
        bus.publish("marketdata.health", FeedHealth("up", number, 0, 0, 0, 0), name="marketdata")
    until(lambda: all(bars(handler) == list(range(10)) for handler in handlers.values()))
    bus.stop()
    for thread in threads:
        thread.join(S_MAX)

    for handler in handlers.values():
        assert [seq for _, _, seq, _ in handler.heard] == sorted(seq for _, _, seq, _ in handler.heard)
    assert not any(thread.is_alive() for thread in threads)


def test_nothing_of_it_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bus = InMemoryEventBus("marketdata")
    bus.start()
    bus.publish("marketdata.ohlc", bar(1))

    bus.stop()

    assert list(tmp_path.iterdir()) == []
