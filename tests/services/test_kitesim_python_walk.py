"""The official Python client and KiteTicker, unmodified, through a day at kitesim, from the login page to the logout.

Once as a program of 2026 and once as an older one; what is asserted is what the clients made of the answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from kiteconnect import exceptions as kite
from waiting import until

from services.kitesim_rig import again, kitesim, ticker
from services.kitesim_trader import Trader, order

TODAY = dt.date(2026, 11, 19)
FUTURE, DOLLAR, OIL = "NFO:NIFTY26NOVFUT", "CDS:USDINR26NOVFUT", "MCX:CRUDEOIL26DECFUT"
SEGMENTS = ("NSE:NIFTY 50", "NSE:INFY", FUTURE, DOLLAR, OIL)
PLACED = ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING"]
MODIFIED = ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED"]
CANCELLED = ["CANCEL PENDING", "CANCELLED"]


@pytest.fixture(scope="module")
def strict() -> Iterator[Trader]:
    """As of 2026, with prices that stand still."""
    with kitesim("--universe", "full", "--clock", "2026-11-19T14:10", "--market", "frozen", "--speed", "300") as one:
        yield Trader(one, "strict-2026")


@pytest.fixture(scope="module")
def legacy() -> Iterator[Trader]:
    """As it was before, with prices that move."""
    with kitesim("--universe", "full", "--clock", "2026-11-19T14:10", "--profile", "legacy", "--speed", "5") as one:
        yield Trader(one, "legacy")


@pytest.fixture(params=["strict", "legacy"])
def here(request: pytest.FixtureRequest) -> Trader:
    found: Trader = request.getfixturevalue(request.param)
    return found


# --- login, instruments, ticks --------------------------------------------------------------------------------------


def test_a_login_is_a_person_with_a_token(here: Trader) -> None:
    session, profile = here.session, again(here.client.profile)

    assert session["login_time"].date() == TODAY
    assert {name: session[name] for name in profile} == profile
    assert (profile["user_type"], profile["broker"], profile["avatar_url"]) == ("individual", "ZERODHA", None)
    assert {"NSE", "NFO", "CDS", "MCX"} <= set(profile["exchanges"])


def test_instruments_are_dates_and_numbers(here: Trader) -> None:
    future, option, share = (here.rows[name] for name in (FUTURE, "NFO:NIFTY26D0126050CE", "NSE:INFY"))

    assert (future["expiry"], future["lot_size"], future["segment"]) == (dt.date(2026, 11, 23), 65, "NFO-FUT")
    assert (option["expiry"], option["strike"], option["instrument_type"]) == (dt.date(2026, 12, 1), 26050.0, "CE")
    assert (share["instrument_token"], share["expiry"], share["tick_size"]) == (408065, "", 0.1)
    assert here.rows["NSE:NIFTY 50"]["segment"] == "INDICES"
    for exchange in ("NSE", "BSE", "NFO", "CDS", "MCX"):
        own = [row for name, row in here.rows.items() if name.startswith(f"{exchange}:")]
        assert own == again(here.client.instruments, exchange)


@pytest.mark.parametrize("mode", ["ltp", "quote", "full"])
def test_the_ticker_says_in_every_mode_what_the_quote_says(strict: Trader, mode: str) -> None:
    names = {strict.rows[name]["instrument_token"]: name for name in SEGMENTS}
    quotes = strict.quotes(list(SEGMENTS))

    with ticker(strict.running.address, {mode: list(names)}, token=strict.session["access_token"]) as official:
        seen = official.until(mode, set(names))

    for token, tick in seen.items():
        quote = quotes[names[token]]
        average = tick.pop("average_traded_price", quote["average_price"])
        assert average == pytest.approx(quote["average_price"], abs=0.005)  # the wire's unit is coarser
        assert tick.pop("exchange_timestamp", "2026-11-19").startswith("2026-11-19")
        assert tick == shown(mode, quote, tradable=token & 0xFF != 9)


def shown(mode: str, quote: dict[str, Any], *, tradable: bool) -> dict[str, Any]:
    """A quote as the ticker's callback has it, but for the average and the exchange's time."""
    tick = {"tradable": tradable, "mode": mode} | {name: quote[name] for name in ("instrument_token", "last_price")}
    if mode == "ltp":
        return tick
    close = quote["ohlc"]["close"]
    tick |= {"ohlc": quote["ohlc"], "change": (quote["last_price"] - close) * 100 / close}
    if tradable:
        names = {"volume_traded": "volume", "last_traded_quantity": "last_quantity"}
        names |= {"total_buy_quantity": "buy_quantity", "total_sell_quantity": "sell_quantity"}
        tick |= {its: quote[ours] for its, ours in names.items()}
    if tradable and mode == "full":
        tick |= {name: quote[name] for name in ("oi", "oi_day_high", "oi_day_low", "depth")}
        tick |= {"last_trade_time": str(quote["last_trade_time"])}
    return tick


def test_a_market_that_moves_is_ticks_and_candles(legacy: Trader) -> None:
    token = legacy.rows["NSE:INFY"]["instrument_token"]
    with ticker(legacy.running.address, {"full": [token]}, token=legacy.session["access_token"]) as official:
        first, second = (official.until("full", {token})[token] for _ in range(2))
    day = again(legacy.client.historical_data, token, TODAY, TODAY, "day")
    minutes = again(legacy.client.historical_data, token, "2026-11-19 13:00:00", "2026-11-19 14:00:00", "minute")

    assert second["exchange_timestamp"] > first["exchange_timestamp"]
    assert second["ohlc"]["open"] == day[0]["open"]
    assert [row["date"].strftime("%H:%M%z") for row in minutes[:2]] == ["13:00+0530", "13:01+0530"]
    assert all(row["low"] <= row["close"] <= row["high"] for row in minutes)


# --- regular orders -------------------------------------------------------------------------------------------------


def test_a_limit_order_rests_is_modified_and_cancelled(here: Trader) -> None:
    price = here.last(part=0.97)
    lower = round(price - 1, 1)

    order_id = here.place(price=price, tag="walk", disclosed_quantity=1)
    here.modify("regular", order_id, quantity=6, price=lower)
    here.cancel("regular", order_id)

    history = again(here.client.order_history, order_id)
    assert [(row["status"], row["quantity"], row["price"]) for row in history] == [
        *((status, 5, price) for status in [*PLACED, "OPEN", *MODIFIED[:2]]),
        *((status, 6, lower) for status in ["MODIFIED", "OPEN", *CANCELLED]),
    ]
    assert [row["exchange_order_id"] is None for row in history] == [True] * 3 + [False] * 7
    row = here.row(order_id)
    assert (row["tag"], row["tags"], row["cancelled_quantity"], row["modified"]) == ("walk", ["walk"], 6, True)
    assert row["order_timestamp"].date() == row["exchange_timestamp"].date() == TODAY
    assert again(here.client.order_trades, order_id) == []


def test_a_protected_market_order_is_filled_as_a_limit(here: Trader) -> None:
    order_id = here.place(order_type="MARKET", market_protection=2)

    row, trades = here.row(order_id), again(here.client.order_trades, order_id)
    assert here.statuses(order_id)[:3] == PLACED
    assert (row["status"], row["order_type"], row["market_protection"]) == ("COMPLETE", "LIMIT", 0)
    assert (row["tags"], row["tag"], row["pending_quantity"]) == (["mktp", "mktp:2.00"], None, 0)
    assert sum(trade["quantity"] for trade in trades) == row["filled_quantity"] == 5
    paid = sum(trade["quantity"] * trade["average_price"] for trade in trades)
    assert row["average_price"] == pytest.approx(paid / 5, abs=1e-4)
    assert trades[0]["fill_timestamp"].date() == TODAY
    assert trades[0]["exchange_order_id"] == row["exchange_order_id"]
    assert trades == [trade for trade in again(here.client.trades) if trade["order_id"] == order_id]


def test_protection_is_asked_for_since_2026(strict: Trader, legacy: Trader) -> None:
    for stop in ({"order_type": "MARKET"}, {"order_type": "SL-M", "trigger_price": strict.last(part=1.02)}):
        with pytest.raises(kite.InputException, match="without market protection"):
            strict.place(**stop)

    assert legacy.row(legacy.place(order_type="MARKET"))["status"] == "COMPLETE"
    bare = legacy.place(order_type="SL-M", trigger_price=legacy.last(part=1.03))
    assert (legacy.row(bare)["status"], legacy.row(bare)["order_type"]) == ("TRIGGER PENDING", "SL-M")
    legacy.cancel("regular", bare)


@pytest.mark.parametrize("kind", ["SL", "SL-M"])
def test_a_stop_waits_for_its_trigger(here: Trader, kind: str) -> None:
    trigger, price = here.last(part=1.03), here.last(part=1.035)
    more = {"price": price} if kind == "SL" else {"market_protection": -1}

    order_id = here.place(order_type=kind, trigger_price=trigger, **more)
    shown = here.row(order_id)
    here.modify("regular", order_id, trigger_price=round(trigger + 1, 1))
    here.cancel("regular", order_id)

    assert (shown["status"], shown["order_type"], shown["trigger_price"]) == ("TRIGGER PENDING", kind, trigger)
    waits = "TRIGGER PENDING"
    assert here.statuses(order_id) == [*PLACED, waits, *MODIFIED, waits, *CANCELLED]
    assert here.row(order_id)["trigger_price"] == round(trigger + 1, 1)


def test_immediate_or_cancel_is_one_or_the_other(here: Trader) -> None:
    gone = here.place(price=here.last(part=0.97), validity="IOC")
    done = here.place(price=here.last(part=1.005), validity="IOC", quantity=1)

    assert here.statuses(gone) == [*PLACED, "OPEN", "CANCELLED"]
    assert (here.row(gone)["cancelled_quantity"], here.row(gone)["validity"]) == (5, "IOC")
    assert here.statuses(done) == [*PLACED, "COMPLETE"]


def test_an_order_of_a_minute_is_over_after_it(strict: Trader, legacy: Trader) -> None:
    order_id = strict.place(price=strict.last(part=0.97), validity="TTL", validity_ttl=1)
    longer = legacy.place(price=legacy.last(part=0.97), validity="TTL", validity_ttl=60)

    assert (legacy.row(longer)["status"], legacy.row(longer)["validity_ttl"]) == ("OPEN", 60)
    until_status(strict, order_id, "CANCELLED")
    assert strict.statuses(order_id) == [*PLACED, "OPEN", "CANCELLED"]
    legacy.cancel("regular", longer)


def until_status(one: Trader, order_id: str, status: str) -> None:
    until(lambda: one.row(order_id)["status"] == status, lambda: one.row(order_id))


# --- the other varieties --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evening() -> Iterator[Trader]:
    """After the market's hours, which strict-2026 asks of an order for after them."""
    with kitesim("--clock", "2026-11-19T17:30", "--hours", "dated", "--speed", "20") as one:
        yield Trader(one, "strict-2026")


@pytest.mark.parametrize("when", ["evening", "legacy"])
def test_an_after_market_order_rests_with_the_broker(request: pytest.FixtureRequest, when: str) -> None:
    one: Trader = request.getfixturevalue(when)
    order_id = one.place("amo", price=one.last(part=0.97))
    kept = one.row(order_id)
    one.modify("amo", order_id, quantity=7)
    one.cancel("amo", order_id)

    assert (kept["status"], kept["variety"], kept["exchange_order_id"]) == ("AMO REQ RECEIVED", "amo", None)
    statuses = one.statuses(order_id)
    assert statuses[:2] == ["PUT ORDER REQ RECEIVED", "AMO REQ RECEIVED"]
    assert "MODIFY AMO REQ RECEIVED" in statuses
    assert (one.row(order_id)["status"], one.row(order_id)["quantity"]) == ("CANCELLED", 7)


def test_an_order_for_after_the_market_is_not_taken_during_it(strict: Trader) -> None:
    with kitesim("--clock", "2026-11-19T14:10", "--hours", "dated") as running:
        one = Trader(running, "strict-2026")
        with pytest.raises(kite.OrderException, match="AMO"):
            one.place("amo", price=one.last(part=0.97))
        assert one.book() == []


def test_a_cover_order_has_a_second_leg_which_is_the_way_out(here: Trader) -> None:
    stop = here.last(part=0.97)
    entry = here.place("co", product="MIS", order_type="MARKET", market_protection=-1, trigger_price=stop)
    (leg,) = [row for row in here.book() if row["parent_order_id"] == entry]
    here.modify("co", leg["order_id"], parent_order_id=entry, trigger_price=round(stop - 1, 1))

    assert again(here.client.exit_order, "co", leg["order_id"], parent_order_id=entry) == leg["order_id"]

    first, last = here.row(entry), here.row(leg["order_id"])
    assert [(row["variety"], row["product"], row["status"]) for row in (first, last)] == [("co", "CO", "COMPLETE")] * 2
    assert (leg["status"], leg["transaction_type"], leg["trigger_price"]) == ("TRIGGER PENDING", "SELL", stop)
    assert (last["trigger_price"], last["filled_quantity"]) == (round(stop - 1, 1), 5)
    waits = "TRIGGER PENDING"
    statuses = here.statuses(leg["order_id"])
    assert statuses[: len(PLACED) + 5] == [*PLACED, waits, *MODIFIED, waits]
    assert statuses[-1] == "COMPLETE"


def test_an_iceberg_shows_one_leg_after_the_other(here: Trader) -> None:
    legs = {"quantity": 10, "iceberg_legs": 3, "iceberg_quantity": 4}
    resting = here.place("iceberg", price=here.last(part=0.97), **legs)
    shown = here.row(resting)
    here.modify("iceberg", resting, price=here.last(part=0.965))
    here.cancel("iceberg", resting)
    before = {row["order_id"] for row in here.book()}
    here.place("iceberg", price=here.last(part=1.005), **legs)
    rows = [row for row in here.book() if row["order_id"] not in before]

    whole = {"legs": 3, "leg_quantity": 4, "total_quantity": 10}
    assert (shown["quantity"], shown["meta"]) == (4, {"iceberg": whole | {"leg": 1, "remaining_quantity": 10}})
    assert here.row(resting)["status"] == "CANCELLED"
    assert [(row["quantity"], row["status"], row["meta"]["iceberg"]["leg"]) for row in rows] == [
        (4, "COMPLETE", 1), (4, "COMPLETE", 2), (2, "COMPLETE", 3),
    ]  # fmt: skip
    assert rows[-1]["meta"] == {"iceberg": whole | {"leg": 3, "remaining_quantity": 0}}
    assert len({row["exchange_order_id"] for row in rows}) == 3


def test_shares_are_offered_in_an_auction(here: Trader) -> None:
    rows = {row["tradingsymbol"]: row["auction_number"] for row in again(here.client.get_auction_instruments)}
    fields = {"transaction_type": "SELL", "price": here.last(part=0.99), "auction_number": rows["INFY"]}

    order_id = here.place("auction", **fields)
    shown = here.row(order_id)
    here.cancel("auction", order_id)

    assert (shown["variety"], shown["status"], shown["auction_number"]) == ("auction", "OPEN", rows["INFY"])
    assert here.statuses(order_id) == [*PLACED, "OPEN", *CANCELLED]
    with pytest.raises(kite.InputException, match="auction_number"):
        here.place("auction", **fields | {"auction_number": "1"})


def option_at(one: Trader, rupees: float) -> tuple[str, float]:
    """The call of this week that costs about so much, and its last price."""
    names = [name for name, row in one.rows.items() if name.startswith("NFO:NIFTY26NOV") and name.endswith("CE")]
    prices = {name: quote["last_price"] for name, quote in one.quotes(names).items()}
    return min(prices.items(), key=lambda pair: abs(pair[1] - rupees))


def test_what_is_above_the_freeze_quantity_is_sliced(here: Trader) -> None:
    name, last = option_at(here, 60)
    sliced = order(exchange="NFO", tradingsymbol=name[4:], product="NRML", quantity=2 * 1755 + 65, tag="whole")
    sliced |= {"price": here.on_tick(name, last * 0.9)}
    with pytest.raises(kite.InputException, match="freeze quantity"):
        again(here.client.place_order, "regular", **sliced)

    answer = again(here.client.place_autoslice_order, "regular", **sliced)

    children = [child["order_id"] for child in answer["children"]]
    rows = [here.row(child) for child in children]
    assert [row["quantity"] for row in rows] == [1755, 1755, 65]
    assert {(row["status"], row["tag"]) for row in rows} == {("OPEN", None)}
    assert [row["tags"] for row in rows] == [["autoslice", f"autoslice:{answer['order_id']}"]] * 3
    assert answer["order_id"] not in {row["order_id"] for row in here.book()}
    for child in children:
        here.cancel("regular", child)


def test_a_slice_for_which_there_is_no_money_is_an_error_among_its_siblings(here: Trader) -> None:
    free = again(here.client.margins, "equity")["net"]
    name, last = option_at(here, free / (1755 * 2.5) / 0.9)
    sliced = order(exchange="NFO", tradingsymbol=name[4:], product="NRML", quantity=3 * 1755)

    answer = again(here.client.place_autoslice_order, "regular", **sliced, price=here.on_tick(name, last * 0.9))

    placed, failed = answer["children"][:-1], answer["children"][-1]["error"]
    assert [set(child) for child in placed] == [{"order_id"}] * 2
    assert (failed["code"], failed["error_type"], failed["data"]) == (400, "MarginException", None)
    assert "Insufficient funds" in failed["message"]
    for child in placed:
        here.cancel("regular", child["order_id"])


# --- triggers -------------------------------------------------------------------------------------------------------


def test_a_trigger_of_one_leg_and_of_two(here: Trader) -> None:
    client, last = here.client, here.last()
    low, lower, high = (here.on_tick("NSE:INFY", last * part) for part in (0.96, 0.95, 1.05))
    buy, sell = (
        {"transaction_type": side, "quantity": 2, "order_type": "LIMIT", "product": "CNC"} for side in ("BUY", "SELL")
    )
    pair = [sell | {"price": low}, sell | {"price": high}]

    one = again(client.place_gtt, client.GTT_TYPE_SINGLE, "INFY", "NSE", [low], last, [buy | {"price": low}])
    two = again(client.place_gtt, client.GTT_TYPE_OCO, "INFY", "NSE", [low, high], last, pair)
    single, both = (again(client.get_gtt, made["trigger_id"]) for made in (one, two))
    again(client.modify_gtt, one["trigger_id"], "single", "INFY", "NSE", [lower], last, [buy | {"price": lower}])
    pair[1]["quantity"] = 3
    again(client.modify_gtt, two["trigger_id"], "two-leg", "INFY", "NSE", [lower, high], last, pair)
    changed = {row["id"]: row for row in again(client.get_gtts)}
    for made in (one, two):
        assert again(client.delete_gtt, made["trigger_id"]) == made

    assert [(row["type"], row["status"]) for row in (single, both)] == [("single", "active"), ("two-leg", "active")]
    assert (single["condition"]["trigger_values"], single["orders"][0]["result"]) == ([low], None)
    assert single["condition"]["instrument_token"] == here.rows["NSE:INFY"]["instrument_token"]
    assert [leg["price"] for leg in both["orders"]] == [low, high]
    assert single["expires_at"].startswith("2027-11-19")
    assert changed[one["trigger_id"]]["condition"]["trigger_values"] == [lower]
    assert [leg["quantity"] for leg in changed[two["trigger_id"]]["orders"]] == [2, 3]
    assert again(client.get_gtt, one["trigger_id"])["status"] == "deleted"


# --- margins and charges --------------------------------------------------------------------------------------------


def item(name: str, price: float, quantity: int, **changes: Any) -> dict[str, Any]:
    exchange, symbol = name.split(":")
    fields = {"exchange": exchange, "tradingsymbol": symbol, "quantity": quantity, "price": price, "trigger_price": 0}
    return order(variety="regular", product="NRML") | fields | changes


def test_margins_of_orders_and_of_a_basket_that_hedges(here: Trader) -> None:
    last = here.last(FUTURE)
    share = item("NSE:INFY", 1500.5, 10, product="CNC")
    future, put = item(FUTURE, last, 65), item("NFO:NIFTY26NOV26050PE", 100, 65)

    bought, carried, premium = again(here.client.order_margins, [share, future, put])
    whole = again(here.client.basket_order_margins, [future, put], consider_positions=False)
    compact = again(here.client.basket_order_margins, [future, put], consider_positions=False, mode="compact")

    assert (bought["type"], bought["tradingsymbol"], bought["total"]) == ("equity", "INFY", 15_005)
    assert carried["total"] == pytest.approx(carried["span"] + carried["exposure"])
    assert carried["leverage"] >= 1
    assert premium["option_premium"] == premium["total"] == 6_500
    assert len(whole["orders"]) == 2
    assert whole["initial"]["total"] == pytest.approx(carried["total"] + premium["total"])
    assert whole["final"]["total"] < whole["initial"]["total"], "the put covers the future"
    assert compact["final"]["total"] == whole["final"]["total"]


@pytest.mark.parametrize(
    ("bill", "total"),
    [
        (item("NSE:INFY", 1500, 10, product="CNC"), 17.8111),
        (item("NSE:INFY", 505, 100, product="MIS", transaction_type="SELL"), 32.3910),
        (item(FUTURE, 25_100, 65, transaction_type="SELL"), 876.5058),
        (item("NFO:NIFTY26NOV26050CE", 100, 65), 26.5278),
        (item("NFO:NIFTY26NOV26050CE", 110, 65, transaction_type="SELL"), 37.3311),
        (item(OIL, 7000, 1, transaction_type="SELL"), 111.772),
    ],
)
def test_a_contract_note_is_to_the_paisa(here: Trader, bill: dict[str, Any], total: float) -> None:
    executed = bill | {"order_id": "1", "average_price": bill["price"]}

    (note,) = again(here.client.get_virtual_contract_note, [executed])

    charges = note["charges"]
    parts = ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge", "brokerage", "stamp_duty")
    assert charges["total"] == pytest.approx(total, abs=1e-4)
    assert charges["total"] == pytest.approx(sum(charges[part] for part in parts) + charges["gst"]["total"])
    assert (note["tradingsymbol"], note["price"]) == (bill["tradingsymbol"], bill["price"])


# --- portfolio, funds, the end --------------------------------------------------------------------------------------


def test_a_position_is_converted(here: Trader) -> None:
    here.place(tradingsymbol="ITC", product="MIS", order_type="MARKET", market_protection=-1)
    what = {"exchange": "NSE", "tradingsymbol": "ITC", "transaction_type": "BUY", "position_type": "day"}

    assert again(here.client.convert_position, **what, quantity=2, old_product="MIS", new_product="CNC") is True

    positions = again(here.client.positions)
    rows = {row["product"]: row for row in positions["net"] if row["tradingsymbol"] == "ITC"}
    assert {product: row["quantity"] for product, row in rows.items()} == {"CNC": 2, "MIS": 3}
    for row in positions["net"]:
        assert row["value"] == pytest.approx(row["sell_value"] - row["buy_value"])
        assert row["pnl"] == pytest.approx(row["value"] + row["quantity"] * row["last_price"] * row["multiplier"])


def test_holdings_and_money(here: Trader) -> None:
    holdings, money = again(here.client.holdings), again(here.client.margins)

    assert {row["tradingsymbol"] for row in holdings} == {"INFY", "SBIN"}
    for row in holdings:
        assert row["pnl"] == pytest.approx((row["last_price"] - row["average_price"]) * row["quantity"])
        assert row["day_change"] == pytest.approx(row["last_price"] - row["close_price"])
    for segment in money.values():
        assert segment["net"] == segment["available"]["live_balance"]
        assert segment["net"] == pytest.approx(segment["available"]["opening_balance"] - segment["utilised"]["debits"])


def test_mutual_funds(here: Trader) -> None:
    client, scheme = here.client, "INF179K01YV8"
    assert next(row for row in client.mf_instruments() if row["tradingsymbol"] == scheme)["last_price"] > 0

    order_id = again(client.place_mf_order, scheme, "BUY", amount=5000, tag="walk")["order_id"]
    sip_id = again(client.place_mf_sip, scheme, 1000, 12, "monthly", instalment_day=5)["sip_id"]
    placed, sip = again(client.mf_orders, order_id), again(client.mf_sips, sip_id)
    again(client.modify_mf_sip, sip_id, amount=2000)
    again(client.cancel_mf_order, order_id)
    again(client.cancel_mf_sip, sip_id)

    assert (placed["status"], placed["order_timestamp"].date(), placed["tag"]) == ("OPEN", TODAY, "walk")
    assert (sip["status"], sip["created"].date(), sip["next_instalment"]) == ("ACTIVE", TODAY, "2026-12-05")
    assert [row["status"] for row in again(client.mf_orders)] == ["CANCELLED"]
    assert [(row["status"], row["instalment_amount"]) for row in again(client.mf_sips)] == [("CANCELLED", 2000)]
    assert [row["quantity"] for row in again(client.mf_holdings)] == [300]


def test_order_updates_come_without_being_asked_for(here: Trader) -> None:
    with ticker(here.running.address, {}, token=here.session["access_token"]) as official:
        official.wait("connect")
        order_id = here.place(price=here.last(part=0.97), tag="frame")
        here.modify("regular", order_id, quantity=6)
        here.cancel("regular", order_id)
        updates = [official.wait("order")["data"] for _ in range(2)]

    assert [(row["order_id"], row["status"], row["quantity"]) for row in updates] == [
        (order_id, "UPDATE", 6), (order_id, "CANCELLED", 6),
    ]  # fmt: skip
    assert (updates[1]["tag"], updates[1]["checksum"], updates[1]["unfilled_quantity"]) == ("frame", "", 0)


@pytest.mark.parametrize("profile", ["strict-2026", "legacy"])
def test_a_logout_ends_the_token_and_the_ticker(profile: str) -> None:
    with kitesim("--market", "frozen", "--profile", profile) as running:
        one = Trader(running, profile)
        with ticker(running.address, {}, token=one.session["access_token"]) as official:
            official.wait("connect")
            assert one.client.invalidate_access_token() is True
            assert official.wait("close")["code"] == 1008
        with pytest.raises(kite.TokenException):
            one.client.orders()
