"""Each rule at its boundary: what is just allowed passes, one step further is refused, by that rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from doubles.account import (
    CALL,
    FUTURE,
    INDEX,
    LAST_E4,
    MONO_NS,
    NOW_NS,
    ROWS,
    SECOND_NS,
    SHARE,
    STOCK_CALL,
    WIDE,
    Desk,
    by_deadline,
    order,
)
from doubles.gate import CoreGate
from kitev3._core import Tick, TickBatch, risk_limits, risk_rules
from kitev3.contracts import Approved, Blocked, Funds, Holding, Holdings, Quote, Signal, UnknownOutcome
from kitev3.errors import ConfigError
from kitev3.risk import Risk
from kitev3.risk import limits as allowed

MS = 1_000_000
TICK = 500
Rules = set[str]


def limits(**changes: int | None) -> dict[str, int | None]:
    return {**WIDE.limits(), **changes}


def refusals(judged: Approved | Blocked) -> Rules:
    """The rules that refused; of an approval none."""
    refused = {rule for rule, *_ in risk_rules() if judged.verdict.refused >> int(rule[1:]) & 1}
    assert bool(refused) == isinstance(judged, Blocked)
    return refused


def asked(desk: Desk, signal: Signal) -> Rules:
    return refusals(desk.judge(signal))


# Stage A ------------------------------------------------------------------------------------------------------------


def test_r01_a_gate_boots_halted_and_arming_alone_does_not_reconcile() -> None:
    fresh = CoreGate(limits())
    states = [fresh.standing(NOW_NS)]
    fresh.on_latch("ACTIVE", NOW_NS)
    states.append(fresh.standing(NOW_NS))
    fresh.on_reconciled(True)
    states.append(fresh.standing(NOW_NS))
    fresh.on_latch("REDUCING", NOW_NS)
    states.append(fresh.standing(NOW_NS))

    assert states == ["HALTED", "RECONCILING", "ACTIVE", "REDUCING"]
    assert fresh.standing(NOW_NS + 86_400 * SECOND_NS) == "HALTED"


@pytest.mark.parametrize(("state", "entry", "exit_"), [("HALTED", {"R01"}, {"R01"}), ("REDUCING", {"R01"}, set())])
def test_r01_halted_passes_cancels_and_reducing_also_exits(state: str, entry: Rules, exit_: Rules) -> None:
    desk = Desk()
    desk.hold(FUTURE, 65)
    desk.gate.on_latch(state, desk.now_ns)

    assert asked(desk, order(FUTURE)) == entry
    assert asked(desk, order(FUTURE, "SELL", intent="exit")) == exit_
    assert asked(desk, order(FUTURE, intent="cancel", order="K?")) == set()


def test_r02_a_killed_strategy_or_symbol_leaves_the_others_alone() -> None:
    desk = Desk()
    desk.gate.limit_strategy("dip", "HALTED")
    desk.gate.limit_symbol("NSE", "INFY", "REDUCING")

    assert asked(desk, order(FUTURE, strategy="dip")) == {"R02"}
    assert asked(desk, order(SHARE, quantity=1)) == {"R02"}
    assert asked(desk, order(FUTURE)) == set()


def test_r04_no_entry_while_events_of_execution_are_missing_or_an_outcome_is_unknown() -> None:
    desk = Desk()
    tag, _ = desk.place(order(CALL))
    desk.gate.on_sequence_gap("execution", True)
    missing = asked(desk, order(FUTURE))
    desk.gate.on_sequence_gap("execution", False)
    desk.gate.on_sequence_gap("marketdata", True)
    desk.gate.on_unknown(UnknownOutcome(tag, "timed out", 0))

    assert missing == {"R04"}
    assert asked(desk, order(CALL)) == {"R04"}
    assert asked(desk, order(FUTURE)) == set()


def test_r04_an_execution_that_starts_anew_reconciles_first() -> None:
    desk = Desk()
    desk.gate.on_execution_restarted()
    desk.gate.on_reconciled(False)

    assert asked(desk, order(FUTURE)) == {"R01", "R04"}
    assert desk.gate.standing(desk.now_ns) == "RECONCILING"
    desk.gate.on_reconciled(True)
    assert asked(desk, order(FUTURE)) == set()


@pytest.mark.parametrize(("silent_ns", "refused"), [(3_000 * MS, set()), (3_000 * MS + 1, {"R05"})])
def test_r05_no_entry_while_execution_is_silent_and_an_exit_passes(silent_ns: int, refused: Rules) -> None:
    desk = Desk(limits=limits(tick_age_ms_max=10_000))
    desk.hold(FUTURE, 65)
    desk.gate.on_beat(desk.mono_ns)
    desk.mono_ns += silent_ns

    assert asked(desk, order()) == refused
    assert asked(desk, order(action="SELL", intent="exit")) == set()
    desk.gate.on_beat(desk.mono_ns)
    assert asked(desk, order()) == set()


# Stage B ------------------------------------------------------------------------------------------------------------


def test_r07_the_same_intent_again_gets_the_first_answer_and_reserves_once() -> None:
    desk = Desk()
    signal = by_deadline(desk, order(FUTURE))
    first = desk.judge(signal, "f" * 32)
    once = desk.gate.snapshot(desk.now_ns)
    desk.gate.on_kill()
    again = desk.judge(signal, "f" * 32)

    assert again == first
    assert desk.gate.snapshot(desk.now_ns).reserved_e4 == once.reserved_e4
    other = msgspec.structs.replace(signal, quantity=130)
    assert asked_with(desk, other, "f" * 32) == {"R07"}


def asked_with(desk: Desk, signal: Signal, intent_id: str) -> Rules:
    return refusals(desk.judge(signal, intent_id))


@pytest.mark.parametrize(("ahead_ns", "refused"), [
    (0, set()), (-1, {"R09"}), (5_000 * MS, set()), (5_000 * MS + 1, {"R09"}),
])  # fmt: skip
def test_r09_an_entry_lives_until_its_deadline_and_five_seconds_at_most(ahead_ns: int, refused: Rules) -> None:
    desk = Desk()

    assert asked(desk, order(deadline_ns=desk.mono_ns + ahead_ns)) == refused


@pytest.mark.parametrize(("ahead_ns", "refused"), [(30_000 * MS, set()), (30_000 * MS + 1, {"R09"})])
def test_r09_an_exit_lives_longer(ahead_ns: int, refused: Rules) -> None:
    desk = Desk()
    desk.hold(FUTURE, 65)

    assert asked(desk, order(action="SELL", intent="exit", deadline_ns=desk.mono_ns + ahead_ns)) == refused


@pytest.mark.parametrize("changes", [
    {"order": "K?"}, {"strategy": "dip"}, {"action": "SELL"}, {"product": "MIS"},
    {"instrument_token": CALL, "tradingsymbol": ROWS[CALL].tradingsymbol, "price_e4": LAST_E4[CALL]},
])  # fmt: skip
def test_r11_a_modify_names_an_open_order_of_the_same_kind(changes: dict[str, Any]) -> None:
    desk = Desk()
    tag, _ = desk.place(order())

    assert "R11" in asked(desk, order(**{"intent": "modify", "order": tag, **changes}))


def test_r11_one_modify_at_a_time_and_none_of_a_final_order() -> None:
    desk = Desk()
    tag, _ = desk.place(order())
    change = order(intent="modify", order=tag, quantity=130)
    approved = desk.judge(change)
    pending = asked(desk, change)
    desk.update(tag, approved)  # the book shows the new terms
    settled = asked(desk, order(intent="modify", order=tag, quantity=195))
    desk.update(tag, approved, final=True)

    assert (pending, settled) == ({"R11"}, set())
    assert asked(desk, change) == {"R11"}


# Stage C ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [
    {"instrument_token": 7}, {"instrument_token": -1}, {"instrument_token": 2**40}, {"exchange": "BFO"},
    {"tradingsymbol": "NIFTY26DECFUT"},
])  # fmt: skip
def test_r12_an_instrument_is_known_by_token_and_name(changes: dict[str, Any]) -> None:
    assert "R12" in asked(Desk(), order(**changes))


@pytest.mark.parametrize(("changes", "refused"), [
    ({"expiry": "2026-11-19"}, set()), ({"expiry": "2026-11-18"}, {"R12"}), ({"expiry": ""}, {"R12"}),
    ({"file_date": "2026-11-18"}, {"R12"}), ({"file_date": "2026-11-20"}, {"R12"}), ({"segment": "INDICES"}, {"R12"}),
])  # fmt: skip
def test_r12_it_is_in_todays_file_and_not_expired(changes: dict[str, Any], refused: Rules) -> None:
    desk = Desk()
    desk.gate.on_instrument(msgspec.structs.replace(ROWS[FUTURE], **changes))

    assert asked(desk, order()) >= refused
    assert bool(refused) == bool(asked(desk, order()))


def test_r12_a_contract_whose_units_nobody_knows_is_refused() -> None:
    desk = Desk()
    gold = msgspec.structs.replace(ROWS[FUTURE], exchange="MCX", tradingsymbol="GOLD26DECFUT", instrument_token=99)
    desk.gate.on_instrument(gold)

    assert "R12" in asked(desk, order(exchange="MCX", tradingsymbol="GOLD26DECFUT", instrument_token=99))


@pytest.mark.parametrize(("away_e4", "refused"), [(0, set()), (TICK, set()), (1, {"R14"}), (-1, {"R14"})])
def test_r14_a_price_is_a_multiple_of_the_tick(away_e4: int, refused: Rules) -> None:
    assert asked(Desk(), order(price_e4=LAST_E4[FUTURE] + away_e4)) == refused


@pytest.mark.parametrize(("quantity", "refused"), [
    (65, set()), (64, {"R15"}), (66, {"R15"}), (130, set()), (0, {"R15"}), (-65, {"R15"}),
])  # fmt: skip
def test_r15_a_quantity_is_whole_lots_above_zero(quantity: int, refused: Rules) -> None:
    assert asked(Desk(), order(quantity=quantity)) >= refused
    assert bool(asked(Desk(), order(quantity=quantity))) == bool(refused)


@pytest.mark.parametrize(("quantity", "refused"), [(1755, set()), (1820, {"R16"})])
def test_r16_an_order_stays_within_the_lots_of_the_freeze_quantity(quantity: int, refused: Rules) -> None:
    assert asked(Desk(), order(quantity=quantity)) == refused


def test_r16_a_derivative_without_a_freeze_quantity_is_refused_and_a_share_is_not() -> None:
    desk = Desk()
    for token in (FUTURE, SHARE):
        desk.gate.on_instrument(msgspec.structs.replace(ROWS[token], freeze_quantity=0))

    assert asked(desk, order()) == {"R16"}
    assert asked(desk, order(SHARE, quantity=1)) == set()


@pytest.mark.parametrize(("changes", "refused"), [
    ({"product": "MIS"}, set()), ({"product": "CNC"}, {"R17"}), ({"validity": "IOC"}, set()),
    ({"validity": "TTL"}, {"R17"}), ({"market_protection_bp": 100}, {"R17"}), ({"trigger_price_e4": TICK}, {"R17"}),
    ({"order_type": "MARKET", "price_e4": 0, "market_protection_bp": -1}, set()),
    ({"order_type": "MARKET", "price_e4": 0, "market_protection_bp": 1}, set()),
    ({"order_type": "MARKET", "price_e4": 0}, {"R17"}),
    ({"order_type": "MARKET", "market_protection_bp": -1}, {"R17"}),
])  # fmt: skip
def test_r17_type_product_and_validity_fit_together(changes: dict[str, Any], refused: Rules) -> None:
    assert asked(Desk(), order(**changes)) == refused


def test_r17_options_on_shares_take_no_orders_at_market_and_options_on_an_index_do() -> None:
    at_market = {"order_type": "MARKET", "price_e4": 0, "market_protection_bp": 100}

    assert asked(Desk(), order(STOCK_CALL, quantity=400, **at_market)) == {"R17"}
    assert asked(Desk(), order(CALL, **at_market)) == set()


@pytest.mark.parametrize(("quantity", "refused"), [(10, set()), (11, {"R18"})])
def test_r18_for_delivery_only_what_is_there_is_sold(quantity: int, refused: Rules) -> None:
    desk = Desk()
    desk.gate.on_holdings(Holdings((Holding("NSE", "INFY", SHARE, 8, 1),)))
    desk.hold(SHARE, 5)
    desk.place(order(SHARE, "SELL", 3))

    assert asked(desk, order(SHARE, "SELL", quantity)) == refused


AT = {"09:15": -45, "15:00": 300, "15:15": 315, "15:40": 340}


@pytest.mark.parametrize(("token", "product", "opens", "closes"), [
    (FUTURE, "NRML", "09:15", "15:40"), (FUTURE, "MIS", "09:15", "15:15"),
    (SHARE, "CNC", "09:15", "15:15"), (SHARE, "MIS", "09:15", "15:00"),
])  # fmt: skip
def test_r19_entries_pass_from_the_open_until_their_hour(token: int, product: str, opens: str, closes: str) -> None:
    desk = Desk()
    ten = NOW_NS

    def at(clock: str, ns: int) -> Rules:
        desk.now_ns = ten + AT[clock] * 60 * SECOND_NS + ns
        return asked(desk, order(token, quantity=ROWS[token].lot_size, product=product))

    assert [at(opens, -1), at(opens, 0), at(closes, -1), at(closes, 0)] == [{"R19"}, set(), set(), {"R19"}]


def test_r19_an_intraday_exit_passes_after_the_last_intraday_entry() -> None:
    desk = Desk()
    desk.hold(FUTURE, 65, product="MIS")
    desk.now_ns = NOW_NS + AT["15:15"] * 60 * SECOND_NS

    assert asked(desk, order(action="SELL", product="MIS", intent="exit")) == set()
    assert asked(desk, order(action="BUY", product="MIS")) == {"R19"}


@pytest.mark.parametrize(("side", "away", "limit", "refused"), [
    ("BUY", 1, 1, set()), ("BUY", 0, 1, {"R22"}), ("BUY", 2, 1, {"R22"}),
    ("SELL", -1, -1, set()), ("SELL", 0, -1, {"R22"}), ("SELL", -2, -1, {"R22"}),
])  # fmt: skip
def test_r22_a_stop_waits_beyond_the_last_price(side: str, away: int, limit: int, refused: Rules) -> None:
    last_e4 = LAST_E4[FUTURE]
    stop = order(FUTURE, side, order_type="SL", trigger_price_e4=last_e4 + away * TICK, price_e4=last_e4 + limit * TICK)

    assert asked(Desk(), stop) == refused


# Stages D and E -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("age_ns", "refused"), [(2_000 * MS, set()), (2_000 * MS + 1, {"R23"})])
def test_r23_no_entry_on_a_stale_price_but_an_exit(age_ns: int, refused: Rules) -> None:
    desk = Desk()
    desk.hold(FUTURE, 65)
    desk.mono_ns += age_ns

    assert asked(desk, order()) == refused
    assert asked(desk, order(action="SELL", intent="exit")) == set()


def test_r23_no_entry_while_the_feed_is_down() -> None:
    desk = Desk()
    desk.gate.on_feed(False)

    assert asked(desk, order()) == {"R23"}


def test_a_flagged_tick_is_no_price() -> None:
    desk = Desk()
    batch = TickBatch.from_ticks([Tick(FUTURE, 300_000_000, flags=4, exchange_ns=desk.now_ns)])
    desk.wait(3)
    desk.gate.on_ticks(batch, desk.now_ns, desk.mono_ns)

    assert asked(desk, order()) == {"R23"}


@pytest.mark.parametrize(("token", "away_e4", "refused"), [
    (FUTURE, 2_600_000, set()), (FUTURE, 2_600_000 + TICK, {"R26"}),  # 1 % of 26,000
    (FUTURE, -2_600_000, set()), (FUTURE, -2_600_000 - TICK, {"R26"}),
    (SHARE, 450_000, set()), (SHARE, 450_000 + TICK, {"R26"}),  # 3 % of 1,500
    (CALL, 380_000, set()), (CALL, 380_000 + TICK, {"R26"}),  # 95 % of 40 % of 100
    (STOCK_CALL, 190_000, set()), (STOCK_CALL, 190_000 + TICK, {"R26"}),  # 95 % of 20 rupees, since 30 is below 50
])  # fmt: skip
def test_r26_a_price_stays_near_the_mean_of_thirty_seconds(token: int, away_e4: int, refused: Rules) -> None:
    signal = order(token, quantity=ROWS[token].lot_size, price_e4=LAST_E4[token] + away_e4)

    assert asked(Desk(), signal) == refused


@pytest.mark.parametrize(("seconds", "refused"), [(29, {"R26"}), (30, set())])
def test_r26_ticks_must_reach_back_thirty_seconds(seconds: int, refused: Rules) -> None:
    desk = Desk()
    desk.gate.on_gap((FUTURE,))
    desk.tick(LAST_E4)
    desk.wait(seconds)
    desk.tick(LAST_E4)

    assert asked(desk, order()) == refused


@pytest.mark.parametrize(("lower", "upper", "refused"), [
    (0, 0, set()), (TICK, TICK, {"R27"}), (0, -TICK, {"R27"}),
])  # fmt: skip
def test_r27_a_price_stays_in_todays_band(lower: int, upper: int, refused: Rules) -> None:
    desk = Desk()
    last = LAST_E4[FUTURE]
    row = ROWS[FUTURE]
    band = (last + lower, last + upper)
    desk.gate.on_quote(Quote(FUTURE, row.exchange, row.tradingsymbol, *([0] * 9), *band))

    assert asked(desk, order()) == refused


def test_r27_an_unknown_band_passes_no_entry() -> None:
    desk = Desk()
    row = ROWS[FUTURE]
    desk.hold(FUTURE, 65)
    desk.gate.on_quote(Quote(FUTURE, row.exchange, row.tradingsymbol, *([0] * 9), 0, 0))

    assert asked(desk, order()) == {"R27"}
    assert asked(desk, order(action="SELL", intent="exit")) == set()


# Limits: exactly at the limit passes, one below the limit refuses ---------------------------------------------------

VALUE_E4 = 65 * LAST_E4[FUTURE]
MARGIN_E4 = VALUE_E4 * 15 // 100


def resting(desk: Desk) -> None:
    desk.place(order(CALL))


def resting_future(desk: Desk) -> None:
    desk.place(order())


def long_future(desk: Desk) -> None:
    desk.hold(FUTURE, 65)


def nothing(_: Desk) -> None: ...


@pytest.mark.parametrize(("rule", "name", "limit", "before"), [
    ("R31", "order_quantity_max", 65, nothing),
    ("R32", "order_value_e4_max", VALUE_E4, nothing),
    ("R35", "position_quantity_max", 65, nothing),
    ("R35", "position_quantity_max", 130, long_future),
    ("R39", "open_orders_max", 1, nothing),
    ("R39", "open_orders_max", 2, resting),
    ("R39", "open_orders_symbol_max", 1, nothing),
    ("R39", "open_orders_symbol_max", 2, resting_future),
    ("R39", "open_orders_strategy_max", 2, resting),
    ("R39", "open_value_e4_max", VALUE_E4 + 65 * LAST_E4[CALL], resting),
    ("R52", "entries_burst_max", 2, resting),
    ("R52", "entries_minute_max", 2, resting),
    ("R52", "entries_day_max", 2, resting),
    ("R52", "all_burst_max", 2, resting),
])  # fmt: skip
def test_a_limit_is_the_most_that_passes(rule: str, name: str, limit: int, before: Callable[[Desk], None]) -> None:
    refused = []
    for most in (limit, limit - 1):
        desk = Desk(limits=limits(**{name: most}))
        before(desk)
        refused.append(asked(desk, order()))

    assert refused == [set(), {rule}]


@pytest.mark.parametrize(("name", "pct"), [("gross_pct_max", 200), ("net_pct_max", 200)])
@pytest.mark.parametrize(("more_e4", "refused"), [(0, set()), (1, {"R37"})])
def test_r37_value_is_measured_against_capital(name: str, pct: int, more_e4: int, refused: Rules) -> None:
    capital_e4 = VALUE_E4 // 2 - more_e4
    desk = Desk(limits=limits(capital_e4=capital_e4, **{name: pct}))

    assert asked(desk, order()) == refused


def test_r37_a_hedge_counts_in_gross_and_not_in_net() -> None:
    capital_e4 = VALUE_E4 * 2
    desk = Desk(limits=limits(capital_e4=capital_e4, gross_pct_max=1_000, net_pct_max=50))
    desk.hold(FUTURE, 65)

    assert asked(desk, order(quantity=65)) == {"R37"}
    assert asked(desk, order(action="SELL", product="MIS")) == set()


@pytest.mark.parametrize(("quantity", "refused"), [(65, set()), (130, {"R41"})])
def test_r41_an_exit_never_flips(quantity: int, refused: Rules) -> None:
    desk = Desk()
    desk.hold(FUTURE, 130)
    desk.place(order(action="SELL", intent="exit", quantity=65))

    assert asked(desk, order(action="SELL", intent="exit", quantity=quantity)) == refused


def test_r35_orders_on_their_way_count_and_final_ones_do_not() -> None:
    desk = Desk(limits=limits(position_quantity_max=130))
    tag, approved = desk.place(order(quantity=130))
    on_its_way = asked(desk, order(quantity=65))
    desk.fill(tag, approved, 65, LAST_E4[FUTURE])
    half = asked(desk, order(quantity=65))
    desk.update(tag, approved, filled_quantity=65, final=True)

    assert (on_its_way, half) == ({"R35"}, {"R35"})
    assert asked(desk, order(quantity=65)) == set()
    assert asked(desk, order(quantity=130)) == {"R35"}


def test_an_order_given_up_for_absent_counts_again_when_the_book_shows_it() -> None:
    desk = Desk(limits=limits(position_quantity_max=130))
    tag, approved = desk.place(order(quantity=130))
    desk.reject(tag, approved)
    given_up = asked(desk, order())
    desk.update(tag, approved)

    assert given_up == set()
    assert asked(desk, order()) == {"R35"}


def test_a_final_order_holds_back_what_its_trades_have_not_told_yet() -> None:
    desk = Desk(limits=limits(position_quantity_max=130))
    tag, approved = desk.place(order(quantity=130))
    desk.update(tag, approved, filled_quantity=130, final=True)
    pending = asked(desk, order())
    desk.fill(tag, approved, 130, LAST_E4[FUTURE])

    assert pending == asked(desk, order()) == {"R35"}


@pytest.mark.parametrize(("more_e4", "refused"), [(0, {"R44"}), (1, set())])
def test_r44_the_days_loss_is_measured_after_charges(more_e4: int, refused: Rules) -> None:
    desk = Desk()
    desk.hold(SHARE, 100, product="MIS")
    charged_e4 = desk.gate.snapshot(desk.now_ns).charges_e4
    fall_e4 = 50 * TICK
    loss_e4 = 100 * fall_e4 + charged_e4
    # capital x 1 % = the loss: reached; one unit more of capital, and it is not
    desk = Desk(limits=limits(capital_e4=(loss_e4 + more_e4) * 100, daily_loss_bp_max=100, gross_pct_max=1_000_000,
                              net_pct_max=1_000_000))  # fmt: skip
    desk.hold(SHARE, 100, product="MIS")
    desk.tick({**LAST_E4, SHARE: LAST_E4[SHARE] - fall_e4})

    assert asked(desk, order(CALL)) - {"R01"} == refused
    assert desk.gate.snapshot(desk.now_ns).tripped == ("R44" if refused else "")


@pytest.mark.parametrize(("available_e4", "refused"), [
    (MARGIN_E4 * 105 // 100, set()), (MARGIN_E4 * 105 // 100 - 1, {"R49"}),
])  # fmt: skip
def test_r49_margin_with_its_cushion_is_available(available_e4: int, refused: Rules) -> None:
    desk = Desk()
    desk.gate.on_funds(Funds(available_e4, 0))

    assert asked(desk, order()) == refused


def test_r49_what_is_reserved_and_what_was_filled_since_are_not_available() -> None:
    desk = Desk()
    desk.gate.on_funds(Funds(MARGIN_E4 * 21 // 10, 0))
    tag, approved = desk.place(order())
    reserved = asked(desk, order(quantity=130))
    desk.fill(tag, approved, 65, LAST_E4[FUTURE])
    desk.update(tag, approved, filled_quantity=65, final=True)

    assert reserved == asked(desk, order(quantity=130)) == {"R49"}
    assert asked(desk, order(quantity=65)) == set()


@pytest.mark.parametrize(("utilised", "refused"), [(84, set()), (85, {"R49"})])
def test_r49_much_use_of_margin_leaves_exits(utilised: int, refused: Rules) -> None:
    desk = Desk()
    unit_e4 = MARGIN_E4
    desk.gate.on_funds(Funds((100 - utilised) * unit_e4, utilised * unit_e4))

    assert asked(desk, order()) == refused


def test_r49_without_funds_no_entry() -> None:
    desk = Desk(CoreGate(limits()), ready=False)
    on_funds, desk.gate = desk.gate, Silent(desk.gate)
    desk.make_ready()

    assert asked(desk, order()) == {"R49"}
    assert on_funds.status()["missing"] == []


class Silent:
    """A gate to which the broker does not tell its funds."""

    def __init__(self, gate: CoreGate) -> None:
        self.gate = gate

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: None) if name == "on_funds" else getattr(self.gate, name)


@pytest.mark.parametrize(("later_ns", "refused"), [(1_250 * MS, {"R52"}), (1_250 * MS + 1, set())])
def test_r52_a_burst_ends_after_a_second_and_a_quarter(later_ns: int, refused: Rules) -> None:
    desk = Desk(limits=limits(entries_burst_max=1))
    desk.place(order())
    desk.mono_ns += later_ns

    assert asked(desk, order()) == refused


def test_r52_what_is_refused_uses_nothing_up_and_no_exit_is_refused_for_its_number() -> None:
    desk = Desk(limits=limits(entries_burst_max=2, all_burst_max=3))
    desk.hold(FUTURE, 130)
    for _ in range(5):
        asked(desk, order(quantity=1))
    desk.place(order())
    desk.place(order())

    assert asked(desk, order()) == {"R52"}
    assert asked(desk, order(action="SELL", intent="exit")) == set()
    assert asked(desk, order(action="SELL", intent="exit")) == set()
    assert asked(desk, order(intent="cancel", order="K?")) == set()


# The gate as a whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, *_ in risk_limits()])
def test_a_limit_that_is_not_set_refuses_every_order_but_a_cancel(name: str) -> None:
    rule = {name: rule for name, rule, *_ in risk_limits()}[name]
    desk = Desk()
    desk.hold(FUTURE, 65)
    unset = Desk(limits=limits(**{name: None}))

    assert unset.gate.status()["missing"] == [name]
    assert rule in asked(unset, order())
    assert rule in asked(unset, order(SHARE, quantity=1))
    assert rule in asked(unset, order(action="SELL", intent="exit"))
    assert asked(unset, order(intent="cancel", order="K?")) == set()


@pytest.mark.parametrize(("name", "rule", "live", "kitesim"), risk_limits())
def test_no_limit_stands_above_its_ceiling(name: str, rule: str, live: int, kitesim: int) -> None:
    allowed(Risk(**{name: live}), "zerodha-AB1234")
    allowed(Risk(**{name: kitesim}), "kitesim-KS0001")
    for account, ceiling in (("zerodha-AB1234", live), ("kitesim-KS0001", kitesim)):
        with pytest.raises(ConfigError, match=f"{name} = {ceiling + 1} is above its hard ceiling of {ceiling}"):
            allowed(Risk(**{name: ceiling + 1}), account)


def test_the_settings_are_the_limits() -> None:
    assert list(Risk().limits()) == [name for name, *_ in risk_limits()]


def test_an_index_cannot_be_traded() -> None:
    assert "R12" in asked(Desk(), order(INDEX, quantity=1))


def test_a_modify_is_judged_as_a_new_order_with_the_old_one_released() -> None:
    desk = Desk(limits=limits(position_quantity_max=130, open_orders_max=1))
    tag, _ = desk.place(order(quantity=130))

    assert asked(desk, order(quantity=130)) == {"R35", "R39"}
    assert asked(desk, order(intent="modify", order=tag, quantity=195)) == {"R35"}
    assert asked(desk, order(intent="modify", order=tag, quantity=65)) == set()


def test_a_modify_of_unknown_outcome_keeps_the_larger_exposure() -> None:
    desk = Desk(limits=limits(position_quantity_max=195))
    tag, approved = desk.place(order(quantity=130))
    desk.judge(order(intent="modify", order=tag, quantity=65))
    unknown = asked(desk, order(quantity=130))
    desk.update(tag, approved, quantity=65)

    assert unknown == {"R35"}
    assert asked(desk, order(quantity=130)) == set()


def test_the_clock_of_the_market_does_not_age_a_tick() -> None:
    desk = Desk()
    desk.now_ns += 3600 * SECOND_NS  # an hour of the market in no time of the machine's

    assert asked(desk, order()) == set()
    assert desk.mono_ns < MONO_NS + 60 * SECOND_NS
