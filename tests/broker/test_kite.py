"""The official client behind our adapter, against a broker that answers byte by byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from kitev3.account.latch import LatchState
from kitev3.broker.classify import Finding
from kitev3.broker.kite import KiteBroker, clean
from waiting import S_MAX

from .conftest import DEADLINE_NS, ORDER, Desk, permit
from .wire import Answer, Wire, answering, failure, http, success, wire

TOKEN, KEY = "tokenabcdefghijkl", "keyabcdefgh"
ACK = success({"order_id": "1953341975595868160"})
TOTAL_S = 0.4  # of a broker that never answers; all others take what they need


@contextmanager
def broker(desk: Desk, root: str, total_s_max: float = S_MAX) -> Iterator[KiteBroker]:
    kite = KiteBroker(api_key=KEY, access_token=TOKEN, egress=desk.egress, root=root, total_s_max=total_s_max)
    try:
        yield kite
    finally:
        kite.close()


def placed(desk: Desk, answer: Answer, total_s_max: float = S_MAX) -> tuple[Finding, list[bytes]]:
    with wire(answer) as served, broker(desk, served.root, total_s_max) as kite:
        return kite.place(ORDER, permit()), served.requests


def form(request: bytes) -> dict[str, list[str]]:
    return parse_qs(request.partition(b"\r\n\r\n")[2].decode())


def test_an_order_goes_out_once_with_its_tag(desk: Desk) -> None:
    finding, requests = placed(desk, answering(ACK))

    assert (finding.outcome, finding.order_id) == ("ok", "1953341975595868160")
    assert [request.split(b"\r\n")[0] for request in requests] == [b"POST /orders/regular HTTP/1.1"]
    assert form(requests[0]) == {
        "variety": ["regular"],
        "exchange": ["NSE"],
        "tradingsymbol": ["INFY"],
        "transaction_type": ["BUY"],
        "quantity": ["5"],
        "product": ["MIS"],
        "order_type": ["LIMIT"],
        "price": ["1500.05"],
        "validity": ["DAY"],
        "tag": [permit().tag],
    }


def test_modify_and_cancel_name_the_order(desk: Desk) -> None:
    with wire(answering(ACK)) as served, broker(desk, served.root) as kite:
        assert kite.modify("17", ORDER, permit(verb="modify")).outcome == "ok"
        assert kite.cancel("17", permit(verb="cancel", kind="cancel")).outcome == "ok"

    assert [request.split(b" HTTP")[0] for request in served.requests] == [
        b"PUT /orders/regular/17",
        b"DELETE /orders/regular/17",
    ]
    assert form(served.requests[0])["price"] == ["1500.05"]


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (failure(400, "InputException", "Quantity should be a multiple of 65."), "reject"),
        (failure(400, "MarginException", "Insufficient funds."), "reject"),
        (failure(400, "OrderException", "Order request timed out. Please check the order book."), "unknown"),
        (failure(400, "InputException", "Order request timed out."), "unknown"),
        (failure(403, "TokenException", "Incorrect `api_key` or `access_token`."), "reject"),
        (failure(429, "NetworkException", "Too many requests"), "throttled"),
        (http(429, b"<html>", "text/html"), "unknown"),
        (failure(502, "DataException", "Bad gateway"), "unknown"),
        (http(200, b'{"status":"success","data":{"order_id":"1"}}', None), "unknown"),
        (http(200, b"{", "application/json"), "unknown"),
        (http(504, b"", "text/plain"), "unknown"),
    ],
)
def test_a_reply_is_judged_by_its_bytes(desk: Desk, response: bytes, outcome: str) -> None:
    finding, requests = placed(desk, answering(response))

    assert (finding.outcome, len(requests)) == (outcome, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_nobody_knows(desk: Desk, status: int) -> None:
    finding, requests = placed(desk, answering(http(status, b"", extra="Location: /orders/regular\r\n")))

    assert (finding.outcome, len(requests)) == ("unknown", 1)
    assert "redirect" in finding.message


@pytest.mark.parametrize("cut_at", range(0, len(ACK), 7))
def test_a_reset_at_any_byte_of_the_reply_is_unknown(desk: Desk, cut_at: int) -> None:
    def cut(_: bytes, connection: socket.socket) -> None:
        connection.sendall(ACK[:cut_at])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not an end
        connection.close()

    finding, requests = placed(desk, cut)

    assert (finding.outcome, len(requests)) == ("unknown", 1)


@pytest.mark.parametrize("cut_at", range(0, len(ACK), 23))
def test_an_end_in_the_middle_of_the_reply_is_unknown(desk: Desk, cut_at: int) -> None:
    def end(_: bytes, connection: socket.socket) -> None:
        connection.sendall(ACK[:cut_at])
        connection.shutdown(socket.SHUT_RDWR)

    finding, requests = placed(desk, end)

    assert (finding.outcome, len(requests)) == ("unknown", 1)


def test_silence_ends_and_nobody_knows(desk: Desk) -> None:
    finding, requests = placed(desk, lambda _, __: None, TOTAL_S)

    assert (finding.outcome, len(requests)) == ("unknown", 1)


def test_a_reply_that_dribbles_ends_too(desk: Desk) -> None:
    over = threading.Event()

    def dribble(_: bytes, connection: socket.socket) -> None:
        for byte in ACK:
            connection.sendall(bytes([byte]))
            if over.wait(TOTAL_S / 20):  # each byte in time, the whole far too late
                return

    with wire(dribble) as served, broker(desk, served.root, TOTAL_S) as kite:
        finding = kite.place(ORDER, permit())
        over.set()

    assert finding.outcome == "unknown"


def test_a_watch_that_dies_ends_whoever_makes_the_requests(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def ours(_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr("kitev3.broker.adapter._cut", ours)
    over = threading.Event()

    with wire(lambda _, __: over.wait(S_MAX)) as served, broker(desk, served.root, TOTAL_S) as kite:
        with pytest.raises(RuntimeError, match="watch over requests has died") as died:
            kite.place(ORDER, permit())
        over.set()

    assert str(died.value.__cause__) == "ours"


def test_a_connection_refused_sent_nothing_and_costs_no_sync(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        root = f"http://127.0.0.1:{server.getsockname()[1]}"
    with broker(desk, root) as kite:
        finding = kite.place(ORDER, permit())

    assert (finding.outcome, desk.syncs) == ("not_sent", 0)


def test_a_name_that_does_not_resolve_sent_nothing(desk: Desk) -> None:
    with broker(desk, "http://kite.invalid") as kite:
        assert kite.place(ORDER, permit()).outcome == "not_sent"


def test_a_failed_tls_handshake_sent_nothing(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 this is no TLS\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        with broker(desk, f"https://127.0.0.1:{server.getsockname()[1]}") as kite:
            finding = kite.place(ORDER, permit())

    assert (finding.outcome, desk.syncs) == ("not_sent", 0)
    assert "SSL" in finding.error_type


def _lower(desk: Desk) -> None:
    desk.account.latch.lower(LatchState.HALTED)


def _pause(desk: Desk) -> None:
    desk.now_ns = DEADLINE_NS


def _take_over(desk: Desk) -> None:
    desk.account.raise_epoch_above(7)


def _place(desk: Desk) -> None:
    desk.egress.let_through(permit())


@pytest.mark.parametrize(
    ("before", "words"),
    [(_lower, "latch"), (_pause, "deadline"), (_take_over, "epoch"), (_place, "left before")],
    ids=["latch", "deadline", "epoch", "tag"],
)
def test_what_the_egress_refuses_does_not_leave(desk: Desk, before: Callable[[Desk], None], words: str) -> None:
    before(desk)
    finding, requests = placed(desk, answering(ACK))

    assert (finding.outcome, requests) == ("not_sent", [])
    assert words in finding.message


def test_after_a_refusal_the_next_order_leaves(desk: Desk) -> None:
    with wire(answering(ACK)) as served, broker(desk, served.root) as kite:
        assert kite.place(ORDER, permit(epoch=9)).outcome == "not_sent"
        assert kite.place(ORDER, permit()).outcome == "ok"

    assert len(served.requests) == 1


def test_the_sync_is_over_before_the_first_byte(desk: Desk) -> None:
    seen: list[int] = []
    served: list[Wire] = []
    desk.sync = lambda: seen.append(len(served[0].requests))  # type: ignore[method-assign]
    desk.egress._sync = desk.sync
    with wire(answering(ACK)) as running, broker(desk, running.root) as kite:
        served.append(running)
        kite.orders()
        kite.place(ORDER, permit())

    assert seen == [1]  # only the read had arrived


def test_no_proxy_and_no_netrc_come_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    finding, requests = placed(desk, answering(ACK))

    assert finding.outcome == "ok"
    assert f"Authorization: token {KEY}:{TOKEN}".encode() in requests[0]


def test_reads_give_kites_json_and_need_no_permit(desk: Desk) -> None:
    with wire(answering(success([]))) as served, broker(desk, served.root) as kite:
        findings = [kite.orders(), kite.trades(), kite.holdings()]

    assert findings == [Finding(outcome="ok", data=b"[]")] * 3
    assert desk.syncs == 0


def test_a_failed_read_is_an_error(desk: Desk) -> None:
    with wire(answering(failure(403, "TokenException", "expired"))) as served, broker(desk, served.root) as kite:
        assert kite.orders() == Finding(outcome="error", error_type="TokenException", message="expired")


def test_no_secret_is_in_any_message(desk: Desk) -> None:
    said = f"header `Authorization: token {KEY}:{TOKEN}` is wrong"
    found = []
    for response in (failure(403, "TokenException", said), failure(500, "GeneralException", said)):
        with wire(answering(response)) as served, broker(desk, served.root) as kite:
            found += [kite.orders(), kite.place(ORDER, permit(tag=str(len(found))))]

    assert all(TOKEN not in str(finding) and KEY not in str(finding) for finding in found)
    assert "***" in found[0].message
    assert clean(Finding(outcome="error", message=TOKEN), ()).message == TOKEN
