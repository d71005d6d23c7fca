"""A broker at the level of bytes: each request is answered by a function that holds the socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

from waiting import S_MAX

Answer = Callable[[bytes, socket.socket], None]


class Wire:
    """Listens on loopback, one connection at a time, and keeps what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = False
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept, which a close alone does not
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(S_MAX)
        assert not self._thread.is_alive()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            with connection, contextlib.suppress(OSError):
                while (request := _request(connection)) is not None:
                    self.requests.append(request)
                    self.answer(request, connection)


@contextlib.contextmanager
def wire(answer: Answer) -> Iterator[Wire]:
    """A `Wire` for the length of a test."""
    served = Wire(answer)
    try:
        yield served
    finally:
        served.close()


def http(status: int, body: bytes, content_type: str | None = "application/json", extra: str = "") -> bytes:
    """A whole response."""
    kind = f"Content-Type: {content_type}\r\n" if content_type is not None else ""
    return f"HTTP/1.1 {status} X\r\n{kind}{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def success(data: object) -> bytes:
    """Kite's envelope of a success."""
    return http(200, json.dumps({"status": "success", "data": data}).encode())


def failure(status: int, error_type: str, message: str) -> bytes:
    """Kite's envelope of an error."""
    envelope = {"status": "error", "message": message, "data": None, "error_type": error_type}
    return http(status, json.dumps(envelope).encode())


def answering(response: bytes) -> Answer:
    """Sends the same to every request."""
    return lambda _, connection: connection.sendall(response)


def _request(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65_536)):
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        if not (part := connection.recv(65_536)):
            return None
        body += part
    return head + b"\r\n\r\n" + body
