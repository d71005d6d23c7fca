"""The table of topics holds together, and every payload travels."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from kitev3._core import TickBatch
from kitev3.bus.topology import links, matches, matching, takes_work, workers
from kitev3.contracts import BY_TOPIC, CONTRACTS, LAYOUTS, TOPIC_OF, Contract, heard_by, schema_hash
from kitev3.runtime.setup import ENCODE, decoder
from kitev3.schemas import SPOKEN
from kitev3.system.profile import known_services
from strategies import payloads

NAMED = pytest.mark.parametrize("contract", CONTRACTS, ids=[contract.topic for contract in CONTRACTS])
STRUCTS = [contract for contract in CONTRACTS if contract.payload not in LAYOUTS]
GROWN = [contract for contract in STRUCTS if contract.payload.__struct_defaults__]


@NAMED
def test_every_topic_has_a_speaker_and_a_hearer_who_exist(contract: Contract) -> None:
    somebody = {*known_services(), "control", "world"}

    assert contract.speakers
    assert contract.hearers
    assert {*contract.speakers, *contract.hearers} <= somebody


@NAMED
def test_a_topic_is_named_by_segments_and_its_payload_is_its_own(contract: Contract) -> None:
    assert all(segment.isidentifier() for segment in contract.topic.split("."))
    assert len(contract.topic.encode()) <= 64
    assert TOPIC_OF[contract.payload] == contract.topic


@NAMED
def test_delivery_worker_and_join_fit_each_other(contract: Contract) -> None:
    assert (contract.delivery == "work") == bool(contract.worker)
    assert not contract.worker or contract.worker in contract.hearers
    assert (contract.delivery == "control") == contract.topic.startswith("control.")
    assert (contract.delivery == "world") == contract.topic.startswith("world.")
    way, _, field = contract.join.partition(":")
    assert way in ("now", "day", "keyed")
    assert (way == "keyed") == bool(field)
    if field not in ("", "source") and contract.payload is not TickBatch:
        assert field in contract.payload.__struct_fields__


@pytest.mark.parametrize("service", known_services())
def test_every_service_takes_each_source_in_one_way(service: str) -> None:
    topics = [contract.topic for contract in heard_by(service)]

    taken = links(service, topics)  # asserts that work comes alone

    assert len({link.source for link in taken}) == len(taken)
    assert takes_work(service, topics) == any(link.mode == "work" for link in taken)
    for link in taken:
        if link.mode == "sparse":
            assert not any(BY_TOPIC[topic].dense for topic in link.received)


def test_who_works_for_whom() -> None:
    assert workers(["strategy.signal"]) == ("risk_portfolio",)
    assert workers(["risk.approved", "risk.blocked"]) == ("execution",)
    assert workers(["marketdata.tick"]) == ()


def test_patterns_mean_whole_segments() -> None:
    assert matches("execution.*", "execution.fill")
    assert not matches("execution.*", "executions.fill")
    assert not matches("execution", "execution.fill")
    assert set(matching("risk.*")) == {"risk.approved", "risk.blocked"}
    assert not any(topic.startswith(("control.", "world.")) for topic in matching("*"))


@given(st.sampled_from(STRUCTS).flatmap(lambda c: st.tuples(st.just(c), payloads(c.payload))))
@settings(max_examples=400)
def test_every_payload_comes_back_as_it_went(drawn: tuple[Contract, Any]) -> None:
    contract, payload = drawn

    assert decoder(contract.payload)(ENCODE(payload)) == payload


@pytest.mark.parametrize("contract", GROWN, ids=[contract.topic for contract in GROWN])
def test_an_older_message_is_read_with_the_defaults(contract: Contract) -> None:
    kind = contract.payload
    required = kind.__struct_fields__[: -len(kind.__struct_defaults__)]
    hints = get_type_hints(kind, include_extras=True)
    values = {name: simplest(hints[name]) for name in required}

    older = msgspec.msgpack.encode(list(values.values()))

    assert decoder(kind)(older) == kind(**values)


def simplest(hint: Any) -> Any:
    """Some value of a type: which one is of no interest here."""
    return find(payloads(hint), lambda value: True)


@NAMED
def test_the_schema_spoken_today_is_the_last_in_the_table(contract: Contract) -> None:
    spoken = SPOKEN[contract.topic]

    assert spoken[-1] == contract.schema, (
        f"{contract.topic} has changed: append 0x{contract.schema:08X} to its line in kitev3/schemas.py, "
        "unless the change was not a field appended with a default"
    )
    assert len(set(spoken)) == len(spoken)


def test_the_table_keeps_only_topics_that_are_or_were() -> None:
    assert set(SPOKEN) >= set(BY_TOPIC)


class Inner(msgspec.Struct, frozen=True, array_like=True):
    a: int


class Outer(msgspec.Struct, frozen=True, array_like=True):
    rows: tuple[Inner, ...]


def test_a_change_deep_inside_is_another_schema() -> None:
    before = schema_hash(Outer)
    inner = msgspec.defstruct("Inner", [("a", int), ("b", int, 0)], frozen=True, array_like=True)
    outer = msgspec.defstruct("Outer", [("rows", tuple[inner, ...])], frozen=True, array_like=True)  # type: ignore[valid-type]

    assert schema_hash(outer) != before


def test_a_message_of_work_tells_what_it_stands_on_where_order_between_sockets_matters() -> None:
    """Its speaker and its worker both hear the whole day of a third: what the first decided on the second must know."""
    for work in (contract for contract in CONTRACTS if contract.delivery == "work"):
        both = [
            contract
            for contract in heard_by(work.worker)
            if contract.join == "day"
            and contract.delivery == "pub"
            and set(work.speakers) <= set(contract.hearers)
            and not set(contract.speakers) & {*work.speakers, work.worker}
        ]
        sources = {speaker for contract in both for speaker in contract.speakers}

        assert sources == ({work.after} if work.after else set()), work.topic
