"""What happens to a request or its answer, as the official client meets it."""

from __future__ import annotations

import socket
import time

import pytest
import requests
from kiteconnect import exceptions as kite
from waiting import S_MAX, until
from websockets.sync.client import connect

from services.faults_rig import ORDERS, Faulty, ended_with, faulty, ids, order, patient
from services.kitesim_rig import API_KEY


@pytest.mark.parametrize("side", ["request", "answer"])
def test_delay(still: Faulty, side: str) -> None:
    with still.fault("delay", ms=200, side=side, where={"route": "/user/profile"}):
        begun = time.monotonic()
        still.running.client().profile()

    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("at_byte", [0, 1, 60, 10**6, -1])
@pytest.mark.parametrize(
    ("name", "patience_s", "error"),
    [("timeout_before", 0.5, requests.ReadTimeout), ("reset_before", S_MAX, requests.ConnectionError)],
)
def test_nothing_is_accepted_before(
    still: Faulty, name: str, patience_s: float, error: type[Exception], at_byte: int
) -> None:
    before = ids(still)

    with still.fault(name, at_byte=at_byte, where=ORDERS), pytest.raises(error):
        patient(still, patience_s).place_order(**order())

    assert ids(still) == before


@pytest.mark.parametrize(
    ("name", "patience_s", "at_byte", "error"),
    [
        ("timeout_after", 0.5, 0, requests.ReadTimeout),
        ("timeout_after", 0.5, 40, requests.ReadTimeout),
        # The head is whole, once it has come, and the body is not: requests calls a timeout within it a
        # ConnectionError.
        ("timeout_after", 3.0, 140, requests.ConnectionError),
        ("reset_after", S_MAX, 0, requests.ConnectionError),
        ("reset_after", S_MAX, 40, requests.ConnectionError),
    ],
)
def test_what_was_lost_on_the_way_back_was_accepted(
    still: Faulty, name: str, patience_s: float, at_byte: int, error: type[Exception]
) -> None:
    before = ids(still)

    with still.fault(name, at_byte=at_byte, where=ORDERS), pytest.raises(error):
        patient(still, patience_s).place_order(**order(tag=f"{name[:5]}{at_byte}"))

    until(lambda: len(ids(still)) > len(before))  # who has stopped waiting may be ahead of it
    assert [still.running.client().orders()[-1]["tag"]] == [f"{name[:5]}{at_byte}"]
    assert len(ids(still)) == len(before) + 1


@pytest.mark.parametrize("at_byte", [1, 17, 100])
def test_a_reset_comes_at_just_that_byte(still: Faulty, at_byte: int) -> None:
    host, _, port = still.address.partition(":")
    with still.fault("reset_after", at_byte=at_byte), socket.create_connection((host, int(port)), S_MAX) as bare:
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

    with still.fault("http_400_then_placed", ms=2_000), pytest.raises(kite.OrderException, match="timed out") as said:
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
        page = requests.get(f"{exchange.root}/connect/login?api_key={API_KEY}", allow_redirects=False, timeout=S_MAX)
        request_token = page.headers["location"].split("request_token=")[1].split("&")[0]
        client.generate_session(request_token, api_secret="secret")
        assert len(client.orders()) == placed
