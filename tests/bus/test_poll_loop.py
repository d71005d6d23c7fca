"""What the poll loop does about order and time between sockets, each taken by itself: one process, real sockets.

The speakers are runners whose messages are caught; the test brings them when it wants to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq
from kitev3.bus.message import Message
from kitev3.bus.transport import Receiver, Transport
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.contracts import Blocked, Fill, Signal, Verdict
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import ServiceSpec

from bus.people import RELAY, SPEAKER, WORKER, Listener, NoConfig, context, made, signal, text

SIGNALS = 5
LOOK_MS = 30  # how long a handler looks for what must not have been sent
WAIT_MS = 20_000
MS = 1_000_000
EXECUTION = ServiceSpec(name="execution", config=NoConfig, handler=made(Listener, "execution"))


class Caught(Transport):
    """Keeps what is sent."""

    offers = frozenset({"publish", "work", "request"})

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, frame: bytes, worker: str | None) -> None:
        self.frames.append(frame)

    def wake(self) -> None:
        raise AssertionError("nobody waits")


def begun(spec: ServiceSpec, folder: Path, transport: Transport) -> Runner:
    runner = Runner(
        spec, context(folder), NoConfig(), clock=time.monotonic_ns, transport=transport, about={"schemas": {}}
    )
    runner.recover()
    runner.begin()
    return runner


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Place:
    """One service on real sockets, and the sockets of those around it."""

    def __init__(self, spec: ServiceSpec, folder: Path, around: tuple[str, ...], stack: ExitStack) -> None:
        self.transport = ZmqTransport(spec, around, folder, folder / "tape" / spec.name, high_water=100)
        self.zmq = stack.enter_context(zmq.Context())
        self._folder, self._stack = folder, stack
        self.transport.open()
        stack.callback(self.transport.close)
        self.runner = begun(spec, folder, self.transport)
        stack.callback(self.runner.close)
        self.transport.carry(self.runner.runtime)
        self.receiver: Receiver = self.transport.receiver(self.runner.runtime, None, None)

    def socket(self, kind: int) -> zmq.Socket[bytes]:
        return self._stack.enter_context(self.zmq.socket(kind))

    def publisher(self, source: str, topic: str) -> zmq.Socket[bytes]:
        """The PUB of another, once the place has subscribed the topic at it."""
        publisher = self.socket(zmq.XPUB)
        publisher.bind(self.transport.endpoint(source, "pub"))
        while publisher.recv() != b"\1" + topic.encode() + b"\0":
            pass
        return publisher

    def hear(self) -> None:
        """All that has come, and what comes within a moment."""
        self.transport.set_wait(LOOK_MS)
        self.runner.poll(self.receiver.receive, time.monotonic_ns() + WAIT_MS * MS)


def caught(spec: ServiceSpec, folder: Path, stack: ExitStack) -> tuple[Runner, list[bytes]]:
    """A speaker, and what it sends."""
    transport = Caught()
    runner = begun(spec, folder, transport)
    stack.callback(runner.close)
    return runner, transport.frames


def bars(folder: Path, stack: ExitStack, count: int = 1) -> list[bytes]:
    speaker, frames = caught(SPEAKER, folder, stack)
    for number in range(count):
        speaker.put(text(number))
    return frames


# --- what is said while an event is in hand -----------------------------------------------------------------------


class Looks(Handler):
    """Wants two orders at a bar, and looks in between whether the first has left."""

    def __init__(self, has_left: Callable[[], bool]) -> None:
        self.has_left: list[bool] = []
        self._look = has_left
        super().__init__({"marketdata.ohlc": self.ohlc})

    def ohlc(self, event: Event) -> Iterable[Any]:
        yield signal(event)
        self.has_left.append(self._look())
        yield signal(event)


def test_a_signal_leaves_while_the_handler_is_still_at_its_event(tmp_path: Path, stack: ExitStack) -> None:
    pull = stack.enter_context(zmq.Context()).socket(zmq.PULL)
    stack.callback(pull.close)
    handler = Looks(lambda: bool(pull.poll(WAIT_MS)))
    spec = replace(RELAY, handler=lambda context, config: handler)
    place = Place(spec, tmp_path, ("marketdata", "risk_portfolio"), stack)
    pull.bind(place.transport.endpoint("risk_portfolio", "pull"))
    publisher = place.publisher("marketdata", "marketdata.ohlc")
    while not pull.poll(1):  # until the gate is connected
        place.transport.send(b"", "risk_portfolio")
    while pull.poll(LOOK_MS):
        pull.recv()

    publisher.send(*bars(tmp_path, stack))
    place.hear()

    assert handler.has_left == [True]


# --- what is said about work --------------------------------------------------------------------------------------


class Blocks(Handler):
    """Blocks every signal, and looks before each whether others have heard of the ones before."""

    def __init__(self, was_said: Callable[[], bool]) -> None:
        self.was_said: list[bool] = []
        self._look = was_said
        super().__init__({"strategy.signal": self.signal})

    def signal(self, event: Event) -> Iterable[Any]:
        self.was_said.append(self._look())
        return (Blocked(str(event.seq), event.payload, Verdict(0, 0, "R01", "a test")),)


def test_what_is_said_to_all_about_work_waits_while_more_work_does(tmp_path: Path, stack: ExitStack) -> None:
    sub = stack.enter_context(zmq.Context()).socket(zmq.SUB)
    stack.callback(sub.close)
    handler = Blocks(lambda: bool(sub.poll(LOOK_MS)))
    spec = replace(WORKER, handler=lambda context, config: handler)
    place = Place(spec, tmp_path, ("strategy",), stack)
    sub.subscribe(b"")
    sub.connect(place.transport.endpoint("risk_portfolio", "pub"))
    while not sub.poll(1):  # until it is subscribed
        place.transport.send(b"", None)
    while sub.poll(LOOK_MS):
        sub.recv()
    relay, signals = caught(RELAY, tmp_path, stack)
    place.runner.join("strategy")
    for frame in bars(tmp_path, stack, SIGNALS):
        relay.hear(frame)
    push = place.transport._context.socket(zmq.PUSH)  # within the process a message is there when it has been sent
    push.connect("inproc://wake")
    stack.callback(push.close)
    for frame in signals:
        push.send(frame)

    place.hear()

    assert handler.was_said == [False] * SIGNALS
    heard = [sub.recv() for _ in range(SIGNALS) if sub.poll(WAIT_MS)]
    assert [Message.parse(frame).topic_seq for frame in heard] == list(range(1, SIGNALS + 1))


# --- what work stands on ------------------------------------------------------------------------------------------

ROUNDS_MAX = 400
IN_TIME = 10  # rounds whose fill came while the signal waited
AFTER_NS, BEFORE_NS = 300_000, 1_200_000  # of the two milliseconds that it waits


@contextmanager
def sent_soon(publisher: zmq.Socket[bytes], frame: bytes) -> Iterator[Callable[[], int]]:
    """Sends it from another thread, some time after the block has begun; when that was."""
    go, sent_ns = threading.Event(), [0]

    def send() -> None:
        go.wait()
        until_ns = time.monotonic_ns() + (AFTER_NS + BEFORE_NS) // 2
        while time.monotonic_ns() < until_ns:
            time.sleep(0)
        sent_ns[0] = time.monotonic_ns()
        publisher.send(frame)

    thread = threading.Thread(target=send)
    thread.start()
    go.set()
    yield lambda: sent_ns[0]
    thread.join()


def test_a_signal_waits_a_moment_for_the_fill_that_it_stands_on_to_come_by_its_socket(
    tmp_path: Path, stack: ExitStack
) -> None:
    """Heard from the tape instead, the fill's own message would be a duplicate."""
    place = Place(WORKER, tmp_path, ("execution", "strategy"), stack)
    publisher = place.publisher("execution", "execution.fill")
    execution, fills = caught(EXECUTION, tmp_path, stack)
    relay, signals = caught(RELAY, tmp_path, stack)
    wanted = Signal(
        "relay", "NSE", "INFY", 408065, "BUY", "enter", 1, "LIMIT", 10_000, 0, "MIS", "DAY", 1.0, 0, (), 0, "", {}
    )
    for source in ("execution", "strategy"):
        place.runner.join(source)
    push = place.transport._context.socket(zmq.PUSH)
    push.connect("inproc://wake")
    stack.callback(push.close)
    waited: list[bool] = []

    for number in range(ROUNDS_MAX):
        fills.clear()
        signals.clear()
        execution.publish(Fill("", "", str(number), "NSE", "INFY", 408065, "BUY", "MIS", 1, 10_000, 0))
        relay.hear(fills[0])
        relay.publish(wanted)
        push.send(signals[0])
        before = place.runner.runtime.counters["duplicates"]
        with sent_soon(publisher, fills[0]) as sent_ns:
            begun_ns = time.monotonic_ns()
            place.hear()
        if AFTER_NS <= sent_ns() - begun_ns <= BEFORE_NS:  # else the machine was busy with others
            waited.append(place.runner.runtime.counters["duplicates"] == before)
        if len(waited) == IN_TIME:
            break

    assert place.runner.handler.heard[-2:] == [  # type: ignore[attr-defined]
        ("execution.fill", "execution", number + 1, 1), ("strategy.signal", "strategy", number + 1, 1)
    ]  # fmt: skip
    assert sum(waited) > len(waited) / 2, waited
