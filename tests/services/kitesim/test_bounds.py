"""What one client can hold of the exchange: heads, half requests, idle connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
import requests
from kitev3.services.kitesim import bounds
from kitev3.services.kitesim.bounds import HEAD_BYTES_MAX, Bounded
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn import Config, Server
from waiting import S_MAX

from services.http_rig import rest
from services.kitesim_rig import Kitesim, kitesim

ENDLESS = 1024 * HEAD_BYTES_MAX  # more than the kernel's buffers hold


@pytest.fixture(scope="module")
def running() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as one:
        yield one


def connected(running: Kitesim) -> socket.socket:
    host, _, port = running.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=S_MAX)


@pytest.mark.parametrize("line", [b"x-a: b\r\n", b"x" * 64, b"x: " + b"y" * 61])
def test_endless_header_lines_end(running: Kitesim, line: bytes) -> None:
    with connected(running) as client:
        client.sendall(b"GET /user/profile HTTP/1.1\r\nhost: x\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < ENDLESS:
                client.sendall(line * 64)
                sent += 64 * len(line)

        assert rest(client)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")

    assert sent < ENDLESS
    assert requests.get(f"{running.root}/instruments", timeout=S_MAX).status_code == 200


def test_a_large_body_is_no_large_head(running: Kitesim) -> None:
    form = {"x": "y" * 4 * HEAD_BYTES_MAX}

    answer = requests.post(f"{running.root}/session/token", data=form, timeout=S_MAX)

    assert answer.status_code not in (408, 431)


def test_half_a_request_is_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"

    def met(*pieces: bytes) -> list[bytes]:
        async def all_at_once(port: int) -> list[bytes]:
            return await asyncio.gather(*(said_to(port, piece) for piece in pieces))

        return asyncio.run(served(all_at_once))

    (whole,) = met(head + b"\r\nabc")
    monkeypatch.setattr(bounds, "REQUEST_S_MAX", 0.3)
    halves = met(b"", head, head + b"\r\nab")

    assert whole.startswith(b"HTTP/1.1 200")
    assert [half[:12] for half in halves] == [b"HTTP/1.1 408"] * 3


def test_whoever_is_idle_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CONNECTIONS_MAX", 5)
    monkeypatch.setattr(bounds, "REQUEST_S_MAX", 10 * S_MAX)
    whole = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"

    async def met(port: int) -> list[bytes]:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        sixth = await said_to(port, whole)
        async with asyncio.timeout(S_MAX):
            first = await idle[0][0].read()
        idle[4][1].write(whole)
        last = await idle[4][0].readuntil(b"\r\n")
        for _, writer in idle:
            writer.close()
        return [first, sixth, last]

    first, sixth, last = asyncio.run(served(met))

    assert first == b""
    assert sixth.startswith(b"HTTP/1.1 200")
    assert last.startswith(b"HTTP/1.1 200")


async def served(meet: Callable[[int], Awaitable[list[bytes]]]) -> list[bytes]:
    """What clients meet at a small server."""

    async def whole(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    routes = [Route("/", whole, methods=["POST"])]
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(Config(Starlette(routes=routes), http=Bounded, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        return await meet(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


async def said_to(port: int, piece: bytes) -> bytes:
    """What is answered, up to the end or to the end of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(piece)
    begun_s, said = time.monotonic(), b""
    while time.monotonic() - begun_s < S_MAX and not said.endswith(b"3"):
        async with asyncio.timeout(S_MAX):
            got = await reader.read(1 << 16)
        if not got:
            break
        said += got
    writer.close()
    return said
