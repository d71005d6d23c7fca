"""What the bus of real processes promises when messages are lost and processes are killed.

The truth of each test is on the tapes: what a speaker's says it said, what a hearer's says it heard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from kitev3.bus.message import Message
from kitev3.contracts import CONTRACTS
from kitev3.control import Health

from bus.system import System

COUNT = 400
BARS = "marketdata.ohlc"
SIGNALS = "strategy.signal"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    made = System(tmp_path)
    yield made
    made.close()


def has_heard(topic: str, count: int) -> object:
    def heard(health: Health) -> bool:
        return health.heard.get(topic, 0) == count

    return heard


def all_heard_once_in_order(system: System, hearer: str, speaker: str, topic: str) -> bool:
    heard, said = system.heard(hearer, topic), system.said(speaker, topic)
    assert heard == sorted(set(said))  # said has no duplicates either: seq never repeats
    return heard == said


def test_a_house_without_faults_hears_all(system: System) -> None:
    system.start("journal", "risk_portfolio", "strategy", "marketdata", count=COUNT)
    system.begin("journal", "risk_portfolio", "strategy", "marketdata")

    system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)
    worker = system.health("risk_portfolio", has_heard(SIGNALS, COUNT))

    assert worker.counters["gaps_seen"] == 0
    assert [system.end(name) for name in ("journal", "risk_portfolio", "strategy", "marketdata")] == [0, 0, 0, 0]
    for hearer, speaker, topic in (
        ("journal", "marketdata", BARS),
        ("strategy", "marketdata", BARS),
        ("journal", "strategy", SIGNALS),
        ("risk_portfolio", "strategy", SIGNALS),
    ):
        assert all_heard_once_in_order(system, hearer, speaker, topic)


@pytest.mark.parametrize("lose", [0.01, 0.05, 0.2])
def test_whatever_is_lost_is_mended_also_a_lost_last_message(system: System, lose: float) -> None:
    system.start("journal", "risk_portfolio", "strategy", "marketdata", count=COUNT, lose=lose, pause=60, seed=7)
    system.begin("journal", "risk_portfolio", "strategy", "marketdata")

    journal = system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)
    system.health("risk_portfolio", has_heard(SIGNALS, COUNT))

    assert journal.counters["gaps_seen"] == journal.counters["gaps_filled"] > 0
    for name in ("marketdata", "strategy", "risk_portfolio", "journal"):
        assert system.end(name) == 0
    for hearer, speaker, topic in (
        ("strategy", "marketdata", BARS),
        ("journal", "marketdata", BARS),
        ("risk_portfolio", "strategy", SIGNALS),
    ):
        assert all_heard_once_in_order(system, hearer, speaker, topic)


@pytest.mark.parametrize("victim", ["strategy", "risk_portfolio", "journal"])
def test_a_hearer_that_is_killed_and_comes_back_has_lost_nothing(system: System, victim: str) -> None:
    system.start("journal", "risk_portfolio", "strategy", "marketdata", count=COUNT, pause=20)
    system.begin("journal", "risk_portfolio", "strategy", "marketdata")
    topic = SIGNALS if victim == "risk_portfolio" else BARS

    for killed_at in (COUNT // 4, COUNT // 2):
        system.health(victim, lambda h, at=killed_at: h.heard.get(topic, 0) >= at)  # type: ignore[misc]
        system.kill(victim)
        system.start(victim, count=COUNT, pause=20)
    reborn = system.health(victim, has_heard(topic, COUNT))
    system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)
    system.health("risk_portfolio", has_heard(SIGNALS, COUNT))

    assert reborn.epoch == 3
    assert reborn.state == "running"  # its start is on its tape
    for name in ("marketdata", "strategy", "risk_portfolio", "journal"):
        assert system.end(name) == 0
    assert all_heard_once_in_order(system, "strategy", "marketdata", BARS)
    assert all_heard_once_in_order(system, "journal", "marketdata", BARS)
    assert all_heard_once_in_order(system, "risk_portfolio", "strategy", SIGNALS)


def test_a_sender_that_is_killed_goes_on_in_a_new_epoch(system: System) -> None:
    system.start("journal", "risk_portfolio", "strategy", count=COUNT)
    system.start("marketdata", count=COUNT, pause=2)  # so slow that it is killed long before it has said all
    system.begin("journal", "risk_portfolio", "strategy", "marketdata")

    system.health("strategy", lambda h: h.heard.get(BARS, 0) >= COUNT // 4)
    system.kill("marketdata")
    system.start("marketdata", count=COUNT, pause=20)
    system.health("strategy", has_heard(BARS, COUNT))
    system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)

    for name in ("marketdata", "strategy", "risk_portfolio", "journal"):
        assert system.end(name) == 0
    said = system.said("marketdata")
    assert [seq for _, seq in said] == list(range(1, COUNT + 1))
    assert {epoch for epoch, _ in said} == {1, 2}
    assert all_heard_once_in_order(system, "strategy", "marketdata", BARS)


def test_a_slow_hearer_loses_nothing(system: System) -> None:
    system.start("journal", count=COUNT, slow_ms=1)
    system.start("risk_portfolio", "strategy", "marketdata", count=COUNT)
    system.begin("journal", "risk_portfolio", "strategy", "marketdata")

    system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)

    assert system.end("journal") == 0
    assert all_heard_once_in_order(system, "journal", "marketdata", BARS)
    assert all_heard_once_in_order(system, "journal", "strategy", SIGNALS)


def test_a_late_journal_hears_the_whole_day(system: System) -> None:
    running = ["strategy", "risk_portfolio", "marketdata"]
    system.start(*running, count=COUNT, running=running)
    system.begin(*running)
    system.health("strategy", has_heard(BARS, COUNT))

    system.start("journal", count=COUNT)
    system.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)

    # The journal needs every message, also of what a late hearer would not be given by the contracts.
    assert system.end("journal") == 0
    assert all_heard_once_in_order(system, "journal", "marketdata", BARS)
    assert all_heard_once_in_order(system, "journal", "strategy", SIGNALS)


def test_tapes_that_lie_apart_are_read_by_request(tmp_path: Path) -> None:
    apart, orders = System(tmp_path, apart=True), {"count": COUNT, "lose": 0.05, "pause": 20, "seed": 7}
    try:
        apart.start("risk_portfolio", "strategy", "marketdata", **orders)
        apart.begin("risk_portfolio", "strategy", "marketdata")
        apart.health("strategy", lambda h: h.heard.get(BARS, 0) >= COUNT // 4)
        apart.kill("strategy")
        apart.start("strategy", **orders)
        apart.start("journal", **orders)
        journal = apart.health("journal", lambda h: h.heard.get(BARS, 0) == COUNT and h.heard.get(SIGNALS, 0) == COUNT)
        apart.health("risk_portfolio", has_heard(SIGNALS, COUNT))
        for name in ("marketdata", "strategy", "risk_portfolio", "journal"):
            assert apart.end(name) == 0
    finally:
        apart.close()

    assert journal.counters["refused_messages"] == 0
    for hearer, speaker, topic in (
        ("strategy", "marketdata", BARS),
        ("journal", "marketdata", BARS),
        ("journal", "strategy", SIGNALS),
        ("risk_portfolio", "strategy", SIGNALS),
    ):
        assert all_heard_once_in_order(apart, hearer, speaker, topic)


def test_a_second_instance_is_refused_and_the_first_lives(system: System) -> None:
    system.start("journal", running=["journal"])
    system.begin("journal")
    first = system.running["journal"]

    system.start("journal", running=["journal"])
    code, words = system.wait("journal")

    assert code == 2
    assert "has a writer already" in words
    system.running["journal"] = first
    system.health("journal", lambda health: health.pid == first.pid)


def test_a_handler_that_raises_ends_the_process_and_names_the_event(system: System) -> None:
    system.start("strategy", "risk_portfolio", "journal", "marketdata", count=50, raises=20)
    system.begin("strategy", "risk_portfolio", "journal", "marketdata")

    code, words = system.wait("strategy")

    assert code == 1
    assert "ValueError: bar 20" in words
    last = system.folder.log("strategy").read_text().splitlines()[-1]
    fatal = [m for m in system.records("strategy", 2) if m.topic == BARS][-1]
    assert json.loads(last)["level"] == "critical"
    assert fatal.seq == 21
    # Nothing is skipped: started again it meets the same event and ends the same way.
    system.start("strategy", count=50, raises=20)
    code, words = system.wait("strategy")
    assert code == 1
    assert "bar 20" in words
    again = system.folder.log("strategy").read_text().splitlines()[-1]
    assert json.loads(again)["event_id"] == json.loads(last)["event_id"]


def test_messages_of_another_version_schema_or_mode_are_refused_and_counted(system: System) -> None:
    system.start("strategy", running=["strategy", "marketdata"])
    with zmq.Context() as zmq_context, zmq_context.socket(zmq.PUB) as pub:
        system.folder.make()
        pub.bind(system.folder.endpoint("marketdata", "pub"))
        schema = next(contract.schema for contract in CONTRACTS if contract.topic == BARS)
        good = stranger(schema)
        strange = [
            Message(**{**fields(good), "version": 1}).frame(),
            Message(**{**fields(good), "mode": 0}).frame(),
            Message(**{**fields(good), "source": "nobody"}).frame(),
        ]

        def refuses_all(health: Health) -> bool:
            for frame in strange:
                pub.send(frame)
            counters = health.counters
            return all(counters.get(f"refused_{why}", 0) > 0 for why in ("version", "mode", "source"))

        health = system.health("strategy", refuses_all)
        pub.close(linger=0)

    assert health.counters["heard"] == 0
    assert health.heard == {}


def stranger(schema: int) -> Message:
    return Message(BARS, 2, 2, 0, schema, 1, 1, 1, 1, 0, 0, 0, bytes(16), "marketdata", b"")


def fields(message: Message) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__slots__}  # type: ignore[attr-defined]


def test_the_tape_of_another_mode_is_not_executed(system: System) -> None:
    system.start("strategy", "marketdata", count=5, running=["strategy", "marketdata"])
    system.begin("strategy", "marketdata")
    system.health("strategy", has_heard(BARS, 5))
    assert system.end("strategy") == 0

    system.start("strategy", count=5, mode="paper", running=["strategy", "marketdata"])
    code, words = system.wait("strategy")

    assert code == 2
    assert "of mode sim, and this is paper: start a new run folder" in words
