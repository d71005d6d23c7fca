"""Requests come from outside: whatever they are, they are answered, and the service goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kitev3.bus.requests import Requests
from kitev3.bus.stepped import SteppedBus
from kitev3.contracts import Clock

from bus.people import RELAY, context

fields = st.sampled_from(["do", "id", "topic", "payload", "by", "source_seq", "topics"])
values = st.one_of(
    st.sampled_from(["health", "control", "control.start", "control.clock", "control.kill"]),
    st.integers(-(1 << 63), (1 << 64) - 1), st.text(), st.binary(), st.none(), st.lists(st.integers(0, 9)),
)  # fmt: skip


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[Requests]:
    with SteppedBus() as bus:
        yield Requests(bus.add(RELAY, context(tmp_path)), missing=tuple)


@given(request_=st.one_of(st.binary(), st.dictionaries(fields, values).map(msgspec.msgpack.encode)))
@example(request_=b"\x81\xa2do\xa3\xff\xfe\xfd")  # a text that is no UTF-8
@example(request_=msgspec.msgpack.encode({"do": "resend", "source_seq": -1}))
@example(request_=b"\x81\xa7payload" + b"\x91" * 100_000)
def test_any_request_is_answered(requests: Requests, request_: bytes) -> None:
    answer = msgspec.msgpack.decode(requests.answer(request_))

    assert isinstance(answer["id"], int)
    assert answer.get("ok", True) is True or answer["error"]


def test_a_command_whose_payload_cannot_be_read_is_refused_and_not_taped(requests: Requests) -> None:
    before = requests.runner.runtime.applied
    request = {"do": "control", "topic": "control.start", "payload": msgspec.Raw(b"\x91\xa2\xff\xfe")}

    answer = msgspec.msgpack.decode(requests.answer(msgspec.msgpack.encode(request)))

    assert (answer["ok"], "control.start" in answer["error"]) == (False, True)
    assert (requests.runner.runtime.phase, requests.runner.runtime.applied) == (0, before)


LONG = "x" * 1_001


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("control.clock", [0, 0, 0]),
        ("control.clock", [0, 0, -1]),
        ("control.clock", [0, 0, 10_000_001]),
        ("control.clock", [-1, 0, 1000]),
        ("control.clock", [0, -(2**63), 1000]),
        ("control.clock", [2**63 - 1, 0, 1000]),
        ("control.start", ["9999-99-99"]),
        ("control.start", ["2026-11-20"]),
        ("control.start", ["\0"]),
        ("control.start", [LONG]),
        ("control.stop", [LONG]),
        ("control.arm", [LONG]),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused_in_one_line_and_not_taped(
    requests: Requests, topic: str, payload: list[object]
) -> None:
    before = requests.runner.runtime.applied, requests.runner.runtime.market_ns(5)
    request = {"do": "control", "topic": topic, "payload": payload}

    answer = msgspec.msgpack.decode(requests.answer(msgspec.msgpack.encode(request)))

    assert not answer["ok"]
    assert answer["error"].startswith(topic)
    assert answer["error"].isprintable()
    assert (requests.runner.runtime.applied, requests.runner.runtime.market_ns(5)) == before
    assert requests.runner.runtime.phase == 0


def test_a_kill_is_heard_however_long_its_words(requests: Requests) -> None:
    request = {"do": "control", "topic": "control.kill", "payload": [LONG], "by": LONG}

    assert msgspec.msgpack.decode(requests.answer(msgspec.msgpack.encode(request)))["ok"]


def test_a_command_is_obeyed(requests: Requests) -> None:
    request = {"id": 7, "do": "control", "topic": "control.clock", "payload": Clock(0, 0, 1000), "by": "test"}

    answer = msgspec.msgpack.decode(requests.answer(msgspec.msgpack.encode(request)))

    assert answer == {"id": 7, "ok": True}
    assert requests.runner.runtime.market_ns(5) == 5
