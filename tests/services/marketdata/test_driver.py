"""The feed keeps a socket open against a world that refuses, falls silent and goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import picows
import pytest
from kitev3.account.secret import write_secret
from kitev3.broker.classify import Finding
from kitev3.contracts import Frame, Instruments, LeftOut, Quotes, Socket, Text
from kitev3.errors import ConfigError
from kitev3.instruments import COLUMNS
from kitev3.runtime.service import World
from kitev3.services.marketdata.config import MarketdataConfig
from kitev3.services.marketdata.driver import Feed
from kitev3.services.marketdata.listener import MESSAGE_BYTES_MAX, Listener
from kitev3.services.marketdata.subscription import Wanted
from picows import WSListener, WSMsgType, WSUpgradeResponse, WSUpgradeResponseWithListener
from waiting import S_MAX

TODAY = date(2026, 11, 19)
FILE = (
    ",".join(COLUMNS)
    + "\n408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE\n256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE\n"
)
ORDER = b'{"type":"order","data":{"order_id":"1","status":"COMPLETE","filled_quantity":5,"tag":null}}'
QUOTES = {
    "NSE:INFY": {
        "instrument_token": 408065, "last_price": 1500.05, "volume": 7, "oi": 0,
        "ohlc": {"open": 1, "high": 2, "low": 0.5, "close": 1499.95},
        "depth": {"buy": [{"price": 1500.0, "quantity": 1, "orders": 1}], "sell": []},
        "lower_circuit_limit": 1350, "upper_circuit_limit": 1650,
    }
}  # fmt: skip


class Taken(World):
    """A world that remembers what was put into it, and wakes those who wait for it."""

    def __init__(self) -> None:
        self.payloads: list[Any] = []
        self.changed = asyncio.Event()
        self.feed: asyncio.Task[None] | None = None

    def put(self, payload: Any) -> None:
        self.payloads.append(payload)
        self.changed.set()

    def sync(self) -> None:
        raise AssertionError("a feed syncs nothing")

    def mono_ns(self) -> int:
        return 0

    async def until(self, seen: Callable[[list[Any]], Any], within_s: float = S_MAX) -> None:
        """Waits until the payloads satisfy *seen*."""
        async with asyncio.timeout(within_s):
            while not seen(self.payloads):
                assert self.feed is not None
                if self.feed.done():
                    self.feed.result()
                self.changed.clear()
                await self.changed.wait()

    def states(self) -> list[str]:
        return [p.state for p in self.payloads if isinstance(p, Socket)]


class Reader:
    """A broker's REST side from memory; the first *fails* reads of the file fail. *quotes* are its answers, in turn."""

    def __init__(self, fails: int = 0, file: bytes = FILE.encode(), quotes: list[bytes] | None = None) -> None:
        self.fails, self.file, self.tokens = fails, file, ["first"]
        self.quotes = quotes or []

    def instruments(self) -> Finding:
        if self.fails:
            self.fails -= 1
            return Finding(outcome="error", message="Too many requests")
        return Finding(outcome="ok", data=self.file)

    def quote(self, instruments: Any) -> Finding:
        if self.quotes:
            return Finding(outcome="ok", data=self.quotes.pop(0))
        return Finding(outcome="ok", data=json.dumps({k: v for k, v in QUOTES.items() if k in instruments}).encode())

    def renew(self, access_token: str) -> None:
        self.tokens.append(access_token)


class Exchange(WSListener):  # type: ignore[misc]
    """Speaks once subscribed, then keeps quiet unless told."""

    def __init__(self, seen: list[Any], says: list[tuple[Any, ...]]) -> None:
        self.seen, self.says = seen, says
        self.transport: Any = None

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        self.seen.append(json.loads(frame.get_payload_as_bytes()))
        if self.seen[-1]["a"] == "mode":
            for message in self.says:
                transport.send(*message)


class Server:
    """One exchange address; which tokens it takes can change."""

    def __init__(self, good: set[str], says: list[tuple[Any, ...]] | None = None) -> None:
        self.good, self.says = good, says or []
        self.seen: list[Any] = []
        self.asked: list[str] = []
        self.listeners: list[Exchange] = []

    def upgrade(self, request: Any) -> Any:
        token = request.path.decode().partition("access_token=")[2]
        self.asked.append(token)
        if token not in self.good:
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(403, b""), None)
        self.listeners.append(Exchange(self.seen, self.says))
        return self.listeners[-1]


@asynccontextmanager
async def running(
    server: Server, folder: Path, reader: Reader | None = None, silence_s: float = 5.0, instruments: str = "NSE:*"
) -> AsyncIterator[tuple[Taken, Feed]]:
    listening = await picows.ws_create_server(server.upgrade, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    write_secret(folder / "token", "first")
    world, used = Taken(), reader or Reader()
    feed = Feed(
        MarketdataConfig(silence_s=silence_s, reconnect_s_max=0.2),
        api_key="K", token_file=folder / "token", reader=lambda _: used, url=f"ws://127.0.0.1:{port}/", today=TODAY,
        kept=folder / "instruments", wanted=Wanted([instruments], ["1m"]),
    )  # fmt: skip
    task = world.feed = asyncio.create_task(feed.run(world))
    task.add_done_callback(lambda _: world.changed.set())
    try:
        yield world, feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        listening.close()


async def test_it_reads_the_file_and_the_quotes_then_subscribes_in_full_mode(tmp_path: Path) -> None:
    server = Server({"first"}, [(WSMsgType.BINARY, b"\0"), (WSMsgType.BINARY, b"\0\0\0"), (WSMsgType.TEXT, ORDER)])

    async with running(server, tmp_path) as (world, _):
        await world.until(lambda seen: any(isinstance(p, Text) for p in seen))

    [rows] = [p.rows for p in world.payloads if isinstance(p, Instruments)]
    [quotes] = [p.rows for p in world.payloads if isinstance(p, Quotes)]
    index = rows[1].instrument
    assert (index.tradingsymbol, index.tick_size_e4, index.products, rows[1].bars) == ("NIFTY 50", 0, (), ("1m",))
    assert (quotes[0].last_price_e4, quotes[0].bid_e4, quotes[0].ask_e4) == (15_000_500, 15_000_000, 0)
    assert [m["a"] for m in server.seen] == ["subscribe", "mode"]
    assert server.seen[1]["v"] == ["full", [408065, 256265]]
    assert [p for p in world.payloads if isinstance(p, Frame)] == [Frame(b"\0\0\0")]  # a heartbeat is not passed on
    assert len(list((tmp_path / "instruments").glob("2026-11-19-*.csv.gz"))) == 1


async def test_a_refused_token_is_not_tried_again_until_the_file_has_another(tmp_path: Path) -> None:
    server, reader = Server({"second"}), Reader()

    async with running(server, tmp_path, reader) as (world, _):
        await world.until(lambda _: "refused" in world.states())
        assert server.asked == ["first"]
        write_secret(tmp_path / "token", "second")
        await world.until(lambda _: world.states()[-1] == "up")

    assert server.asked == ["first", "second"]
    assert reader.tokens[-1] == "second"
    assert "first" not in repr(world.payloads)
    assert "second" not in repr(world.payloads)


async def test_a_socket_that_falls_silent_is_left_and_a_new_one_opened(tmp_path: Path) -> None:
    server = Server({"first"})

    async with running(server, tmp_path, silence_s=0.2) as (world, _):
        await world.until(lambda _: world.states().count("up") >= 2)

    assert "silent" in world.states() or "down" in world.states()
    assert len(server.listeners) >= 2


async def test_a_socket_that_is_closed_comes_back(tmp_path: Path) -> None:
    server = Server({"first"})

    async with running(server, tmp_path) as (world, _):
        await world.until(lambda _: "up" in world.states())
        server.listeners[0].transport.disconnect()
        await world.until(lambda _: world.states().count("up") == 2)

    assert "down" in world.states()


async def test_whoever_ends_the_feed_as_its_socket_closes_has_ended_it(tmp_path: Path) -> None:
    async with running(Server({"first"}), tmp_path) as (world, feed):
        listener = Listener(world, [])
        watching = asyncio.create_task(feed._watch(listener, world))
        await asyncio.sleep(0)  # now it waits
        await asyncio.sleep(0)

        listener.closed.set()
        watching.cancel()

        with pytest.raises(asyncio.CancelledError):
            await watching


async def test_a_file_that_cannot_be_read_is_said_and_read_again(tmp_path: Path) -> None:
    async with running(Server({"first"}), tmp_path, Reader(fails=2)) as (world, _):
        await world.until(lambda _: "up" in world.states())

    assert [p for p in world.payloads if isinstance(p, LeftOut)] == [LeftOut("instruments", 1, "Too many requests")] * 2


async def test_odd_lines_and_rows_cost_themselves_and_are_said(tmp_path: Path) -> None:
    file = FILE.encode() + b"7,1,ODD\xff,ODD,0,,0,0.05,1,EQ,NSE,NSE\n8,1,ODD,ODD,0,,0,0.05,1,EQ,NEWX,NEWX\n"
    odd = json.dumps(QUOTES | {"NSE:NIFTY 50": None}).encode()

    async with running(Server({"first"}), tmp_path, Reader(file=file, quotes=[odd])) as (world, _):
        await world.until(lambda _: "up" in world.states())

    left = [(p.what, p.count, p.why) for p in world.payloads if isinstance(p, LeftOut)]
    assert left == [
        ("instruments", 2, "line 4 (NSE:ODD\ufffd): it is no UTF-8"), ("quote", 1, "NSE:NIFTY 50: None is no row")
    ]  # fmt: skip
    assert [len(p.rows) for p in world.payloads if isinstance(p, Instruments | Quotes)] == [2, 1]


async def test_an_answer_that_cannot_be_read_is_said_and_soon_asked_for_again(tmp_path: Path) -> None:
    async with running(Server({"first"}), tmp_path, Reader(quotes=[b"null", b"[]"])) as (world, _):
        await world.until(lambda seen: any(isinstance(p, Quotes) for p in seen))

    assert [(p.what, p.count) for p in world.payloads if isinstance(p, LeftOut)] == [("quote", 2)] * 2


async def test_a_pattern_that_matches_nothing_ends_the_start(tmp_path: Path) -> None:
    async with running(Server({"first"}), tmp_path, instruments="NSE:INFOSYS") as (world, _):
        with pytest.raises(ConfigError, match="'NSE:INFOSYS', did you mean 'NSE:INFY'"):
            await world.until(lambda _: False)


@pytest.mark.parametrize("cuts", [(1,), (2, 3), (0, 5, 5)])
async def test_a_message_in_fragments_is_one_message(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    says: list[tuple[Any, ...]] = []
    for kind, message in ((WSMsgType.BINARY, b"\0\1\0\2ab"), (WSMsgType.TEXT, ORDER)):
        edges = [0, *cuts, len(message)]
        for number, (a, b) in enumerate(pairwise(edges)):
            says.append((WSMsgType.CONTINUATION if number else kind, message[a:b], b == len(message)))
            says.append((WSMsgType.PING, b""))  # control frames come in between

    async with running(Server({"first"}, says), tmp_path) as (world, _):
        await world.until(lambda seen: any(isinstance(p, Text) for p in seen))

    told = [p for p in world.payloads if isinstance(p, Frame | Text)]
    assert told == [Frame(b"\0\1\0\2ab"), Text("1", "COMPLETE", 5)]
    assert world.states().count("up") == 1


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ([(WSMsgType.CONTINUATION, b"ab", True)], "a message without its beginning"),
        ([(WSMsgType.BINARY, b"ab", False), (WSMsgType.BINARY, b"cd", True)], "a message within a message"),
        (
            [(WSMsgType.BINARY, b"a" * (MESSAGE_BYTES_MAX // 2), False)]
            + [(WSMsgType.CONTINUATION, b"a" * (MESSAGE_BYTES_MAX // 2), False)] * 2,
            f"a message of more than {MESSAGE_BYTES_MAX} bytes",
        ),
    ],
)
async def test_what_is_no_message_ends_the_socket_and_a_new_one_is_opened(
    tmp_path: Path, says: list[tuple[Any, ...]], why: str
) -> None:
    async with running(Server({"first"}, says), tmp_path) as (world, _):
        await world.until(lambda _: world.states().count("up") == 2)

    assert Socket("down", f"closed by us: {why}") in world.payloads
    assert not any(isinstance(p, Frame) for p in world.payloads)


async def test_texts_that_cannot_be_read_are_left_out_and_notices_are_nothing(tmp_path: Path) -> None:
    texts = [
        b"not json",
        b"[]",
        b'{"type":"order","data":{"order_id":[1]}}',
        b'{"type":"message","data":"hello"}',
        b"\xff",
        ORDER,
    ]

    async with running(Server({"first"}, [(WSMsgType.TEXT, text) for text in texts]), tmp_path) as (world, _):
        await world.until(lambda seen: any(isinstance(p, Text) for p in seen))

    assert [p.what for p in world.payloads if isinstance(p, LeftOut)] == ["text"] * 4
    assert [p for p in world.payloads if isinstance(p, Text)] == [Text("1", "COMPLETE", 5)]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kitev3.services.marketdata.driver.BACKOFF_S", 0.05)
    monkeypatch.setattr("kitev3.services.marketdata.driver.TOKEN_LOOK_S", 0.02)
