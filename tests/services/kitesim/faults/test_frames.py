"""What happens on the socket."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from waiting import S_MAX, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.sync.client import ClientConnection, connect

from services.faults_rig import INFY, NIFTY, Faulty, cancelled, ended_with, updates
from services.kitesim_rig import ticker, ticks


@pytest.mark.parametrize(
    ("name", "parameters", "tags"),
    [
        ("frame_duplicate", {}, ["one", "one", "two"]),
        ("frame_lost", {}, ["two"]),
        ("frame_late", {"ms": 2_000}, ["two", "one"]),
        ("frame_reordered", {}, ["two", "one"]),
        ("frame_reordered", {"ms": 1}, ["one", "two"]),
    ],
)
def test_order_updates_twice_never_late_and_out_of_order(
    still: Faulty, name: str, parameters: dict[str, Any], tags: list[str]
) -> None:
    client = still.running.client()
    with (
        ticker(still.address, {}) as official,
        still.fault(name, **parameters, where={"tag": "one", "frames": "order"}),
    ):
        official.wait("connect")
        cancelled(client, "one")
        if parameters.get("ms") == 1:
            assert official.wait("order")["data"]["tag"] == tags.pop(0), "there is no next one, and it does not wait"
        cancelled(client, "two")
        cancelled(client, "last")

        told = [official.wait("order")["data"]["tag"] for _ in [*tags, "last"]]

    assert [tag for tag in told if tag != "last"] == tags


def test_a_silent_socket_stays_open_and_answers_pings(still: Faulty) -> None:
    with connect(still.running.feed, compression=None) as reader:
        reader.recv(timeout=S_MAX)  # a heartbeat
        with still.fault("silent_socket"):
            until(lambda: still.happened("silent_socket"))
            until_quiet(reader)
            with pytest.raises(TimeoutError):
                reader.recv(timeout=2.5)
            assert reader.ping().wait(S_MAX)
            until(lambda: sockets(still) == 1)  # those of others before have gone
        assert reader.recv(timeout=S_MAX) == b"\x00"


def test_a_half_open_socket_is_read_by_nobody_and_the_server_has_forgotten_it(still: Faulty) -> None:
    with connect(still.running.feed, compression=None, ping_interval=None, close_timeout=0.1) as reader:
        with still.fault("half_open"):
            until(lambda: still.happened("half_open"))
            until(lambda: sockets(still) == 0)
            until_quiet(reader)
            assert not reader.ping().wait(0.5)
            with pytest.raises(TimeoutError):
                reader.recv(timeout=0.5)
        with pytest.raises(ConnectionClosed):
            reader.recv(timeout=S_MAX)


def until_quiet(reader: ClientConnection) -> None:
    """Takes the heartbeats that had been sent before the fault."""
    with contextlib.suppress(TimeoutError):
        while True:
            reader.recv(timeout=0.2)


def sockets(exchange: Faulty) -> int:
    """How many of a key's three sockets are taken: what is left can be opened."""
    with contextlib.ExitStack() as stack:
        for free in range(4):
            try:
                stack.enter_context(connect(exchange.running.feed, compression=None))
            except InvalidStatus:
                return 3 - free
    raise AssertionError("a fourth socket was let in")


def test_a_truncated_frame_breaks_the_official_ticker(moving: Faulty) -> None:
    with ticker(moving.address, {"full": [INFY, NIFTY]}) as official:
        official.wait("ticks")
        with moving.fault("frame_truncated", count=1, at_byte=30):
            assert "unpack" in official.wait("error")["reason"] or official.wait("close")["code"] == 1006
        official.wait("connect")
        assert official.wait("ticks")["ticks"]


def test_a_frame_cut_on_the_wire_ends_the_connection(moving: Faulty) -> None:
    with connect(moving.running.feed, compression=None) as reader:
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
        ticks(reader)
        with moving.fault("frame_truncated", wire=True, count=1):
            assert ended_with(reader) == (None, None)


def test_an_oversized_frame_is_refused_by_who_has_a_limit_and_read_by_the_official_ticker(moving: Faulty) -> None:
    with ticker(moving.address, {"full": [INFY]}) as official, connect(moving.running.feed, compression=None) as reader:
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
        ticks(reader)
        official.wait("ticks")
        with moving.fault("frame_oversized", bytes=1 << 21):
            assert ended_with(reader)[0] == 1009
            assert [tick["instrument_token"] for tick in official.wait("ticks")["ticks"]] == [INFY]


def test_an_unsolicited_pong_makes_the_official_ticker_give_up_seconds_later(still: Faulty) -> None:
    with ticker(still.address, {"full": [INFY]}) as official:
        official.wait("ticks")
        with still.fault("pong_unsolicited", count=1):
            begun = time.monotonic()
            closed = official.wait("close")

    assert closed["code"] == 1006
    assert time.monotonic() - begun > 2


def test_an_unsolicited_pong_is_a_pong(still: Faulty) -> None:
    with connect(still.running.feed, compression=None) as reader, still.fault("pong_unsolicited", count=1):
        seen: list[Opcode] = []
        parse = reader.protocol.recv_frame

        def spied(frame: Any) -> None:
            seen.append(frame.opcode)
            parse(frame)

        reader.protocol.recv_frame = spied  # type: ignore[method-assign]
        assert reader.recv(timeout=S_MAX) == b"\x00"

    assert seen[:2] == [Opcode.PONG, Opcode.BINARY]


def test_a_fault_of_requests_happens_to_an_upgrade_too(still: Faulty) -> None:
    with still.fault("html_429", where={"route": "/"}), ticker(still.address, {}) as official:
        assert "429" in official.wait("close")["reason"]

    with still.fault("reset_after", at_byte=30, where={"route": "/"}), ticker(still.address, {}) as official:
        assert official.wait("close")["code"] == 1006


def test_an_oversized_order_update_is_the_same_update(still: Faulty) -> None:
    with (
        connect(still.running.feed, compression=None, max_size=1 << 21) as reader,
        still.fault("frame_oversized", bytes=1 << 20, where={"frames": "order|heartbeat"}),
    ):
        order_id = cancelled(still.running.client(), "large")
        assert [update["order_id"] for update in updates(reader, 1)] == [order_id]
        assert still.happened("frame_oversized")
