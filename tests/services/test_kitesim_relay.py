"""The relay where nothing goes wrong: what passes it is what was sent, however it was cut into pieces."""

from __future__ import annotations

import asyncio
import contextlib
import http.client as http_client
import signal
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.services.kitesim import bounds
from kitev3.services.kitesim.faults import board, catalogue, http, relay, websocket
from kitev3.services.kitesim.faults.fault import Happening
from kitev3.services.kitesim.faults.wire import Wire
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from services.faults_rig import Faulty, faulty
from services.kitesim_rig import API_KEY, TOKEN, kitesim, ticker

S_MAX = 5.0
LOGIN = f"authorization: token {API_KEY}:{TOKEN}\r\n".encode()
FORM = (
    b"exchange=NSE&tradingsymbol=INFY&transaction_type=BUY&quantity=1&product=MIS&order_type=LIMIT&price=1450&tag=bytes"
)


def test_half_a_request_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "REQUEST_S_MAX", 0.3)

    async def met() -> list[bytes]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            serving = asyncio.create_task(relay.Relay(listener, _NoDesk()).serve())  # type: ignore[arg-type]
            said = await asyncio.gather(*(_left_at(listener.getsockname()[1], half) for half in (b"", b"GET / HT")))
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            return said

    assert asyncio.run(met()) == [b"", b""]


class _NoDesk:
    async def close(self) -> None: ...


async def _left_at(port: int, half: bytes) -> bytes:
    """What is said to who says that and waits for the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(half)
    try:
        async with asyncio.timeout(6 * S_MAX):
            return await reader.read()
    finally:
        writer.close()


@pytest.fixture(scope="module")
def exchange() -> Iterator[Faulty]:
    with faulty("--market", "frozen", "--profile", "legacy") as running:
        yield running


# --- messages -----------------------------------------------------------------------------------------------------


class _Side:
    """A connection's writer of which nobody reads."""

    def __init__(self) -> None:
        self.written = b""
        self.transport = self

    def set_write_buffer_limits(self, _: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None: ...


def heard(pieces: list[bytes]) -> tuple[Wire, _Side]:
    """A connection from which these have come."""
    reader, side = asyncio.StreamReader(limit=1 << 15), _Side()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return Wire(reader, side), side  # type: ignore[arg-type]


def chunked(content: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        if part := content[at : at + size]:
            out += f"{len(part):x}".encode() + b"\r\n" + part + b"\r\n"
        at += size
    if rest := content[at:]:
        out += f"{len(rest):X};note=1".encode() + b"\r\n" + rest + b"\r\n"
    return out + b"0\r\nx-trailer: 1\r\n\r\n"


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


contents = st.binary(max_size=400)
places = st.lists(st.integers(0, 10_000), max_size=6)


@given(content=contents, sizes=st.lists(st.integers(1, 60), max_size=8), at=places, in_chunks=st.booleans())
def test_a_message_passes_byte_for_byte_and_is_understood(
    content: bytes, sizes: list[int], at: list[int], in_chunks: bool
) -> None:
    body = chunked(content, sizes) if in_chunks else content
    coding = b"Transfer-Encoding: chunked\r\n" if in_chunks else b"Content-Length: %d\r\n" % len(content)
    rest = b"X-Odd:  a:b \r\n" + coding + b"\r\n" + body

    async def both() -> None:
        request_wire, _ = heard(cut(b"POST /orders/regular?a=1 HTTP/1.1\r\n" + rest + b"GET", at))
        request = await http.read_request(request_wire, await request_wire.reader.read(1))
        assert request is not None
        assert (request.method, request.route, request.body) == ("POST", "/orders/regular", body)
        assert await request_wire.reader.read() == b"GET", "not a byte of the next one"

        for changed in (False, True):
            answer_wire, _ = heard(cut(b"HTTP/1.1 200 OK\r\n" + rest + b"HTTP", at))
            answer = await http.read_answer(answer_wire, "GET")
            if changed:
                assert await answer.read() == content
                assert answer.head.get(b"transfer-encoding") == ""
            to, side = heard([])
            await answer.pass_on(to)
            told = await http.read_answer(heard([side.written])[0], "GET")
            assert await told.read() == content
            if not changed:
                assert side.written.endswith(body)
            assert await answer_wire.reader.read() == b"HTTP"

    asyncio.run(both())


@given(data=st.binary(max_size=200), at=places)
def test_bytes_that_are_no_http_are_all_handed_on(data: bytes, at: list[int]) -> None:
    async def read() -> bytes:
        wire, _ = heard(cut(data, at))
        try:
            request = await http.read_request(wire, await wire.reader.read(1))
        except http.NotHttp as garbage:
            return garbage.seen + await wire.reader.read()
        except OSError:
            return data  # a body that ended too soon: nobody hears of it
        return data if request is not None or not data else b"lost"

    assert asyncio.run(read()) == data


@given(
    payload=st.binary(max_size=300) | st.binary(max_size=9).map(lambda data: data * 9_000),
    first=st.sampled_from([0x81, 0x82, 0x89, 0x8A, 0x88]),
)
def test_a_frame_passes_byte_for_byte(payload: bytes, first: int) -> None:
    wire = websocket.header(first, len(payload)) + payload

    async def read() -> websocket.Frame:
        return await websocket.read_frame(heard(cut(wire, [1, 3, 9]))[0])

    frame = asyncio.run(read())

    assert (frame.first, frame.payload, frame.wire()) == (first, payload, wire)


@given(parts=st.lists(st.binary(min_size=8, max_size=184), min_size=1, max_size=20))
def test_a_frame_of_ticks_is_its_packets(parts: list[bytes]) -> None:
    assert websocket.packets(websocket.joined(parts)) == parts


# --- the draw -----------------------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 1 << 32),
    probability=st.floats(0, 1),
    after=st.integers(0, 10),
    count=st.integers(0, 10),
)
def test_a_fault_happens_after_so_many_so_often_and_again_the_same(
    seed: int, probability: float, after: int, count: int
) -> None:
    def outcomes() -> list[bool]:
        one = board.Board(seed)
        table = {"name": "frame_lost", "probability": probability, "after": after, "count": count}
        one.add(catalogue.read_fault(table, "test"))
        return [bool(one.drawn(Happening(kind="frame", frames="order"))) for _ in range(40)]

    happened = outcomes()

    assert happened == outcomes()
    assert not any(happened[:after])
    assert sum(happened) <= (count or 40)
    if probability == 1:
        assert sum(happened) == min(40 - after, count or 40)


def test_what_is_not_selected_is_not_counted() -> None:
    one = board.Board(1)
    active = one.add(
        catalogue.read_fault({"name": "frame_lost", "where": {"tag": "a*|b", "symbol": "INFY"}, "after": 1}, "test")
    )
    tags = ["a1", "b", "c", "a2", "bb"]

    drawn = [bool(one.drawn(Happening(kind="frame", frames="order", tag=tag, symbol="INFY"))) for tag in tags]

    assert drawn == [False, True, False, True, False]
    assert not one.drawn(Happening(kind="frame", frames="order", tag="b", symbol="TCS"))
    assert not one.drawn(Happening(kind="frame", frames="ticks", tag="b", symbol="INFY"))
    assert (active.seen, active.happened) == (3, 2)


# --- a real connection --------------------------------------------------------------------------------------------


def talk(exchange: Faulty, *pieces: bytes) -> bytes:
    """What comes back until the other side closes."""
    host, _, port = exchange.address.partition(":")
    with socket.create_connection((host, int(port)), S_MAX) as bare:
        for piece in pieces:
            bare.sendall(piece)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while data := bare.recv(65_536):
                answer += data
    return answer


def test_two_requests_in_one_write_are_two_answers(exchange: Faulty) -> None:
    get = b"GET /user/profile HTTP/1.1\r\nhost: x\r\n" + LOGIN

    answers = talk(exchange, get + b"\r\n" + get + b"connection: close\r\n\r\n")

    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b'"KS0001"') // 2 == 2


@pytest.mark.parametrize("coding", ["length", "chunks", "expect"])
def test_a_form_in_any_coding_is_an_order(exchange: Faulty, coding: str) -> None:
    head = b"POST /orders/regular HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + LOGIN
    head += b"content-type: application/x-www-form-urlencoded\r\n"
    length = b"content-length: %d\r\n" % len(FORM)
    answer = {
        "length": lambda: talk(exchange, head + length + b"\r\n", FORM[:10], FORM[10:]),
        "chunks": lambda: talk(exchange, head + b"transfer-encoding: chunked\r\n\r\n", chunked(FORM, [7, 50])),
        "expect": lambda: talk(exchange, head + length + b"expect: 100-continue\r\n\r\n", FORM),
    }[coding]()

    assert b"200 OK" in answer
    assert b'"order_id":"' in answer
    assert answer.startswith(b"HTTP/1.1 100 Continue") == (coding == "expect")


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET /" + b"x" * 70_000]
)
def test_garbage_is_the_servers_to_answer_and_costs_nobody_anything(exchange: Faulty, garbage: bytes) -> None:
    host, _, port = exchange.address.partition(":")
    with socket.create_connection((host, int(port)), S_MAX) as bare, contextlib.suppress(ConnectionError):
        bare.sendall(garbage)
        bare.shutdown(socket.SHUT_WR)
        said = bare.recv(4096)
        assert said == b"" or said.split()[1] in (b"400", b"431")

    assert exchange.running.client().profile()["user_id"] == "KS0001"


def test_a_body_that_is_too_large_is_refused_as_without_a_relay(exchange: Faulty) -> None:
    head = b"POST /orders/regular HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + LOGIN
    body = b"x" * (3 << 20)

    answer = talk(exchange, head + b"content-length: %d\r\n\r\n" % len(body) + body[: 2 << 20])

    assert b" 413 " in answer.splitlines()[0]


def test_a_client_that_leaves_takes_its_socket_with_it(exchange: Faulty) -> None:
    for _ in range(4):  # one more than a key may have
        with connect(exchange.running.feed, compression=None) as reader:
            reader.socket.shutdown(socket.SHUT_RDWR)
        assert until_let_in(exchange)


@pytest.mark.parametrize("admin", [(), ("--admin", "127.0.0.1:0")], ids=["bare", "relay"])
def test_no_answer_waits_for_an_acknowledgement_of_its_first_half(admin: tuple[str, ...]) -> None:
    # 40 ms is what Linux holds an acknowledgement back; the fastest of some answers is not held up by the machine.
    with kitesim("--market", "frozen", "--profile", "legacy", *admin) as running:
        connection = http_client.HTTPConnection(running.address, timeout=5)
        seconds = []
        for _ in range(10):
            begun = time.perf_counter()
            connection.request("GET", "/user/profile", headers={"Authorization": f"token {API_KEY}:{TOKEN}"})
            connection.getresponse().read()
            seconds.append(time.perf_counter() - begun)
        connection.close()

    assert sorted(seconds)[3] < 0.03


def until_let_in(exchange: Faulty) -> bool:
    """Tries until the server has seen that the last one left."""
    for _ in range(100):
        with contextlib.suppress(InvalidStatus), connect(exchange.running.feed, compression=None):
            return True
    return False


def test_the_end_of_the_exchange_passes_to_the_ticker() -> None:
    with faulty("--market", "frozen") as running, ticker(running.address, {"full": [408065]}) as official:
        official.wait("ticks")
        running.running.process.send_signal(signal.SIGTERM)

        assert official.wait("close")["code"] == 1001
        assert running.running.process.wait(5) == 0
