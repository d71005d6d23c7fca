"""kitesim with its faults switched from a test, and a listener for postbacks."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from kiteconnect import KiteConnect
from waiting import S_MAX
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from services.kitesim_rig import API_KEY, TOKEN, Kitesim, kitesim

INFY, NIFTY = 408065, 256265
ORDERS = {"route": "/orders/*"}


class Faulty:
    """A running exchange, its admin address and the key to that."""

    def __init__(self, running: Kitesim) -> None:
        self.running, self.address, self.root = running, running.address, running.root
        self.admin, _, rest = running.line("faults").removeprefix("http://").partition("/faults?key=")
        self.key = rest.partition(",")[0]

    def ask(self, method: str, path: str = "/faults", body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request to the admin address, with the key unless it brings a query of its own."""
        path += "" if "?" in path else f"?key={self.key}"
        connection = http.client.HTTPConnection(self.admin, timeout=S_MAX)
        content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        connection.request(method, path, content, {"Content-Type": "application/json"} | headers)
        answer = connection.getresponse()
        told = answer.status, json.loads(answer.read())
        connection.close()
        return told

    @contextmanager
    def fault(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """A fault that is on for a while; all are off at the end."""
        status, made = self.ask("POST", body={"name": name, **parameters})
        assert status == 201, made
        try:
            yield made
        finally:
            self.ask("DELETE")

    def happened(self, name: str) -> int:
        """How often an active fault has happened."""
        _, told = self.ask("GET")
        return sum(int(row["happened"]) for row in told["active"] if row["name"] == name)


@contextmanager
def faulty(*options: str) -> Iterator[Faulty]:
    """An exchange with an admin address."""
    with kitesim("--admin", "127.0.0.1:0", *options) as running:
        yield Faulty(running)


class Posted:
    """Takes postbacks."""

    def __init__(self) -> None:
        taken: queue.Queue[dict[str, Any]] = queue.Queue()

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.taken = taken
        self.server = HTTPServer(("127.0.0.1", 0), Takes)
        self.address = f"http://127.0.0.1:{self.server.server_port}/posted"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def patient(exchange: Faulty, seconds: float) -> KiteConnect:
    """The official client that waits so long for an answer."""
    client = KiteConnect(api_key=API_KEY, access_token=TOKEN, root=exchange.root, timeout=seconds)
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


def updates(reader: ClientConnection, number: int) -> list[dict[str, Any]]:
    """The next order updates."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        message = reader.recv(timeout=S_MAX)
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


def cancelled(client: KiteConnect, tag: str) -> str:
    """An order placed and cancelled, of which the socket is told once."""
    order_id = client.place_order(**order(tag=tag))
    client.cancel_order("regular", order_id)
    return str(order_id)
