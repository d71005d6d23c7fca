"""The end of a ticker's connection whose other side takes nothing more."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FLUSH_S_MAX = 2.0  # machine time for what is still to be written, the last word included


class Hangup(WebSocketsSansIOProtocol):
    """A WebSocket that is gone soon after its application has ended.

    A transport that is closed first writes what it holds. Towards a reader that takes nothing that is never, and
    megabytes of frames, the connection and the server's own end would wait for it.
    """

    async def run_asgi(self) -> None:
        await super().run_asgi()
        asyncio.get_running_loop().call_later(FLUSH_S_MAX, self.transport.abort)
