"""The floors of the order path: what the sockets alone cost, with nothing done between them.

``RawChain`` is our order path with empty work: the same four processes on the same core, the same sockets and hearers,
messages of the same sizes, the same waiting. marketdata is a picows client fed over a WebSocket from the other core;
strategy waits on its SUB; the gate and execution wait on their PULL for at most 10 ms and drain their SUB before each
message; everybody looks at its ROUTER between messages, when it is time to.

``BareChain`` is three hops and nothing else: PUB/SUB, PUSH/PULL, PUSH/PULL, the packet passed on as it is.

Both are timed as ours is: CLOCK_MONOTONIC when the frame's bytes are at hand, until the last process has the message.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import zmq
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.feeder import FRAME_BYTES
from bench.sizes import WIRE_BYTES

API_KEY = "raw"
WAIT_MS = 10  # the gate's and execution's
LOOK_NS = 10_000_000  # between two looks at a ROUTER
ANSWER_MS_MAX = 60_000
HIGH_WATER = 100_000
STAMP_BYTES = 8
POLLIN = int(zmq.POLLIN)
SETTLE_TRIES_MAX = 50
SETTLED_S = 0.2  # for the last message of a round; what is later counts as lost

Feed: TypeAlias = Callable[[str, int, int], None]
"""Sends so many frames, so many a second, to the socket of an api_key."""

ROLES = ("execution", "risk_portfolio", "strategy", "marketdata")
"""In the order of their start: hearers before speakers."""
HEARS: dict[str, dict[str, tuple[str, ...]]] = {
    "strategy": {"marketdata": ("marketdata.tick",), "execution": ("execution.",)},
    "risk_portfolio": {"marketdata": ("marketdata.tick",), "execution": ("execution.",)},
    "execution": {"marketdata": ("marketdata.order_frame",)},
}
AFTERWARDS = ("execution.intent", "execution.sending", "execution.reject")
"""What execution says of an order that is not sent, when the clock has stopped."""


# --- the processes ------------------------------------------------------------------------------------------------


class Place:
    """One process's sockets."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.context = zmq.Context()
        self.router = self._bound(zmq.ROUTER, "router")
        self.latencies_ns: list[int] = []
        self.look_ns = 0

    def pub(self) -> zmq.Socket[bytes]:
        return self._bound(zmq.PUB, "pub")

    def pull(self, wait_ms: int) -> zmq.Socket[bytes]:
        socket = self._bound(zmq.PULL, "pull")
        socket.set(zmq.RCVTIMEO, wait_ms)
        return socket

    def push(self, to: str) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.PUSH)
        socket.connect(self._address(to, "pull"))
        return socket

    def sub(self, hears: dict[str, tuple[str, ...]], wait_ms: int = -1) -> zmq.Socket[bytes]:
        socket = self._socket(zmq.SUB)
        socket.set(zmq.RCVTIMEO, wait_ms)
        for source, topics in hears.items():
            socket.connect(self._address(source, "pub"))
            for topic in topics:
                socket.subscribe(topic)
        return socket

    def look(self) -> None:
        """Answers a request, if it is time to look and there is one: the latencies so far, which begins them anew."""
        if time.monotonic_ns() < self.look_ns:
            return
        self.look_ns = time.monotonic_ns() + LOOK_NS
        if has_message(self.router):
            asker, _ = self.router.recv_multipart()
            answer = json.dumps(sorted(self.latencies_ns)).encode()
            self.latencies_ns = []
            self.router.send_multipart((asker, answer))

    def _bound(self, kind: int, name: str) -> zmq.Socket[bytes]:
        socket = self._socket(kind)
        socket.bind(self._address(self.name, name))
        return socket

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self.context.socket(kind)
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.set(zmq.RCVHWM, HIGH_WATER)
        socket.set(zmq.LINGER, 0)
        return socket

    def _address(self, name: str, kind: str) -> str:
        return f"ipc://{self.folder / name}.{kind}"


def message(topic: str) -> Callable[[bytes], bytes]:
    """Makes messages of a topic's size that begin with its name and carry a stamp."""
    head = topic.encode() + b"\0"
    rest = bytes(WIRE_BYTES[topic] - len(head) - STAMP_BYTES)
    return lambda stamp: b"".join((head, stamp, rest))


def stamp_of(topic: str) -> Callable[[bytes], bytes]:
    at = len(topic) + 1
    return lambda message: message[at : at + STAMP_BYTES]


def stamp() -> bytes:
    return time.monotonic_ns().to_bytes(STAMP_BYTES, "little")


class Listener(WSListener):
    """A frame in, a tick's message out."""

    def __init__(self, pub: zmq.Socket[bytes]) -> None:
        self.send, self.tick = pub.send, message("marketdata.tick")
        self.closed = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, b'{"a":"mode","v":["full",[]]}')

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.payload_size > 1:
            frame.get_payload_as_bytes()
            self.send(self.tick(stamp()))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed.set()


def marketdata(folder: Path, address: str) -> None:
    place = Place(folder, "marketdata")
    pub = place.pub()

    async def run() -> None:
        listener = Listener(pub)
        await ws_connect(lambda: listener, f"ws://{address}/?api_key={API_KEY}")
        while not listener.closed.is_set():
            place.look()
            await asyncio.sleep(0.02)

    asyncio.run(run())


def strategy(folder: Path, _: str) -> None:
    place = Place(folder, "strategy")
    sub, pub, push = place.sub(HEARS["strategy"], WAIT_MS), place.pub(), place.push("risk_portfolio")
    signal, stamp = message("strategy.signal"), stamp_of("marketdata.tick")
    while True:
        try:
            heard = sub.recv()
        except zmq.Again:
            place.look()
            continue
        if heard.startswith(b"marketdata.tick"):
            said = signal(stamp(heard))
            push.send(said)
            pub.send(said)
        place.look()


def risk_portfolio(folder: Path, _: str) -> None:
    place = Place(folder, "risk_portfolio")
    pull, sub = place.pull(WAIT_MS), place.sub(HEARS["risk_portfolio"])
    pub, push = place.pub(), place.push("execution")
    approved, stamp = message("risk.approved"), stamp_of("strategy.signal")
    while True:
        heard = received(pull)
        drain(sub)
        if heard:
            said = approved(stamp(heard))
            push.send(said)
            pub.send(said)
        place.look()


def execution(folder: Path, _: str) -> None:
    place = Place(folder, "execution")
    pull, sub, pub = place.pull(WAIT_MS), place.sub(HEARS["execution"]), place.pub()
    afterwards, stamp = [message(topic) for topic in AFTERWARDS], stamp_of("risk.approved")
    while True:
        heard = received(pull)
        drain(sub)
        if heard:
            stamped = stamp(heard)
            place.latencies_ns.append(time.monotonic_ns() - int.from_bytes(stamped, "little"))
            for said in afterwards:
                pub.send(said(stamped))
        place.look()


def received(socket: zmq.Socket[bytes]) -> bytes:
    """The next message; nothing when its time has run out."""
    try:
        return socket.recv()
    except zmq.Again:
        return b""


def drain(sub: zmq.Socket[bytes]) -> None:
    while has_message(sub):
        sub.recv()


def has_message(socket: zmq.Socket[bytes]) -> bool:
    """Asking costs less than a `recv` that finds nothing and raises."""
    return bool(int(socket.get(zmq.EVENTS)) & POLLIN)


def bare_source(folder: Path, _: str) -> None:
    """Says the packet at a rate when asked to: ``[count, rate]``."""
    place = Place(folder, "source")
    pub = place.pub()
    rest = bytes(FRAME_BYTES - STAMP_BYTES)
    while True:
        asker, request = place.router.recv_multipart()
        count, rate = json.loads(request)
        every_ns = 1_000_000_000 // rate
        due_ns = time.monotonic_ns() + every_ns
        for _said in range(count):
            if (left_ns := due_ns - time.monotonic_ns()) > 0:
                time.sleep(left_ns / 1e9)
            pub.send(stamp() + rest)
            due_ns = max(due_ns, time.monotonic_ns() - every_ns) + every_ns
        place.router.send_multipart((asker, b"{}"))


def bare_first(folder: Path, _: str) -> None:
    place = Place(folder, "first")
    recv, send = place.sub({"source": ("",)}).recv, place.push("second").send
    while True:
        send(recv())


def bare_second(folder: Path, _: str) -> None:
    place = Place(folder, "second")
    recv, send = place.pull(-1).recv, place.push("third").send
    while True:
        send(recv())


def bare_third(folder: Path, _: str) -> None:
    place = Place(folder, "third")
    pull = place.pull(WAIT_MS)
    while True:
        heard = received(pull)
        if heard:
            now_ns = time.monotonic_ns()
            place.latencies_ns.append(now_ns - int.from_bytes(heard[:STAMP_BYTES], "little"))
        else:
            place.look()  # asked for only when a round is over


BARE_ROLES = ("third", "second", "first", "source")
WORK: dict[str, Callable[[Path, str], None]] = {
    "marketdata": marketdata,
    "strategy": strategy,
    "risk_portfolio": risk_portfolio,
    "execution": execution,
    "source": bare_source,
    "first": bare_first,
    "second": bare_second,
    "third": bare_third,
}


# --- the bench's side ---------------------------------------------------------------------------------------------


class Chain:
    """Processes of this module on one core, in a folder of sockets."""

    def __init__(self, roles: Sequence[str], cpu: int, address: str = "") -> None:
        self.roles, self.cpu, self.address = roles, cpu, address
        self.stack = ExitStack()

    def __enter__(self) -> Any:
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="kitev3-bench-")))
        self.context = self.stack.enter_context(zmq.Context())
        self.sockets: dict[str, zmq.Socket[bytes]] = {}
        for role in self.roles:
            command = [sys.executable, "-m", "bench.chain", role, str(self.folder), str(self.cpu), self.address]
            self.stack.callback(_ended, subprocess.Popen(command))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for socket in self.sockets.values():
            socket.close(linger=0)
        self.stack.close()

    def ask(self, role: str, request: bytes = b"{}") -> Any:
        """One request on a process's ROUTER."""
        if role not in self.sockets:
            self.sockets[role] = self.context.socket(zmq.DEALER)
            self.sockets[role].set(zmq.RCVTIMEO, ANSWER_MS_MAX)
            self.sockets[role].connect(f"ipc://{self.folder / role}.router")
        self.sockets[role].send(request)
        return json.loads(self.sockets[role].recv())

    def settle(self, role: str, send_one: Callable[[], None]) -> None:
        """Until a message comes through: a PUB says nothing to a hearer that has not been greeted yet."""
        for _ in range(SETTLE_TRIES_MAX):
            send_one()
            time.sleep(SETTLED_S)
            if self.ask(role):
                return
        raise RuntimeError(f"no message has come to {role}")

    def taken(self, role: str, count: int) -> list[int]:
        """The latencies of a round in ns, sorted. RuntimeError when not every message came."""
        latencies: list[int] = self.ask(role)
        if len(latencies) != count:
            raise RuntimeError(f"{role} has {len(latencies)} of {count} messages")
        return latencies


class RawChain(Chain):
    """The order path with empty work. Fed from outside; ``address`` is the feeder's."""

    def __init__(self, cpu: int, address: str) -> None:
        super().__init__(ROLES, cpu, address)

    def ready(self, feed: Feed) -> None:
        """Returns when messages come through."""
        self.settle("execution", lambda: feed(API_KEY, 1, 1_000))

    def round(self, feed: Feed, count: int, rate: int) -> list[int]:
        """Latencies in ns, sorted."""
        feed(API_KEY, count, rate)
        time.sleep(SETTLED_S)
        return self.taken("execution", count)


class BareChain(Chain):
    """Three hops. Its source keeps the pace itself, by sleeping on the same core."""

    def __init__(self, cpu: int) -> None:
        super().__init__(BARE_ROLES, cpu)

    def ready(self) -> None:
        """Returns when messages come through."""
        self.settle("third", lambda: self.say(1, 1_000))

    def say(self, count: int, rate: int) -> None:
        """Has so many messages said, so many a second; returns when they are."""
        self.ask("source", json.dumps([count, rate]).encode())

    def round(self, count: int, rate: int) -> list[int]:
        """Latencies in ns, sorted."""
        self.say(count, rate)
        time.sleep(SETTLED_S)
        return self.taken("third", count)


def per_mille(latencies: Sequence[int], of: int) -> int:
    """The value that so many of a thousand do not exceed, of sorted ones."""
    return latencies[max(-(-len(latencies) * of // 1000), 1) - 1]


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def main(role: str, folder: str, cpu: str, address: str = "") -> None:
    """One process."""
    os.sched_setaffinity(0, {int(cpu)})  # before there are threads: libzmq's stay here too
    WORK[role](Path(folder), address)


if __name__ == "__main__":
    main(*sys.argv[1:])
