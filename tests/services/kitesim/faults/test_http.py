"""HTTP as bytes: what passes is what was sent, however it was cut into pieces."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from kitev3.services.kitesim.faults import http

from services.http_rig import chunked, cut, heard

contents = st.binary(max_size=400)
places = st.lists(st.integers(0, 10_000), max_size=6)


@given(content=contents, sizes=st.lists(st.integers(1, 60), max_size=8), at=places, in_chunks=st.booleans())
def test_a_message_passes_byte_for_byte_and_is_understood(
    content: bytes, sizes: list[int], at: list[int], in_chunks: bool
) -> None:
    body = chunked(content, sizes) if in_chunks else content
    coding = b"Transfer-Encoding: chunked\r\n" if in_chunks else b"Content-Length: %d\r\n" % len(content)
    rest = b"X-Odd:  a:b \r\n" + coding + b"\r\n" + body

    async def both() -> None:
        request_wire, _ = heard(cut(b"POST /orders/regular?a=1 HTTP/1.1\r\n" + rest + b"GET", at))
        request = await http.read_request(request_wire, await request_wire.reader.read(1))
        assert request is not None
        assert (request.method, request.route, request.body) == ("POST", "/orders/regular", body)
        assert await request_wire.reader.read() == b"GET", "not a byte of the next one"

        for changed in (False, True):
            answer_wire, _ = heard(cut(b"HTTP/1.1 200 OK\r\n" + rest + b"HTTP", at))
            answer = await http.read_answer(answer_wire, "GET")
            if changed:
                assert await answer.read() == content
                assert answer.head.get(b"transfer-encoding") == ""
            to, side = heard([])
            await answer.pass_on(to)
            told = await http.read_answer(heard([side.written])[0], "GET")
            assert await told.read() == content
            if not changed:
                assert side.written.endswith(body)
            assert await answer_wire.reader.read() == b"HTTP"

    asyncio.run(both())


@given(data=st.binary(max_size=200), at=places)
def test_bytes_that_are_no_http_are_all_handed_on(data: bytes, at: list[int]) -> None:
    async def read() -> bytes:
        wire, _ = heard(cut(data, at))
        try:
            request = await http.read_request(wire, await wire.reader.read(1))
        except http.NotHttp as garbage:
            return garbage.seen + await wire.reader.read()
        except OSError:
            return data  # a body that ended too soon: nobody hears of it
        return data if request is not None or not data else b"lost"

    assert asyncio.run(read()) == data
