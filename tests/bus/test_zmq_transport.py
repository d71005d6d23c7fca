"""What the transport over ZeroMQ answers, and to whom."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.runtime.service import ServiceSpec

from bus.people import DAY, RELAY, SPEAKER

ANSWER_MS = 20_000
WHOLE_DAY = msgspec.msgpack.encode([DAY, 0, 0, 0, 0, 0, 0, []])


def transport(spec: ServiceSpec, folder: Path) -> ZmqTransport:
    made = ZmqTransport(
        spec, ("marketdata", "strategy"), folder, folder / "tape" / spec.name, high_water=100, answer_ms=ANSWER_MS
    )
    made.open()
    return made


@pytest.fixture
def speaker(tmp_path: Path) -> Iterator[ZmqTransport]:
    made = transport(SPEAKER, tmp_path)
    yield made
    made.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[ZmqTransport]:
    made = transport(RELAY, tmp_path)
    yield made
    made.close()


def test_what_is_asked_is_answered_and_what_is_no_request_is_left(speaker: ZmqTransport) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.connect(speaker.endpoint("marketdata", "router"))
        strange = [b"one", b"two", b"three", b"four"]
        for parts in (strange, [b"range"], [b"range", b"junk"], [b"range", WHOLE_DAY], [b"you?"]):
            dealer.send_multipart(parts)
        answers: list[bytes] = []
        while len(answers) < 4:
            speaker.serve(lambda request: request + b"!", 64)
            if dealer.poll(5):
                answers.append(dealer.recv())
        dealer.close(linger=0)

    in_turn = [answer for answer in answers if answer.endswith(b"!")]
    assert in_turn == [b"range!", b"you?!"]
    at_once = [answer for answer in answers if answer not in in_turn]
    assert at_once[0] == b""
    assert msgspec.msgpack.decode(at_once[1])[-2:] == [True, []]


def test_two_that_ask_each_other_at_the_same_moment_both_get_their_answer(
    speaker: ZmqTransport, relay: ZmqTransport
) -> None:
    both = threading.Barrier(2)
    answers: dict[str, bytes | None] = {}

    def asks(one: ZmqTransport, other: str) -> None:
        both.wait()
        assert one.ask is not None
        answers[one.name] = one.ask(other, WHOLE_DAY)
        while len(answers) < 2:
            one.serve(lambda request: b"", 64)

    pairs = ((speaker, "strategy"), (relay, "marketdata"))
    threads = [threading.Thread(target=asks, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * ANSWER_MS / 1e3)

    assert None not in answers.values()
    assert set(answers) == {"marketdata", "strategy"}


def test_one_that_is_not_there_is_not_waited_for(relay: ZmqTransport) -> None:
    assert relay.ask is not None
    begun = time.monotonic()

    assert relay.ask("marketdata", WHOLE_DAY) is None

    assert time.monotonic() - begun < ANSWER_MS / 2e3
