"""What every bus promises: the runner over queues of one process, over ZeroMQ, and stepped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from kitev3._core import BarBatch
from kitev3.contracts import FeedHealth, Gap
from kitev3.errors import ConfigError
from kitev3.events import Event
from waiting import S_MAX

from bus.buses import Buses, InMemory, OverZmq, Stepped
from bus.people import bar, signal

MANY = 500


class Ears:
    """A handler that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> tuple[()]:
        self.events.append(event)
        return ()

    @property
    def numbers(self) -> list[int]:
        return [int(event.payload.volume[0]) for event in self.events if isinstance(event.payload, BarBatch)]


MAKES: dict[str, Callable[[Path], Buses]] = {
    "memory": lambda folder: InMemory(),
    "stepped": Stepped,
    "zmq": OverZmq,
    "zmq, by request": partial(OverZmq, apart=True),
    "zmq, plain": OverZmq,
}


@pytest.fixture(params=MAKES)
def buses(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Buses]:
    if request.param == "zmq, plain":
        monkeypatch.setattr("kitev3.bus.zmq_transport.libzmq", dict)
    made = MAKES[request.param](tmp_path)
    yield made
    made.close()


def test_what_a_source_says_is_heard_in_its_order(buses: Buses) -> None:
    ears = Ears()
    buses.hear("notebook", "marketdata.ohlc", ears)
    buses.start()

    for number in range(MANY):
        buses.say("marketdata", bar(number))
    buses.until(lambda: len(ears.events) == MANY)

    assert ears.numbers == list(range(MANY))
    assert [event.topic_seq for event in ears.events] == list(range(1, MANY + 1))
    assert {(event.source, event.type, event.mode) for event in ears.events} == {
        ("marketdata", "marketdata.ohlc", "sim")
    }


def test_a_wildcard_means_whole_segments_and_order_holds_over_its_topics(buses: Buses) -> None:
    everything, market, strategies = Ears(), Ears(), Ears()
    buses.hear("notebook", "*", everything)
    buses.hear("desk", "marketdata.*", market)
    buses.hear("gateway", "strategy.*", strategies)
    buses.start()

    for number in range(20):
        buses.say("marketdata", bar(number))
        buses.say("marketdata", FeedHealth("up", number, 0, 0, 0, 0))
    buses.until(lambda: len(everything.events) == 40 and len(market.events) == 40)

    for ears in (everything, market):
        assert [event.seq for event in ears.events] == list(range(1, 41))
    assert strategies.events == []


@pytest.mark.parametrize("pattern", ["market.*", "marketdata", "marketdata.o*", "nonsense", ""])
def test_a_pattern_that_means_no_topic_is_refused(buses: Buses, pattern: str) -> None:
    with pytest.raises(ConfigError, match="no topic"):
        buses.hear("notebook", pattern, Ears())


def test_a_handler_s_words_carry_their_cause_and_reach_others(buses: Buses) -> None:
    heard = Ears()
    buses.hear("strategy", "marketdata.ohlc", lambda event: (signal(event),))
    buses.hear("notebook", "strategy.signal", heard)
    bars = Ears()
    buses.hear("desk", "marketdata.ohlc", bars)
    buses.start()

    buses.say("marketdata", bar(1))
    buses.until(lambda: len(heard.events) == 1 and len(bars.events) == 1)

    assert heard.events[0].source == "strategy"
    assert heard.events[0].cause == bars.events[0].event_id


def test_nobody_hears_himself_unless_he_asks(buses: Buses) -> None:
    shy, vain, other = Ears(), Ears(), Ears()
    buses.hear("marketdata", "marketdata.ohlc", shy)
    buses.hear("strategy", "strategy.*", vain, own=True)
    buses.hear("strategy", "marketdata.ohlc", lambda event: (signal(event),))
    buses.hear("notebook", "*", other)
    buses.start()

    buses.say("marketdata", bar(1))
    buses.until(lambda: len(other.events) == 2 and len(vain.events) == 1)

    assert shy.events == []
    assert vain.events[0].source == "strategy"


def test_a_slow_hearer_misses_nothing_and_holds_nobody_up(buses: Buses) -> None:
    quick, slow = Ears(), Ears()
    gate = threading.Event()

    def wait_then_hear(event: Event) -> tuple[()]:
        if not isinstance(buses, Stepped):
            assert gate.wait(S_MAX)
        return slow(event)

    buses.hear("notebook", "marketdata.ohlc", wait_then_hear)
    buses.hear("desk", "marketdata.ohlc", quick)
    buses.start()

    for number in range(MANY):
        buses.say("marketdata", bar(number))
    buses.until(lambda: len(quick.events) == MANY)
    gate.set()
    buses.until(lambda: len(slow.events) == MANY)

    assert slow.numbers == quick.numbers == list(range(MANY))


def test_a_late_hearer_joins_as_each_topic_s_contract_says(buses: Buses) -> None:
    early, late = Ears(), Ears()
    buses.hear("desk", "marketdata.*", early)
    buses.start()
    for number in range(3):
        buses.say("marketdata", bar(number))  # joins: day
        buses.say("marketdata", FeedHealth("up", number, 0, 0, 0, 0))  # joins: keyed:source
        buses.say("marketdata", Gap((), f"gap {number}"))  # joins: now
    buses.until(lambda: len(early.events) == 9)

    buses.hear("notebook", "marketdata.*", late)
    buses.start()
    buses.until(lambda: len(late.events) == 4)
    buses.say("marketdata", bar(3))
    buses.say("marketdata", Gap((), "gap 3"))
    buses.until(lambda: len(late.events) == 6)

    assert late.numbers == [0, 1, 2, 3]
    assert [(event.seq, event.type) for event in late.events][-3:] == [
        (8, "marketdata.health"),
        (10, "marketdata.ohlc"),
        (11, "marketdata.gap"),
    ]


def test_inside_a_handler_publish_raises(buses: Buses) -> None:
    told: list[str] = []

    def publishes(event: Event) -> tuple[()]:
        try:
            buses.say("strategy", signal(event))
        except RuntimeError as error:
            told.append(str(error))
        return ()

    buses.hear("strategy", "marketdata.ohlc", publishes)
    buses.start()

    buses.say("marketdata", bar(1))
    buses.until(lambda: len(told) == 1)

    assert "yields" in told[0]


@pytest.mark.parametrize("kind", MAKES)
def test_a_handler_that_raises_stops_the_bus_and_comes_out_of_it(kind: str, tmp_path: Path) -> None:
    buses = MAKES[kind](tmp_path)
    seen = Ears()

    def fails_at_three(event: Event) -> tuple[()]:
        seen(event)
        if event.payload == bar(3):
            raise ValueError("bar 3")
        return ()

    buses.hear("strategy", "marketdata.ohlc", fails_at_three)
    buses.start()
    for number in range(6):
        buses.say("marketdata", bar(number))

    if kind != "stepped":
        buses.until(lambda: len(seen.events) == 4)
    with pytest.raises(ValueError, match="bar 3"):
        buses.close()

    assert seen.numbers == [0, 1, 2, 3]
