"""A request for every route of Kite's, and for every kind of answer that a route has, with the shape of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from kitev3._core import Exchange
from kitev3.runtime.clock import machine_ns
from kitev3.services.kitesim import routes
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.logins import Logins
from kitev3.services.kitesim.routes.auth import Auth
from starlette.routing import Route

from services import kite_shapes as shapes
from services.kite_shapes import Keyed
from services.kitesim_rig import API_KEY

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
PAIR_CONDITION = GTT_CONDITION | {"trigger_values": [1.5, 99999.5]}
PAIR = {"type": "two-leg", "condition": json.dumps(PAIR_CONDITION), "orders": json.dumps([MARGIN_ITEM, MARGIN_ITEM])}
FUTURE_ITEM = MARGIN_ITEM | {
    "exchange": "NFO", "tradingsymbol": "NIFTY26NOVFUT", "product": "NRML", "quantity": 65, "price": 26000,
}  # fmt: skip
SLICED = ORDER | {
    "exchange": "NFO", "tradingsymbol": "{option}", "product": "NRML", "quantity": "1820", "price": "{cheap}",
    "autoslice": "true",
}  # fmt: skip
ATO = {
    "type": "ato",
    "basket": json.dumps(
        {
            "items": [
                {"exchange": "NSE", "tradingsymbol": symbol, "params": ORDER | {"order_type": "MARKET"}}
                for symbol in ("TCS", "NOPE")
            ]
        }
    ),
}
ATO_HISTORY = shapes.ALERT_HISTORY | {"order_meta": [shapes.CHILD]}
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
    least: int = 0  # rows that the answer must have: it is asked for again until it has
    keep: dict[str, str] = field(default_factory=dict)  # a name -> the member of the answer that it stands for

    def body(self, form: dict[str, str]) -> str:
        return self.raw or (urlencode(form) if self.json is None else json.dumps(self.json))


def filled(text: str, kept: dict[str, Any]) -> str:
    """A text with what was kept under its name; one that is JSON has braces of its own."""
    return text if text.startswith(('{"', "[")) else text.format_map(kept)


def place(variety: str, name: str, **changes: str) -> Ask:
    """A new order of a variety; its id is kept under that name."""
    return Ask(
        "POST", "/orders/{variety}", shapes.ORDER_ID, f"/orders/{variety}", ORDER | changes, keep={name: "order_id"}
    )


def histories(*names: str) -> list[Ask]:
    """Of the orders kept under these names."""
    row = [shapes.HISTORY_ROW]
    return [Ask("GET", "/orders/{order_id}", row, f"/orders/{{{name}}}", least=2) for name in names]


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
    Ask("GET", "/orders", [shapes.BOOK_ROW], least=2),
    *histories("traded", "resting"),
    Ask("GET", "/orders/{order_id}/trades", [shapes.TRADE], "/orders/{traded}/trades", least=1),
    Ask("GET", "/orders/{order_id}/trades", [shapes.TRADE], "/orders/{resting}/trades"),
    Ask("DELETE", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/regular/{resting}"),
    Ask("GET", "/trades", [shapes.TRADE], least=1),
    place("amo", "kept", price="{away}"),
    Ask("PUT", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/amo/{kept}", {"quantity": "6"}),
    place("co", "entry", order_type="MARKET", trigger_price="{away}"),
    place("iceberg", "leg", price="{away}", quantity="10", iceberg_legs="3", iceberg_quantity="4"),
    place("auction", "offer", transaction_type="SELL", product="CNC", price="{below}", auction_number="1594"),
    place("regular", "stop", order_type="SL", price="{above}", trigger_price="{above}"),
    place("regular", "rejected", order_type="SL-M", trigger_price="{below}"),
    place("regular", "minutes", price="{away}", validity="TTL", validity_ttl="5"),
    place("regular", "gone", price="{away}", validity="IOC"),
    place("regular", "protected", order_type="MARKET", market_protection="2"),
    Ask("POST", "/orders/{variety}", shapes.SLICED, "/orders/regular", SLICED, keep={"sliced": "order_id"}),
    Ask("POST", "/orders/{variety}", shapes.SLICED, "/orders/regular", SLICED | {"quantity": "{too_many}"}),
    Ask("GET", "/orders", [shapes.BOOK_ROW], least=15),
    *histories("kept", "entry", "leg", "offer", "stop", "rejected", "minutes", "gone", "protected"),
    Ask("DELETE", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/amo/{kept}"),
    Ask("DELETE", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/iceberg/{leg}"),
    Ask("DELETE", "/orders/{variety}/{order_id}", shapes.ORDER_ID, "/orders/auction/{offer}"),
    Ask("GET", "/orders", [shapes.BOOK_ROW], least=15),
    Ask("GET", "/portfolio/positions", {"net": [shapes.POSITION], "day": [shapes.POSITION]}),
    Ask("PUT", "/portfolio/positions", "bool", form=CONVERSION),
    Ask("GET", "/portfolio/positions", {"net": [shapes.POSITION], "day": [shapes.POSITION]}),
    Ask("GET", "/portfolio/holdings", [shapes.HOLDING], least=2),
    Ask("GET", "/portfolio/holdings/summary", shapes.SUMMARY),
    Ask("GET", "/portfolio/holdings/compact", [shapes.COMPACT], least=2),
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
    Ask("GET", "/alerts", [shapes.ALERT], least=1),
    Ask("GET", "/alerts/{uuid}", shapes.ALERT, "/alerts/{alert}"),
    Ask("PUT", "/alerts/{uuid}", shapes.ALERT, "/alerts/{alert}", ALERT),
    Ask("GET", "/alerts/{uuid}/history", [shapes.ALERT_HISTORY], "/alerts/{alert}/history", least=1),
    Ask("DELETE", "/alerts", "null", "/alerts?uuid={alert}"),
    Ask("POST", "/alerts", shapes.ALERT | {"basket": Keyed("any")}, form=ALERT | ATO, keep={"ato": "uuid"}),
    Ask("GET", "/alerts/{uuid}/history", [ATO_HISTORY], "/alerts/{ato}/history", least=1),
    Ask("GET", "/alerts/{uuid}", shapes.ALERT | {"basket": Keyed("any")}, "/alerts/{ato}"),
    Ask(
        "POST",
        "/mf/orders",
        {"order_id": "text"},
        form={"tradingsymbol": SCHEME, "transaction_type": "BUY", "amount": "5000"},
        keep={"fund": "order_id"},
    ),
    Ask("GET", "/mf/orders", [shapes.FUND_ORDER], least=1),
    Ask("GET", "/mf/orders/{number}", shapes.FUND_ORDER, "/mf/orders/{fund}"),
    Ask(
        "POST",
        "/mf/orders",
        {"order_id": "text"},
        form={"tradingsymbol": HELD, "transaction_type": "SELL", "quantity": "10.5", "tag": "out"},
    ),
    Ask("DELETE", "/mf/orders/{number}", {"order_id": "text"}, "/mf/orders/{fund}"),
    Ask(
        "POST",
        "/mf/sips",
        {"sip_id": "text", "order_id": "text"},
        form=SIP | {"initial_amount": "5000"},
        keep={"sip": "sip_id"},
    ),
    Ask("POST", "/mf/sips", {"sip_id": "text"}, form=SIP | {"step_up": '{"15-02": 10}', "tag": "sip"}),
    Ask("GET", "/mf/sips", [shapes.SIP], least=2),
    Ask("GET", "/mf/orders", [shapes.FUND_ORDER], least=3),
    Ask("GET", "/mf/sips/{number}", shapes.SIP | {"fund_source": "text"}, "/mf/sips/{sip}"),
    Ask("PUT", "/mf/sips/{number}", {"sip_id": "text"}, "/mf/sips/{sip}", {"amount": "2000"}),
    Ask("DELETE", "/mf/sips/{number}", {"sip_id": "text"}, "/mf/sips/{sip}"),
    Ask("GET", "/mf/holdings", [shapes.FUND_HOLDING], least=1),
    Ask("GET", "/mf/holdings/{isin}", [shapes.FUND_PURCHASE], f"/mf/holdings/{HELD}"),
    Ask("GET", "/mf/allotments", ["any"]),
    Ask("POST", "/gtt/triggers", {"trigger_id": "int"}, form=GTT, keep={"gtt": "trigger_id"}),
    Ask("POST", "/gtt/triggers", {"trigger_id": "int"}, form=PAIR),
    Ask("GET", "/gtt/triggers", [shapes.GTT], least=2),
    Ask("GET", "/gtt/triggers/{trigger_id}", shapes.GTT, "/gtt/triggers/{gtt}"),
    Ask("PUT", "/gtt/triggers/{trigger_id}", {"trigger_id": "int"}, "/gtt/triggers/{gtt}", GTT),
    Ask("DELETE", "/gtt/triggers/{trigger_id}", {"trigger_id": "int"}, "/gtt/triggers/{gtt}"),
    Ask("POST", "/margins/orders", [shapes.ORDER_MARGIN], json=[MARGIN_ITEM, FUTURE_ITEM], least=2),
    Ask(
        "POST", "/margins/orders", [shapes.COMPACT_MARGIN], "/margins/orders?mode=compact", json=[MARGIN_ITEM], least=1
    ),
    Ask("POST", "/margins/orders", [shapes.ORDER_MARGIN], raw="null"),
    Ask("POST", "/margins/basket", shapes.BASKET, "/margins/basket?consider_positions=False", json=[MARGIN_ITEM]),
    Ask(
        "POST",
        "/margins/basket",
        shapes.COMPACT_BASKET,
        "/margins/basket?consider_positions=True&mode=compact",
        json=[MARGIN_ITEM, FUTURE_ITEM],
    ),
    Ask(
        "POST",
        "/charges/orders",
        [shapes.CONTRACT_NOTE],
        json=[CHARGE_ITEM, FUTURE_ITEM | {"order_id": "2", "average_price": 26000}],
    ),
    Ask(
        "POST",
        "/session/refresh_token",
        shapes.RENEWED,
        form={"api_key": API_KEY, "refresh_token": "{refresh_token}", "checksum": "{refresh_checksum}"},
    ),
    Ask("DELETE", "/session/token", "bool", f"/session/token?api_key={API_KEY}&access_token={{access_token}}"),
)
# These answer no envelope: pages for a browser, and files.
PAGES = {
    ("GET", "/connect/login"),
    ("POST", "/connect/login"),
    ("GET", "/connect/login.css"),
    ("GET", "/connect/done"),
    ("GET", "/connect/portfolio/authorise/holdings/{api_key}/{request_id}"),
}
FILES = {"/instruments", "/instruments.json", "/instruments/{exchange}", "/mf/instruments"}


def every_route() -> set[tuple[str, str]]:
    """Method and path of all that the exchange answers, from its own table."""
    exchange = Exchange(users=["U"], market="frozen", seed=1, start_ns=1_795_060_200_000_000_000)
    logins = Logins((), {}, machine_ns)
    auth = Auth(exchange, Books(exchange), logins, machine_ns, machine_ns, lambda *_: None, lambda _: None)
    found = set()
    for route in routes.table(auth):
        assert isinstance(route, Route)
        found |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
    return found
