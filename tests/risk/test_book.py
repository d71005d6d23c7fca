"""The broker's whole book: what was brought into the day, what others did, and what is not there any more."""

from __future__ import annotations

from doubles.account import FUTURE, LAST_E4, ROWS, SHARE, WIDE, Desk, order
from hypothesis import given
from hypothesis import strategies as st
from kitev3.contracts import Approved, Blocked, Book, Carried, Fill, OrderUpdate, Reject, Side

ROW = ROWS[FUTURE]


def brought(quantity: int, average_e4: int) -> Carried:
    return Carried(ROW.exchange, ROW.tradingsymbol, FUTURE, "NRML", quantity, average_e4)


def open_order(tag: str = "", quantity: int = 65, filled: int = 0, *, final: bool = False) -> OrderUpdate:
    return OrderUpdate(
        tag, "O1", "OPEN", ROW.exchange, ROW.tradingsymbol, FUTURE, "BUY", "NRML", "LIMIT", quantity, filled,
        quantity - filled, LAST_E4[FUTURE], 0, 0, final, origin="external",
    )  # fmt: skip


def trade(quantity: int, price_e4: int, trade_id: str = "T1", side: Side = "BUY") -> Fill:
    return Fill("", "O1", trade_id, ROW.exchange, ROW.tradingsymbol, FUTURE, side, "NRML", quantity, price_e4, 0)


def read(desk: Desk, *, orders: tuple[OrderUpdate, ...] = (), trades: tuple[Fill, ...] = (),
         carried: tuple[Carried, ...] = ()) -> None:  # fmt: skip
    desk.gate.on_book(Book(orders, trades, carried, "", 1), desk.now_ns)


def test_a_position_brought_into_the_day_counts_from_yesterdays_close() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130, "capital_e4": 10**9, "gross_pct_max": 10**6,
                        "net_pct_max": 10**6, "daily_loss_bp_max": 1})  # fmt: skip
    read(desk, carried=(brought(65, LAST_E4[FUTURE] + 50_000_000),))  # far under water, but not today
    snapshot = desk.gate.snapshot(desk.now_ns)

    assert snapshot.positions[0].quantity == 65
    assert snapshot.gross_pnl_e4 == -65 * 50_000_000
    assert snapshot.tripped == ""
    assert isinstance(desk.judge(order(quantity=130)), Blocked)
    assert isinstance(desk.judge(order(quantity=65)), Approved)
    assert isinstance(desk.judge(order(action="SELL", intent="exit")), Approved)


def test_the_same_book_twice_changes_nothing() -> None:
    desk = Desk()
    rest = {"orders": (open_order(filled=30),), "trades": (trade(30, LAST_E4[FUTURE]),)}
    read(desk, **rest)  # type: ignore[arg-type]
    once = desk.gate.snapshot(desk.now_ns)
    read(desk, **rest)  # type: ignore[arg-type]

    assert desk.gate.snapshot(desk.now_ns) == once
    assert (once.positions[0].quantity, once.open_orders) == (30, 1)
    assert once.reserved_e4 == 35 * LAST_E4[FUTURE]


def test_what_the_book_does_not_name_was_not_brought_in_and_what_was_traded_stays() -> None:
    desk = Desk()
    desk.hold(SHARE, 10)
    read(desk, carried=(brought(65, LAST_E4[FUTURE]),))
    read(desk)

    assert {row.tradingsymbol: row.quantity for row in desk.gate.snapshot(desk.now_ns).positions} == {
        "INFY": 10,
        ROW.tradingsymbol: 0,
    }


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("book"), st.integers(0, 8), st.integers(-3, 3)),
    ),
    max_size=30,
)


@given(steps=STEPS, sides=st.lists(st.sampled_from(["BUY", "SELL"]), min_size=8, max_size=8))
def test_a_position_is_its_opening_and_its_trades_in_whatever_order_books_and_trades_are_heard(
    steps: list[tuple[str, int, int]], sides: list[Side]
) -> None:
    desk = Desk()
    trades = [trade(65 * (n + 1), LAST_E4[FUTURE], f"T{n}", side) for n, side in enumerate(sides)]
    known: dict[str, Fill] = {}
    opening = 0
    for what, number, lots in steps:
        if what == "fill":
            desk.gate.on_fill(trades[number], desk.now_ns)
            known[trades[number].trade_id] = trades[number]
        else:  # a book that knows fewer trades than have been heard, or more
            opening = 65 * lots
            carried = (brought(opening, LAST_E4[FUTURE]),) if lots else ()
            read(desk, trades=tuple(trades[:number]), carried=carried)
            known |= {row.trade_id: row for row in trades[:number]}

    held = {row.tradingsymbol: row.quantity for row in desk.gate.snapshot(desk.now_ns).positions}
    traded = sum(row.quantity if row.side == "BUY" else -row.quantity for row in known.values())
    assert held.get(ROW.tradingsymbol, 0) == opening + traded


def test_an_order_of_somebody_else_counts_until_it_is_final() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130})
    read(desk, orders=(open_order(quantity=130),))
    standing = desk.judge(order())
    desk.gate.on_update(open_order(quantity=130, final=True))

    assert isinstance(standing, Blocked)
    assert standing.verdict.rule == "R35"
    assert isinstance(desk.judge(order()), Approved)


@given(st.lists(st.sampled_from(["final", "reject", "fill"]), min_size=3, max_size=8))
def test_an_order_that_ends_at_the_broker_is_released_once_however_often_it_is_told(told: list[str]) -> None:
    desk = Desk(limits=WIDE.limits())
    tag, approved = desk.place(order(quantity=130))
    final = OrderUpdate(
        tag, f"O{tag}", "CANCELLED", ROW.exchange, ROW.tradingsymbol, ROW.instrument_token, "BUY", "NRML", "LIMIT", 130,
        65, 0, LAST_E4[FUTURE], 0, LAST_E4[FUTURE], final=True,
    )  # fmt: skip
    reject = Reject(tag, approved.intent_id, True, "CANCELLED", "with the day", order_id=f"O{tag}")
    deeds = {
        "final": lambda: desk.gate.on_update(final),
        "reject": lambda: desk.gate.on_reject(reject),
        "fill": lambda: desk.fill(tag, approved, 65, LAST_E4[FUTURE], trade_id="T"),
    }
    for deed in (*told, "final", "fill"):
        deeds[deed]()

    snapshot = desk.gate.snapshot(desk.now_ns)
    assert (snapshot.positions[0].quantity, snapshot.open_orders, snapshot.reserved_e4) == (65, 0, 0)


def test_a_trade_heard_before_its_order_is_counted_once() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130})
    desk.gate.on_fill(trade(65, LAST_E4[FUTURE]), desk.now_ns)
    desk.gate.on_update(open_order(quantity=65, filled=65, final=True))

    snapshot = desk.gate.snapshot(desk.now_ns)
    assert (snapshot.positions[0].quantity, snapshot.open_orders, snapshot.reserved_e4) == (65, 0, 0)
    assert isinstance(desk.judge(order()), Approved)
