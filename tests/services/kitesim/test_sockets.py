"""kitesim's sockets and postbacks: who is slow, who is told what, and who is let in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kitev3._core import Exchange
from kitev3.runtime.clock import MarketClock, machine_ns
from kitev3.services.kitesim import hangup, sockets
from kitev3.services.kitesim.logins import Application, Logins
from kitev3.services.kitesim.server import Server, listen
from waiting import S_MAX, until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from services.kitesim_rig import API_KEY, API_SECRET, TOKEN, Kitesim, kitesim, ticks

INFY, NIFTY, FUTURE, SBIN_BSE = 408065, 256265, 9241602, 128028676
NS = 1_000_000_000
START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20


@contextmanager
def served(speed_e3: int, frame_ms: int) -> Iterator[Server]:
    """An exchange in a thread of this process, with its market running."""
    exchange = Exchange(users=["U"], market="synthetic", seed=1, start_ns=START_NS, frame_ms=frame_ms)
    application = Application(api_key=API_KEY, api_secret=API_SECRET, user_id="U", redirect_url="http://127.0.0.1/")
    server = Server(exchange, Logins((application,), {API_KEY: TOKEN}, machine_ns), listen("127.0.0.1:0"), machine_ns)
    server.run_market(MarketClock(exchange.now_ns, machine_ns(), speed_e3))
    loop = asyncio.new_event_loop()
    task = loop.create_task(server.serve())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(S_MAX)


def feed(server: Server) -> str:
    return f"ws://{server.address}/?api_key={API_KEY}&access_token={TOKEN}"


def narrow(server: Server) -> socket.socket:
    """A connection with a small window, so that what is under way does not hide who is slow."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 13)
    host, _, port = server.address.partition(":")
    made.connect((host, int(port)))
    return made


def wish(verb: str, value: Any) -> str:
    return json.dumps({"a": verb, "v": value})


def exchange_second(frame: bytes) -> int | None:
    """The exchange second of a frame that begins with an index in full mode; none of anything else."""
    if len(frame) < 36 or struct.unpack_from(">H", frame, 2)[0] != 32:
        return None
    return int(struct.unpack_from(">I", frame, 4 + 28)[0])


def test_at_the_walls_pace_a_slow_reader_is_conflated_and_nobody_else_notices() -> None:
    with served(1000, frame_ms=10) as server:
        everything = server.exchange.tokens
        slow_socket = narrow(server)
        with (
            connect(feed(server), sock=slow_socket, compression=None, max_queue=1, close_timeout=0.2) as slow,
            connect(feed(server), compression=None, close_timeout=0.2) as fast,
        ):
            slow.send(wish("mode", ["full", everything]))
            fast.send(wish("mode", ["full", everything]))

            frames = 0
            while server.sockets.conflated <= 20 or frames <= 100:  # the market waits for nobody
                ticks(fast)
                frames += 1
            now, seconds = server.exchange.now_ns // NS, [START_NS // NS]
            while seconds[-1] < now:
                seconds.append(exchange_second(ticks(slow)) or seconds[-1])

    assert seconds == sorted(seconds)
    assert len(seconds) < frames, "the last state, not what was missed"


def test_what_a_late_market_makes_up_for_is_lost_to_nobody_who_reads() -> None:
    with (
        served(1000, frame_ms=10) as server,
        connect(feed(server), compression=None, close_timeout=0.2) as fast,
    ):
        fast.send(wish("mode", ["full", server.exchange.tokens]))
        assert ticks(fast)

        def stumble(cut_ns: int) -> None:
            server.stepper.before_cut = lambda cut_ns: None
            time.sleep(0.5)  # the machine was elsewhere: fifty cuts are owed

        server.stepper.before_cut = stumble
        for _ in range(100):
            ticks(fast)
        conflated = server.sockets.conflated

    assert conflated == 0


def test_a_reader_that_takes_nothing_is_dropped_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "STALL_S_MAX", 0.5)
    monkeypatch.setattr(hangup, "FLUSH_S_MAX", 0.1)
    with (
        served(1000, frame_ms=10) as server,
        connect(feed(server), sock=narrow(server), compression=None, max_queue=1, close_timeout=0.2) as dead,
        connect(feed(server), compression=None, close_timeout=0.2) as fast,
    ):
        dead.send(wish("mode", ["full", server.exchange.tokens]))
        fast.send(wish("mode", ["full", server.exchange.tokens]))
        until(lambda: ticks(fast) and len(server.sockets.connections) == 1)

        assert ticks(fast)


def lengths(frame: bytes) -> list[int]:
    (count,) = struct.unpack_from(">H", frame)
    found, place = [], 2
    for _ in range(count):
        (length,) = struct.unpack_from(">H", frame, place)
        found.append(length)
        place += 2 + length
    assert place == len(frame)
    return found


@pytest.fixture(scope="module")
def frozen() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen") as running:
        yield running


@pytest.mark.parametrize(
    ("mode", "index", "tradable"), [("ltp", 8, 8), ("quote", 28, 44), ("full", 32, 184)]
)  # fmt: skip
def test_every_mode_has_its_packet(frozen: Kitesim, mode: str, index: int, tradable: int) -> None:
    with connect(frozen.feed, compression=None) as reader:
        reader.send(wish("mode", [mode, [NIFTY, INFY, FUTURE, SBIN_BSE]]))
        frame = ticks(reader)

    assert sorted(lengths(frame)) == sorted([index, tradable, tradable, tradable])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        (f"api_key={API_KEY}", 400),
        (f"access_token={TOKEN}", 400),
        (f"api_key={API_KEY}&access_token=", 400),
        (f"api_key={API_KEY}&access_token=nope", 403),
        (f"api_key=nobody&access_token={TOKEN}", 403),
        ("api_key=%ff%00&access_token=%ff", 403),
    ],
)
def test_who_is_not_let_in_is_told_at_the_upgrade(frozen: Kitesim, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{frozen.address}/?{query}", compression=None):
        pass

    assert refused.value.response.status_code == status


def test_parameters_come_in_any_order_on_any_path_with_any_company(frozen: Kitesim) -> None:
    address = f"ws://{frozen.address}/feed?access_token={TOKEN}&uid=123&api_key={API_KEY}"
    with connect(address, compression=None) as reader:
        reader.send(wish("subscribe", [INFY]))
        assert len(ticks(reader)) == 48


def test_the_close_of_the_market_is_a_message(tmp_path: Path) -> None:
    day = tmp_path / "short.csv"
    day.write_text("2026-11-19 09:15:00,26000\n2026-11-19 09:15:05,26010\n")
    options = ("--market", str(day), "--clock", "2026-11-19T09:15", "--speed", "5")
    with kitesim(*options) as running, connect(running.feed, compression=None) as reader:
        texts = (text for text in iter(lambda: reader.recv(timeout=S_MAX), None) if isinstance(text, str))
        assert json.loads(next(texts)) == {"type": "message", "data": "The market has closed."}
