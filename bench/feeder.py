"""An exchange for benches: as much of Kite's REST and WebSocket as marketdata asks for, and full packets at a rate.

It runs in a process of its own, off the order path's core, and takes orders by its stdin, a JSON object a line:

    {"to": "ours", "count": 20000, "rate": 1000}   -> {"sent": 20000, "late_us": 3.1}
    {..., "back_s": 32}                            the ticks' own times begin so long ago and pass a second a tick
    {"clock": [t0_ns, m0_ns]}                      -> {}             the market clock that the ticks' times follow
    {"wait": "ours"}                               -> {}             once a socket of that api_key has subscribed

Its first line says where it listens. ``to`` is the api_key with which a socket came.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kitev3._core import Tick, encode_frame

TOKEN = 408065
SYMBOL = "INFY"
PRICE_E4 = 1_500_0000
STEP_E4 = 500
FULL_BYTES = 184
FRAME_BYTES = 2 + 2 + FULL_BYTES
SPIN_NS = 120_000  # a sleep wakes up to so much late, so the rest is waited for awake, on a core of its own
BEAT_S = 1.0
ANSWER_S_MAX = 60.0
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

INSTRUMENTS = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,"
    "segment,exchange\n"
    f"{TOKEN},1594,{SYMBOL},INFOSYS,0,,0,0.05,1,EQ,NSE,NSE\n"
    "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE\n"
)
QUOTE = {
    f"NSE:{SYMBOL}": {
        "instrument_token": TOKEN,
        "last_price": 1500.0,
        "volume": 1_000,
        "oi": 0,
        "ohlc": {"open": 1500, "high": 1510, "low": 1490, "close": 1495},
        "depth": {"buy": [{"price": 1499.95, "quantity": 75, "orders": 1}], "sell": []},
        "lower_circuit_limit": 1350,
        "upper_circuit_limit": 1650,
    }
}


# --- the bench's side ---------------------------------------------------------------------------------------------


class Feeder:
    """The feeder's process as the bench holds it."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request, answered when it is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the feeder has ended with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def feed(self, to: str, count: int, rate: int) -> None:
        """Sends so many frames of one full packet, so many a second."""
        assert self.ask(to=to, count=count, rate=rate)["sent"] == count


@contextmanager
def feeder(cpu: int) -> Iterator[Feeder]:
    """A feeder on its own core, ended with the block."""
    command = [sys.executable, "-m", "bench.feeder", str(cpu)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Feeder(process, json.loads(process.stdout.readline())["address"])
        finally:
            process.stdin.close()  # its end of orders is its end


# --- the process --------------------------------------------------------------------------------------------------


@dataclass
class Subscriber:
    """One WebSocket."""

    api_key: str
    connection: socket.socket
    subscribed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    said_s: float = field(default_factory=time.monotonic)

    def send(self, opcode: int, payload: bytes) -> None:
        """One unmasked frame of at most 64 KB."""
        size = len(payload)
        head = bytes((0x80 | opcode, size)) if size < 126 else struct.pack(">BBH", 0x80 | opcode, 126, size)
        with self.lock:
            self.connection.sendall(head + payload)

    def beat(self) -> None:
        """Kite's heartbeat, a frame of one byte, when nothing else has been said for a second."""
        now_s = time.monotonic()
        if now_s - self.said_s >= BEAT_S:
            self.said_s = now_s
            self.send(BINARY, b"\0")


class Frames:
    """Frames of one full packet: a template of which price, volume and times are written anew each time."""

    def __init__(self) -> None:
        side = [PRICE_E4 - STEP_E4 * (1 + level) for level in range(5)]
        side += [PRICE_E4 + STEP_E4 * (1 + level) for level in range(5)]
        template = Tick(
            TOKEN,
            PRICE_E4,
            exchange_ns=1_000_000_000,
            last_trade_ns=1_000_000_000,
            open_e4=PRICE_E4,
            high_e4=PRICE_E4 + 100 * STEP_E4,
            low_e4=PRICE_E4 - 100 * STEP_E4,
            close_e4=PRICE_E4 - 50 * STEP_E4,
            average_price_e4=PRICE_E4,
            last_quantity=1,
            volume=1,
            buy_quantity=10_000,
            sell_quantity=10_000,
            depth_price_e4=side,
            depth_quantity=[75] * 10,
            depth_orders=[1] * 10,
        )
        self._frame = bytearray(encode_frame([template], "full"))
        assert len(self._frame) == FRAME_BYTES
        self._count = 0
        self.t0_ns, self.m0_ns = 0, 0

    def next(self, now_ns: int, back_s: int) -> bytes:
        """The next frame, of machine time *now_ns* less *back_s*: the price steps up and down inside the spread."""
        self._count += 1
        frame, at = self._frame, 4
        second = (self.t0_ns + now_ns - self.m0_ns) // 1_000_000_000 - back_s
        price_e4 = PRICE_E4 + (STEP_E4 if self._count % 2 else 0)
        struct.pack_into(">i", frame, at + 4, price_e4 // 100)  # Kite's unit is the paisa
        struct.pack_into(">i", frame, at + 16, self._count)  # traded volume
        struct.pack_into(">i", frame, at + 44, second)  # last trade
        struct.pack_into(">i", frame, at + 60, second)  # exchange time
        return bytes(frame)


class Exchange:
    """Serves REST and WebSocket on one port; feeds one subscriber at a time."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.subscribers: dict[str, Subscriber] = {}
        self.frames = Frames()
        self.changed = threading.Condition()

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def accept(self) -> None:
        """A thread a connection: there is one for each process under test."""
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        with connection:
            while request := reader.readline():
                path = request.split()[1].decode()
                headers = dict(_headers(reader))
                if headers.get("upgrade", "").lower() == "websocket":
                    self._socket(connection, reader, path, headers["sec-websocket-key"])
                    return
                connection.sendall(_answer(urlsplit(path).path))

    def _socket(self, connection: socket.socket, reader: Any, path: str, key: str) -> None:
        accepted = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID, usedforsecurity=False).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
        )
        subscriber = Subscriber(parse_qs(urlsplit(path).query)["api_key"][0], connection)
        with self.changed:
            self.subscribers[subscriber.api_key] = subscriber
        try:
            for opcode, payload in _frames(reader):
                if opcode == PING:
                    subscriber.send(PONG, payload)
                elif opcode == TEXT and json.loads(payload)["a"] == "mode":
                    with self.changed:
                        subscriber.subscribed.set()
                        self.changed.notify_all()
                elif opcode == CLOSE:
                    return
        finally:
            with self.changed:
                if self.subscribers.get(subscriber.api_key) is subscriber:
                    del self.subscribers[subscriber.api_key]

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """One order of the bench's."""
        if "clock" in request:
            self.frames.t0_ns, self.frames.m0_ns = request["clock"]
            return {}
        name = request.get("wait") or request["to"]
        with self.changed:
            if not self.changed.wait_for(lambda: self._is_there(name), ANSWER_S_MAX):
                return {"error": f"no socket of {name} has subscribed within {ANSWER_S_MAX:g} s"}
        if "wait" in request:
            return {}
        return self.feed(self.subscribers[name], request["count"], request["rate"], request.get("back_s", 0))

    def _is_there(self, name: str) -> bool:
        return name in self.subscribers and self.subscribers[name].subscribed.is_set()

    def feed(self, subscriber: Subscriber, count: int, rate: int, back_s: int) -> dict[str, Any]:
        """Frames at an even pace. What is late stays late: a burst to catch up would measure the feeder."""
        every_ns = 1_000_000_000 // rate
        due_ns = time.monotonic_ns() + every_ns
        late_ns = 0
        for number in range(count):
            now_ns = _awaited(due_ns)
            late_ns += now_ns - due_ns
            subscriber.send(BINARY, self.frames.next(now_ns, max(back_s - number, 0)))
            subscriber.said_s = now_ns / 1e9
            due_ns = max(due_ns, now_ns - every_ns // 2) + every_ns
            self.beat()
        return {"sent": count, "late_us": late_ns / count / 1_000}

    def beat(self) -> None:
        for subscriber in list(self.subscribers.values()):
            if subscriber.subscribed.is_set():
                subscriber.beat()


def _awaited(due_ns: int) -> int:
    """Machine time at *due_ns* or right after it."""
    while (left_ns := due_ns - time.monotonic_ns()) > 0:
        if left_ns > SPIN_NS:
            time.sleep((left_ns - SPIN_NS) / 1e9)
    return due_ns - left_ns


def _headers(reader: Any) -> Iterator[tuple[str, str]]:
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(":")
        yield name.lower(), value.strip()


def _answer(path: str) -> bytes:
    if path.startswith("/instruments"):
        return _response("200 OK", "text/csv", INSTRUMENTS.encode())
    if path == "/quote":
        return _response("200 OK", "application/json", json.dumps({"status": "success", "data": QUOTE}).encode())
    error = {"status": "error", "message": f"this exchange has no {path}", "error_type": "DataException"}
    return _response("404 Not Found", "application/json", json.dumps(error).encode())


def _response(status: str, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _frames(reader: Any) -> Iterator[tuple[int, bytes]]:
    """A client's frames, masked and unfragmented, as they are from all clients that we know."""
    while len(head := reader.read(2)) == 2:
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(reader.read(2), "big")
        mask = reader.read(4)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(reader.read(size)))
        yield head[0] & 0x0F, payload


def main(cpu: int) -> None:
    """Serves until stdin ends."""
    os.sched_setaffinity(0, {cpu})
    exchange = Exchange()
    threading.Thread(target=exchange.accept, daemon=True).start()
    print(json.dumps({"address": exchange.address}), flush=True)
    while True:
        if not select.select([sys.stdin], [], [], BEAT_S / 2)[0]:
            exchange.beat()
        elif line := sys.stdin.readline():
            print(json.dumps(exchange.do(json.loads(line))), flush=True)
        else:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
