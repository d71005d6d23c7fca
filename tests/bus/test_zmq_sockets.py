"""What is sent together arrives as it was said: in order, by topic, all of it or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from kitev3._core import ZmqSockets
from kitev3.bus.zmq_plain import PlainSockets
from kitev3.bus.zmq_transport import libzmq
from waiting import S_MAX, until


class Bench:
    """A sender's sockets, and who hears them."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path, kind: str) -> None:
        self.context, self.folder = context, folder
        self.sub, self.publisher, self.push = (context.socket(of) for of in (zmq.SUB, zmq.XPUB, zmq.PUSH))
        self.publisher.bind(f"ipc://{folder}/pub")
        self.push.setsockopt(zmq.IMMEDIATE, 1)
        self.push.connect(f"ipc://{folder}/work")
        self.sockets: ZmqSockets | PlainSockets
        if kind == "plain":
            self.sockets = PlainSockets(self.publisher, {"gate": self.push})
        else:
            waited = (self.sub.underlying, self.sub.getsockopt(zmq.FD))
            workers = [("gate", self.push.underlying)]
            self.sockets = ZmqSockets(
                libzmq(), sub=waited, pull=None, router_fd=-1, publisher=self.publisher.underlying, workers=workers
            )

    def hearer(self, topic: bytes) -> zmq.Socket[bytes]:
        sub = self.context.socket(zmq.SUB)
        sub.setsockopt(zmq.RCVTIMEO, int(S_MAX * 1000))
        sub.connect(f"ipc://{self.folder}/pub")
        sub.subscribe(topic)
        self.publisher.recv()  # that it has subscribed
        return sub


@pytest.fixture(params=["core", "plain"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with _bench(tmp_path_factory.mktemp("b"), request.param) as made:
        yield made


@contextmanager
def _bench(folder: Path, kind: str) -> Iterator[Bench]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        yield Bench(context, folder, kind)
    finally:
        context.destroy(linger=0)


def test_each_hearer_gets_its_topics_of_what_was_sent_together(bench: Bench) -> None:
    ticks, bars, all_of_it = (bench.hearer(topic) for topic in (b"tick\0", b"bar\0", b""))
    said = [b"tick\x001", b"tick\x002", b"bar\x001", b"tick\x003", b"bar\x002", b"bar\x003", b"end\x00"]

    bench.sockets.send(said, None)

    assert [ticks.recv() for _ in range(3)] == [b"tick\x001", b"tick\x002", b"tick\x003"]
    assert [bars.recv() for _ in range(3)] == [b"bar\x001", b"bar\x002", b"bar\x003"]
    assert [all_of_it.recv() for _ in said] == said


def test_work_for_nobody_is_counted_and_later_work_arrives_whole(bench: Bench) -> None:
    work = [b"signal\0%d" % number for number in range(500)]
    bench.sockets.send(work, "gate")
    assert bench.sockets.push_full == len(work)

    pull = bench.context.socket(zmq.PULL)
    pull.setsockopt(zmq.RCVTIMEO, int(S_MAX * 1000))
    pull.bind(f"ipc://{bench.folder}/work")
    until(lambda: bench.push.poll(0, zmq.POLLOUT))
    bench.sockets.send(work, "gate")

    assert [pull.recv() for _ in work] == work
    assert bench.sockets.push_full == len(work)
