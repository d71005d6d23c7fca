"""Every route of kitesim answers in Kite's shape; no request, however broken, brings anything but a whole envelope."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kitev3._core import Exchange
from kitev3.clock import machine_ns
from kitev3.services.kitesim import routes
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.logins import Logins
from kitev3.services.kitesim.routes.door import Door
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from services import kite_shapes as shapes
from services.kite_shapes import Keyed, wrong
from services.kitesim_rig import API_KEY, API_SECRET, TOKEN, Kitesim, kitesim

INFY, SCHEME, HELD = 408065, "INF179K01YV8", "INF109K016L0"
ORDER = {
    "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": "5", "product": "MIS",
    "order_type": "LIMIT",
}  # fmt: skip
ALERT = {
    "name": "up", "type": "simple", "lhs_exchange": "INDICES", "lhs_tradingsymbol": "NIFTY 50",
    "lhs_attribute": "LastTradedPrice", "operator": ">=", "rhs_type": "constant", "rhs_constant": "1",
}  # fmt: skip
SIP = {"tradingsymbol": SCHEME, "amount": "1000", "instalments": "12", "frequency": "monthly", "instalment_day": "5"}
CONVERSION = {
    "exchange": "NSE", "tradingsymbol": "TCS", "transaction_type": "BUY", "position_type": "day", "quantity": "2",
    "old_product": "MIS", "new_product": "CNC",
}  # fmt: skip
MARGIN_ITEM = {
    "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular", "product": "CNC",
    "order_type": "LIMIT", "quantity": 10, "price": 1500.5, "trigger_price": 0,
}  # fmt: skip
GTT_CONDITION = {"exchange": "NSE", "tradingsymbol": "INFY", "trigger_values": [1.5], "last_price": 1500}
GTT = {"type": "single", "condition": json.dumps(GTT_CONDITION), "orders": json.dumps([MARGIN_ITEM])}
CHARGE_ITEM = MARGIN_ITEM | {"order_id": "1", "average_price": 1500}


@dataclass(frozen=True)
class Ask:
    """One request, the route it is for, and the shape of its answer. `{names}` are of what was kept before."""

    method: str
    route: str
    shape: Any
    path: str = ""
    form: dict[str, str] = field(default_factory=dict)
    json: list[dict[str, Any]] | None = None  # the body instead of a form
    raw: str = ""  # the body as it is
    keep: dict[str, str] = field(default_factory=dict)  # a name -> the member of the answer that it stands for

    def body(self, form: dict[str, str]) -> str:
        return self.raw or (urlencode(form) if self.json is None else json.dumps(self.json))


def filled(text: str, kept: dict[str, Any]) -> str:
    """A text with what was kept under its name; one that is JSON has braces of its own."""
    return text if text.startswith(('{"', "[")) else text.format_map(kept)


# In this order: what is made first is looked at later.
ASKS = (
    Ask(
        "POST",
        "/session/token",
        shapes.SESSION,
        form={"api_key": API_KEY, "request_token": "{request_token}", "checksum": "{checksum}"},
    ),
    Ask("GET", "/user/profile", shapes.PROFILE),
    Ask("GET", "/user/profile/full", shapes.WHOLE_PROFILE),
    Ask("GET", "/user/margins", {"equity": shapes.SEGMENT, "commodity": shapes.SEGMENT}),
    Ask("GET", "/user/margins/{segment}", shapes.SEGMENT, "/user/margins/equity"),
    Ask("GET", "/margins/{segment}", shapes.SEGMENT, "/margins/commodity"),
    Ask(
        "POST",
        "/orders/{variety}",
        shapes.ORDER_ID,
        "/orders/regular",
        ORDER | {"price": "{away}", "tag": "a"},
        keep={"resting": "order_id"},
    ),
    Ask(
        "POST",
        "/orders/{variety}",
        shapes.ORDER_ID,
        "/orders/regular",
        ORDER | {"order_type": "MARKET", "tradingsymbol": "TCS"},
        keep={"traded": "order_id"},
    ),
    Ask("PUT", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/regular/{resting}", {"quantity": "6"}),
    Ask("GET", "/orders", [shapes.BOOK_ROW]),
    Ask("GET", "/orders/{order_id}", [shapes.HISTORY_ROW], "/orders/{traded}"),
    Ask("GET", "/orders/{order_id}", [shapes.HISTORY_ROW], "/orders/{resting}"),
    Ask("GET", "/orders/{order_id}/trades", [shapes.TRADE], "/orders/{traded}/trades"),
    Ask("DELETE", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/regular/{resting}"),
    Ask("GET", "/trades", [shapes.TRADE]),
    Ask("GET", "/portfolio/positions", {"net": [shapes.POSITION], "day": [shapes.POSITION]}),
    Ask("PUT", "/portfolio/positions", "bool", form=CONVERSION),
    Ask("GET", "/portfolio/holdings", [shapes.HOLDING]),
    Ask("GET", "/portfolio/holdings/summary", shapes.SUMMARY),
    Ask("GET", "/portfolio/holdings/compact", [shapes.COMPACT]),
    Ask("GET", "/portfolio/holdings/auctions", [shapes.HOLDING | {"auction_number": "text"}]),
    Ask(
        "POST", "/portfolio/holdings/authorise", {"request_id": "text"}, form={"isin": "INE009A01021", "quantity": "5"}
    ),
    Ask("GET", "/quote", Keyed(shapes.QUOTE_ROW), "/quote?i=NSE:INFY&i=NSE:NIFTY+50&i=NFO:NIFTY26NOVFUT"),
    Ask("GET", "/quote/ohlc", Keyed(shapes.OHLC_ROW), "/quote/ohlc?i=NSE:INFY"),
    Ask("GET", "/quote/ltp", Keyed(shapes.LTP_ROW), f"/quote/ltp?i={INFY}"),
    Ask(
        "GET",
        "/instruments/trigger_range/{transaction_type}",
        Keyed(shapes.TRIGGER_RANGE),
        "/instruments/trigger_range/buy?i=NSE:INFY",
    ),
    Ask(
        "GET",
        "/instruments/historical/{token}/{interval}",
        shapes.CANDLES,
        f"/instruments/historical/{INFY}/5minute?from=2026-11-17&to=2026-11-19&oi=1",
    ),
    Ask("POST", "/alerts", shapes.ALERT, form=ALERT, keep={"alert": "uuid"}),
    Ask("GET", "/alerts", [shapes.ALERT]),
    Ask("GET", "/alerts/{uuid}", shapes.ALERT, "/alerts/{alert}"),
    Ask("PUT", "/alerts/{uuid}", shapes.ALERT, "/alerts/{alert}", ALERT),
    Ask("GET", "/alerts/{uuid}/history", [shapes.ALERT_HISTORY], "/alerts/{alert}/history"),
    Ask("DELETE", "/alerts", "null", "/alerts?uuid={alert}"),
    Ask(
        "POST",
        "/mf/orders",
        {"order_id": "text"},
        form={"tradingsymbol": SCHEME, "transaction_type": "BUY", "amount": "5000"},
        keep={"fund": "order_id"},
    ),
    Ask("GET", "/mf/orders", [shapes.FUND_ORDER]),
    Ask("GET", "/mf/orders/{number}", shapes.FUND_ORDER, "/mf/orders/{fund}"),
    Ask("DELETE", "/mf/orders/{number}", {"order_id": "text"}, "/mf/orders/{fund}"),
    Ask(
        "POST",
        "/mf/sips",
        {"sip_id": "text", "order_id": "text"},
        form=SIP | {"initial_amount": "5000"},
        keep={"sip": "sip_id"},
    ),
    Ask("GET", "/mf/sips", [shapes.SIP]),
    Ask("GET", "/mf/sips/{number}", shapes.SIP | {"fund_source": "text"}, "/mf/sips/{sip}"),
    Ask("PUT", "/mf/sips/{number}", {"sip_id": "text"}, "/mf/sips/{sip}", {"amount": "2000"}),
    Ask("DELETE", "/mf/sips/{number}", {"sip_id": "text"}, "/mf/sips/{sip}"),
    Ask("GET", "/mf/holdings", [shapes.FUND_HOLDING]),
    Ask("GET", "/mf/holdings/{isin}", [shapes.FUND_PURCHASE], f"/mf/holdings/{HELD}"),
    Ask("GET", "/mf/allotments", ["any"]),
    Ask("POST", "/gtt/triggers", {"trigger_id": "int"}, form=GTT, keep={"gtt": "trigger_id"}),
    Ask("GET", "/gtt/triggers", [shapes.GTT]),
    Ask("GET", "/gtt/triggers/{trigger_id}", shapes.GTT, "/gtt/triggers/{gtt}"),
    Ask("PUT", "/gtt/triggers/{trigger_id}", {"trigger_id": "int"}, "/gtt/triggers/{gtt}", GTT),
    Ask("DELETE", "/gtt/triggers/{trigger_id}", {"trigger_id": "int"}, "/gtt/triggers/{gtt}"),
    Ask("POST", "/margins/orders", [shapes.ORDER_MARGIN], json=[MARGIN_ITEM, MARGIN_ITEM]),
    Ask("POST", "/margins/orders", [shapes.COMPACT_MARGIN], "/margins/orders?mode=compact", json=[MARGIN_ITEM]),
    Ask("POST", "/margins/orders", [shapes.ORDER_MARGIN], raw="null"),
    Ask("POST", "/margins/basket", shapes.BASKET, "/margins/basket?consider_positions=False", json=[MARGIN_ITEM]),
    Ask("POST", "/charges/orders", [shapes.CONTRACT_NOTE], json=[CHARGE_ITEM]),
    Ask(
        "POST",
        "/session/refresh_token",
        shapes.RENEWED,
        form={"api_key": API_KEY, "refresh_token": "{refresh_token}", "checksum": "{refresh_checksum}"},
    ),
    Ask("DELETE", "/session/token", "bool", f"/session/token?api_key={API_KEY}&access_token={{access_token}}"),
)
# These answer no envelope: pages for a browser, and files.
PAGES = {"/connect/login", "/connect/done", "/connect/portfolio/authorise/holdings/{api_key}/{request_id}"}
FILES = {"/instruments", "/instruments/{exchange}", "/mf/instruments"}


def every_route() -> set[tuple[str, str]]:
    exchange = Exchange(users=["U"], market="frozen", seed=1, start_ns=1_795_060_200_000_000_000)
    logins = Logins((), {}, machine_ns)
    door = Door(exchange, Books(exchange), logins, machine_ns, machine_ns, lambda *_: None, lambda _: None)
    found = set()
    for route in routes.table(door):
        assert isinstance(route, Route)
        found |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
    return found


def test_the_table_itself_tells_right_from_wrong() -> None:
    right = {
        "net": [],
        "day": [dict.fromkeys(shapes.POSITION, 1) | dict.fromkeys(("tradingsymbol", "exchange", "product"), "x")],
    }
    shape = {"net": [shapes.POSITION], "day": [shapes.POSITION]}

    assert wrong(right, shape) == []
    assert wrong({"net": []}, shape) == ["data.day: missing"]
    assert wrong(right | {"more": 1}, shape) == ["data.more: not Kite's"]
    assert wrong({"net": [], "day": [right["day"][0] | {"pnl": "1"}]}, shape) == ["data.day[0].pnl: '1' is no num"]
    assert wrong([["2026-11-19T09:15:00+05:30", 1, 1, 1, 1, 1]], shapes.CANDLES["candles"])
    assert wrong("2026-11-19 9:15:00", "time")
    assert wrong(True, "int")


def test_every_route_has_its_shape_in_the_table() -> None:
    others = {("GET", path) for path in PAGES | FILES}

    assert {(ask.method, ask.route) for ask in ASKS} == every_route() - others


class Asker:
    """Asks over a connection of its own."""

    def __init__(self, running: Kitesim) -> None:
        self.running, self.token = running, TOKEN

    def __call__(self, method: str, path: str, body: str = "", kind: str = "application/x-www-form-urlencoded") -> Any:
        connection = http.client.HTTPConnection(self.running.address, timeout=5)
        headers = {"Authorization": f"token {API_KEY}:{self.token}", "Content-Type": kind}
        try:
            connection.request(method, path, body.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def test_every_answer_has_its_shape() -> None:
    with kitesim("--speed", "5", "--profile", "legacy", "--renewable") as running:
        kept, ask_ = _first(running), Asker(running)
        for ask in ASKS:
            body = ask.body({name: filled(text, kept) for name, text in ask.form.items()})
            status, headers, content = ask_(ask.method, (ask.path or ask.route).format_map(kept), body)
            envelope = json.loads(content)

            assert (status, headers["content-type"]) == (200, "application/json"), (ask, envelope)
            assert envelope.keys() == {"status", "data"}
            assert wrong(envelope["data"], ask.shape) == [], ask
            kept |= {name: envelope["data"][member] for name, member in ask.keep.items()}
            if ask.route == "/session/token" and ask.method == "POST":
                kept |= _renewal(envelope["data"]["refresh_token"])
            if ask.route == "/session/refresh_token":
                ask_.token = kept["access_token"] = envelope["data"]["access_token"]


def _first(running: Kitesim) -> dict[str, Any]:
    status, headers, _ = Asker(running)("GET", f"/connect/login?api_key={API_KEY}&v=3")
    assert status == 302
    (token,) = parse_qs(urlsplit(headers["location"]).query)["request_token"]
    last = running.client().ltp([INFY])[str(INFY)]["last_price"]
    checksum = hashlib.sha256(f"{API_KEY}{token}{API_SECRET}".encode()).hexdigest()
    return {"request_token": token, "checksum": checksum, "away": round(last * 0.96, 1)}


def _renewal(token: str) -> dict[str, str]:
    checksum = hashlib.sha256(f"{API_KEY}{token}{API_SECRET}".encode()).hexdigest()
    return {"refresh_token": token, "refresh_checksum": checksum}


@pytest.fixture(scope="module")
def frozen() -> Iterator[Kitesim]:
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        yield running


@pytest.mark.parametrize("path", ["/instruments", "/instruments/NFO", "/mf/instruments"])
def test_a_file_is_csv_without_a_blank_in_its_numbers(frozen: Kitesim, path: str) -> None:
    status, headers, content = Asker(frozen)("GET", path)
    lines = content.decode().splitlines()

    assert (status, headers["content-type"]) == (200, "text/csv")
    assert len({line.count(",") for line in lines}) == 1
    names = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(names, line.split(","), strict=True))
        for name in {"instrument_token", "lot_size"} & row.keys():
            assert row[name].isdecimal(), line
        for name in {"last_price", "strike", "tick_size", "minimum_purchase_amount"} & row.keys():
            float(row[name])


def test_order_frames_have_their_shape() -> None:
    with kitesim("--market", "frozen", "--profile", "legacy") as running, connect(running.feed) as reader:
        running.client().place_order("regular", **ORDER | {"order_type": "MARKET"})
        texts = (text for text in iter(lambda: reader.recv(timeout=5), None) if isinstance(text, str))
        frame = json.loads(next(texts))

    assert frame["type"] == "order"
    assert wrong(frame["data"], shapes.ORDER_FRAME) == []


# --- broken requests ------------------------------------------------------------------------------------------------

SEGMENTS = (
    f"orders regular amo trades portfolio positions holdings summary compact authorise auctions instruments historical "
    f"trigger_range buy NSE NFO {INFY} minute day quote ohlc ltp user profile full margins equity session token "
    f"refresh_token alerts history mf sips gtt triggers 1 0 basket charges allotments {HELD}"
).split()
NAMES = [
    "price", "trigger_price", "validity", "validity_ttl", "disclosed_quantity", "tag", "market_protection",
    "variety", "order_id", "parent_order_id", "i", "from", "to", "oi", "continuous", "interval", "uuid",
    "api_key", "access_token", "request_token", "refresh_token", "checksum", "type", "condition", "orders",
    "basket", "step_up", "status", "user", "at_ns", "amount", "isin",
    *ORDER, *ALERT, *SIP, *CONVERSION,
]  # fmt: skip
WORDS = [
    "0", "-1", "1", "1e9", "nan", "inf", "-0", "99999999999999999999", "2026-11-18", "9999-12-31", "NSE:INFY",
    "2026-11-19 09:16:00", "{}", "[]", "[{}]", "null", "MARKET", "SL", "SL-M", "TTL",
    *ORDER.values(), *ALERT.values(), *SIP.values(), *CONVERSION.values(),
]  # fmt: skip
JSONS = ['{"items": [{}]}', '[{"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 1}]']
VALUES = st.one_of(st.sampled_from(WORDS + JSONS), st.text(max_size=12), st.integers().map(str), st.floats().map(str))
PATHS = st.lists(st.one_of(st.sampled_from(SEGMENTS), st.text(max_size=6)), max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=12)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])


def check_envelope(status: int, kind: str, content: bytes) -> None:
    """Whole, and never a 500."""
    assert status in (200, 302, 400, 403, 404, 405, 413), content
    if status == 200 and not kind.startswith("application/json"):
        assert kind.startswith(("text/csv", "text/html")), kind
        return
    if status == 302:
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


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=METHODS, path=PATHS, query=FIELDS, form=FIELDS)
def test_no_request_brings_a_500_a_hang_or_half_an_envelope(
    frozen: Kitesim, method: str, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    address = path + ("?" + urlencode(query, errors="replace") if query else "")

    status, headers, content = Asker(frozen)(method, address, urlencode(form, errors="replace"))

    check_envelope(status, headers["content-type"] or "", content)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_form_of_a_known_route_does_either(frozen: Kitesim, data: st.DataObject) -> None:
    ask = data.draw(st.sampled_from([ask for ask in ASKS if ask.route != "/session/token"]))
    names = {name: str(INFY) for name in ("resting", "traded", "alert", "fund", "sip", "away", "gtt", "access_token")}
    tokens = dict.fromkeys(("request_token", "checksum", "refresh_token", "refresh_checksum"), "x")
    form = [(name, filled(text, names | tokens)) for name, text in ask.form.items()]
    for name, text in data.draw(FIELDS):
        form = [pair for pair in form if pair[0] != name] + [(name, text)]
    path = (ask.path or ask.route).format_map(names | tokens)

    status, headers, content = Asker(frozen)(ask.method, path, urlencode(form, errors="replace"))

    check_envelope(status, headers["content-type"] or "", content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted({ask.path or ask.route for ask in ASKS})), body=st.binary(max_size=200))
def test_no_body_does_either(frozen: Kitesim, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(frozen.address, timeout=5)
    headers = {"Authorization": f"token {API_KEY}:{TOKEN}", "Content-Type": "application/json"}
    try:
        connection.request("POST", quote(path, safe="/?=&"), body, headers)
        answer = connection.getresponse()
        check_envelope(answer.status, answer.headers["content-type"] or "", answer.read())
    finally:
        connection.close()


def test_bad_input_changes_nothing_in_the_books() -> None:
    bad: list[dict[str, str]] = [
        {"tradingsymbol": "NOPE"}, {"exchange": "LSE"}, {"quantity": "-5"}, {"quantity": "0"}, {"quantity": "1.5"},
        {"quantity": "99999999999999999999"}, {"quantity": "five"}, {"price": "1500.03"}, {"price": "-1"},
        {"price": "nan"}, {"transaction_type": "HOLD"}, {"product": "XYZ"}, {"order_type": "ICE"}, {"validity": "GTC"},
        {"tag": "x" * 21}, {"price": "9999"},
    ]  # fmt: skip
    with kitesim("--market", "frozen", "--profile", "legacy") as running:
        client, ask = running.client(), Asker(running)
        before = client.orders(), client.trades(), client.positions(), client.margins()
        for change in bad:
            status, _, content = ask("POST", "/orders/regular", urlencode(ORDER | {"price": "1500"} | change))
            assert (status, json.loads(content)["error_type"]) == (400, "InputException"), change
        ask.token = "expired"
        status, _, content = ask("POST", "/orders/regular", urlencode(ORDER | {"price": "1500"}))
        assert (status, json.loads(content)["error_type"]) == (403, "TokenException")

        assert (client.orders(), client.trades(), client.positions(), client.margins()) == before


def test_5000_garbage_messages_cost_nothing_but_their_sockets_patience(frozen: Kitesim) -> None:
    random_ = random.Random(7)
    verbs = ["subscribe", "unsubscribe", "mode", "order", "", None, 1]
    things = [INFY, str(INFY), -1, 1e300, None, True, [], {}, ["full", [INFY]], ["deep", [INFY]], ["full"], "x" * 500]
    sent = 0
    while sent < 5000:
        try:
            with connect(frozen.feed, compression=None, close_timeout=0.5) as reader:
                while sent < 5000:
                    sent += 1
                    message: str | bytes
                    match sent % 4:
                        case 0:
                            message = random_.randbytes(random_.randrange(200))
                        case 1:
                            message = json.dumps({"a": random_.choice(verbs), "v": random_.sample(things, 3)})
                        case 2:
                            message = json.dumps({"a": random_.choice(verbs), "v": random_.choice(things)})
                        case _:
                            message = "".join(map(chr, random_.choices(range(32, 0x2FF), k=30)))
                    reader.send(message)
                reader.send(json.dumps({"a": "unsubscribe", "v": list(range(1))}))
                reader.send(json.dumps({"a": "mode", "v": ["full", [INFY]]}))
                frames = iter(lambda: reader.recv(timeout=5), None)
                assert any(isinstance(frame, bytes) and len(frame) == 188 for frame in frames)
        except ConnectionClosed as closed:
            pytest.fail(f"closed after {sent}: {closed}")
