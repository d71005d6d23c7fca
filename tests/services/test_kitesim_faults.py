"""Every named fault, as a client meets it: the official ones, unmodified, where they have something to say of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from kitev3.calendar import IST
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from kitev3.services.kitesim.faults.fault import Fault
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.sync.client import ClientConnection, connect

from services.faults_rig import Faulty, Posted, faulty
from services.kitesim_rig import API_KEY, TOKEN, environment, ticker

INFY, NIFTY = 408065, 256265
ORDERS = {"route": "/orders/*"}
S_MAX = 5.0


@pytest.fixture(scope="module")
def still() -> Iterator[Faulty]:
    """A market that stands, in which the clock runs ten times faster."""
    with faulty("--market", "frozen", "--profile", "legacy", "--speed", "10") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def moving() -> Iterator[Faulty]:
    with faulty("--profile", "legacy", "--speed", "10") as exchange:
        yield exchange


def impatient(exchange: Faulty) -> KiteConnect:
    """The official client that waits half a second."""
    client = KiteConnect(api_key=API_KEY, access_token=TOKEN, root=exchange.root, timeout=0.5)
    client.reqsession.trust_env = False
    return client


def order(**changes: Any) -> dict[str, Any]:
    """An order that rests far below the market."""
    fields: dict[str, Any] = {
        "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1,
        "product": "MIS", "order_type": "LIMIT", "price": 1450, "tag": "fault",
    }  # fmt: skip
    return fields | changes


def ids(exchange: Faulty) -> list[str]:
    return [row["order_id"] for row in exchange.running.client().orders()]


def row_of(client: KiteConnect, order_id: str) -> dict[str, Any]:
    (row,) = [row for row in client.orders() if row["order_id"] == order_id]
    return dict(row)


def until(true: Callable[[], Any]) -> Any:
    """What it says once it says something."""
    end_s = time.monotonic() + S_MAX
    while time.monotonic() < end_s:
        if said := true():
            return said
        time.sleep(0.02)
    raise AssertionError("it never came")


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["request", "answer"])
def test_delay(still: Faulty, side: str) -> None:
    with still.fault("delay", ms=200, side=side, where={"route": "/user/profile"}):
        begun = time.monotonic()
        still.running.client().profile()

    assert 0.2 <= time.monotonic() - begun < 2


@pytest.mark.parametrize("at_byte", [0, 1, 60, 10**6, -1])
@pytest.mark.parametrize(
    ("name", "error"),
    [("timeout_before", requests.ReadTimeout), ("reset_before", requests.ConnectionError)],
)
def test_nothing_is_accepted_before(still: Faulty, name: str, error: type[Exception], at_byte: int) -> None:
    before = ids(still)

    with still.fault(name, at_byte=at_byte, where=ORDERS), pytest.raises(error):
        impatient(still).place_order(**order())

    assert ids(still) == before


@pytest.mark.parametrize(
    ("name", "at_byte", "error"),
    [
        ("timeout_after", 0, requests.ReadTimeout),
        ("timeout_after", 40, requests.ReadTimeout),
        # The head is whole and the body is not: requests calls a timeout within it a ConnectionError.
        ("timeout_after", 140, requests.ConnectionError),
        ("reset_after", 0, requests.ConnectionError),
        ("reset_after", 40, requests.ConnectionError),
    ],
)
def test_what_was_lost_on_the_way_back_was_accepted(
    still: Faulty, name: str, at_byte: int, error: type[Exception]
) -> None:
    before = ids(still)

    with still.fault(name, at_byte=at_byte, where=ORDERS), pytest.raises(error):
        impatient(still).place_order(**order(tag=f"{name[:5]}{at_byte}"))

    assert [still.running.client().orders()[-1]["tag"]] == [f"{name[:5]}{at_byte}"]
    assert len(ids(still)) == len(before) + 1


@pytest.mark.parametrize("at_byte", [1, 17, 100])
def test_a_reset_comes_at_just_that_byte(still: Faulty, at_byte: int) -> None:
    host, _, port = still.address.partition(":")
    with still.fault("reset_after", at_byte=at_byte), socket.create_connection((host, int(port)), 5) as bare:
        bare.sendall(b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n")
        read = until_reset(bare)

    assert (len(read), read[:8]) == (at_byte, b"HTTP/1.1"[:at_byte])


def until_reset(bare: socket.socket) -> bytes:
    """What arrives before the connection is reset; it must be reset."""
    read = b""
    while True:
        try:
            piece = bare.recv(4096)
        except ConnectionResetError:
            return read
        assert piece, "it was closed in order"
        read += piece


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, kite.GeneralException),
        (502, kite.NetworkException),
        (503, kite.NetworkException),
        (504, kite.NetworkException),
        (429, kite.NetworkException),
    ],
)
def test_error_after_acceptance(still: Faulty, status: int, error: type[Exception]) -> None:
    before = ids(still)

    with still.fault("error_after", status=status, where=ORDERS), pytest.raises(error) as said:
        still.running.client().place_order(**order())

    assert said.value.code == status  # type: ignore[attr-defined]
    assert len(ids(still)) == len(before) + 1


def test_html_429_is_a_data_exception_with_another_code(still: Faulty) -> None:
    before = ids(still)

    with still.fault("html_429", where=ORDERS), pytest.raises(kite.DataException, match="429 Too Many") as said:
        still.running.client().place_order(**order())

    assert said.value.code == 502
    assert ids(still) == before


def test_http_400_and_later_the_order_is_there(still: Faulty) -> None:
    before = ids(still)

    with still.fault("http_400_then_placed", ms=300), pytest.raises(kite.OrderException, match="timed out") as said:
        still.running.client().place_order(**order(tag="ghost"))

    assert said.value.code == 400
    assert ids(still) == before
    assert until(lambda: ids(still)[len(before) :])
    assert still.running.client().orders()[-1]["tag"] == "ghost"


@pytest.mark.parametrize(("when", "placed"), [("before", 0), ("after", 1)])
def test_token_death_in_the_middle_of_an_order(when: str, placed: int) -> None:
    with faulty("--market", "frozen") as exchange, connect(exchange.running.feed, compression=None) as reader:
        client = exchange.running.client()
        ended: list[bool] = []
        client.set_session_expiry_hook(lambda: ended.append(True))

        with exchange.fault("token_death", when=when):
            for _ in range(2):
                with pytest.raises(kite.TokenException):
                    client.place_order(**order())

        assert ended == [True, True]
        assert ended_with(reader)[1] == 1008
        page = requests.get(f"{exchange.root}/connect/login?api_key={API_KEY}", allow_redirects=False, timeout=5)
        request_token = page.headers["location"].split("request_token=")[1].split("&")[0]
        client.generate_session(request_token, api_secret="secret")
        assert len(client.orders()) == placed


# --- one order on its way -----------------------------------------------------------------------------------------


def test_an_order_stuck_in_put_order_req_received(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("stuck_put_order", ms=20_000, where={"tag": "stuck"}):
        order_id = client.place_order(**order(tag="stuck"))
        free = client.place_order(**order(tag="free"))

    row = row_of(client, order_id)
    assert (row["status"], row["exchange_order_id"]) == ("PUT ORDER REQ RECEIVED", None)
    assert row_of(client, free)["status"] == "OPEN"
    with pytest.raises(kite.OrderException):
        client.cancel_order("regular", order_id)
    until(lambda: row_of(client, order_id)["status"] == "OPEN")
    client.cancel_order("regular", order_id)


def test_an_order_rejected_after_its_acknowledgement(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("reject_after_ack", ms=3_000, message="16388 : Not today"):
        order_id = client.place_order(**order())

    assert row_of(client, order_id)["status"] == "OPEN"
    row = until(lambda: row_of(client, order_id)["status"] == "REJECTED" and row_of(client, order_id))
    assert row["status_message"] == "16388 : Not today"
    assert [state["status"] for state in client.order_history(order_id)] == [
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "REJECTED",
    ]  # fmt: skip


def test_an_autoslice_of_which_some_slices_fail(still: Faulty) -> None:
    client = still.running.client()
    options = [row for row in client.instruments("NFO") if row["instrument_type"] == "CE" and row["name"] == "NIFTY"]
    cheap = max(options, key=lambda row: row["strike"])["tradingsymbol"]
    sliced = order(exchange="NFO", tradingsymbol=cheap, quantity=65 * 60, product="NRML", price=0.05)
    del sliced["variety"]
    before = ids(still)

    with still.fault("partial_autoslice", slices=2, message="Insufficient funds."):
        answer = client.place_autoslice_order(variety="regular", **sliced)

    (first, second, third), parent = answer["children"], answer["order_id"]
    assert third["error"] == {
        "code": 400, "error_type": "MarginException", "message": "Insufficient funds.", "data": None,
    }  # fmt: skip
    assert ids(still) == [*before, first["order_id"], second["order_id"]]
    row = row_of(client, second["order_id"])
    assert (row["quantity"], row["tag"], row["tags"]) == (1755, None, ["autoslice", f"autoslice:{parent}"])

    with still.fault("partial_autoslice", slices=0), pytest.raises(kite.GeneralException, match="Insufficient"):
        client.place_autoslice_order(variety="regular", **sliced)


def test_a_cancellation_that_loses_its_race(still: Faulty) -> None:
    client = still.running.client()
    order_id = client.place_order(**order(tag="race"))
    with still.fault("cancel_fill_race", where={"tag": "race"}):
        assert client.cancel_order("regular", order_id) == order_id

    assert [state["status"] for state in client.order_history(order_id)][-3:] == [
        "CANCEL PENDING", "NOT CANCELLED", "COMPLETE",
    ]  # fmt: skip
    (trade,) = client.order_trades(order_id)
    assert (trade["quantity"], trade["average_price"]) == (1, 1450)


# --- the book -----------------------------------------------------------------------------------------------------


def test_an_order_late_in_the_book(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("late_in_book", ms=400):
        order_id = client.place_order(**order())

    assert order_id not in ids(still)
    with pytest.raises(kite.OrderException, match="Couldn't find"):
        client.order_history(order_id)
    until(lambda: order_id in ids(still))
    assert client.order_history(order_id)[-1]["status"] == "OPEN"


def test_a_stale_book_is_the_one_of_before(still: Faulty) -> None:
    with still.fault("stale_book", ms=400):
        before = ids(still)
        order_id = still.running.client().place_order(**order())
        assert ids(still) == before
        until(lambda: ids(still) == [*before, order_id])


def test_a_truncated_book_lacks_its_newest_rows(still: Faulty) -> None:
    made = [still.running.client().place_order(**order()) for _ in range(3)]
    whole = ids(still)
    with still.fault("truncated_book", rows=2):
        assert ids(still) == whole[:-2]
    assert whole[-3:] == made


@pytest.mark.parametrize(("name", "tag"), [("wrong_tag", "somebody"), ("missing_tag", None)])
def test_a_tag_that_is_not_the_orders(still: Faulty, name: str, tag: str | None) -> None:
    client = still.running.client()
    parameters = {"tag": tag} if tag else {}
    with still.fault(name, **parameters, count=1), connect(still.running.feed, compression=None) as reader:
        order_id = client.place_order(**order(tag="mine"))
        other = client.place_order(**order(tag="other"))
        assert (row_of(client, order_id)["tag"], row_of(client, other)["tag"]) == (tag, "other")
        assert {state["tag"] for state in client.order_history(order_id)} == {tag}
        client.cancel_order("regular", order_id)
        told = updates(reader, 1)[0]
        assert (told["order_id"], told["tag"]) == (order_id, tag)

    assert row_of(client, order_id)["tag"] == "mine", "it is told the truth again"


def test_a_wrong_tag_is_drawn_when_none_is_given(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("wrong_tag"):
        tags = [row_of(client, client.place_order(**order(tag="mine")))["tag"] for _ in range(2)]

    assert all(len(tag) == 8 for tag in tags)
    assert len({*tags, "mine"}) == 3


def test_a_clock_that_is_ahead(moving: Faulty) -> None:
    client = moving.running.client()

    def seconds() -> tuple[float, float]:
        stamp = client.quote(["NSE:INFY"])["NSE:INFY"]["timestamp"]
        date = requests.get(f"{moving.root}/connect/done", timeout=5).headers["date"]
        return stamp.replace(tzinfo=IST).timestamp(), parsedate_to_datetime(date).timestamp() - time.time()

    true = seconds()
    with moving.fault("clock_skew", ms=7_200_000), connect(moving.running.feed, compression=None) as reader:
        skewed = seconds()
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY, NIFTY]]}))
        frame = ticks(reader)

    assert 7_200 <= skewed[0] - true[0] < 7_400
    assert abs(skewed[1] - true[1] - 7_200) < 10
    at = {32: 28, 184: 60}[struct.unpack_from(">H", frame, 2)[0]]
    (second,) = struct.unpack_from(">I", frame, 4 + at)
    assert abs(second - skewed[0]) < 200


def test_an_instruments_file_of_an_earlier_day(still: Faulty) -> None:
    client = still.running.client()
    fresh = {row["tradingsymbol"]: row for row in client.instruments()}
    with still.fault("stale_instruments", days=30):
        stale = {row["tradingsymbol"]: row for row in client.instruments()}
        part = client.instruments("NFO")

    assert set(fresh) - set(stale), "none of the new contracts"
    over = [row for name, row in stale.items() if name not in fresh]
    assert over
    assert all(row["expiry"].isoformat() < "2026-11-19" for row in over)
    assert part == [row for row in stale.values() if row["exchange"] == "NFO"]


# --- the socket ---------------------------------------------------------------------------------------------------


def updates(reader: ClientConnection, number: int) -> list[dict[str, Any]]:
    """The next order updates."""
    found: list[dict[str, Any]] = []
    end_s = time.monotonic() + S_MAX
    while len(found) < number:
        message = reader.recv(timeout=max(0.0, end_s - time.monotonic()))
        if isinstance(message, str) and json.loads(message)["type"] == "order":
            found.append(json.loads(message)["data"])
    return found


def ended_with(reader: ClientConnection) -> tuple[int | None, int | None]:
    """Reads to the end: the close codes that we and that they sent."""
    try:
        while True:
            reader.recv(timeout=S_MAX)
    except ConnectionClosed as end:
        return end.sent.code if end.sent else None, end.rcvd.code if end.rcvd else None


def ticks(reader: ClientConnection) -> bytes:
    """The next frame of ticks."""
    while True:
        message = reader.recv(timeout=S_MAX)
        if isinstance(message, bytes) and len(message) > 1:
            return message


def cancelled(client: KiteConnect, tag: str) -> str:
    """An order placed and cancelled, of which the socket is told once."""
    order_id = client.place_order(**order(tag=tag))
    client.cancel_order("regular", order_id)
    return str(order_id)


@pytest.mark.parametrize(
    ("name", "parameters", "tags"),
    [
        ("frame_duplicate", {}, ["one", "one", "two"]),
        ("frame_lost", {}, ["two"]),
        ("frame_late", {"ms": 300}, ["two", "one"]),
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
            with pytest.raises(TimeoutError):
                reader.recv(timeout=2.5)
            reader.ping().wait(S_MAX)
            assert sockets(still) == 1
        assert reader.recv(timeout=S_MAX) == b"\x00"


def test_a_half_open_socket_is_read_by_nobody_and_the_server_has_forgotten_it(still: Faulty) -> None:
    with connect(still.running.feed, compression=None, ping_interval=None, close_timeout=0.1) as reader:
        with still.fault("half_open"):
            until(lambda: still.happened("half_open"))
            until(lambda: sockets(still) == 0)
            assert not reader.ping().wait(0.5)
            with pytest.raises(TimeoutError):
                reader.recv(timeout=0.5)
        with pytest.raises(ConnectionClosed):
            reader.recv(timeout=S_MAX)


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
            closed = official.wait("close", 15)

    assert closed["code"] == 1006
    assert 2 < time.monotonic() - begun < 15


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


# --- the market and postbacks -------------------------------------------------------------------------------------


def test_a_halt_stops_ticks_and_trades_and_lets_one_cancel(moving: Faulty) -> None:
    client = moving.running.client()
    resting = client.place_order(**order())
    with connect(moving.running.feed, compression=None) as reader:
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
        ticks(reader)
        with moving.fault("halt", message="17071 : Halted"):
            until(lambda: moving.happened("halt"))
            quoted = client.quote(["NSE:INFY"])
            rejected = row_of(client, client.place_order(**order(order_type="MARKET", price=None)))
            assert (rejected["status"], rejected["status_message"]) == ("REJECTED", "17071 : Halted")
            with pytest.raises(kite.OrderException, match="Halted"):
                client.modify_order("regular", resting, price=1449)
            client.cancel_order("regular", resting)
            while reader.recv(timeout=S_MAX) != b"\x00":
                pass  # what was sent before
            assert [reader.recv(timeout=S_MAX) for _ in range(2)] == [b"\x00"] * 2, "heartbeats, and nothing else"
            assert client.quote(["NSE:INFY"])["NSE:INFY"]["volume"] == quoted["NSE:INFY"]["volume"]
        assert len(ticks(reader)) == 188
        traded = client.place_order(**order(order_type="MARKET", price=None))
        assert row_of(client, traded)["status"] == "COMPLETE"


@pytest.mark.parametrize(("name", "times"), [("postback_duplicate", 2), ("postback_lost", 0)])
def test_postbacks_twice_and_never(name: str, times: int) -> None:
    with (
        contextlib.closing(Posted()) as posted,
        faulty("--profile", "legacy", "--postback-url", posted.address) as here,
    ):
        client = here.running.client()
        with here.fault(name, where={"tag": "one"}):
            one = cancelled(client, "one")
            last = cancelled(client, "last")
        told = []
        while not told or told[-1] != last:
            told.append(posted.taken.get(timeout=S_MAX)["order_id"])

    assert told == [one] * times + [last]


# --- when, which, and how it is asked for ---------------------------------------------------------------------------


def test_after_count_and_probability_repeat_with_the_seed() -> None:
    def outcomes(seed: str) -> list[bool]:
        with faulty("--profile", "legacy", "--market", "frozen", "--seed", seed) as exchange:
            client = exchange.running.client()
            met = []
            with exchange.fault("html_429", probability=0.5, after=2, count=6, where={"route": "/user/profile"}):
                for _ in range(20):
                    try:
                        client.profile()
                        met.append(False)
                    except kite.DataException:
                        met.append(True)
            return met

    first = outcomes("7")

    assert first == outcomes("7") != outcomes("8")
    assert first[:2] == [False, False]
    assert sum(first) == 6


def test_where_selects_by_method_order_and_symbol(still: Faulty) -> None:
    client = still.running.client()
    order_id = client.place_order(**order())
    with still.fault("html_429", where={"method": "delete|PUT", "order": order_id}):
        assert row_of(client, order_id)["status"] == "OPEN"
        for deed in (
            lambda: client.cancel_order("regular", order_id),
            lambda: client.modify_order("regular", order_id),
        ):
            with pytest.raises(kite.DataException):
                deed()
    with still.fault("html_429", where={"symbol": "INF*"}):
        with pytest.raises(kite.DataException):
            client.cancel_order("regular", order_id)
        client.place_order(**order(tradingsymbol="TCS", price=None, order_type="MARKET"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "frame_lots"}, "no fault 'frame_lots', did you mean 'frame_lost'?"),
        ({}, "name: the fault's, one of delay"),
        ([], "a fault is a table"),
        ("{", "no JSON"),
        ({"name": "delay", "mss": 5}, "no setting 'mss', did you mean 'ms'?"),
        ({"name": "delay", "ms": -1}, "ms: expected int >= 0"),
        ({"name": "delay", "side": "both"}, "side: invalid enum value 'both'"),
        ({"name": "delay", "probability": 1.5}, "probability: expected float <= 1.0"),
        ({"name": "delay", "where": {"rout": "/"}}, "no setting 'rout', did you mean 'route'?"),
        ({"name": "frame_lost", "where": {"frames": "ordr"}}, "no 'ordr' frames, did you mean 'order'?"),
        ({"name": "delay", "where": {"frames": "order"}}, "where.frames selects nothing of delay"),
        ({"name": "halt", "where": {"tag": "x"}}, "where.tag selects nothing of halt; it knows nothing"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(still: Faulty, body: Any, message: str) -> None:
    status, told = still.ask("POST", body=body)

    assert (status, set(told)) == (400, {"error"})
    assert message in told["error"]
    assert still.ask("GET")[1]["active"] == []


def test_the_admin_address_lists_switches_on_and_off(still: Faulty) -> None:
    status, told = still.ask("GET")
    assert (status, [row["name"] for row in told["faults"]]) == (200, list(CATALOGUE))
    assert all(row["sees"] and row["parameters"]["probability"]["default"] == 1.0 for row in told["faults"])

    for _ in range(2):
        still.ask("POST", body={"name": "delay", "ms": 0})
    still.ask("POST", body={"name": "frame_lost", "where": {"tag": "x"}})
    active = still.ask("GET")[1]["active"]
    assert [row["name"] for row in active] == ["delay", "delay", "frame_lost"]
    assert active[2]["where"] == {"tag": "x"}

    assert still.ask("DELETE", "/faults/delay") == (200, {"removed": 2})
    assert still.ask("DELETE", "/faults/delya") == (404, {"error": "no fault 'delya', did you mean 'delay'?"})
    assert still.ask("DELETE") == (200, {"removed": 1})
    assert still.ask("GET")[1]["active"] == []


def test_the_admin_address_is_for_this_machine_and_no_page_of_another(still: Faulty) -> None:
    assert still.ask("GET", Host="evil.example")[0] == 403
    assert still.ask("POST", body='{"name": "delay"}', **{"Content-Type": "text/plain"})[0] == 415
    assert still.ask("POST", body={"name": "x" * 70_000})[0] == 413

    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment())
    assert done.returncode == 2
    assert "no address of this machine alone" in done.stderr


def test_faults_from_a_file_are_on_from_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[fault]]\nname = "html_429"\ncount = 1\nwhere = { route = "/user/profile" }\n')
    with faulty("--market", "frozen", "--faults", str(file)) as exchange:
        client = exchange.running.client()
        with pytest.raises(kite.DataException):
            client.profile()
        assert client.profile()["user_id"] == "KS0001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[fault]]\nname = "delay"\n[[fault]]\nname = "dely"\n',
            "[[fault]] 2: no fault 'dely', did you mean 'delay'?",
        ),
        ("[[faults]]\n", "no setting 'faults', did you mean 'fault'?"),
        ("[fault]\nname = 1\n", "in double brackets"),
        ("[[fault]", "faults.toml"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--faults", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment())

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_fault_of_the_catalogue_is_tested_here() -> None:
    source = Path(__file__).read_text()

    assert [name for name in CATALOGUE if f'"{name}"' not in source] == []


def test_the_page_about_faults_has_a_row_for_each_with_its_own_parameters() -> None:
    page = (Path(__file__).parents[2] / "docs/kitesim-faults.md").read_text()
    rows = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines() if line.startswith("| `")]
    told = {row[0].strip("| `"): set(re.findall(r"`(\w+)`", row[1])) for row in rows if len(row) == 5}
    common = {field.name for field in dataclasses.fields(Fault)}

    assert told == {
        name: {field.name for field in dataclasses.fields(kind) if field.init} - common
        for name, kind in CATALOGUE.items()
    }
