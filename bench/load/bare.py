"""A bare server of the exchange's framework: the floor of what any answer costs.

    python -m bench.load.bare BYTES

Starlette in uvicorn on the loop and with the HTTP parser that the exchange has; one route answers so many bytes, one
reads a form and answers an order's id. It prints its address and serves until it is ended.
"""

from __future__ import annotations

import sys
from urllib.parse import parse_qsl

import uvicorn
from kitev3.services.kitesim.loop import run
from kitev3.services.kitesim.server import address_of, listen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ID = b'{"status":"success","data":{"order_id":"2123262548517060608"}}'


def application(content: bytes) -> Starlette:
    async def orders(request: Request) -> Response:
        return Response(content, media_type="application/json")

    async def place(request: Request) -> Response:
        parse_qsl((await request.body()).decode())
        return Response(ID, media_type="application/json")

    return Starlette(routes=[Route("/orders", orders), Route("/orders/{variety}", place, methods=["POST"])])


async def serve(size: int) -> None:
    listener = listen("127.0.0.1:0")
    config = uvicorn.Config(
        application(b'"' + b"x" * (size - 2) + b'"'),
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http="httptools",
        ws="none",
    )
    print(f"bare listens on {address_of(listener)}", flush=True)
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
