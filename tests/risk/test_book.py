"""The broker's whole book: what was brought into the day, what others did, and what is not there any more."""

from __future__ import annotations

from doubles.account import FUTURE, LAST_E4, ROWS, SHARE, WIDE, Desk, order
from kitev3.contracts import Approved, Blocked, Book, Fill, OrderUpdate, Position

ROW = ROWS[FUTURE]


def held(quantity: int, average_e4: int, realised_e4: int = 0) -> Position:
    return Position(
        ROW.exchange, ROW.tradingsymbol, FUTURE, "NRML", quantity, average_e4, LAST_E4[FUTURE], realised_e4, 0, 0
    )


def open_order(tag: str = "", quantity: int = 65, filled: int = 0, *, final: bool = False) -> OrderUpdate:
    return OrderUpdate(
        tag, "O1", "OPEN", ROW.exchange, ROW.tradingsymbol, FUTURE, "BUY", "NRML", "LIMIT", quantity, filled,
        quantity - filled, LAST_E4[FUTURE], 0, 0, final, origin="external",
    )  # fmt: skip


def trade(quantity: int, price_e4: int, trade_id: str = "T1") -> Fill:
    return Fill("", "O1", trade_id, ROW.exchange, ROW.tradingsymbol, FUTURE, "BUY", "NRML", quantity, price_e4, 0)


def read(desk: Desk, *, orders: tuple[OrderUpdate, ...] = (), trades: tuple[Fill, ...] = (),
         positions: tuple[Position, ...] = ()) -> None:  # fmt: skip
    desk.gate.on_book(Book(orders, trades, positions, ""), desk.now_ns)


def test_a_position_brought_into_the_day_counts_from_yesterdays_close() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130, "capital_e4": 10**9, "gross_pct_max": 10**6,
                        "net_pct_max": 10**6, "daily_loss_bp_max": 1})  # fmt: skip
    read(desk, positions=(held(65, LAST_E4[FUTURE] + 50_000_000),))  # far under water, but not today
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
    read(desk, **rest, positions=(held(30, LAST_E4[FUTURE]),))  # type: ignore[arg-type]
    once = desk.gate.snapshot(desk.now_ns)
    read(desk, **rest, positions=(held(30, LAST_E4[FUTURE]),))  # type: ignore[arg-type]

    assert desk.gate.snapshot(desk.now_ns) == once
    assert (once.positions[0].quantity, once.open_orders) == (30, 1)
    assert once.reserved_e4 == 35 * LAST_E4[FUTURE]


def test_what_the_book_does_not_name_is_flat() -> None:
    desk = Desk()
    desk.hold(SHARE, 10)
    read(desk)

    (position,) = desk.gate.snapshot(desk.now_ns).positions
    assert position.quantity == 0
    assert isinstance(desk.judge(order(SHARE, "SELL", 10, intent="exit")), Blocked)


def test_an_order_of_somebody_else_counts_until_it_is_final() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130})
    read(desk, orders=(open_order(quantity=130),))
    standing = desk.judge(order())
    desk.gate.on_update(open_order(quantity=130, final=True))

    assert isinstance(standing, Blocked)
    assert standing.verdict.rule == "R35"
    assert isinstance(desk.judge(order()), Approved)


def test_a_trade_heard_before_its_order_is_counted_once() -> None:
    desk = Desk(limits={**WIDE.limits(), "position_quantity_max": 130})
    desk.gate.on_fill(trade(65, LAST_E4[FUTURE]), desk.now_ns)
    desk.gate.on_update(open_order(quantity=65, filled=65, final=True))

    snapshot = desk.gate.snapshot(desk.now_ns)
    assert (snapshot.positions[0].quantity, snapshot.open_orders, snapshot.reserved_e4) == (65, 0, 0)
    assert isinstance(desk.judge(order()), Approved)
