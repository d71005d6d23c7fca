"""The exchange object: Kite's shapes, its identities, and the same day twice."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from kitev3 import _core
from kitev3._core import Exchange, ExchangeRefusal, MarketFile, MarketFileError, Subscription
from strategies import order_forms

NS = 1_000_000_000
OPEN_NS = _core.session_open_ns("2026-11-19")
USER = "KS0001"
INFY, NIFTY, SBIN_BSE = 408065, 256265, 128028676


def words(text: str) -> set[str]:
    return set(text.split())


HISTORY_KEYS = words(
    "average_price cancelled_quantity disclosed_quantity exchange exchange_order_id exchange_timestamp filled_quantity"
    " instrument_token order_id order_timestamp order_type parent_order_id pending_quantity placed_by price product"
    " quantity status status_message tag tradingsymbol transaction_type trigger_price validity variety modified"
)
BOOK_KEYS = HISTORY_KEYS | {
    "status_message_raw", "exchange_update_timestamp", "market_protection", "meta", "tags", "guid",
}  # fmt: skip
TRADE_KEYS = words(
    "trade_id order_id exchange tradingsymbol instrument_token product average_price quantity exchange_order_id"
    " transaction_type fill_timestamp order_timestamp exchange_timestamp"
)
POSITION_KEYS = words(
    "tradingsymbol exchange instrument_token product quantity overnight_quantity multiplier average_price close_price"
    " last_price value pnl m2m unrealised realised buy_quantity buy_price buy_value buy_m2m sell_quantity sell_price"
    " sell_value sell_m2m day_buy_quantity day_buy_price day_buy_value day_sell_quantity day_sell_price"
    " day_sell_value"
)
HOLDING_KEYS = words(
    "tradingsymbol exchange instrument_token isin product price quantity used_quantity t1_quantity realised_quantity"
    " authorised_quantity authorised_date authorisation opening_quantity short_quantity collateral_quantity"
    " collateral_type discrepancy average_price last_price close_price pnl day_change day_change_percentage mtf"
)
QUOTE_KEYS = words(
    "instrument_token timestamp last_trade_time last_price last_quantity buy_quantity sell_quantity volume"
    " average_price oi oi_day_high oi_day_low net_change lower_circuit_limit upper_circuit_limit ohlc depth"
)


def an_exchange(**changes: Any) -> Exchange:
    settings_: dict[str, Any] = {"users": [USER], "market": "synthetic", "seed": 1, "start_ns": OPEN_NS + 60 * NS}
    return Exchange(**(settings_ | changes))


def buy(exchange: Exchange, /, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10, "product": "MIS",
        "order_type": "MARKET", "market_protection": -1,
    }  # fmt: skip
    return exchange.place(USER, **(fields | changes))


def last_price(exchange: Exchange, name: str = "NSE:INFY") -> float:
    return float(exchange.ltp([name])[name]["last_price"])


# --- shapes -------------------------------------------------------------------------------------------------------


def test_the_book_as_json_is_the_book_whatever_became_of_its_orders() -> None:
    exchange = an_exchange(users=[USER, "B"], profile="legacy")
    price = round(last_price(exchange) * 0.99)

    def same() -> None:
        for user in (USER, "B"):
            assert json.loads(exchange.read(user, "orders")) == exchange.orders(user)
            assert json.loads(exchange.read(user, "trades")) == exchange.trades(user)

    same()
    first = buy(exchange, order_type="LIMIT", price=price, tag="t")
    buy(exchange)
    exchange.place("B", exchange="NSE", tradingsymbol="SBIN", transaction_type="BUY", quantity=5, product="MIS",
                   order_type="SL-M", trigger_price=round(last_price(exchange, "NSE:SBIN") * 1.002))  # fmt: skip
    same()
    exchange.modify(USER, first, price=price - 1, quantity=7)
    same()
    for _ in range(60):
        exchange.advance(exchange.next_cut_ns)
        same()
    exchange.cancel(USER, first)
    same()


def test_every_row_has_the_keys_of_kites() -> None:
    exchange = an_exchange()
    order_id = buy(exchange, tag="t1")

    (order,), (trade,) = exchange.orders(USER), exchange.trades(USER)
    positions, holdings = exchange.positions(USER), exchange.holdings(USER)

    assert set(order) >= BOOK_KEYS
    assert all(set(row) >= HISTORY_KEYS for row in exchange.order_history(USER, order_id))
    assert set(trade) == TRADE_KEYS
    assert set(positions) == {"net", "day"}
    assert all(set(row) == POSITION_KEYS for row in positions["net"] + positions["day"])
    assert [set(row) for row in holdings] == [HOLDING_KEYS] * 2
    assert all(set(row) == QUOTE_KEYS for row in exchange.quote(["NSE:INFY", "NSE:NIFTY 50"]).values())
    json.dumps([order, trade, positions, holdings, exchange.margins(USER)])


def test_ids_are_text_times_are_ist_and_none_stands_for_nothing() -> None:
    exchange = an_exchange()
    buy(exchange)

    (order,), (trade,) = exchange.orders(USER), exchange.trades(USER)

    assert order["order_timestamp"] == order["exchange_timestamp"] == "2026-11-19 09:16:00"
    assert trade["order_timestamp"] == "09:16:00"
    assert order["tag"] is order["parent_order_id"] is order["status_message"] is None
    assert order["order_id"].isdecimal()
    assert len(order["order_id"]) == 19
    assert len(order["exchange_order_id"]) == 16
    assert len(an_exchange(profile="legacy").place(USER, **{**_limit(an_exchange()), "price": 1500})) == 15


def _limit(exchange: Exchange, away: float = -5.0) -> dict[str, Any]:
    return {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10, "product": "MIS",
        "order_type": "LIMIT", "price": round(last_price(exchange) + away, 1),
    }  # fmt: skip


def test_positions_satisfy_the_identities_of_kites_own_rows() -> None:
    exchange = an_exchange()
    buy(exchange, quantity=30)
    exchange.advance(exchange.now_ns + 60 * NS)
    buy(exchange, quantity=50, transaction_type="SELL")
    buy(exchange, exchange="NFO", tradingsymbol="NIFTY26NOVFUT", quantity=65, product="NRML")
    exchange.advance(exchange.now_ns + 60 * NS)

    for row in exchange.positions(USER)["net"]:
        worth = row["quantity"] * row["last_price"] * row["multiplier"]
        assert row["value"] == pytest.approx(row["sell_value"] - row["buy_value"])
        assert row["pnl"] == pytest.approx(row["value"] + worth)
        assert row["m2m"] == pytest.approx(row["sell_m2m"] - row["buy_m2m"] + worth)
        assert row["quantity"] == row["buy_quantity"] - row["sell_quantity"]


def test_margins_add_up() -> None:
    exchange = an_exchange()
    buy(exchange, exchange="NFO", tradingsymbol="NIFTY26NOVFUT", quantity=65, product="NRML")
    exchange.place(USER, **_limit(exchange))

    equity = exchange.margins(USER)["equity"]

    balance = equity["available"]["opening_balance"] - equity["utilised"]["debits"]
    assert equity["net"] == equity["available"]["live_balance"] == pytest.approx(balance)
    future = exchange.ltp(["NFO:NIFTY26NOVFUT"])["NFO:NIFTY26NOVFUT"]["last_price"] * 65
    assert equity["utilised"]["debits"] > 0.11 * future
    parts = ("span", "exposure", "option_premium", "delivery")
    tied = sum(equity["utilised"][part] for part in parts)
    assert equity["utilised"]["debits"] == pytest.approx(tied, abs=0.01 * tied)  # m2m losses and charges beside it


def test_a_quote_has_five_levels_a_side_in_order_around_the_last_price() -> None:
    exchange = an_exchange()

    for name, quote in exchange.quote([f"NSE:{symbol}" for symbol in ("INFY", "SBIN", "TCS")]).items():
        bids = [level["price"] for level in quote["depth"]["buy"] if level["price"]]
        asks = [level["price"] for level in quote["depth"]["sell"] if level["price"]]
        assert len(quote["depth"]["buy"]) == len(quote["depth"]["sell"]) == 5
        assert bids == sorted(bids, reverse=True), name
        assert asks == sorted(asks), name
        assert bids[0] < asks[0]
        assert quote["lower_circuit_limit"] < quote["ohlc"]["low"] <= quote["last_price"] <= quote["ohlc"]["high"]


def test_unknown_names_are_absent_and_tokens_are_names_too() -> None:
    quotes = an_exchange().ltp(["NSE:INFY", str(INFY), "NSE:NOPE", "XX:INFY", "x", ":", "NIFTY 50"])

    assert set(quotes) == {"NSE:INFY", str(INFY)}


def test_the_instruments_file_can_be_read_as_the_official_client_does() -> None:
    exchange = an_exchange()

    rows = list(csv.DictReader(io.StringIO(exchange.instruments_csv())))

    assert [int(row["instrument_token"]) for row in rows] == exchange.tokens
    for row in rows:
        float(row["last_price"]), float(row["strike"]), float(row["tick_size"]), int(row["lot_size"])
        assert int(row["instrument_token"]) >> 8 == int(row["exchange_token"])
    by_exchange = [
        row for name in ("NSE", "BSE", "NFO") for row in csv.DictReader(io.StringIO(exchange.instruments_csv(name)))
    ]
    assert sorted(by_exchange, key=str) == sorted(rows, key=str)


# --- market -------------------------------------------------------------------------------------------------------


def frames(exchange: Exchange, subscription: Subscription, count: int) -> list[bytes | None]:
    made = []
    for _ in range(count):
        exchange.advance(exchange.next_cut_ns)
        made.append(exchange.frame(subscription))
    return made


def full(exchange: Exchange) -> Subscription:
    subscription = Subscription()
    subscription.set_mode("full", exchange.tokens)
    return subscription


def test_the_same_seed_makes_the_same_frames_and_trades_and_users_change_no_frame() -> None:
    quiet, busy, again = an_exchange(), an_exchange(), an_exchange()
    shown: list[list[bytes | None]] = [[], [], []]
    for _ in range(30):
        for exchange in (busy, again):
            buy(exchange, quantity=7)
            exchange.place(USER, **_limit(exchange, 0.0))
        for made, exchange in zip(shown, (quiet, busy, again), strict=True):
            made += frames(exchange, full(exchange), 5)

    assert shown[0] == shown[1] == shown[2]
    assert busy.trades(USER) == again.trades(USER)
    assert busy.orders(USER) == again.orders(USER)
    assert busy.take_order_frames() == again.take_order_frames()
    assert frames(an_exchange(seed=2), full(quiet), 5) != frames(an_exchange(), full(quiet), 5)


def test_a_market_made_in_one_go_is_the_market_made_step_by_step() -> None:
    at_once = an_exchange(start_ns=OPEN_NS + 600 * NS)
    stepped = an_exchange(start_ns=OPEN_NS)
    stepped.advance(OPEN_NS + 600 * NS)

    names = ["NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY26NOVFUT"]

    assert at_once.quote(names) == stepped.quote(names)


def test_a_frozen_market_shows_one_snapshot_and_still_trades() -> None:
    exchange = an_exchange(market="frozen")
    before = exchange.quote(["NSE:INFY"])
    sent = frames(exchange, full(exchange), 20)
    buy(exchange, quantity=500)
    exchange.advance(exchange.now_ns + 10 * NS)

    after = exchange.quote(["NSE:INFY"])

    assert sent == [None] * 20
    assert before["NSE:INFY"]["depth"] == after["NSE:INFY"]["depth"]
    assert exchange.orders(USER)[0]["status"] == "COMPLETE"
    assert not exchange.market_ended
    assert exchange.snapshot(full(exchange), [INFY])


def test_a_file_drives_the_index_and_its_last_tick_ends_the_market() -> None:
    lines = [f"2022-11-24 09:{15 + second // 60}:{second % 60:02},{18300 + second / 10:.2f}" for second in range(120)]
    exchange = an_exchange(market=MarketFile("\n".join(lines)), start_ns=_core.session_open_ns("2022-11-24"))

    seen = []
    while not exchange.market_ended:
        exchange.advance(exchange.next_cut_ns)
        seen.append(exchange.ltp(["NSE:NIFTY 50"])["NSE:NIFTY 50"]["last_price"])

    assert len(seen) == 119  # the first value is there from the start
    assert seen[-1] == pytest.approx(18311.9)
    assert exchange.now_ns == MarketFile("\n".join(lines)).last_ns


def test_a_market_file_of_another_day_than_the_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="the clock starts on 2026-11-19, the market file is of 2022-11-24"):
        an_exchange(market=MarketFile("2022-11-24 09:15:00,18300\n"))


BARS = """Instrument,Date,Time,Open,High,Low,Close
NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00
NIFTY,20240101,09:16,21711.50,21720.00,21695.35,21695.65
NIFTY,20240102,09:15,21751.35,21755.60,21716.85,21720.00
"""


def test_minute_bars_drive_the_index_through_their_four_prices() -> None:
    file = MarketFile(BARS)
    exchange = an_exchange(market=file, start_ns=_core.session_open_ns("2024-01-01"))

    exchange.advance(exchange.now_ns + 59 * NS)
    (ohlc,) = exchange.ohlc(["NSE:NIFTY 50"]).values()

    assert file.sessions == ["2024-01-01", "2024-01-02"]
    assert ohlc["ohlc"] == {"open": 21727.75, "high": 21737.35, "low": 21701.8, "close": 21727.75}
    assert ohlc["last_price"] == 21712
    second = an_exchange(market=file, start_ns=_core.session_open_ns("2024-01-02"))
    assert second.ohlc(["NSE:NIFTY 50"])["NSE:NIFTY 50"]["ohlc"]["close"] == 21695.65  # the day before's last
    with pytest.raises(ValueError, match="holds no such day from 2024-01-01 to 2024-01-02"):
        an_exchange(market=file, start_ns=_core.session_open_ns("2024-01-03"))


def test_bars_of_another_index_are_refused_with_their_line() -> None:
    with pytest.raises(MarketFileError, match=r'line 2: bars of "BANKNIFTY"; wanted bars of NIFTY'):
        MarketFile(BARS.replace("NIFTY,", "BANKNIFTY,"))


def test_ticks_that_were_heard_drive_the_index_again() -> None:
    times_ns = [OPEN_NS + second * NS for second in range(-1, 60)]
    file = MarketFile.of_ticks(times_ns, [260_000_000 + second * 500 for second in range(61)])

    exchange = an_exchange(market=file, start_ns=OPEN_NS + 10 * NS)

    assert exchange.ltp(["NSE:NIFTY 50"])["NSE:NIFTY 50"]["last_price"] == 26000.55
    with pytest.raises(MarketFileError, match="1 times and 0 values"):
        MarketFile.of_ticks([1], [])


# --- the full universe --------------------------------------------------------------------------------------------


def everything(clock: str, hours: str = "dated") -> Exchange:
    """Everything that is listed, from a time of 2026-11-19 on."""
    hour, minute = map(int, clock.split(":"))
    start_ns = OPEN_NS + (hour * 60 + minute - 555) * 60 * NS
    return an_exchange(universe="full", hours=hours, start_ns=start_ns)


def test_three_thousand_instruments_are_there_at_any_time_of_the_day() -> None:
    exchange = everything("15:35")
    rows = list(csv.DictReader(io.StringIO(exchange.instruments_csv())))

    assert len(rows) > 3000
    futures = {f"{exchange}-FUT" for exchange in ("NFO", "BFO", "CDS", "BCD", "MCX", "NCO")}
    assert {row["segment"] for row in rows} == {"INDICES", "NSE", "BSE", "NFO-OPT"} | futures
    for name in ("NFO:NIFTY26NOV26000CE", "NFO:BANKNIFTY26DECFUT", "CDS:USDINR26NOVFUT", "MCX:CRUDEOIL26DECFUT"):
        (quote,) = exchange.quote([name]).values()
        assert quote["volume"] > 0
        assert (
            quote["depth"]["buy"][4]["price"] < quote["depth"]["buy"][0]["price"] < quote["depth"]["sell"][0]["price"]
        )
    assert exchange.quote(["NSE:TRENT"])["NSE:TRENT"]["depth"]["buy"][0]["price"] == 0  # its auction is over


def test_a_currency_is_traded_in_lots_of_a_thousand() -> None:
    exchange = everything("09:20")

    buy(exchange, exchange="CDS", tradingsymbol="USDINR26NOVFUT", quantity=2, product="NRML")

    (row,) = exchange.positions(USER)["net"]
    assert (row["quantity"], row["multiplier"]) == (2, 1000)
    assert row["buy_value"] == pytest.approx(row["average_price"] * 2000)
    # A range of 1.5 % and an exposure of 1 %, both of the last price.
    assert _tied(exchange) == pytest.approx(0.025 * row["last_price"] * 2000, abs=0.2)


def _tied(exchange: Exchange) -> float:
    utilised = exchange.margins(USER)["equity"]["utilised"]
    return float(utilised["span"] + utilised["exposure"])


def test_a_short_option_is_measured_by_its_own_underlying() -> None:
    tied = {}
    for name, quantity in (("NIFTY26NOV26000CE", 65), ("BANKNIFTY26NOV58500CE", 30), ("ITC26NOV405CE", 1600)):
        exchange = everything("11:00")
        buy(exchange, exchange="NFO", tradingsymbol=name, quantity=quantity, product="NRML", transaction_type="SELL")
        tied[name] = _tied(exchange) / quantity

    nifty, bank, itc = tied.values()
    assert bank == pytest.approx(2.25 * nifty, rel=0.05)
    # A share's range and exposure are wider than an index's: 14.2 % and 3.5 % for 9.3 % and 2 %.
    assert 1.4 * nifty < itc * 26_000 / 407 < 2 * nifty


def test_sessions_refuse_what_their_time_does_not_take() -> None:
    early, auction, late, night = everything("09:02"), everything("09:07"), everything("15:18"), everything("23:57")

    assert early.place(USER, **_limit(early))
    with pytest.raises(ExchangeRefusal, match="not allowed in a call auction"):
        early.place(USER, **_limit(early) | {"validity": "IOC"})
    with pytest.raises(ExchangeRefusal, match="Market orders are currently not allowed"):
        buy(auction)
    with pytest.raises(ExchangeRefusal, match="between two sessions"):
        late.place(USER, **_limit(late) | {"product": "CNC"})
    with pytest.raises(ExchangeRefusal, match="Markets are closed right now"):
        night.place(USER, **_limit(night) | {"product": "CNC"})
    assert everything("23:57", hours="always-open").place(USER, **_limit(night))


def test_the_end_of_a_session_ends_its_orders() -> None:
    exchange = everything("15:10")
    stop = _limit(exchange, 5.0) | {"order_type": "SL", "trigger_price": round(last_price(exchange) + 4, 1)}
    overnight = {"product": "CNC"}  # intraday is over by then
    stop_id = exchange.place(USER, **stop | overnight)
    limit_id = exchange.place(USER, **_limit(exchange, -100.0) | overnight)

    def status(order_id: str) -> str:
        return str(exchange.order_history(USER, order_id)[-1]["status"])

    exchange.advance(OPEN_NS + 361 * 60 * NS)  # 15:16
    assert (status(stop_id), status(limit_id)) == ("CANCELLED", "OPEN")
    exchange.advance(OPEN_NS + 376 * 60 * NS)  # 15:31
    assert status(limit_id) == "CANCELLED"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile": "lenient"}, "unknown profile"),
        ({"market": "random"}, "unknown market"),
        ({"users": []}, "users"),
        ({"frame_ms": 0}, "frame_ms"),
        ({"universe": "all"}, "unknown universe"),
        ({"hours": "never"}, "unknown hours"),
    ],
)
def test_an_exchange_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        an_exchange(**changes)


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_refusal_carries_status_type_and_message() -> None:
    with pytest.raises(ExchangeRefusal) as refused:
        buy(an_exchange(), tradingsymbol="NOPE")

    assert (refused.value.status, refused.value.error_type) == (400, "InputException")
    assert str(refused.value) == refused.value.message


def test_the_eleventh_order_of_a_market_second_is_one_too_many_and_legacy_has_no_limit() -> None:
    strict, legacy = an_exchange(), an_exchange(profile="legacy")
    for _ in range(10):
        strict.place(USER, **_limit(strict))
    for _ in range(30):
        legacy.place(USER, **_limit(legacy))

    with pytest.raises(ExchangeRefusal) as refused:
        strict.place(USER, **_limit(strict))

    assert (refused.value.status, refused.value.error_type) == (429, "NetworkException")
    strict.advance(strict.next_cut_ns)
    strict.place(USER, **_limit(strict))


def test_an_unknown_user_is_no_account() -> None:
    with pytest.raises(KeyError):
        an_exchange().orders("nobody")


@settings(max_examples=300)
@given(order_forms())
def test_whatever_stands_in_a_form_is_taken_or_refused_and_a_refusal_changes_nothing(fields: dict[str, str]) -> None:
    exchange = _THEIRS
    before = len(exchange.orders(USER)), exchange.margins(USER)

    try:
        buy(exchange, **fields)
    except ExchangeRefusal as refusal:
        assert refusal.status in (400, 429)
        assert refusal.message
        assert (len(exchange.orders(USER)), exchange.margins(USER)) == before
    exchange.advance(exchange.next_cut_ns)


_THEIRS = an_exchange(profile="legacy")
