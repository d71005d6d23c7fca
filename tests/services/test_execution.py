"""Execution: what leaves, what came of it, and what is known after any fault."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doubles.account import NOW_NS, WIDE
from doubles.approvals import KEY, sealed
from doubles.fault_broker import FaultBroker
from doubles.gate import CoreGate
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import EVALUATED_OF_A_CANCEL, ApprovalKey
from kitev3.account.latch import Latch, LatchState
from kitev3.broker.classify import Finding
from kitev3.contracts import (
    AccountOpened,
    Adjust,
    Answer,
    Approved,
    Arm,
    Book,
    BrokerRows,
    Clock,
    Fill,
    Funds,
    Holdings,
    Intent,
    Kill,
    LatchRead,
    OrderPlaced,
    OrderRow,
    OrderUpdate,
    Read,
    Reconciled,
    Reject,
    Sending,
    Start,
    Stop,
    TakePositions,
    Timer,
    TradeRow,
    UnknownOutcome,
    said_by,
)
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.services.execution.fold import _FOLDS
from kitev3.services.execution.service import RULES, Execution
from kitev3.system.latency import Latency

from .execution_rig import CONFIG, TAGS, Died, Rig, S, held, is_held


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "account").ready()
    yield made
    if made.driver is not None:
        made.die()


def kinds(said: list[Any]) -> list[str]:
    return [type(payload).__name__ for payload in said]


# What leaves ----------------------------------------------------------------------------------------------------------


def test_an_approval_becomes_intent_and_sending_and_leaves_once(rig: Rig) -> None:
    said = rig.approve()

    assert kinds(said) == ["Intent", "Sending", "OrderPlaced"]
    intent, sending, placed = said
    assert intent.tag == sending.tag == placed.tag == rig.broker.arrived[0]
    assert (sending.verb, sending.attempt, sending.epoch) == ("place", 1, 1)
    decoded = TAGS.decode(intent.tag)
    assert decoded is not None
    assert (decoded.epoch, decoded.sequence, decoded.attempt) == (1, 1, 1)
    assert placed.order_id == rig.order_id


def test_an_intent_is_taken_once_and_what_comes_late_is_counted(rig: Rig) -> None:
    approval = rig.approval()
    assert kinds(rig.tell(approval, "risk_portfolio")) == ["Intent", "Sending", "OrderPlaced"]
    rig.look(6)  # its deadline

    assert rig.tell(approval, "risk_portfolio") == []
    assert (len(rig.broker.arrived), rig.handler.status()["repeated"], rig.handler.status()["forged"]) == (1, 1, 0)


# Forgery --------------------------------------------------------------------------------------------------------------


def unsigned(rig: Rig) -> tuple[Approved, str]:
    return msgspec.structs.replace(rig.approval(), check=""), "risk_portfolio"


def signed_by_another(rig: Rig) -> tuple[Approved, str]:
    return sealed(rig.approval(), ApprovalKey(b"the key of another run")), "risk_portfolio"


def altered(rig: Rig) -> tuple[Approved, str]:
    approved = rig.approval()
    signal = msgspec.structs.replace(approved.signal, quantity=approved.signal.quantity + 1)
    return msgspec.structs.replace(approved, signal=signal), "risk_portfolio"


def under_another_name(rig: Rig) -> tuple[Approved, str]:
    return msgspec.structs.replace(rig.approval(), intent_id="f" * 32), "risk_portfolio"


def said_by_another(rig: Rig) -> tuple[Approved, str]:
    return rig.approval(), "strategy"


def replayed(rig: Rig) -> tuple[Approved, str]:
    approved = rig.approval()
    rig.tell(approved, "risk_portfolio")
    return approved, "risk_portfolio"


@pytest.mark.parametrize("forge", [unsigned, signed_by_another, altered, under_another_name, said_by_another, replayed])
def test_what_the_gate_did_not_say_is_refused_and_halts(rig: Rig, forge: Callable[[Rig], tuple[Approved, str]]) -> None:
    approved, source = forge(rig)
    before = len(rig.broker.arrived)
    said = rig.tell(approved, source)

    # No reject: it would give free what the gate holds for the order whose name was used.
    assert kinds(said) == ["Forged"]
    assert (said[0].intent_id, said[0].source) == (approved.intent_id, source)
    assert len(rig.broker.arrived) == before
    assert rig.latch is LatchState.HALTED
    assert rig.handler.status()["forged"] == 1
    assert "HALTED" in rig.approve()[-1].message


def test_a_forgery_leaves_the_name_of_the_real_approval_free(rig: Rig) -> None:
    real = rig.approval()
    rig.tell(msgspec.structs.replace(real, check=""), "risk_portfolio")
    rig.tell(LatchRead("ACTIVE"))  # a person has looked, and armed
    Latch(rig.folder).raise_to_active()

    assert kinds(rig.tell(real, "risk_portfolio")) == ["Intent", "Sending", "OrderPlaced"]


def test_an_approval_of_an_earlier_run_is_late_and_no_alarm(rig: Rig) -> None:
    old = sealed(rig.approval(), ApprovalKey(b"the key of another run"))
    rig.look(6)

    assert "deadline" in rig.tell(old, "risk_portfolio")[0].message
    assert rig.latch is LatchState.ACTIVE


def another_run(rig: Rig) -> None:
    """Everything dies and starts anew: both under another key, the gate in its next epoch."""
    rig.die()
    rig.gate_epoch_before, rig.gate_epoch = rig.gate_epoch, rig.gate_epoch + 1
    rig.start(rebuilt=True)


def test_what_an_earlier_run_approved_is_refused_and_no_alarm_before_its_deadline_too(rig: Rig) -> None:
    old = sealed(rig.approval(), ApprovalKey(b"the key of another run"))
    another_run(rig)
    rig.look(4)
    forged = sealed(rig.approval(), ApprovalKey(b"the key of another run"))
    rig.gate_epoch -= 1
    (late,) = rig.tell(old, "risk_portfolio")

    assert (late.intent_id, late.sent, rig.broker.arrived) == (old.intent_id, False, [])
    assert "earlier run" in late.message
    assert rig.latch is LatchState.ACTIVE
    assert rig.tell(old, "risk_portfolio") == []
    rig.gate_epoch += 1
    assert kinds(rig.approve()) == ["Intent", "Sending", "OrderPlaced"]
    assert kinds(rig.tell(forged, "risk_portfolio")) == ["Forged"]  # this run's gate does not use that key
    assert rig.latch is LatchState.HALTED


def test_what_comes_too_late_names_no_order_that_is_open(rig: Rig) -> None:
    """It needs no check to be refused, and under an order's tag the gate would give free what it holds for that one."""
    rig.approve()
    late = rig.approval(order=rig.tag, deadline_ns=rig.now_ns)

    (reject,) = rig.tell(msgspec.structs.replace(late, check=""), "risk_portfolio")
    assert (reject.verb, reject.tag, reject.intent_id) == ("place", "", late.intent_id)


def test_a_forgery_at_the_start_halts_as_any_other(rig: Rig) -> None:
    rig.die()
    rig.waiting.append(unsigned(rig))
    rig.start()

    assert rig.latch is LatchState.HALTED


@pytest.mark.parametrize("rebuilt", [False, True])
def test_who_dies_before_the_latch_is_lowered_lowers_it_when_he_comes_back(rig: Rig, rebuilt: bool) -> None:
    rig.lives = 1  # Forged is on the tape, and the driver has not heard of it
    with pytest.raises(Died):
        rig.tell(*unsigned(rig))
    rig.die()
    assert rig.latch is LatchState.ACTIVE
    rig.start(rebuilt)

    assert rig.latch is LatchState.HALTED
    rig.tell(LatchRead("HALTED"))
    Latch(rig.folder).raise_to_active()
    rig.tell(LatchRead("ACTIVE"))
    rig.die()
    rig.start()
    assert rig.latch is LatchState.ACTIVE  # a person has looked


def test_what_the_gate_holds_under_a_forged_name_is_free_when_its_own_approval_does_not_come(rig: Rig) -> None:
    supplanted, real = rig.approval(), rig.approval()
    for approved in (supplanted, real):
        rig.tell(msgspec.structs.replace(approved, check=""), "risk_portfolio")
    rig.tell(real, "risk_portfolio")
    rejected = [reject.intent_id for reject in rig.of(Reject)]
    assert rejected == [real.intent_id]  # HALTED
    rig.look(6)

    assert [reject.intent_id for reject in rig.of(Reject)] == [real.intent_id, supplanted.intent_id]
    assert rig.tell(supplanted, "risk_portfolio") == []
    rig.look(6)
    assert len(rig.of(Reject)) == 2


def test_a_forgery_is_one_again_when_the_tape_is_executed_again(rig: Rig) -> None:
    rig.tell(*unsigned(rig))
    rig.die()
    rig.start()
    assert rig.handler.status()["forged"] == 1
    rig.die()
    rig.start(rebuilt=True)
    assert rig.handler.status()["forged"] == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"refused": 1 << 7}, "own verdict"),
        ({"evaluated": RULES & ~(1 << 54)}, "not every rule"),
        ({"evaluated": 0}, "not every rule"),
        ({"evaluated": 0, "intent": "exit"}, "not every rule"),
        ({"evaluated": EVALUATED_OF_A_CANCEL, "intent": "modify"}, "not every rule"),
        ({"evaluated": EVALUATED_OF_A_CANCEL & ~(1 << 54), "intent": "cancel"}, "not every rule"),
        ({"deadline_ns": 0}, "deadline"),
        ({"action": "HOLD"}, "HOLD"),
        ({"quantity": 0}, "quantity"),
        ({"validity": "TTL"}, "TTL"),
        ({"intent": "cancel", "order": "nonsense"}, "no such open order"),
        ({"intent": "modify", "order": "nonsense"}, "no such open order"),
    ],
)
def test_what_should_never_have_been_approved_is_refused_here(rig: Rig, changes: dict[str, Any], words: str) -> None:
    (reject,) = rig.approve(**changes)

    assert isinstance(reject, Reject)
    assert words in reject.message
    assert (reject.sent, reject.intent_id, rig.broker.arrived) == (False, f"{rig.intents:032x}", [])


def test_the_deadline_is_exclusive(rig: Rig) -> None:
    assert kinds(rig.approve(deadline_ns=rig.now_ns)) == ["Reject"]
    assert kinds(rig.approve(deadline_ns=rig.now_ns + 1)) == ["Intent", "Sending", "OrderPlaced"]


def test_an_exit_leaves_while_reducing_and_an_entry_does_not(rig: Rig) -> None:
    rig.lower(LatchState.REDUCING)

    assert kinds(rig.approve(intent="exit", action="SELL")) == ["Intent", "Sending", "OrderPlaced"]
    said = rig.approve()
    assert kinds(said) == ["Intent", "Sending", "Reject"]
    assert "latch is REDUCING" in said[-1].message


# What came of it ------------------------------------------------------------------------------------------------------


def test_a_rejection_is_final_and_was_sent(rig: Rig) -> None:
    rig.broker.faults.append("rejected")
    reject = rig.approve()[-1]

    assert (reject.sent, reject.error_type, reject.tag, reject.verb) == (True, "InputException", rig.tag, "place")
    assert not rig.handler.mine.open_orders()


def test_what_was_not_sent_is_not_an_order(rig: Rig) -> None:
    rig.broker.faults.append("unreachable")
    reject = rig.approve()[-1]

    assert (reject.sent, reject.error_type) == (False, "ConnectionError")


@pytest.mark.parametrize("fault", ["lost_reply", "garbled"])
def test_an_unknown_order_is_found_by_its_tag(rig: Rig, fault: Any) -> None:
    rig.broker.faults.append(fault)
    assert kinds(rig.approve()) == ["Intent", "Sending", "UnknownOutcome"]
    before = len(rig.said)

    rig.look(1)

    assert kinds(rig.said[before:]) == ["Read", "OrderPlaced", "OrderUpdate"]
    assert rig.updates()[rig.order_id].tag == rig.tag


def test_an_order_that_appears_late_is_found(rig: Rig) -> None:
    rig.broker.faults.append("late")
    rig.approve()
    rig.look(14)
    assert len(rig.handler.mine.unknown()) == 1

    rig.look(4)

    assert rig.handler.mine.unknown() == []
    assert rig.updates()[rig.order_id].origin == "own"


def test_an_unknown_order_is_looked_for_each_second_then_less_often(rig: Rig) -> None:
    rig.broker.faults.append("lost_request")
    rig.approve()
    reads = len(rig.of(Read))

    rig.look(CONFIG.unknown_first_s - 1)
    assert len(rig.of(Read)) == reads + CONFIG.unknown_first_s - 1
    rig.look(6)
    assert len(rig.of(Read)) == reads + CONFIG.unknown_first_s - 1 + 3


def test_absence_takes_its_time_and_three_full_reads(rig: Rig) -> None:
    rig.broker.faults.append("lost_request")
    rig.approve()
    for _ in range(60):
        if not rig.handler.mine.unknown():
            break
        rig.look(1)
    seconds = (rig.now_ns - rig.of(UnknownOutcome)[0].ended_ns) // S
    (reject,) = rig.of(Reject)

    assert (reject.error_type, reject.sent) == ("Absent", True)
    assert CONFIG.absent_s <= seconds <= CONFIG.absent_s + 3 * CONFIG.open_ms // 1000 + 1
    assert rig.broker.arrived == []  # and it is not sent again


def test_failed_reads_prove_no_absence(rig: Rig) -> None:
    rig.broker.faults.append("lost_request")
    rig.approve()
    rig.broker.reads_fail = 1_000

    rig.look(100)

    assert len(rig.handler.mine.unknown()) == 1


def test_a_first_answer_that_is_none_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path / "account")
    bodies = [b"null", b"{}", b"[null]"]
    orders = FaultBroker.orders

    def odd(broker: FaultBroker) -> Finding:
        return Finding(outcome="ok", data=bodies.pop(0)) if bodies else orders(broker)

    monkeypatch.setattr(FaultBroker, "orders", odd)
    rig.start()
    assert rig.handler.status()["bad_rows"] == {"orders": 1}
    assert rig.handler.status()["bad_row"].startswith("orders: no JSON list")
    rig.look(8)

    assert rig.handler.reconciliation.done
    assert rig.handler.status()["bad_rows"] == {}
    rig.die()
    rig.start()  # and what was heard is heard again
    rig.die()


def test_a_row_that_cannot_be_read_proves_no_absence(rig: Rig) -> None:
    rig.broker.faults.append("lost_request")
    rig.approve()
    rig.broker.damaged = True

    rig.look(100)

    assert len(rig.handler.mine.unknown()) == 1


def test_an_order_that_appears_after_its_absence_counts_again(rig: Rig) -> None:
    rig.broker.lag_ns = 40 * S
    rig.broker.faults.append("late")
    rig.approve()
    rig.look(39)
    assert kinds(rig.of(Reject)) == ["Reject"]

    rig.look(6)

    assert rig.updates()[rig.order_id].origin == "own"
    assert len(rig.handler.mine.open_orders()) == 1


# Updates and fills ----------------------------------------------------------------------------------------------------


def test_fills_come_from_trades_each_once(rig: Rig) -> None:
    rig.approve()
    for quantity in (3, 4, 3):
        rig.broker.fill(rig.order_id, quantity)
        rig.hint()
        rig.hint()
    rig.look(5)

    assert [(fill.trade_id, fill.quantity, fill.tag, fill.strategy) for fill in rig.fills()] == [
        ("1", 3, rig.tag, "ema_cross"),
        ("2", 4, rig.tag, "ema_cross"),
        ("3", 3, rig.tag, "ema_cross"),
    ]
    assert rig.updates()[rig.order_id].status == "COMPLETE"
    assert rig.fills()[0].price_e4 == 1500_0000


def test_without_any_hint_the_poll_finds_a_fill(rig: Rig) -> None:
    rig.approve()
    rig.look(2)
    rig.broker.fill(rig.order_id, 10)

    rig.look(CONFIG.open_ms // 1000)

    assert len(rig.fills()) == 1


def test_nothing_is_said_twice(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(3)
    before = len(rig.said)

    rig.look(30)

    assert set(kinds(rig.said[before:])) == {"Read", "Funds"}


def test_a_trade_before_its_order_waits_for_it(rig: Rig) -> None:
    order = OrderRow("9", "OPEN", "NSE", "TCS", 1, "BUY", "MIS", "LIMIT", 1, 0)
    trade = TradeRow("7", "9", "NSE", "TCS", 1, "BUY", "MIS", 1, 2_5000)

    assert rig.tell(BrokerRows("trades", "ok", trades=(trade,))) == []
    said = rig.tell(BrokerRows("orders", "ok", orders=(order,)))

    assert kinds(said) == ["OrderUpdate", "Fill"]
    assert (said[0].origin, said[1].tag, said[1].traded_ns) == ("external", "", _market_ns(rig))


def _market_ns(rig: Rig) -> int:
    return 1_795_060_200 * S + rig.now_ns


def test_a_final_order_whose_trades_are_missing_is_an_alarm(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rows, rig.broker.rows = rig.broker.rows, []
    rig.look(12)

    assert "its trades add up to 0" in rig.of(Reconciled)[-1].mismatches[0]

    rig.broker.rows = rows
    rig.look(6)
    assert rig.of(Reconciled)[-1].mismatches == ()
    assert len(rig.fills()) == 1


def test_holdings_are_said_when_they_change_and_funds_at_every_read(rig: Rig) -> None:
    """The gate holds back what filled orders cost until the funds have been read after them, changed or not."""
    rig.look(90)

    assert len(rig.of(Funds)) > 1
    assert set(rig.of(Funds)) == {Funds(1_000_000_0000, 0)}
    assert rig.of(Holdings) == [Holdings(())]


# Positions ------------------------------------------------------------------------------------------------------------


def sell_elsewhere(rig: Rig, quantity: int) -> None:
    """The broker's positions change for a reason that no trade tells, as when a person converts one."""
    rig.broker.carried["INFY"] = rig.broker.carried.get("INFY", 0) - quantity


def test_what_was_brought_in_is_taken_at_the_first_start_and_no_trade_of_the_day_is_in_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "account").ready()
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.die()
    fresh = Rig(rig.folder.with_name("another"))
    fresh.now_ns, fresh.broker = rig.now_ns, rig.broker
    fresh.broker.carried["INFY"] = 25
    fresh.start()
    fresh.look(4)

    assert [(row.tradingsymbol, row.quantity) for row in fresh.of(Book)[-1].carried] == [("INFY", 25)]
    assert fresh.of(Reconciled)[-1].mismatches == ()
    assert gate_positions(fresh) == {"INFY": 35}
    fresh.die()


@pytest.mark.parametrize("lag_s", [1, 4, 20])
def test_a_trade_that_is_shown_late_is_in_no_book_before_it_is_shown(rig: Rig, lag_s: int) -> None:
    rig.broker.trades_lag_ns = lag_s * S
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(lag_s + 20)

    told = {word for reconciled in rig.of(Reconciled) for word in reconciled.mismatches}
    assert any("position NSE INFY MIS is 10 at the broker, 0 by" in word for word in told) == (lag_s > 10)
    assert rig.of(Reconciled)[-1].mismatches == ()
    assert gate_positions(rig) == {"INFY": 10}


def test_a_position_that_nothing_explains_is_said_and_stands_until_a_person_takes_it(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(3)
    sell_elsewhere(rig, 4)
    rig.look(30)

    (words,) = rig.of(Reconciled)[-1].mismatches
    assert words == "position NSE INFY MIS is 6 at the broker, 10 by what was brought in and traded"
    assert rig.handler.status()["mismatches"] == [words]
    assert gate_positions(rig) == {"INFY": 10}

    said = rig.tell(TakePositions("me", "sold by hand"), "control")
    assert said[0] == Adjust("NSE", "INFY", 408065, "MIS", -4, 1500_0000, "me", "sold by hand")
    rig.look(30)

    assert rig.of(Reconciled)[-1].mismatches == ()
    assert gate_positions(rig) == {"INFY": 6}
    rig.die()
    rig.start(rebuilt=True)
    rig.look(4)
    assert rig.of(Reconciled)[-1].mismatches == ()


def test_a_position_that_nothing_explains_lets_nothing_leave_after_a_start(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(3)
    rig.die()
    sell_elsewhere(rig, 4)
    rig.start()
    rig.look(10)

    assert "do not agree" in rig.approve()[0].message


def gate_positions(rig: Rig) -> dict[str, int]:
    """What the gate holds when it has heard all that was said. Each time it is what was brought in and traded."""
    gate = CoreGate(WIDE.limits())
    learn = {
        Intent: gate.on_intent,
        OrderPlaced: gate.on_placed,
        OrderUpdate: gate.on_update,
        Reject: gate.on_reject,
        UnknownOutcome: gate.on_unknown,
        Fill: lambda fill: gate.on_fill(fill, NOW_NS),
        Book: lambda book: gate.on_book(book, NOW_NS),
    }
    expected: dict[str, int] = {}
    trades, opening, held = set(), {}, {}
    for payload in rig.said:
        if type(payload) not in learn:
            continue
        learn[type(payload)](payload)
        fills = payload.trades if isinstance(payload, Book) else [payload] if isinstance(payload, Fill) else []
        trades |= {(f.exchange, f.trade_id, f.tradingsymbol, f.side, f.quantity) for f in fills}
        if isinstance(payload, Book):
            opening = {row.tradingsymbol: row.quantity for row in payload.carried}
        if isinstance(payload, Book | Fill):
            expected = dict(opening)
            for _, _, symbol, side, quantity in trades:
                expected[symbol] = expected.get(symbol, 0) + (quantity if side == "BUY" else -quantity)
            held = {row.tradingsymbol: row.quantity for row in gate.snapshot(NOW_NS).positions}
            assert {k: v for k, v in held.items() if v} == {k: v for k, v in expected.items() if v}
    return held


# Cancels and modifies -------------------------------------------------------------------------------------------------


def test_a_cancel_goes_to_the_order_and_the_book_says_what_came_of_it(rig: Rig) -> None:
    rig.approve()
    said = rig.approve(intent="cancel", order=rig.tag)

    assert kinds(said) == ["Intent", "Sending", "OrderPlaced"]
    assert (said[1].verb, said[1].order_id, said[2].verb) == ("cancel", rig.order_id, "cancel")
    rig.look(1)
    assert rig.updates()[rig.order_id].status == "CANCELLED"


def test_a_cancel_of_an_unknown_order_leaves_when_it_is_found(rig: Rig) -> None:
    rig.broker.faults.append("lost_reply")
    rig.approve()
    assert kinds(rig.approve(intent="cancel", order=rig.tag)) == ["Intent"]

    rig.look(2)

    assert rig.updates()[rig.order_id].status == "CANCELLED"


@pytest.mark.parametrize("fault", ["lost_request", "unreachable", "rejected", "too_many"])
def test_a_cancel_is_repeated_while_the_book_shows_the_order(rig: Rig, fault: Any) -> None:
    rig.approve()
    rig.broker.faults += [fault] * 3
    rig.approve(intent="cancel", order=rig.tag)

    rig.look(12)

    assert rig.updates()[rig.order_id].status == "CANCELLED"
    attempts = [sending.attempt for sending in rig.of(Sending) if sending.verb == "cancel"]
    assert sorted(set(attempts)) == ([1] if fault == "too_many" else [1, 2, 3, 4])
    assert not (fault == "too_many" and rig.of(Reject)), "what will be asked again is not told as refused"


def test_an_exit_that_the_broker_did_not_take_is_asked_again_and_an_entry_is_not(rig: Rig) -> None:
    rig.broker.faults += ["too_many"] * 3
    rig.approve(intent="exit", action="SELL", deadline_ns=rig.now_ns + 30 * S)
    assert rig.broker.arrived == []
    rig.look(10)
    assert rig.broker.arrived == [rig.tag]
    assert rig.of(Reject) == []

    rig.look(10)
    rig.broker.faults.append("too_many")
    rig.approve()
    rig.look(10)
    assert [(reject.tag, reject.sent, reject.message) for reject in rig.of(Reject)] == [
        (rig.tag, True, "Too many requests")
    ]


def test_an_exit_that_is_never_taken_ends_with_its_deadline(rig: Rig) -> None:
    rig.broker.faults += ["too_many"] * 1_000
    rig.approve(intent="exit", action="SELL")
    rig.look(60)

    (reject,) = rig.of(Reject)
    assert (reject.tag, reject.sent) == (rig.tag, False)
    assert "deadline" in reject.message


@pytest.mark.parametrize("deed", ["cancel", "restart"])
def test_an_exit_that_waits_for_its_turn_can_be_ended(rig: Rig, deed: str) -> None:
    rig.broker.faults.append("too_many")
    rig.approve(intent="exit", action="SELL")
    stop = rig.tag
    if deed == "cancel":
        rig.approve(intent="cancel", order=stop)
    else:
        rig.die()
        rig.start()
    rig.look(10)

    assert stop not in rig.broker.arrived
    assert [reject.tag for reject in rig.of(Reject)] == [stop]
    assert not rig.handler.mine.open_orders()


def test_a_cancel_that_was_lost_on_the_way_back_is_not_repeated(rig: Rig) -> None:
    rig.approve()
    rig.broker.faults.append("lost_reply")
    rig.approve(intent="cancel", order=rig.tag)

    rig.look(10)

    assert len([sending for sending in rig.of(Sending) if sending.verb == "cancel"]) == 1


@pytest.mark.parametrize(("status", "rejects"), [("REJECTED", 1), ("CANCELLED", 0)])
def test_a_strategy_hears_once_of_an_end_that_it_did_not_ask_for(rig: Rig, status: str, rejects: int) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 4)
    rig.broker.booked[rig.order_id].status = status
    rig.broker.booked[rig.order_id].updated_s += 1
    rig.look(10)
    rig.die()
    rig.start(rebuilt=True)
    rig.look(10)

    (reject,) = rig.of(Reject)
    assert (reject.tag, reject.order_id, reject.strategy, reject.verb) == (rig.tag, rig.order_id, "ema_cross", "place")
    assert (reject.error_type, reject.sent) == (status, True)
    assert "4 filled" in reject.message
    assert rig.handler.status()["rejects"] == rejects
    assert [type(out) for out in rig.said if type(out) in (OrderUpdate, Reject)][-2:] == [OrderUpdate, Reject]
    assert gate_positions(rig) == {"INFY": 4}


def test_a_strategy_hears_that_its_order_was_cancelled_by_a_halt_and_not_of_its_own_cancel(rig: Rig) -> None:
    rig.approve()
    rig.approve(intent="cancel", order=rig.tag)
    rig.approve()
    rig.tell(Kill("enough", "test"))
    rig.look(5)

    assert [(reject.tag, reject.error_type) for reject in rig.of(Reject)] == [(rig.tag, "CANCELLED")]


def test_an_order_that_the_book_shows_a_moment_late_is_no_mismatch(rig: Rig) -> None:
    rig.approve()
    rig.broker.booked[rig.order_id].shown_ns = rig.now_ns + 4 * S
    rig.look(8)

    assert rig.order_id in rig.updates()
    assert [told.mismatches for told in rig.of(Reconciled) if told.mismatches] == []


def test_a_difference_that_is_gone_is_taken_back_before_the_end(rig: Rig) -> None:
    rig.approve()
    booked = rig.broker.booked[rig.order_id]
    booked.shown_ns = rig.now_ns + 1_000 * S
    rig.look(8)
    assert "in no book" in rig.handler.status()["mismatches"][0]

    booked.shown_ns = 0
    rig.tell(Stop("over"), "control")
    rig.look(8)

    assert (rig.handler.drained, rig.handler.status()["mismatches"]) == (True, [])
    assert rig.of(Reconciled)[-1].mismatches == ()


def test_cancels_have_a_bound(rig: Rig) -> None:
    rig.approve()
    rig.broker.faults += ["rejected"] * 1_000
    rig.approve(intent="cancel", order=rig.tag)

    rig.look(120)

    assert len([sending for sending in rig.of(Sending) if sending.verb == "cancel"]) == CONFIG.cancels_max


def test_a_fill_between_cancel_and_answer_is_booked(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 4)
    rig.approve(intent="cancel", order=rig.tag)
    rig.look(2)

    update = rig.updates()[rig.order_id]
    assert (update.status, update.filled_quantity, sum(fill.quantity for fill in rig.fills())) == ("CANCELLED", 4, 4)


def test_a_modify_changes_the_order_and_is_not_repeated(rig: Rig) -> None:
    rig.approve()
    said = rig.approve(intent="modify", order=rig.tag, price_e4=1501_0000)
    assert kinds(said) == ["Intent", "Sending", "OrderPlaced"]
    rig.look(2)
    assert rig.updates()[rig.order_id].price_e4 == 1501_0000

    rig.broker.faults.append("lost_request")
    rig.approve(intent="modify", order=rig.tag, price_e4=1502_0000)
    rig.look(30)

    assert len([sending for sending in rig.of(Sending) if sending.verb == "modify"]) == 2
    assert rig.updates()[rig.order_id].price_e4 == 1501_0000


def test_modifies_have_a_bound(rig: Rig) -> None:
    rig.approve()
    for price in range(CONFIG.modifies_max):
        rig.look(2)  # the pace
        assert kinds(rig.approve(intent="modify", order=rig.tag, price_e4=price + 1))[-1] == "OrderPlaced"

    assert "modified 20 times" in rig.approve(intent="modify", order=rig.tag, price_e4=1)[0].message


def test_the_modify_of_an_exit_may_leave_while_reducing_that_of_an_entry_not(rig: Rig) -> None:
    rig.approve()
    entry = rig.tag
    rig.approve(intent="exit", action="SELL")
    way_out = rig.tag
    rig.lower(LatchState.REDUCING)

    assert "latch" in rig.approve(intent="modify", order=entry, price_e4=1)[-1].message
    assert kinds(rig.approve(intent="modify", order=way_out, price_e4=1))[-1] == "OrderPlaced"


# Control --------------------------------------------------------------------------------------------------------------


def test_kill_cancels_what_is_open_and_until_armed_nothing_else_leaves(rig: Rig) -> None:
    rig.approve()
    rig.approve(tradingsymbol="TCS")
    rig.lower(LatchState.HALTED)
    said = rig.tell(Kill("prices look wrong", "me"), "control")

    assert [out.verb for out in said if isinstance(out, Sending)] == ["cancel", "cancel"]
    assert "HALTED" in rig.approve()[0].message
    rig.look(2)
    assert {update.status for update in rig.updates().values()} == {"CANCELLED"}
    rig.handler(_control(Arm("me")))
    rig.approve()
    assert "latch is HALTED" in rig.of(Reject)[-1].message  # the event alone opens nothing: the word does


def _control(payload: Any) -> Event:
    return Event("control.arm", payload, source="control")


def test_a_latch_seen_lowered_cancels_like_a_kill(rig: Rig) -> None:
    rig.approve()
    said = rig.tell(LatchRead("HALTED"))

    assert [out.verb for out in said if isinstance(out, Sending)] == ["cancel"]
    assert rig.tell(LatchRead("ACTIVE")) == []
    assert kinds(rig.approve()) == ["Intent", "Sending", "OrderPlaced"]


def test_stop_cancels_reads_once_more_and_is_then_done(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 4)
    rig.tell(Stop("the session is over"), "control")
    assert "stopping" in rig.approve()[0].message
    rig.look(3)

    assert rig.handler.status()["drained"]
    assert (len(rig.fills()), rig.updates()[rig.order_id].status) == (1, "CANCELLED")
    before = len(rig.said)
    rig.look(60)
    assert rig.said[before:] == []


def test_a_stop_without_orders_needs_one_read(rig: Rig) -> None:
    rig.tell(Stop(""), "control")

    assert rig.handler.status()["drained"]


def test_after_a_stop_a_start_goes_on(rig: Rig) -> None:
    for _ in range(2):
        rig.tell(Stop("lunch"), "control")
        rig.look(3)
        assert rig.handler.status()["drained"]
        reads = len(rig.of(Read))
        rig.tell(Start("2026-11-19"), "control")
        rig.look(6)

        assert not rig.handler.status()["drained"]
        assert len(rig.of(Read)) > reads
        assert kinds(rig.approve()) == ["Intent", "Sending", "OrderPlaced"]


def test_a_stop_holds_through_a_death_until_a_start(rig: Rig) -> None:
    rig.tell(Stop("the session is over"), "control")
    rig.die()
    reads = len(rig.of(Read))
    rig.start()
    rig.look(5)

    assert rig.handler.status()["drained"]
    assert len(rig.of(Read)) > reads
    assert kinds(rig.approve()) == ["Reject"]
    rig.tell(Start("2026-11-19"), "control")
    rig.look(5)
    assert kinds(rig.approve()) == ["Intent", "Sending", "OrderPlaced"]


def test_a_stop_does_not_wait_for_ever_for_what_nobody_knows(rig: Rig) -> None:
    rig.broker.faults.append("lost_request")
    rig.approve()
    rig.tell(Stop(""), "control")
    assert not rig.handler.status()["drained"]
    rig.look(CONFIG.unknown_first_s - 1)
    assert not rig.handler.status()["drained"]
    rig.look(2)

    assert rig.handler.status()["drained"]
    assert rig.handler.status()["unknown"] == 1


def test_what_differs_at_the_stop_alone_is_told_before_it_is_done(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(3)
    sell_elsewhere(rig, 4)
    rig.tell(Stop("the session is over"), "control")
    rig.look(CONFIG.differ_ms // 1000 + 3)

    status = rig.handler.status()
    assert status["drained"]
    assert status["mismatches"] == ["position NSE INFY MIS is 6 at the broker, 10 by what was brought in and traded"]


def test_what_differed_before_the_stop_and_is_gone_at_it_is_told_no_more(rig: Rig) -> None:
    sell_elsewhere(rig, 4)
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(30)
    assert rig.handler.status()["mismatches"]
    sell_elsewhere(rig, -4)
    rig.tell(Stop("the session is over"), "control")
    rig.look(3)

    assert rig.handler.status()["drained"]
    assert rig.handler.status()["mismatches"] == []


def test_a_stop_is_not_done_while_the_broker_does_not_answer(rig: Rig) -> None:
    rig.broker.reads_fail = 100
    rig.tell(Stop(""), "control")
    rig.look(10)

    assert not rig.handler.status()["drained"]


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_session_of_another_day_forgets_the_last_one_but_never_a_tag(rig: Rig, rebuilt: bool) -> None:
    rig.tell(Start("2026-11-19"), "control")
    rig.approve()
    tag = rig.tag
    rig.die()
    rig.start(rebuilt)
    rig.broker.booked.clear()
    rig.tell(Start("2026-11-20"), "control")
    rig.look(4)
    rig.approve()

    assert rig.handler.reconciliation.done
    assert rig.tag != tag
    assert len(rig.handler.mine.orders) == 1


# Starts and restarts --------------------------------------------------------------------------------------------------


def test_nothing_leaves_before_two_reads_agree(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "account")
    rig.start()
    assert "do not agree yet" in rig.approve()[0].message
    rig.look(1)

    assert kinds([out for out in rig.said if isinstance(out, Book | Reconciled)]) == ["Book", "Reconciled"]
    assert rig.of(Reconciled)[0].mismatches == ()
    rig.die()


def test_a_second_execution_is_refused(rig: Rig) -> None:
    with pytest.raises(ConfigError, match="held by another execution"), held(rig.folder):
        pass


def test_the_account_is_free_after_the_end(rig: Rig) -> None:
    rig.die()

    assert not is_held(rig.folder)


def test_the_same_book_has_the_same_hash(rig: Rig) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10)
    rig.look(3)
    hashes = []
    for _ in range(3):
        rig.die()
        rig.start()
        rig.look(3)
        hashes.append(rig.of(Reconciled)[-1].book_hash)

    assert len(set(hashes)) == 1
    assert len(rig.fills()) == 1  # and no fill was booked again


@pytest.mark.parametrize("lives", [1, 2])
def test_a_death_between_the_records_leaves_it_unknown_and_never_sends_it_again(rig: Rig, lives: int) -> None:
    rig.lives = lives
    with pytest.raises(Died):
        rig.approve()
    rig.die()
    rig.start()

    assert kinds(rig.of(UnknownOutcome)) == ["UnknownOutcome"]
    rig.look(40)
    assert (rig.broker.arrived, rig.of(Reject)[-1].error_type) == ([], "Absent")


def test_a_death_before_the_answer_is_heard_finds_the_order_by_its_tag(rig: Rig) -> None:
    rig.hear(rig.approval(), "risk_portfolio")  # sent, taken by the broker, the answer not heard
    rig.broker.fill(rig.order_id, 10)
    rig.die()
    rig.start()
    rig.look(3)

    assert rig.updates()[rig.order_id].tag == rig.tag
    assert len(rig.fills()) == 1
    assert rig.of(Reconciled)[-1].mismatches == ()


def test_what_comes_before_book_and_tape_agree_leaves_nothing(rig: Rig) -> None:
    rig.approve()
    rig.die()
    rig.waiting = [(rig.approval(), "risk_portfolio"), (LatchRead("HALTED"), "world"), (Timer("look"), "world")]
    rig.start()

    assert [reject.sent for reject in rig.of(Reject) if "do not agree yet" in reject.message] == [False]
    rig.tell(LatchRead("ACTIVE"))
    rig.look(3)
    assert len(rig.broker.arrived) == 1
    assert rig.updates()[rig.order_id].status == "CANCELLED"  # wanted then, sent when it could be


def test_tags_of_two_epochs_differ(rig: Rig) -> None:
    rig.approve()
    rig.die()
    rig.start()
    rig.look(3)
    rig.approve()

    assert len(set(rig.broker.arrived)) == 2


def test_an_orphan_of_a_lost_tape_is_told_and_the_epoch_rises_above_it(rig: Rig) -> None:
    for _ in range(3):
        rig.die()
        rig.start()
    rig.look(3)
    rig.approve()
    rig.die()
    fresh = Rig(rig.folder.with_name("another"))  # account and tape are gone, the broker is not
    fresh.now_ns, fresh.broker = rig.now_ns, rig.broker
    fresh.start()
    fresh.look(4)
    update = fresh.updates()[rig.order_id]

    assert (update.origin, update.tag) == ("orphan", rig.tag)
    assert [row.epoch for row in fresh.of_heard(AccountOpened)] == [1, 5]
    assert fresh.handler.reconciliation.done
    fresh.die()


def test_orders_of_others_are_external_and_never_cancelled(rig: Rig) -> None:
    rig.approve()
    rig.broker.booked[rig.order_id].tag = "openalgo"
    rig.die()
    fresh = Rig(rig.folder.with_name("another"))
    fresh.now_ns, fresh.broker = rig.now_ns, rig.broker
    fresh.start()
    fresh.look(4)
    fresh.tell(Kill("", ""), "control")

    update = fresh.updates()[rig.order_id]
    assert (update.origin, update.tag, update.strategy) == ("external", "", "")
    assert fresh.of(Sending) == []
    fresh.die()


def test_an_own_order_that_vanished_from_the_book_is_a_mismatch_and_nothing_leaves(rig: Rig) -> None:
    rig.approve()
    rig.look(2)
    rig.broker.booked.clear()
    rig.die()
    rig.start()
    rig.look(5)

    assert "is open and in no book" in rig.of(Reconciled)[-1].mismatches[0]
    assert "do not agree" in rig.approve()[0].message


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_second_order_under_one_tag_is_an_orphan_and_a_mismatch_until_a_person_has_seen_it(
    rig: Rig, rebuilt: bool
) -> None:
    rig.approve()
    first = rig.broker.booked[rig.order_id]
    rig.broker._book(first.order, first.tag, False)
    rig.look(6)

    assert [update.origin for update in rig.updates().values()] == ["own", "orphan"]
    words = f"order {rig.order_id} bears the tag {first.tag} of our order {first.order_id}: there are two of it"
    assert rig.of(Reconciled)[-1].mismatches == (words,)
    rig.die()
    rig.start(rebuilt)
    rig.look(6)
    assert rig.of(Reconciled)[-1].mismatches == (words,)
    assert "do not agree" in rig.approve()[0].message
    for _ in range(2):  # said once, and known from then on
        rig.tell(TakePositions("me", "cancelled the second by hand"), "control")
        rig.look(6)
        assert rig.of(Reconciled)[-1].mismatches == ()
        rig.die()
        rig.start(rebuilt)
        rig.look(6)
        assert kinds(rig.approve()) == ["Intent", "Sending", "OrderPlaced"]


@pytest.mark.parametrize("whole", [True, False])
def test_trades_that_add_up_to_more_than_their_order_has_filled_are_a_mismatch(rig: Rig, whole: bool) -> None:
    rig.approve()
    rig.broker.fill(rig.order_id, 10 if whole else 4)
    rig.look(6)
    assert rig.of(Reconciled)[-1].mismatches == ()
    rig.broker.rows.append(rig.broker.rows[-1] | {"trade_id": "99999999"})
    rig.broker._traded_shown_ns["99999999"] = 0
    rig.broker.carried["INFY"] = -10 if whole else -4  # the broker's own positions do not have it
    rig.look(20)
    if whole:
        rig.tell(Stop("the session is over"), "control")
        rig.look(2)
        assert rig.handler.status()["drained"]  # it is told: there is nothing to wait for

    filled, state = (10, "final") if whole else (4, "open")
    words = f"order {rig.order_id} is {state} with {filled} filled, its trades add up to {2 * filled}"
    assert words in rig.of(Reconciled)[-1].mismatches
    if whole:
        rig.tell(TakePositions("me", "the broker's trade was doubled"), "control")
        rig.die()
        rig.start()
        rig.look(20)
        assert rig.of(Reconciled)[-1].mismatches == ()
        assert gate_positions(rig) == {"INFY": 10}
    else:
        rig.broker.fill(rig.order_id, 4)  # what was traded is shown late in the book
        rig.broker.rows.pop()
        rig.look(6)
        assert not any("add up" in words for words in rig.of(Reconciled)[-1].mismatches)


def test_a_snapshot_is_the_whole_state(rig: Rig) -> None:
    rig.broker.faults += ["none", "lost_reply", "rejected"]
    for symbol in ("INFY", "TCS", "SBIN"):
        rig.approve(tradingsymbol=symbol)
    rig.broker.fill(rig.order_id, 4)
    rig.look(1)
    other = Execution(CONFIG, TAGS, KEY)
    other.restore(rig.handler.snapshot())

    assert other.snapshot() == rig.handler.snapshot()
    assert other.status() == rig.handler.status()
    for step in range(5):  # and both go on alike
        event = Event("world.timer", Timer("look"), source="world", mono_ns=rig.now_ns + step * 10 * S)
        assert list(other(event)) == list(rig.handler(event))


def test_another_build_goes_on_from_what_was_said(rig: Rig) -> None:
    rig.broker.faults += ["none", "lost_reply", "rejected"]
    for symbol in ("INFY", "TCS", "SBIN"):
        rig.approve(tradingsymbol=symbol)
    rig.look(2)
    for order_id in rig.broker.booked:
        rig.broker.fill(order_id, 4)
    rig.look(3)
    before = rig.handler.status()
    rig.die()
    rig.start(rebuilt=True)
    said = len(rig.said)
    rig.look(3)

    after = rig.handler.status()
    assert {key: after[key] for key in ("orders", "fills", "rejects", "unknown", "open_orders", "reconciled")} == {
        key: before[key] for key in ("orders", "fills", "rejects", "unknown", "open_orders", "reconciled")
    }
    assert set(kinds(rig.said[said:])) == {"Read", "Book", "Funds", "Reconciled"}  # nothing else is told twice


def test_every_topic_that_execution_says_can_be_folded() -> None:
    assert set(_FOLDS) == {contract.payload for contract in said_by("execution")}


def test_latency_is_machine_time(rig: Rig) -> None:
    rig.tell(Clock(0, 0, 30_000), "control")
    market_ns = _market_ns(rig)
    rig.approve(data_ts_ns=market_ns - 30 * 250_000)  # a quarter of a millisecond, thirty times faster

    latency = rig.handler.status()["latency_us"]
    assert latency["n"] == 1
    assert 250 <= latency["p50"] <= 255


def test_the_way_of_a_new_order_ends_at_its_intent(rig: Rig) -> None:
    rig.approve(data_ts_ns=_market_ns(rig) - 250_000)
    rig.approve(data_ts_ns=_market_ns(rig) - 250_000, intent="cancel", order="none")

    assert rig.driver is not None
    reached = Latency(rig.driver.status()["reached_ns"])
    assert reached.n == 1
    assert 250_000 <= reached.percentile_ns(500) <= 252_000


# Whatever happens -----------------------------------------------------------------------------------------------------

FAULTS = ["none", "none", "unreachable", "rejected", "lost_request", "lost_reply", "late", "too_many", "garbled"]
ACTIONS = st.one_of(
    st.tuples(st.just("approve"), st.sampled_from(FAULTS)),
    st.tuples(st.sampled_from(["cancel", "modify"]), st.sampled_from(FAULTS)),
    st.tuples(st.just("fill"), st.integers(1, 10)),
    st.tuples(st.just("fill while reading"), st.integers(1, 10)),
    st.tuples(st.just("look"), st.integers(1, 8)),
    st.tuples(st.just("hint"), st.just(0)),
    st.tuples(st.just("reads fail"), st.integers(1, 6)),
    st.tuples(st.just("die"), st.just(0)),
    st.tuples(st.just("die soon"), st.integers(1, 6)),
    st.tuples(st.just("rebuild"), st.just(0)),
    st.tuples(st.just("answer again"), st.integers(0, 50)),
    st.tuples(st.just("read again"), st.integers(0, 50)),
    st.tuples(st.just("trades late"), st.integers(0, 12)),
    st.tuples(st.sampled_from(["sell", "exit"]), st.sampled_from(FAULTS)),
)


def act(rig: Rig, deed: str, how: Any) -> None:
    order_ids, tags = list(rig.broker.booked), list(rig.handler.mine.orders)
    if deed in ("approve", "sell", "exit"):
        rig.broker.faults.append(how)
        rig.approve(action="BUY" if deed == "approve" else "SELL", intent="exit" if deed == "exit" else "enter")
    elif deed == "trades late":
        rig.broker.trades_lag_ns = how * S
    elif deed in ("cancel", "modify") and tags:
        rig.broker.faults.append(how)
        rig.approve(intent=deed, order=tags[-1], price_e4=1499_0000)
    elif deed == "fill" and order_ids:
        rig.broker.fill(order_ids[how % len(order_ids)], how)
        rig.look(1)
    elif deed == "fill while reading" and order_ids:
        rig.broker.between_reads.append((order_ids[how % len(order_ids)], how))
    elif deed == "look":
        rig.look(how)
    elif deed == "hint":
        rig.hint()
    elif deed == "reads fail":
        rig.broker.reads_fail = how
    elif deed == "die":
        rig.die()
        rig.start()
    elif deed == "rebuild":
        rig.die()
        rig.start(rebuilt=True)
    elif deed == "die soon":
        rig.lives = how
    elif deed in ("answer again", "read again"):  # told again, long after
        told = rig.of_heard(Answer if deed == "answer again" else BrokerRows)
        if told:
            rig.tell(told[how % len(told)])


def check_exposure(rig: Rig) -> None:
    """What lives at the broker counts here: as sending, unknown or open."""
    open_here = {own.tag for own in rig.handler.mine.open_orders()}
    live_there = {booked.tag for booked in rig.broker.booked.values() if booked.status == "OPEN"}
    assert live_there <= open_here


@settings(max_examples=100)
@given(deeds=st.lists(ACTIONS, min_size=5, max_size=30))
def test_whatever_happens_each_tag_leaves_once_each_fill_is_booked_once_and_all_is_known_in_the_end(
    deeds: list[tuple[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rig = Rig(tmp_path_factory.mktemp("run") / "account").ready()
    for deed, how in deeds:
        try:
            act(rig, deed, how)
        except Died:
            rig.die()
            rig.start()
        check_exposure(rig)
    rig.lives = 0
    rig.broker.faults.clear()
    rig.broker.reads_fail = 0
    rig.look(60)

    assert len(set(rig.broker.arrived)) == len(rig.broker.arrived)
    keys = [(fill.exchange, fill.trade_id) for fill in rig.fills()]
    assert sorted(keys) == sorted((row["exchange"], row["trade_id"]) for row in rig.broker.rows)
    assert not [own for own in rig.handler.mine.orders.values() if own.stage in ("sending", "unknown")]
    known = {own.tag for own in rig.handler.mine.orders.values() if own.stage == "placed"}
    assert known == set(rig.broker.arrived)
    for booked in rig.broker.booked.values():
        update = rig.updates()[booked.order_id]
        assert (update.status, update.filled_quantity) == (booked.status, booked.filled)
    assert rig.of(Reconciled)[-1].mismatches == ()
    seen: dict[str, tuple[bool, int]] = {}
    for update in rig.of(OrderUpdate):
        final, filled = seen.get(update.order_id, (False, 0))
        assert update.filled_quantity >= filled
        assert update.final >= final
        seen[update.order_id] = (update.final, update.filled_quantity)
    intents = [intent.approved.intent_id for intent in rig.of(Intent) if intent.approved.signal.intent == "enter"]
    assert len(intents) == len(set(intents))
    void = {reject.tag for reject in rig.of(Reject) if reject.verb == "place" and not reject.order_id}
    assert not void & set(rig.broker.arrived)  # what was said not to exist never came to exist
    placed = [out.tag for out in rig.of(OrderPlaced) if out.verb == "place"]
    assert len(placed) == len(set(placed))
    assert len(rig.of(Fill)) == len(set(keys))
    traded = sum(fill.quantity if fill.side == "BUY" else -fill.quantity for fill in rig.fills())
    assert gate_positions(rig).get("INFY", 0) == traded
    rig.die()
