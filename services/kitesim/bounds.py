"""What one client can hold of the server: a connection for as long as its requests come to an end, and no more of them
than the server has room for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 1 << 15
REQUEST_S_MAX = 15.0  # machine time for a whole request, and for the first byte of the first
CONNECTIONS_MAX = 1_000  # then the one that has been idle longest goes
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Bounded(HttpToolsProtocol):
    """An HTTP connection whose requests have a size of head, and a time, in which they are whole."""

    _late: asyncio.TimerHandle | None = None
    _head_bytes = 0  # of a head that is not whole yet
    idle = True  # nothing of a request has come that is not answered
    since_s = 0.0

    def connection_made(self, transport: Any) -> None:
        """Another one, for which the server makes room."""
        super().connection_made(transport)
        self.since_s = self.loop.time()
        self._wait()
        if len(self.connections) > CONNECTIONS_MAX:
            others = [one for one in self.connections if isinstance(one, Bounded) and one.idle and one.is_open()]
            min(others, key=lambda one: one.since_s).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._wait_no_more()
        super().connection_lost(exc)

    def is_open(self) -> bool:
        """Neither side has ended it."""
        return not self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        self.idle = False
        if self._late is None:
            self._wait()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES_MAX and self.is_open():
            self._end(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._head_bytes = -(1 << 62)  # a body has its own bound
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._head_bytes = 0
        self._wait_no_more()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered."""
        self.idle, self.since_s = True, self.loop.time()
        super().on_response_complete()

    def _wait(self) -> None:
        self._wait_no_more()
        self._late = self.loop.call_later(REQUEST_S_MAX, self._end, TOO_LATE)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end(self, answer: bytes) -> None:
        self._wait_no_more()
        if self.is_open():
            self.transport.write(answer)
            self.transport.close()
            # Towards a reader that takes nothing a close would wait for ever.
            self.loop.call_later(1.0, self.transport.abort)
