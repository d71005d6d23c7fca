"""Every rule of the exchange that can be set: that it changes what a client meets, and what is refused of settings."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kiteconnect import exceptions as kite
from kitev3._core import Exchange, ExchangeRefusal, exchange_rules
from kitev3.calendar import IST
from kitev3.errors import ConfigError
from kitev3.runtime.clock import datetime_ns
from kitev3.services.kitesim.config import KitesimConfig
from kitev3.services.kitesim.options import read_options
from kitev3.services.kitesim.rules import NAMES, bounds, differences, list_rules, read_rules, rules_of, text
from waiting import S_MAX, until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from services.kitesim_rig import Kitesim, again, kitesim

USER = "A"
SECOND_NS = 1_000_000_000
MOMENT_S = 0.4  # in which nothing more comes
INFY = 408_065
ORDER: dict[str, Any] = {
    "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10, "product": "MIS",
    "order_type": "LIMIT", "price": 1390,
}  # fmt: skip
PAGE = Path(__file__).parents[3] / "docs" / "kitesim-rules.md"


def at(clock: str) -> int:
    return datetime_ns(datetime.fromisoformat(f"2026-11-19T{clock}").replace(tzinfo=IST))


def still(profile: str = "strict-2026", **rules: Any) -> Exchange:
    """An exchange whose market stands still."""
    return Exchange(users=[USER], market="frozen", seed=1, start_ns=at("09:20"), profile=profile, rules=rules)


def dated(clock: str, profile: str = "strict-2026", **rules: Any) -> Exchange:
    """One that keeps the sessions of its day."""
    start_ns = at(clock)
    return Exchange(  # in the large universe, since the small one has neither currency nor commodity
        users=[USER], market="synthetic", seed=1, start_ns=start_ns, profile=profile, universe="full", hours="dated",
        rules=rules,
    )  # fmt: skip


def caught(act: Callable[[], Any]) -> Any:
    """What came of it; of a refusal its status and kind."""
    try:
        return act()
    except ExchangeRefusal as refusal:
        return refusal.status, refusal.error_type


def place(exchange: Exchange, variety: str = "regular", **changes: Any) -> str:
    """The id of a new order."""
    return exchange.place(USER, variety=variety, **(ORDER | changes))


def taken(exchange: Exchange, variety: str = "regular", **changes: Any) -> bool:
    return isinstance(caught(lambda: place(exchange, variety, **changes)), str)


def row(exchange: Exchange) -> dict[str, Any]:
    """The last order in the book."""
    last: dict[str, Any] = exchange.orders(USER)[-1]
    return last


def market_order(made: Exchange, member: str, **changes: Any) -> Any:
    made.place(USER, **(ORDER | changes | {"order_type": "MARKET", "market_protection": -1}))
    return row(made)[member]


def option(exchange: Exchange) -> dict[str, Any]:
    """A call of NIFTY, and its lot."""
    rows = [line.split(",") for line in exchange.instruments_csv("NFO").splitlines()[1:]]
    name, lot = next((r[2], int(r[8])) for r in rows if r[9] == "CE" and r[3].strip('"') == "NIFTY")
    return {"exchange": "NFO", "tradingsymbol": name, "quantity": lot, "product": "NRML"}


def offered(exchange: Exchange) -> bool:
    """Whether an order to sell to the auction's buyers is taken."""
    return taken(exchange, "auction", transaction_type="SELL", product="CNC", auction_number="1594")


def twice_cancelled(exchange: Exchange) -> Any:
    order_id = place(exchange)
    exchange.cancel(USER, order_id)
    return caught(lambda: exchange.cancel(USER, order_id))


def twice_modified(exchange: Exchange) -> Any:
    order_id = place(exchange)
    exchange.modify(USER, order_id, quantity=11)
    return caught(lambda: exchange.modify(USER, order_id, quantity=12))


def orders_taken(exchange: Exchange, number: int, apart_ns: int = 0) -> int:
    """How many of so many orders are let in."""
    start_ns = at("09:20")
    fields = {**ORDER, "quantity": 1}
    admitted = 0
    for count in range(number):
        act = caught(partial(exchange.place, USER, at_ns=start_ns + count * apart_ns, **fields))
        admitted += isinstance(act, str)
    return admitted


def last_answer(exchange: Exchange, number: int) -> Any:
    """What the last of so many orders is answered."""
    orders_taken(exchange, number - 1)
    return caught(lambda: place(exchange))


def reads_taken(exchange: Exchange, kind: str) -> int:
    """How many of fifteen requests in one second are let in."""
    at_ns = at("09:20")
    return sum(caught(lambda: exchange.admit_read("K", kind, at_ns=at_ns)) is None for _ in range(15))


def rolling(exchange: Exchange) -> bool:
    """Whether ten orders at a second's end still count at the next one's beginning."""
    start_ns = at("09:20")
    for _ in range(10):
        exchange.place(USER, at_ns=start_ns + 900_000_000, **ORDER)
    return bool(
        caught(lambda: exchange.place(USER, at_ns=start_ns + 1_100_000_000, **ORDER)) == (429, "NetworkException")
    )


def candles(exchange: Exchange, interval: str, days: int) -> bool:
    """Whether a span of so many days is answered."""
    end = datetime(2026, 11, 19)
    times = {"from": f"{end - timedelta(days=days)}", "to": f"{end}"}
    return isinstance(caught(lambda: exchange.candles(str(INFY), interval, **times)), dict)


def becomes_stop(exchange: Exchange) -> bool:
    """Whether an order that stands becomes one that waits for its trigger."""
    order_id = place(exchange)
    changes = {"order_type": "SL-M", "trigger_price": 1550, "market_protection": -1}
    return caught(lambda: exchange.modify(USER, order_id, **changes)) is None


def trailed(exchange: Exchange) -> Any:
    """Whether a trailing trigger has followed by whole points of ten paise, once it has followed at all."""
    price = exchange.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"]
    instrument = {"exchange": "NSE", "tradingsymbol": "INFY"}
    begin = round(price * 0.95, 0)
    made = exchange.place_gtt(
        USER, kind="trailing-single", condition=instrument, triggers=[str(begin)], trailing=["0.7"],
        orders=[ORDER | {"transaction_type": "SELL", "price": begin}],
    )  # fmt: skip
    while not (followed := exchange.gtt(USER, str(made))["condition"]["trigger_values"][0] - begin):
        exchange.advance(exchange.next_cut_ns)
    return round(followed / 0.7, 6).is_integer()


def index_option(exchange: Exchange) -> str:
    """What becomes of an order to buy an option on NIFTY for half as much again, and ₹21 more."""
    rows = [line.split(",") for line in exchange.instruments_csv("NFO").splitlines()[1:]]
    found = next(r for r in rows if r[3] == "NIFTY" and r[9] == "CE")
    price = exchange.ltp([f"NFO:{found[2]}"])[f"NFO:{found[2]}"]["last_price"]
    fields = {"exchange": "NFO", "tradingsymbol": found[2], "quantity": int(found[8]), "product": "NRML"}
    exchange.place(USER, **(ORDER | fields | {"price": round(price * 1.5 + 21)}))
    return str(row(exchange)["status"])


def trigger(exchange: Exchange, percent_away: float = 5.0, **changes: Any) -> Any:
    """A trigger above the last price."""
    price = exchange.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"]
    wanted = f"{price * (1 + percent_away / 100):.1f}"
    instrument = {"exchange": "NSE", "tradingsymbol": "INFY"}
    order = {**ORDER, "transaction_type": "SELL", "product": "CNC"} | changes
    condition = instrument | {"last_price": price}
    return caught(
        lambda: exchange.place_gtt(USER, kind="single", condition=condition, triggers=[wanted], orders=[order])
    )


def third_trigger(exchange: Exchange) -> Any:
    return [isinstance(trigger(exchange), int) for _ in range(3)][-1]


def life(exchange: Exchange) -> Any:
    made = trigger(exchange)
    return exchange.gtt(USER, str(made))["expires_at"][:10]


def contract(exchange: Exchange, segment: str) -> dict[str, Any]:
    """Something of a segment to be ordered, in one lot, at its last price."""
    if segment == "shares":
        name, fields = "NSE:INFY", dict(ORDER)
    else:
        wanted = {"derivatives": "NFO", "currency": "CDS", "commodity": "MCX"}[segment]
        rows = [line.split(",") for line in exchange.instruments_csv(wanted).splitlines()[1:]]
        last = [r for r in rows if r[9] == "FUT"][-1]  # the nearest may expire today
        name = f"{wanted}:{last[2]}"
        fields = ORDER | {"exchange": wanted, "tradingsymbol": last[2], "quantity": int(last[8])}
    return fields | {"price": exchange.ltp([name])[name]["last_price"]}


def after_hours(segment: str) -> Callable[[Exchange], bool]:
    """Whether an order for after the market is taken now."""

    def observed(exchange: Exchange) -> bool:
        fields = contract(exchange, segment)
        product = "CNC" if segment == "shares" else "NRML"
        return isinstance(caught(lambda: exchange.place(USER, variety="amo", **(fields | {"product": product}))), str)

    return observed


def lot_of(exchange: Exchange, name: str) -> dict[str, Any]:
    """A lot of a contract on RELIANCE, a future or a call, and its last price."""
    rows = [line.split(",") for line in exchange.instruments_csv("NFO").splitlines()[1:]]
    found = next(r for r in rows if r[2].startswith("RELIANCE26NOV") and r[9] == name)
    price = exchange.ltp([f"NFO:{found[2]}"])[f"NFO:{found[2]}"]["last_price"]
    return ORDER | {"exchange": "NFO", "tradingsymbol": found[2], "quantity": int(found[8]), "price": price}


def beyond(kind: str, rupees: float = 0, part: float = 0) -> Callable[[Exchange], str]:
    """What becomes of an order to buy so far above what the contract costs."""

    def observed(exchange: Exchange) -> str:
        fields = lot_of(exchange, kind)
        price = round(fields["price"] * (1 + part) + rupees, 0)
        exchange.place(USER, **(fields | {"price": price}))
        return str(row(exchange)["status"])

    return observed


def full(**rules: Any) -> Exchange:
    """A market that stands still, in the large universe."""
    start_ns = at("09:20")
    return Exchange(users=[USER], market="frozen", seed=1, start_ns=start_ns, universe="full", rules=rules)


def amo_cancelled(exchange: Exchange) -> Any:
    """What an order for after the market shows when it has been cancelled."""
    exchange.cancel(USER, place(exchange, "amo", product="CNC", **near(exchange)), variety="amo")
    return row(exchange)["status"]


def near(exchange: Exchange) -> dict[str, Any]:
    return {"price": contract(exchange, "shares")["price"]}


def intraday(segment: str) -> Callable[[Exchange], bool]:
    """Whether an intraday order is taken now, so that the broker has not closed the day."""
    return lambda exchange: isinstance(caught(lambda: exchange.place(USER, **contract(exchange, segment))), str)


def tied(
    member: str, of: Callable[[Exchange], dict[str, Any]], units: int = 1, **changes: Any
) -> Callable[[Exchange], float]:
    """A part of an order's margin, as a share of its value."""

    def observed(exchange: Exchange) -> float:
        asked = of(exchange) | changes
        (margin,) = exchange.order_margins(USER, [asked])
        return round(margin[member] / (asked["price"] * asked["quantity"] * units), 2)

    return observed


TABLE: list[tuple[str, Any, Callable[..., Exchange], Callable[[Exchange], Any], Any, Any]] = [
    # rule, another value, an exchange, what is seen, with the profile's value, with the other
    ("protection_required", False, still, lambda e: taken(e, order_type="MARKET"), False, True),
    ("unprotected_status", 403, still, lambda e: caught(lambda: place(e, order_type="MARKET"))[0], 400, 403),
    (
        "unprotected_error_type", "OrderException", still,
        lambda e: caught(lambda: place(e, order_type="MARKET"))[1], "InputException", "OrderException",
    ),
    ("protection_shown", True, still, lambda e: market_order(e, "market_protection"), 0, -1),
    ("protection_bp", [200, 100, 70], still, lambda e: market_order(e, "tags")[1], "mktp:0.50", "mktp:0.70"),
    (
        "protection_option_bp", [900, 900, 900, 900], still,
        lambda e: market_order(e, "tags", **option(e))[1] == "mktp:9.00", False, True,
    ),
    (
        "stops_refused_at_the_door", False, still,
        lambda e: taken(e, order_type="SL", price=1401, trigger_price=1400), False, True,
    ),
    ("tag_chars_max", 30, still, lambda e: taken(e, tag="x" * 25), False, True),
    ("disclosed_percent_min", 50, still, lambda e: taken(e, disclosed_quantity=2), True, False),
    (
        "iceberg_legs_max", 5, still,
        lambda e: taken(e, "iceberg", iceberg_legs=10, iceberg_quantity=1), True, False,
    ),
    (
        "slices_max", 2, still,
        lambda e: "children" in e.place_sliced(USER, **(ORDER | option(e) | {"quantity": 65 * 28 * 2, "price": 0.05}))
        if taken(e) else None, True, (400, "InputException"),
    ),
    ("modifications_max", 1, still, twice_modified, None, (400, "OrderException")),
    ("share_quantity_max", 9, still, lambda e: taken(e), True, False),
    ("nrml_of_shares", True, still, lambda e: taken(e, product="NRML"), False, True),
    ("modify_to_stop", False, still, becomes_stop, True, False),
    (
        "closed_order_error_type", "GeneralException", still, twice_cancelled,
        (400, "OrderException"), (400, "GeneralException"),
    ),
    ("unknown_order", "404", still, lambda e: caught(lambda: e.order_history(USER, "1"))[0], 400, 404),
    ("unknown_order", "empty", still, lambda e: caught(lambda: e.order_trades(USER, "1")), (400, "OrderException"), []),
    (
        "unknown_order_error_type", "GeneralException", still,
        lambda e: caught(lambda: e.order_history(USER, "1"))[1], "OrderException", "GeneralException",
    ),
    (
        "holding_status", 403, still,
        lambda e: caught(lambda: place(e, transaction_type="SELL", product="CNC", tradingsymbol="RELIANCE"))[0],
        400, 403,
    ),
    ("algo_id_shown", True, still, lambda e: (place(e, algo_id="77"), row(e).get("algo_id"))[1], None, "77"),
    ("order_ids", "dated", still, lambda e: len(place(e)), 19, 15),
    ("open_frames", True, still, lambda e: (place(e), len(e.take_order_frames()))[1], 0, 1),
    ("limits_rolling", True, still, rolling, False, True),
    ("orders_per_second", 3, still, lambda e: orders_taken(e, 15), 10, 3),
    ("orders_per_second", 0, still, lambda e: orders_taken(e, 15), 10, 15),
    ("orders_per_minute", 5, still, lambda e: orders_taken(e, 8, 200_000_000), 8, 5),
    ("orders_per_day", 6, still, lambda e: orders_taken(e, 8), 8, 6),
    ("quotes_per_second", 4, still, lambda e: reads_taken(e, "quote"), 1, 4),
    ("history_per_second", 4, still, lambda e: reads_taken(e, "history"), 3, 4),
    ("others_per_second", 4, still, lambda e: reads_taken(e, "other"), 10, 4),
    ("span_minute_days", 90, still, lambda e: candles(e, "minute", 80), False, True),
    ("span_few_minutes_days", 50, still, lambda e: candles(e, "5minute", 80), True, False),
    ("span_half_hour_days", 50, still, lambda e: candles(e, "15minute", 80), True, False),
    ("span_hour_days", 50, still, lambda e: candles(e, "60minute", 80), True, False),
    ("span_day_days", 50, still, lambda e: candles(e, "day", 80), True, False),
    ("interval_hour", True, still, lambda e: candles(e, "hour", 5), False, True),
    ("gtt_active_max", 2, still, third_trigger, True, False),
    ("gtt_nearest_bp", 1000, still, lambda e: isinstance(trigger(e), int), True, False),
    (
        "gtt_nearest_paise", 200_00, lambda **r: still(gtt_cheap_below_paise=10_000_000, **r),
        lambda e: isinstance(trigger(e), int), True, False,
    ),
    (
        "gtt_cheap_below_paise", 10_000_000, lambda **r: still(gtt_nearest_paise=200_00, **r),
        lambda e: isinstance(trigger(e), int), True, False,
    ),
    ("gtt_life_days", 30, still, life, "2027-11-19", "2026-12-19"),
    ("gtt_checked", False, still, lambda e: isinstance(trigger(e, price=1390.01), int), False, True),
    ("gtt_checked", False, still, lambda e: isinstance(trigger(e, product="NRML"), int), False, True),
    ("gtt_trail_in_steps", False, lambda **r: dated("10:00", **r), trailed, True, False),
    ("amo_shares", "18:00-08:58", lambda **r: dated("17:00", **r), after_hours("shares"), True, False),
    ("amo_derivatives", "18:00-08:58", lambda **r: dated("17:00", **r), after_hours("derivatives"), True, False),
    ("amo_currency", "18:00-08:58", lambda **r: dated("17:30", **r), after_hours("currency"), True, False),
    ("amo_commodity", "00:10-08:58", lambda **r: dated("23:57", **r), after_hours("commodity"), True, False),
    ("lpp", False, full, beyond("FUT", part=0.04), "REJECTED", "COMPLETE"),
    ("lpp_from", "2026-11-20", full, beyond("FUT", part=0.04), "REJECTED", "COMPLETE"),
    ("lpp_option_bp", 9000, full, beyond("CE", rupees=21, part=0.5), "REJECTED", "COMPLETE"),
    ("lpp_option_paise", 900_00, full, beyond("CE", rupees=21, part=0.5), "REJECTED", "COMPLETE"),
    ("lpp_future_bp", 500, full, beyond("FUT", part=0.04), "REJECTED", "COMPLETE"),
    ("lpp_future_paise", 200_00, full, beyond("FUT", part=0.04), "REJECTED", "COMPLETE"),
    ("lpp_indices", False, full, index_option, "REJECTED", "COMPLETE"),
    ("lpp_both_sides", True, full, beyond("FUT", part=-0.04), "OPEN", "REJECTED"),
    ("amo_cancelled_apart", True, lambda **r: dated("17:00", **r), amo_cancelled, "CANCELLED", "CANCELLED AMO"),
    ("amo_any_hour", True, lambda **r: dated("10:00", **r), after_hours("shares"), False, True),
    ("auction_held", "12:00", lambda **r: dated("12:30", **r), offered, True, False),
    ("square_off", False, lambda **r: dated("15:12", **r), intraday("shares"), False, True),
    ("square_off_shares", "15:05", lambda **r: dated("15:08", **r), intraday("shares"), True, False),
    ("square_off_derivatives", "15:05", lambda **r: dated("15:08", **r), intraday("derivatives"), True, False),
    ("square_off_currency", "15:05", lambda **r: dated("15:08", **r), intraday("currency"), True, False),
    ("square_off_commodity", "15:05", lambda **r: dated("15:08", **r), intraday("commodity"), True, False),
    ("margin_intraday_bp", 4000, still, tied("var", partial(contract, segment="shares")), 0.2, 0.4),
    ("margin_funded_bp", 2500, still, tied("var", partial(contract, segment="shares"), product="MTF"), 0.5, 0.25),
    ("margin_intraday_bp", 1000, still, lambda e: e.order_margins(USER, [ORDER])[0]["leverage"], 5, 10),
    (
        "margin_index_bp", [1860, 400, 175, 200, 300], still,
        tied("span", partial(contract, segment="derivatives")), 0.09, 0.19,
    ),
    ("margin_stock_bp", [1420, 1000, 220, 700, 750], full, tied("exposure", partial(lot_of, name="FUT")), 0.03, 0.07),
    (
        "margin_currency_bp", [1500, 300, 60, 100, 150], partial(dated, "10:00"),
        tied("span", partial(contract, segment="currency"), units=1000), 0.01, 0.15,
    ),
    (
        "margin_commodity_bp", [3000, 1000, 400, 100, 750], partial(dated, "10:00"),
        tied("span", partial(contract, segment="commodity"), units=100), 0.15, 0.3,
    ),
    ("minute_limit_status", 403, lambda **r: still(orders_per_minute=3, **r), lambda e: last_answer(e, 4)[0], 429, 403),
    (
        "minute_limit_error_type", "InputException", lambda **r: still(orders_per_minute=3, **r),
        lambda e: last_answer(e, 4)[1], "NetworkException", "InputException",
    ),
    ("day_limit_status", 400, lambda **r: still(orders_per_day=3, **r), lambda e: last_answer(e, 4)[0], 429, 400),
    (
        "day_limit_error_type", "OrderException", lambda **r: still(orders_per_day=3, **r),
        lambda e: last_answer(e, 4)[1], "NetworkException", "OrderException",
    ),
]  # fmt: skip
WAY = {  # of an order, by its hops
    "latency_broker_ms": "PUT ORDER REQ RECEIVED", "latency_checks_ms": "VALIDATION PENDING",
    "latency_exchange_ms": "OPEN PENDING", "latency_book_ms": "OPEN", "latency_cancel_ms": "CANCEL PENDING",
    "latency_modify_ms": "MODIFY VALIDATION PENDING",
}  # fmt: skip
AT_THE_SERVER = {
    "sockets_max", "socket_tokens_max", "mode_subscribes", "snapshot_on_subscribe", "heartbeat_ms", "instruments_meta",
    "order_id_member", "nco_divisor", "login_end", "unlisted_status", "unlisted_error_type",
}  # fmt: skip


@pytest.mark.parametrize(("rule", "value", "made", "seen", "before", "after"), TABLE, ids=[row[0] for row in TABLE])
def test_a_rule_changes_what_a_client_meets(
    rule: str, value: Any, made: Callable[..., Exchange], seen: Callable[[Exchange], Any], before: Any, after: Any
) -> None:
    assert caught(lambda: seen(made())) == before
    assert caught(lambda: seen(made(**{rule: value}))) == after


@pytest.mark.parametrize("hop", WAY)
def test_a_hop_that_takes_time_shows_the_state_before_it(hop: str) -> None:
    slowed: dict[str, Any] = {hop: 300}
    made = still(**slowed)
    asks: dict[str, Callable[[str], Any]] = {
        "latency_modify_ms": lambda order_id: made.modify(USER, order_id, quantity=9),
        "latency_cancel_ms": lambda order_id: made.cancel(USER, order_id),
    }
    price = ORDER["price"] if hop in asks else 1600
    order_id = place(made, price=price)
    if hop in asks:
        asks[hop](order_id)
    start_ns = made.now_ns

    for after_ms, shown in ((0, True), (299, True), (300, False)):
        made.advance(start_ns + after_ms * 1_000_000)
        assert (row(made)["status"] == WAY[hop]) is shown
    assert row(made)["status"] == {"latency_modify_ms": "OPEN", "latency_cancel_ms": "CANCELLED"}.get(hop, "COMPLETE")


def test_an_order_is_complete_within_300_ms_unless_it_is_slowed_down() -> None:
    slow = rule("latency_broker_ms=200", "latency_exchange_ms=300", "latency_book_ms=200", "open_frames=true")
    taken_s: dict[str, list[float]] = {"fast": [], "slow": []}
    for name, options in {"fast": (), "slow": slow}.items():
        with kitesim("--market", "frozen", *options) as running, connect(running.feed) as feed:
            client = running.client()
            for _ in range(3):  # the fastest counts: what the machine is busy with is not the exchange's
                began_s = time.monotonic()
                order_id = again(client.place_order, variety="regular", **(ORDER | {"price": 1600}))
                frames: list[dict[str, Any]] = []
                while not frames or frames[-1]["status"] != "COMPLETE":
                    frames += [text["data"] for text in texts([feed.recv(timeout=S_MAX)]) if text["type"] == "order"]
                taken_s[name].append(time.monotonic() - began_s)
            history = [state["status"] for state in again(client.order_history, order_id)]

    assert min(taken_s["fast"]) <= 0.3
    assert 0.7 <= min(taken_s["slow"]) <= 2.0
    assert [frame["status"] for frame in frames] == ["OPEN", "COMPLETE"]
    assert history == ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "COMPLETE"]


def test_who_reads_while_an_order_arrives_is_told_of_it_all_the_same() -> None:
    with kitesim("--market", "frozen", *rule("latency_exchange_ms=200")) as running, connect(running.feed) as feed:
        client = running.client()
        order_id = client.place_order(variety="regular", **(ORDER | {"price": 1600}))
        until(lambda: again(client.order_history, order_id)[-1]["status"] == "COMPLETE")
        frames = [text["data"]["status"] for text in texts(heard(feed, texts))]

    assert frames == ["COMPLETE"]


def farthest(lpp_seconds: int) -> int:
    """How far below the last price a future can be bid for, in ticks: what was paid of late decides."""
    rules = {"lpp_both_sides": True, "lpp_seconds": lpp_seconds, "orders_per_second": 0, "orders_per_minute": 0}
    made = Exchange(users=[USER], market="synthetic", seed=3, start_ns=at("09:45"), universe="full", rules=rules)
    fields = lot_of(made, "FUT")
    for ticks in range(round(fields["price"] * 0.02) * 10, round(fields["price"] * 0.04) * 10):
        order_id = made.place(USER, **(fields | {"price": round(fields["price"] - ticks / 10, 1)}))
        if row(made)["status"] == "REJECTED":
            return ticks
        made.cancel(USER, order_id)
    raise AssertionError("nothing is too far")


def test_what_was_paid_of_late_is_of_so_many_seconds() -> None:
    assert len({farthest(30), farthest(1), farthest(60)}) > 1


def test_every_rule_is_seen_somewhere() -> None:
    assert (
        {row[0] for row in TABLE} | set(WAY) | {"lpp_seconds"} | AT_THE_SERVER
        == set(NAMES)
        == set(exchange_rules("legacy"))
    )


# --- at the server ----------------------------------------------------------------------------------------------------


def rule(*words: str) -> tuple[str, ...]:
    return tuple(part for word in words for part in ("--rule", word))


def heard(feed: ClientConnection, enough: Callable[[list[Any]], Any] = lambda messages: True) -> list[Any]:
    """All that comes until that is enough, and in a moment after it."""
    messages: list[Any] = []
    while not enough(messages):
        messages.append(feed.recv(timeout=S_MAX))
    end_s = time.monotonic() + MOMENT_S
    while (left_s := end_s - time.monotonic()) > 0:
        with contextlib.suppress(TimeoutError):
            messages.append(feed.recv(timeout=left_s))
    return messages


def say(feed: ClientConnection, verb: str, value: Any) -> None:
    feed.send(json.dumps({"a": verb, "v": value}))


def texts(messages: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(message) for message in messages if isinstance(message, str)]


def snapshots(messages: list[Any]) -> list[bytes]:
    return [message for message in messages if isinstance(message, bytes) and len(message) > 1]


def test_the_sockets_own_rules() -> None:
    own = rule(
        "sockets_max=1", "socket_tokens_max=2", "mode_subscribes=false", "heartbeat_ms=100", "instruments_meta=true",
        "order_id_member=true", "open_frames=true",
    )  # fmt: skip
    with kitesim("--market", "frozen", *own) as running, connect(running.feed) as feed:
        first = heard(feed, lambda said: said.count(b"\x00") >= 2)
        with pytest.raises(InvalidStatus, match="429"):
            connect(running.feed).close()
        say(feed, "mode", ["full", [INFY]])
        ignored = snapshots(heard(feed))
        say(feed, "subscribe", [INFY, 1, 2])
        say(feed, "mode", ["full", [INFY]])
        answers = heard(feed, lambda said: len(snapshots(said)) >= 2)
        running.client().place_order(variety="regular", **ORDER)
        frames = texts(heard(feed, texts))

    meta = texts(first)[0]
    assert (meta["type"], set(meta["data"])) == ("instruments_meta", {"count", "etag"})
    assert ignored == []
    assert texts(answers) == [{"type": "error", "data": "Can't subscribe to more than 2 instruments."}]
    assert [len(frame) for frame in snapshots(answers)] == [4 + 44, 4 + 184]
    assert frames[0]["type"] == "order"
    assert frames[0]["id"] == ""


def test_the_sockets_as_the_profile_has_them() -> None:
    with kitesim("--market", "frozen") as running, connect(running.feed) as feed, connect(running.feed) as other:
        first = heard(feed)
        say(feed, "mode", ["full", [INFY]])
        shown = snapshots(heard(feed, snapshots))
        say(other, "subscribe", [INFY, 1, 2])
        errors = texts(heard(other))

    assert texts(first) == snapshots(first) == []
    assert [len(frame) for frame in shown] == [4 + 184]
    assert errors == []


def test_a_subscriber_need_not_be_shown_anything_at_once() -> None:
    with kitesim("--market", "frozen", *rule("snapshot_on_subscribe=false")) as running, connect(running.feed) as feed:
        say(feed, "subscribe", [INFY])

        assert snapshots(heard(feed)) == []


def test_an_address_that_is_not_listed_is_answered_as_the_rules_say() -> None:
    own = rule("unlisted_status=400", "unlisted_error_type=InputException")
    with kitesim("--static-ip", "10.1.2.3", *own) as running, pytest.raises(kite.InputException) as refused:
        running.client().place_order(variety="regular", **ORDER)

    assert refused.value.code == 400


def test_a_login_ends_when_the_rules_say() -> None:
    with kitesim("--speed", "20", *rule("login_end=09:21")) as running:
        until(lambda: is_dead(running))


def is_dead(running: Kitesim) -> bool:
    try:
        again(running.client().orders)
    except kite.TokenException:
        return True
    return False


# --- where they are set -----------------------------------------------------------------------------------------------


def test_the_file_and_the_command_line_set_them_the_latter_first(tmp_path: Path) -> None:
    file = tmp_path / "kitesim.toml"
    file.write_text(
        'profile = "legacy"\n[rules]\ntag_chars_max = 30\nmodifications_max = 3\nprotection_bp = [1, 2, 3]\n'
    )
    options = read_options(["--settings", str(file), "--rule", "modifications_max=7", "--rule", "order_ids=snowflake"])

    assert options.all_rules == {
        "tag_chars_max": 30, "modifications_max": 7, "order_ids": "snowflake", "protection_bp": (1, 2, 3),
    }  # fmt: skip
    made = still("legacy", **options.all_rules)
    assert differences(made) == {**options.all_rules, "protection_bp": [1, 2, 3]}
    assert rules_of(made).protection_bp == (1, 2, 3)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("heartbeat=100", "no setting 'heartbeat', did you mean 'heartbeat_ms'?"),
        ("heartbeat_ms=1", "from 10 to 600000, in strict-2026 1000"),
        ("open_frames=1", "true or false, in strict-2026 false"),
        ("order_ids=long", "one of snowflake, dated, in strict-2026 snowflake"),
        ("login_end=6", "a time, IST, as 15:10, in strict-2026 06:00"),
        ("amo_shares=16:00", "two times, IST, as 16:00-08:58, in strict-2026 16:00-08:58"),
        ("protection_bp=[1, 2]", "3 numbers from 1 to 10000, in strict-2026 [200, 100, 50]"),
        ("open_frames", "'open_frames' is not of the form name=value"),
    ],
)
def test_what_is_no_rule_or_no_value_is_refused_with_bounds_and_default(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        _ = read_options(["--rule", word]).all_rules


def test_a_part_of_what_the_profile_leaves_out_is_refused() -> None:
    with pytest.raises(ValueError, match="amo_any_hour = false beside it"):
        still("legacy", amo_shares="17:00-08:00")


def test_the_house_refuses_a_bad_rule_with_its_other_settings() -> None:
    KitesimConfig(rules={"tag_chars_max": 25})
    with pytest.raises(ConfigError, match=r"tag_chars_max.*from 1 to 200, in legacy 20"):
        KitesimConfig(profile="legacy", rules={"tag_chars_max": 0})


def test_the_greeting_names_what_differs() -> None:
    with kitesim("--rule", "tag_chars_max=30", "--rule", "open_frames=true") as running:
        assert running.process.stdout is not None
        lines = iter(running.process.stdout.readline, "")
        greeting = next(line for line in lines if line.startswith("  rules "))

    assert greeting == "  rules      tag_chars_max=30 open_frames=true\n"


def test_what_each_profile_has_is_within_the_bounds() -> None:
    for profile in ("strict-2026", "legacy"):
        defaults = exchange_rules(profile)
        assert set(read_rules(profile, defaults)) == set(NAMES)


def test_the_list_and_the_page_say_what_the_exchange_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(["--rules"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines() == list_rules()

    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    strict, legacy = exchange_rules("strict-2026"), exchange_rules("legacy")
    told = {cells[0].strip("| `"): (cells[1].strip("` "), cells[2].strip("` ")) for cells in rows}
    assert told == {name: (text(strict[name]), text(legacy[name])) for name in NAMES}
    assert all(bounds(hint) for hint in NAMES.values())
