"""Postbacks: what is posted, where, and what a dead address costs."""

from __future__ import annotations

import asyncio
import hashlib
import http.server
import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kitev3.errors import ConfigError
from kitev3.services.kitesim.logins import Application
from kitev3.services.kitesim.postbacks import check_address
from waiting import S_MAX

from services.kitesim_rig import API_SECRET, kitesim

INFY, NIFTY, FUTURE, SBIN_BSE = 408065, 256265, 9241602, 128028676
START_NS = 1_795_060_200_000_000_000  # 2026-11-19 09:20


class Receiver:
    """An application's own address."""

    def __init__(self, answers: bool = True) -> None:
        self.bodies: queue.Queue[dict[str, Any]] = queue.Queue()
        received = self.bodies

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["content-type"] == "application/json"
                received.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/postback?from=kite"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_an_orders_life_is_posted_with_its_checksum(receiver: Receiver) -> None:
    with kitesim("--market", "frozen", "--profile", "legacy", "--postback-url", receiver.url) as running:
        client = running.client()
        fields = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "product": "MIS"}
        price = round(client.ltp([INFY])[str(INFY)]["last_price"] * 0.96, 1)
        resting = client.place_order("regular", **fields, quantity=5, order_type="LIMIT", price=price, tag="mine")
        client.modify_order("regular", resting, quantity=6)
        client.cancel_order("regular", resting)
        traded = client.place_order("regular", **fields, quantity=5, order_type="MARKET")
        bodies = [receiver.bodies.get(timeout=S_MAX) for _ in range(3)]
        while bodies[-1]["status"] != "COMPLETE":
            bodies.append(receiver.bodies.get(timeout=S_MAX))

    assert [(body["order_id"], body["status"]) for body in bodies[:2]] == [(resting, "UPDATE"), (resting, "CANCELLED")]
    assert (bodies[-1]["order_id"], bodies[-1]["filled_quantity"]) == (traded, 5)
    for body in bodies:
        signed = f"{body['order_id']}{body['order_timestamp']}{API_SECRET}".encode()
        assert body["checksum"] == hashlib.sha256(signed).hexdigest()
        assert {"user_id", "app_id", "unfilled_quantity", "guid", "tag"} <= set(body)


def test_an_address_that_is_dead_or_never_answers_costs_the_exchange_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with kitesim("--market", "frozen", "--profile", "legacy", "--postback-url", url) as running:
            client = running.client()
            fields = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "product": "MIS"}
            begun = time.monotonic()
            for _ in range(20):
                client.place_order("regular", **fields, quantity=1, order_type="MARKET")
            took = time.monotonic() - begun

    assert took < 20, "the receiver's own two seconds, twenty times, are not the exchange's"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:80", "http://", "http://127.0.0.1:x/", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="postback"):
        check_address(url, anywhere=True)


def test_only_this_machine_is_posted_to_unless_told_otherwise() -> None:
    for url in ("http://127.0.0.1:1/", "https://localhost/x", "http://[::1]:8/"):
        check_address(url, anywhere=False)
    for url in ("http://example.com/", "http://192.0.2.1/", "http://127.0.0.1.example.com/"):
        with pytest.raises(ConfigError, match="is not this machine"):
            check_address(url, anywhere=False)
        check_address(url, anywhere=True)


def test_an_update_that_finds_the_line_full_is_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from kitev3.services.kitesim import postbacks

    monkeypatch.setattr(postbacks, "QUEUE_MAX", 2)
    application = Application(
        api_key="K", api_secret="S", user_id="U", redirect_url="", postback_url="http://127.0.0.1:1/"
    )

    async def three() -> postbacks.Postbacks:
        line = postbacks.Postbacks((application,))
        update = {"order_id": "1", "order_timestamp": "t", "parent_order_id": None, "status": "COMPLETE"}
        for _ in range(3):
            line.tell("U", update)
        line.tell("U", update | {"status": "OPEN"})
        return line

    assert asyncio.run(three()).lost == 1
