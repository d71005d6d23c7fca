"""kitesim as a process: the official clients, unmodified, against it; readers fast and slow."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from waiting import S_MAX
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from services.kitesim_rig import API_SECRET, TOKEN, Kitesim, kitesim, ticker, ticks

INFY, NIFTY, FUTURE = 408065, 256265, 9241602
LTP_KEYS = {"tradable", "mode", "instrument_token", "last_price"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Kitesim]:
    with kitesim("--speed", "10") as running:
        yield running


@pytest.fixture(scope="module")
def legacy() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[Kitesim]:
    """Strict rules: a second of its windows is over in three milliseconds, and the frozen market never closes."""
    with kitesim("--market", "frozen", "--speed", "300") as running:
        yield running


def order(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5,
        "product": "MIS", "order_type": "LIMIT",
    }  # fmt: skip
    return fields | changes


def last_price(client: KiteConnect, name: str = "NSE:INFY") -> float:
    return float(client.ltp([name])[name]["last_price"])


def away(client: KiteConnect) -> float:
    """A price at which nothing trades."""
    return round(last_price(client) * 0.96, 1)


# --- the official client --------------------------------------------------------------------------------------------


def test_login_to_token(legacy: Kitesim) -> None:
    client = legacy.client(token=None)
    request_token = legacy.request_token()

    session = client.generate_session(request_token, api_secret=API_SECRET)

    assert session["access_token"] == TOKEN
    assert client.profile()["user_id"] == session["user_id"] == "KS0001"
    with pytest.raises(kite.TokenException, match="invalid or has expired"):
        client.generate_session(request_token, api_secret=API_SECRET)


def test_a_wrong_checksum_is_no_login_and_uses_the_request_token_up(legacy: Kitesim) -> None:
    request_token = legacy.request_token()

    for secret in ("wrong", API_SECRET):
        with pytest.raises(kite.TokenException):
            legacy.client(token=None).generate_session(request_token, api_secret=secret)


def test_a_dead_token_ends_the_clients_session(legacy: Kitesim) -> None:
    client, ended = legacy.client(token="dead"), []
    client.set_session_expiry_hook(lambda: ended.append(True))

    with pytest.raises(kite.TokenException, match="Incorrect `api_key` or `access_token`") as refused:
        client.orders()

    assert refused.value.code == 403
    assert ended == [True]


def test_instruments_are_read_whole_and_by_exchange(legacy: Kitesim) -> None:
    client = legacy.client()

    rows = client.instruments()

    assert len(rows) == sum(len(client.instruments(name)) for name in ("NSE", "BSE", "NFO"))
    future = next(row for row in rows if row["instrument_type"] == "FUT")
    assert future["tradingsymbol"] == "NIFTY26NOVFUT"
    assert future["expiry"].isoformat() == "2026-11-23"
    assert (future["lot_size"], future["tick_size"]) == (65, 0.1)


def test_an_order_placed_modified_and_cancelled(legacy: Kitesim) -> None:
    client = legacy.client()
    price = away(client)

    order_id = client.place_order(**order(price=price, tag="test1"))
    client.modify_order("regular", order_id, price=price - 1, quantity=6)
    client.cancel_order("regular", order_id)

    history = client.order_history(order_id)
    assert [row["status"] for row in history][3:] == [
        "OPEN", "MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN", "CANCEL PENDING", "CANCELLED",
    ]  # fmt: skip
    (row,) = [row for row in client.orders() if row["order_id"] == order_id]
    assert (row["status"], row["quantity"], row["price"], row["tag"]) == ("CANCELLED", 6, price - 1, "test1")
    assert client.order_trades(order_id) == []


def test_a_market_order_trades_and_becomes_a_position(exchange: Kitesim) -> None:
    client = exchange.client()

    order_id = client.place_order(**order(order_type="MARKET", market_protection=-1, tradingsymbol="TCS"))

    (trade,) = client.order_trades(order_id)
    assert trade in client.trades()
    assert client.orders()[-1]["status"] == "COMPLETE"
    (position,) = [row for row in client.positions()["net"] if row["tradingsymbol"] == "TCS"]
    assert (position["quantity"], position["average_price"]) == (5, trade["average_price"])
    assert client.margins("equity")["utilised"]["debits"] > 0
    assert {row["tradingsymbol"] for row in client.holdings()} == {"INFY", "SBIN"}


def test_quotes_in_all_depths(legacy: Kitesim) -> None:
    client = legacy.client()
    names = ["NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY26NOVFUT", "NSE:NOPE"]

    quote, ohlc, ltp = client.quote(names), client.ohlc(names), client.ltp(names)

    assert set(quote) == set(ohlc) == set(ltp) == set(names[:3])
    for name in names[:3]:
        assert quote[name]["last_price"] == ohlc[name]["last_price"] == ltp[name]["last_price"]
        assert quote[name]["ohlc"] == ohlc[name]["ohlc"]


@pytest.mark.parametrize(
    ("changes", "error", "code", "message"),
    [
        ({"tradingsymbol": "NOPE", "price": 1}, kite.InputException, 400, "has either expired or does not exist"),
        ({"price": 1500.03}, kite.InputException, 400, "Tick size for this instrument is 0.1"),
        ({"price": 9999}, kite.InputException, 400, "Price exceeds circuit limits"),
        ({"order_type": "MARKET"}, kite.InputException, 400, "Market orders without market protection"),
        ({"price": 1500, "quantity": 10_000}, kite.GeneralException, 400, "Insufficient funds. Required margin is"),
        ({"price": 1500, "tag": "x" * 21}, kite.InputException, 400, "tag"),
        ({"price": 1500, "variety": "bo"}, kite.InputException, 400, "variety"),
    ],
)
def test_a_refused_order_is_kites_own_error(
    hasty: Kitesim, changes: dict[str, Any], error: type[Exception], code: int, message: str
) -> None:
    client = hasty.client()
    orders = len(client.orders())

    with pytest.raises(error, match=message) as refused:
        client.place_order(**order(product="CNC") | changes)

    assert refused.value.code == code  # type: ignore[attr-defined]
    assert len(client.orders()) == orders


def test_requests_beyond_the_limit_are_429_and_legacy_counts_none() -> None:
    with kitesim("--speed", "0.01") as strict, kitesim("--profile", "legacy", "--speed", "0.01") as lenient:
        client = strict.client()
        client.ltp(["NSE:INFY"])
        with pytest.raises(kite.NetworkException, match="Too many requests") as refused:
            client.ltp(["NSE:INFY"])
        assert refused.value.code == 429
        for _ in range(30):
            lenient.client().ltp(["NSE:INFY"])


# --- the official ticker ------------------------------------------------------------------------------------------


def test_the_ticker_gets_ticks_in_all_modes(exchange: Kitesim) -> None:
    modes = {"ltp": [738561], "quote": [2953217], "full": [INFY, NIFTY, FUTURE]}
    with ticker(exchange.address, modes) as official:
        official.wait("connect")
        seen: dict[int, dict[str, Any]] = {}
        while {(token, tick["mode"]) for token, tick in seen.items()} != {
            (token, mode) for mode, tokens in modes.items() for token in tokens
        }:
            seen |= {tick["instrument_token"]: tick for tick in official.wait("ticks")["ticks"]}

    assert set(seen[738561]) == LTP_KEYS
    assert seen[2953217]["volume_traded"] > 0
    assert "depth" not in seen[2953217]
    full = seen[INFY]
    assert len(full["depth"]["buy"]) == len(full["depth"]["sell"]) == 5
    assert full["depth"]["buy"][0]["price"] < full["depth"]["sell"][0]["price"]
    assert full["ohlc"]["low"] <= full["last_price"] <= full["ohlc"]["high"]
    assert seen[FUTURE]["oi"] > 0
    assert seen[NIFTY]["tradable"] is False
    assert 20_000 < seen[NIFTY]["last_price"] < 30_000


def test_order_updates_come_to_a_ticker_that_subscribed_to_nothing(exchange: Kitesim) -> None:
    with ticker(exchange.address, {}) as official:
        official.wait("connect")
        order_id = exchange.client().place_order(**order(order_type="MARKET", market_protection=-1, tag="frame"))

        update = official.wait("order")["data"]

    assert (update["order_id"], update["status"], update["tag"]) == (order_id, "COMPLETE", "frame")
    assert update["user_id"] == "KS0001"


def test_a_ticker_with_a_dead_token_is_refused_with_403(exchange: Kitesim) -> None:
    with ticker(exchange.address, {}, token="dead") as official:
        assert "403 - Forbidden" in official.wait("close")["reason"]


def test_the_end_of_the_exchange_closes_the_ticker_cleanly() -> None:
    with kitesim("--market", "frozen") as running, ticker(running.address, {"full": [INFY]}) as official:
        official.wait("ticks")
        running.process.terminate()

        assert official.wait("close")["code"] == 1001


# --- the socket, bare ---------------------------------------------------------------------------------------------


def wish(verb: str, value: Any) -> str:
    return json.dumps({"a": verb, "v": value})


def exchange_second(frame: bytes) -> int:
    """The exchange timestamp of a frame whose first packet is a full one."""
    (length,) = struct.unpack_from(">H", frame, 2)
    assert length in (32, 184)
    return int(struct.unpack_from(">I", frame, 4 + (28 if length == 32 else 60))[0])


def test_a_silent_market_still_beats_within_two_seconds_and_sends_a_snapshot_at_once(legacy: Kitesim) -> None:
    with connect(legacy.feed, compression=None) as reader:
        reader.send(wish("subscribe", [INFY]))
        snapshot = ticks(reader)
        assert (len(snapshot), snapshot[:4]) == (48, b"\x00\x01\x00\x2c")
        reader.send(wish("mode", ["full", [str(INFY)]]))
        assert len(ticks(reader)) == 188

        beats_s = []
        for _ in range(3):
            assert reader.recv(timeout=S_MAX) == b"\x00"
            beats_s.append(time.monotonic())
        assert min(b - a for a, b in pairwise(beats_s)) < 2


def closing_code(reader: ClientConnection) -> int | None:
    """Reads to the end."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            reader.recv(timeout=S_MAX)
    return reader.close_code


def test_the_4th_socket_of_a_key_is_429_and_a_logout_drops_all() -> None:
    with kitesim("--market", "frozen") as running, contextlib.ExitStack() as stack:
        readers = [stack.enter_context(connect(running.feed, compression=None)) for _ in range(3)]
        with pytest.raises(InvalidStatus) as refused, connect(running.feed, compression=None):
            pass
        assert refused.value.response.status_code == 429

        running.client().invalidate_access_token()

        assert [closing_code(reader) for reader in readers] == [1008] * 3
        with pytest.raises(kite.TokenException):
            running.client().profile()


def test_the_3001st_instrument_is_an_error_text_and_the_socket_lives(legacy: Kitesim) -> None:
    with connect(legacy.feed, compression=None) as reader:
        reader.send(wish("subscribe", [number * 256 + 1 for number in range(1, 3002)]))
        answer = next(text for text in iter(lambda: reader.recv(timeout=S_MAX), None) if isinstance(text, str))
        assert reader.ping().wait(S_MAX)

    assert json.loads(answer) == {"type": "error", "data": "Can't subscribe to more than 3000 instruments."}


def until(end: int, *options: str) -> dict[int, bytes]:
    """What a reader is sent from the second after its subscription to the exchange's second *end*."""
    frames: dict[int, bytes] = {}
    with kitesim(*options) as running, connect(running.feed, compression=None) as reader:
        reader.send(wish("mode", ["full", [INFY, NIFTY, FUTURE]]))
        running.client().place_order(**order(order_type="MARKET", market_protection=-1))
        snapshot = second = 0
        while second < end:
            frame = reader.recv(timeout=S_MAX)
            if isinstance(frame, bytes) and len(frame) > 1:
                second = exchange_second(frame)
                snapshot = snapshot or second
                if snapshot < second < end:
                    frames[second] = frame
    return frames


def test_two_exchanges_of_one_seed_send_the_same_bytes() -> None:
    # They begin at different times and go at different speeds. Each reader comes when the machine lets it: what both
    # saw is compared, and the end is late enough that this is a good part of the day on a busy machine too.
    end = 1_795_060_800 + 900  # 09:45
    slow = until(end, "--speed", "100", "--clock", "2026-11-19T09:34")
    fast = until(end, "--speed", "300")

    both = range(max(min(slow), min(fast)), end)
    assert len(both) >= 120
    assert [slow[second] for second in both] == [fast[second] for second in both]


def market_second(client: KiteConnect) -> int:
    return int(client.quote(["NSE:INFY"])["NSE:INFY"]["timestamp"].timestamp())


def test_a_reader_that_falls_behind_makes_the_market_late_and_misses_no_frame() -> None:
    # A small window, so that what is under way does not hide what the market does.
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    with kitesim("--speed", "1000", "--profile", "legacy") as running:
        client = running.client()
        tokens = [row["instrument_token"] for row in client.instruments()]
        host, _, port = running.address.partition(":")
        narrow.connect((host, int(port)))
        with connect(running.feed, sock=narrow, compression=None, close_timeout=0.2) as reader:
            reader.send(wish("mode", ["full", tokens]))
            begun = market_second(client)
            time.sleep(1.5)  # 1,500 market seconds, were nobody slow
            passed = market_second(client) - begun
            frames = [reader.recv(timeout=S_MAX) for _ in range(300)]

    assert passed < 500
    seconds = [exchange_second(frame) for frame in frames[1:] if isinstance(frame, bytes) and len(frame) > 1]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
