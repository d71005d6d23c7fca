"""No request, however broken, brings a 500, a hang or half an envelope, and one that is refused changes nothing."""

from __future__ import annotations

import json
import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import order_forms
from waiting import S_MAX
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from services.http_rig import ending
from services.kite_asks import (
    ALERT,
    ASKS,
    CONVERSION,
    FILES,
    GTT,
    HELD,
    INFY,
    ORDER,
    PAGES,
    SCHEME,
    SIP,
    Ask,
    every_route,
    filled,
)
from services.kitesim_rig import API_KEY, FORM, TOKEN, Asker, Kitesim, kitesim

ROUTES = sorted(every_route())
WRITES = [(method, path) for method, path in ROUTES if method != "GET"]
# What a user has: what a refused request leaves as it was.
BOOKS = (
    "/orders", "/trades", "/portfolio/positions", "/portfolio/holdings", "/user/margins", "/gtt/triggers", "/alerts",
    "/mf/orders", "/mf/sips",
)  # fmt: skip
NAMES = [
    "price", "trigger_price", "validity", "validity_ttl", "disclosed_quantity", "tag", "market_protection",
    "variety", "order_id", "parent_order_id", "i", "from", "to", "oi", "continuous", "interval", "uuid",
    "api_key", "access_token", "request_token", "refresh_token", "checksum", "type", "condition", "orders",
    "basket", "step_up", "status", "user", "at_ns", "amount", "isin", "autoslice", "iceberg_legs", "iceberg_quantity",
    "auction_number", "mode", "consider_positions", "algo_id", *ORDER, *ALERT, *SIP, *CONVERSION,
]  # fmt: skip
NUMBERS = [
    "0", "-1", "1", "1e9", "1e400", "-1e400", "nan", "inf", "-inf", "-0", "+1", "1_0", "0x1f", "1.", ".5", " 1 ", "1,5",
    "99999999999999999999", "9" * 400, "\u0967\u0968", "\uff11\uff12", "\u00b2", "1e-400",
]  # fmt: skip
NO_NUMBERS = {
    "1e400", "-1e400", "nan", "inf", "-inf", "1_0", "0x1f", "1,5", "99999999999999999999", "9" * 400, "\u0967\u0968",
    "\uff11\uff12", "\u00b2",
}  # fmt: skip
assert set(NUMBERS) > NO_NUMBERS
WORDS = [
    *NUMBERS, "2026-11-18", "9999-12-31", "NSE:INFY", "2026-11-19 09:16:00", "{}", "[]", "[{}]", "null", "MARKET", "SL",
    "SL-M", "TTL", "IOC", "true", "True", '{"items": [{}]}',
    '{"exchange": "NSE", "tradingsymbol": "INFY", "trigger_values": [1e400, -1], "last_price": 1e999}',
    '{"exchange": "NSE", "tradingsymbol": "INFY", "trigger_values": ["x", null], "last_price": []}',
    '[{"transaction_type": "BUY", "quantity": 1e400, "price": true, "order_type": "LIMIT", "product": "CNC"}]',
    '[{"exchange": "NSE", "tradingsymbol": "INFY"}]',
    *ORDER.values(), *ALERT.values(), *SIP.values(), *CONVERSION.values(), *GTT.values(),
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.integers().map(str), st.floats().map(str))
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=12)
SEGMENTS = (
    f"orders regular amo co iceberg auction trades portfolio positions holdings summary compact authorise auctions "
    f"instruments historical trigger_range buy NSE NFO {INFY} minute day quote ohlc ltp user profile full margins "
    f"equity session token refresh_token alerts history mf sips gtt triggers 1 0 basket charges allotments {HELD}"
).split()
PATHS = st.lists(st.one_of(st.sampled_from(SEGMENTS), st.text(max_size=6)), max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])


class Books:
    """An exchange at which somebody has something of everything, and what he has."""

    def __init__(self, running: Kitesim) -> None:
        self.running, self.ask = running, Asker(running)
        last = running.client().ltp([INFY])[str(INFY)]["last_price"]
        prices = {"away": last * 0.96, "below": last * 0.99, "above": last * 1.03, "cheap": 50}
        self.kept = {name: str(round(price, 1)) for name, price in prices.items()}
        self.kept |= {"option": "NIFTY26NOV26050CE", "too_many": "14040", "access_token": "dead"}
        self.kept |= dict.fromkeys(("request_token", "checksum", "refresh_token", "refresh_checksum"), "x")
        for ask in ASKS:
            if ask.keep and "session" not in ask.route:
                data = json.loads(self.ask(ask.method, self.path(ask), self.body(ask))[2])["data"]
                self.kept |= {name: str(data[member]) for name, member in ask.keep.items()}
        self.now = self.read()

    def path(self, ask: Ask) -> str:
        return (ask.path or ask.route).format_map(self.kept)

    def body(self, ask: Ask) -> str:
        return ask.body({name: filled(text, self.kept) for name, text in ask.form.items()})

    def read(self) -> list[Any]:
        return [self.ask.data(path) for path in BOOKS]

    def check(self, method: str, answer: tuple[int, Any, bytes]) -> None:
        """The answer is whole; the books are as they were unless it says that something was done."""
        status, headers, content = answer
        check_envelope(status, headers["content-type"] or "", content)
        if method == "GET":
            return
        before, self.now = self.now, self.read()
        if status >= 400:
            assert self.now == before, content


def check_envelope(status: int, kind: str, content: bytes) -> None:
    """Whole, and never a 500."""
    assert status in (200, 302, 303, 400, 403, 404, 405, 413), content
    if status == 200 and not kind.startswith("application/json"):
        assert kind.startswith(("text/csv", "text/html", "text/css", "application/x-ndjson")), kind
        return
    if status in (302, 303):  # from the login page
        return
    envelope = json.loads(content)
    if status == 200:
        assert envelope.keys() == {"status", "data"}
        assert envelope["status"] == "success"
    else:
        assert envelope.keys() == {"status", "message", "data", "error_type"}
        assert envelope["status"] == "error"
        assert envelope["message"]
        assert envelope["error_type"].endswith("Exception")


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    # The market takes no step while this lasts: what changes in the books is the requests' doing.
    with kitesim("--market", "frozen", "--profile", "legacy", "--speed", "0.001") as running:
        yield Books(running)


# --- requests -------------------------------------------------------------------------------------------------------


def asks_for(method: str, route: str) -> list[Ask]:
    """What is right for a route of the exchange's own table; of one that is not asked elsewhere, nothing but itself."""
    return [ask for ask in ASKS if (ask.method, ask.route) == (method, route)] or [Ask(method, route, None)]


@st.composite
def requests_for(draw: st.DrawFn, books: Books, method: str, route: str) -> tuple[str, str]:
    """Address and body for a route: right but for some fields, or with some part of the address replaced."""
    ask = draw(st.sampled_from(asks_for(method, route)))
    path = ask.path or ask.route
    parameters = re.findall(r"\{(\w+)\}", path)
    kept = books.kept | {name: quote(draw(VALUES), safe="") or "x" for name in parameters if name not in books.kept}
    for name in parameters:
        if draw(st.integers(0, 4)) == 0:
            kept |= {name: quote(draw(VALUES), safe="") or "x"}
    form = {name: filled(text, books.kept) for name, text in ask.form.items()}
    form |= dict(draw(FIELDS))
    for name in draw(st.lists(st.sampled_from(sorted(form) or [""]), max_size=2)):
        form.pop(name, None)
    query = draw(FIELDS) if draw(st.booleans()) else []
    address = path.format_map(kept)
    if query:
        address += ("&" if "?" in address else "?") + urlencode(query, errors="replace")
    if ask.json is None:
        return address, urlencode(form, errors="replace")
    items = [item | dict(draw(FIELDS)) for item in ask.json]
    return address, json.dumps(items)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=map(" ".join, ROUTES))
def test_no_request_for_a_route_brings_a_500_and_a_refused_one_changes_nothing(
    books: Books, method: str, route: str
) -> None:
    @settings(max_examples=15)
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        address, body = data.draw(requests_for(books, method, route))
        books.check(method, books.ask(method, address, body))

    ask()


@settings(max_examples=200)
@given(method=METHODS, path=PATHS, query=FIELDS, form=FIELDS)
def test_no_address_does_either(
    books: Books, method: str, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    address = path + ("?" + urlencode(query, errors="replace") if query else "")

    books.check(method, books.ask(method, address, urlencode(form, errors="replace")))


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        ("GET", "/nowhere", 404, "GeneralException"),
        ("PATCH", "/orders", 405, "GeneralException"),
        ("GET", "/orders/99", 400, "OrderException"),
        ("GET", "/orders/99/trades", 400, "OrderException"),
        ("PUT", "/orders/regular/99", 400, "OrderException"),
        ("DELETE", "/orders/regular/99", 400, "OrderException"),
        ("DELETE", "/orders/bo/99", 400, "InputException"),
        ("GET", "/quote", 400, "InputException"),
        ("GET", "/quote?" + "&".join(["i=NSE:INFY"] * 501), 400, "InputException"),
        ("GET", "/user/margins/gold", 400, "InputException"),
        ("GET", "/instruments/XYZ", 400, "InputException"),
        ("POST", "/session/token", 400, "InputException"),
        ("DELETE", "/session/token?api_key=x&access_token=y", 403, "TokenException"),
    ],
)
def test_what_is_wrong_is_named(books: Books, method: str, path: str, status: int, error_type: str) -> None:
    answer = books.ask(method, path)

    books.check(method, answer)
    assert (answer[0], json.loads(answer[2])["error_type"]) == (status, error_type)


@settings(max_examples=100)
@given(form=order_forms())
def test_no_form_of_an_order_brings_a_500(books: Books, form: dict[str, str]) -> None:
    fields = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": "1"} | form
    body = urlencode({"product": "MIS", "order_type": "LIMIT", "price": "1400"} | fields, errors="replace")

    answer = books.ask("POST", "/orders/regular", body)

    books.check("POST", answer)
    assert answer[0] in (200, 400), answer[2]


# --- bodies ---------------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no utf-8": b"exchange=NSE&tradingsymbol=\xff\xfe&quantity=\xc3\x28",
    "no utf-8, escaped": b"exchange=NSE&tradingsymbol=%ff%fe&quantity=%c3%28&tag=%ed%a0%80",
    "zeros": b"exchange=NSE\x00&tradingsymbol=IN%00FY&quantity=1",
    "names without values": b"exchange&tradingsymbol&&&===&quantity",
    "each name again": urlencode([pair for pair in ORDER.items() for _ in range(3)]).encode(),
    "more names than any form has": urlencode([(f"a{n}", "1") for n in range(500)]).encode(),
    "an object": json.dumps(ORDER).encode(),
    "a string": b'"NSE"',
    "a number": b"1e400",
    "no number": b'[{"exchange": "NSE", "quantity": NaN}]',
    "numbers beyond all": b'[{"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 1e400, "price": -1e400}]',
    "a number of many digits": b'[{"exchange": "NSE", "tradingsymbol": "INFY", "quantity": ' + b"9" * 5000 + b"}]",
    "a deep array": b"[" * 100_000 + b"]" * 100_000,
    "half an array": b'[{"exchange": "NSE"}',
    "an array of anything": b'[null, 1, "x", [], {}]',
    "values that are no words": b'[{"exchange": {"a": 1}, "tradingsymbol": [1], "quantity": true, "price": null}]',
    "surrogates": b'[{"exchange": "\\ud800", "tradingsymbol": "INFY"}]',
    "two megabytes": b"quantity=" + b"1" * (1 << 21),
    "many orders": json.dumps([{"exchange": "NSE", "tradingsymbol": "INFY"}] * 5000).encode(),
}
KINDS = [FORM, "application/json", "multipart/form-data; boundary=x", "text/plain; charset=utf-16", "", "nonsense"]


@pytest.mark.parametrize(("method", "route"), WRITES, ids=map(" ".join, WRITES))
def test_no_body_brings_a_500(books: Books, method: str, route: str) -> None:
    path = books.path(asks_for(method, route)[0])
    for number, (name, body) in enumerate(BODIES.items()):
        status, headers, content = books.ask(method, path, body, KINDS[number % len(KINDS)])
        books.check(method, (status, headers, content))
        if method in ("POST", "PUT") and name in ("no utf-8", "two megabytes"):
            assert status in (400, 413), (name, content)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_is_a_form_whatever_it_calls_itself(books: Books, kind: str) -> None:
    form = ORDER | {"price": books.kept["away"], "tag": "kind"}

    status, _, content = books.ask("POST", "/orders/regular", urlencode(form), kind)

    assert status == 200, content
    books.now = books.read()


ORDERED = ("POST", "/orders/regular", ORDER | {"price": "1400"})
NUMBERED = [
    (*ORDERED, "quantity"), (*ORDERED, "price"), (*ORDERED, "validity_ttl"), (*ORDERED, "market_protection"),
    (*ORDERED, "disclosed_quantity"), ("POST", "/mf/sips", SIP, "instalments"),
    ("POST", "/mf/orders", {"tradingsymbol": SCHEME, "transaction_type": "BUY"}, "amount"),
    ("POST", "/alerts", ALERT, "rhs_constant"), ("PUT", "/portfolio/positions", CONVERSION, "quantity"),
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: ascii(number)[:12])
@pytest.mark.parametrize(("method", "path", "form", "name"), NUMBERED, ids=[f"{row[1]} {row[3]}" for row in NUMBERED])
def test_a_number_is_written_in_ascii_digits_and_within_bounds(
    books: Books, method: str, path: str, form: dict[str, str], name: str, number: str
) -> None:
    answer = books.ask(method, path, urlencode(form | {name: number}))

    books.check(method, answer)
    if number in NO_NUMBERS:
        assert answer[0] == 400, answer[2]


# --- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "token", "token ", "token :", f"token {API_KEY}", f"token {API_KEY}:", f"token :{TOKEN}",
        f"Bearer {TOKEN}", f"token {API_KEY}:{TOKEN}x", f"token {API_KEY}:{TOKEN}:{TOKEN}", f"{API_KEY}:{TOKEN}",
        f"token nobody:{TOKEN}", "token \u00e9:\u00fc", "token " + ":" * 1000, "token " + "x" * 8_000,
        "token " + "x" * 60_000 + ":y",
    ],
    ids=range(17),
)  # fmt: skip
def test_who_has_no_token_is_told_so_on_every_route(books: Books, header: str) -> None:
    for method, route in (("GET", "/orders"), ("POST", "/orders/regular"), ("POST", "/margins/orders")):
        answer = books.ask(method, route, urlencode(ORDER), Authorization=header)

        books.check(method, answer)
        assert (answer[0], json.loads(answer[2])["error_type"]) == (403, "TokenException")


def test_every_route_but_the_doors_asks_for_a_token(books: Books) -> None:
    doors = {path for _, path in PAGES} | FILES | {"/session/token", "/session/refresh_token"}

    for method, route in ROUTES:
        path = re.sub(r"\{\w+\}", "1", route)
        status, _, content = books.ask(method, path, Authorization="token nobody:nothing")
        if route not in doors:
            assert (status, json.loads(content)["error_type"]) == (403, "TokenException"), route


def test_what_is_no_request_costs_its_own_connection_alone(books: Books) -> None:
    random_ = random.Random(11)
    host, _, port = books.running.address.partition(":")
    form = f"POST /orders/regular HTTP/1.1\r\nHost: x\r\nAuthorization: token {API_KEY}:{TOKEN}\r\n".encode()
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    pieces = [
        b"", b"\r\n" * 100, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"GET /orders HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        form + b"Content-Length: 1000\r\n\r\nquantity=1",  # and no more of it
        form + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\nx\r\n",
        form + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nab\r\n\r\n",
        form + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
        upgrade + b"\r\n",
        upgrade + b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n",
        *(random_.randbytes(random_.randrange(1, 500)) for _ in range(40)),
    ]  # fmt: skip
    for piece in pieces:
        with socket.create_connection((host, int(port)), S_MAX) as raw:
            answer = ending(raw, piece)
            assert b" 500 " not in answer.partition(b"\r\n")[0], (piece[:80], answer)

    assert books.read() == books.now


def test_a_client_that_leaves_in_the_middle_of_its_form_is_no_fault_of_ours(tmp_path: Path) -> None:
    head = f"POST /orders/regular HTTP/1.1\r\nHost: x\r\nAuthorization: token {API_KEY}:{TOKEN}\r\n"
    with (tmp_path / "stderr").open("w+") as said:
        with kitesim(stderr=said) as running:
            host, _, port = running.address.partition(":")
            with socket.create_connection((host, int(port)), S_MAX) as raw:
                assert b" 500 " not in ending(raw, head.encode() + b"Content-Length: 1000\r\n\r\nquantity=1")
            assert running.client().orders() == []
        said.seek(0)
        assert "Traceback" not in said.read()


# --- orders, and the socket -----------------------------------------------------------------------------------------


def test_bad_orders_are_input_exceptions_and_are_in_no_book(books: Books) -> None:
    bad: list[dict[str, str]] = [
        {"tradingsymbol": "NOPE"}, {"exchange": "LSE"}, {"quantity": "-5"}, {"quantity": "0"}, {"quantity": "1.5"},
        {"quantity": "99999999999999999999"}, {"quantity": "five"}, {"price": "1500.03"}, {"price": "-1"},
        {"price": "nan"}, {"transaction_type": "HOLD"}, {"product": "XYZ"}, {"order_type": "ICE"}, {"validity": "GTC"},
        {"tag": "x" * 21}, {"price": "9999"},
    ]  # fmt: skip
    for change in bad:
        answer = books.ask("POST", "/orders/regular", urlencode(ORDER | {"price": "1500"} | change))
        books.check("POST", answer)
        assert (answer[0], json.loads(answer[2])["error_type"]) == (400, "InputException"), change


def test_5000_garbage_messages_cost_nothing_but_their_sockets_patience(books: Books) -> None:
    random_ = random.Random(7)
    rubbish = [
        "", "{", "[]", "null", "1e999", '{"a":1}', '{"a":"subscribe"}', '{"a":"subscribe","v":"x"}', '{"a":[],"v":{}}',
        '{"a":"subscribe","v":[null,-1,1e30,"x",true,{},[],99999999999]}', '{"a":"mode","v":["deep",[408065]]}',
        '{"a":"mode","v":[]}', '{"a":"mode","v":[["full"],[408065]]}', "\x00" * 100, '{"a":"unsubscribe","v":[1]}',
    ]  # fmt: skip
    verbs = ["subscribe", "unsubscribe", "mode", "order", "", None, 1]
    things = [INFY, str(INFY), -1, 1e300, None, True, [], {}, ["full", [INFY]], ["deep", [INFY]], ["full"], "x" * 500]
    sent = 0
    while sent < 5000:
        try:
            with connect(books.running.feed, compression=None, close_timeout=0.5) as reader:
                while sent < 5000:
                    sent += 1
                    message: str | bytes
                    match sent % 5:
                        case 0:
                            message = random_.randbytes(random_.randrange(200))
                        case 1:
                            message = json.dumps({"a": random_.choice(verbs), "v": random_.sample(things, 3)})
                        case 2:
                            message = json.dumps({"a": random_.choice(verbs), "v": random_.choice(things)})
                        case 3:
                            message = random_.choice(rubbish)
                        case _:
                            message = "".join(map(chr, random_.choices(range(32, 0x2FF), k=30)))
                    reader.send(message)
                reader.send(json.dumps({"a": "unsubscribe", "v": list(range(1))}))
                reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
                frames = iter(lambda: reader.recv(timeout=S_MAX), None)
                assert any(isinstance(frame, bytes) and len(frame) == 188 for frame in frames)
        except ConnectionClosed as closed:
            pytest.fail(f"closed after {sent}: {closed}")
    assert books.read() == books.now
