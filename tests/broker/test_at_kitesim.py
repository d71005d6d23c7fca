"""The official client, our adapter and the whole of execution against kitesim over HTTP, in a process of its own."""

from __future__ import annotations

import datetime as dt
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kitev3.account.account import Account
from kitev3.account.secret import read_secret
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Order
from kitev3.broker.kite import KiteBroker
from kitev3.broker.readonly import ReadOnlyKite
from kitev3.broker.rows import Books
from kitev3.broker.session import login_to_kitesim, open_session
from kitev3.contracts import OrderRow, TradeRow
from kitev3.errors import Refused
from waiting import until

from .conftest import permit
from .execution_desk import KEY, SECRET, TOKEN, USER, Desk, approval

RUN = "import sys; from kitev3.services.kitesim.standalone import main; sys.exit(main(sys.argv[1:]))"


@contextmanager
def kitesim(speed: int) -> Iterator[str]:
    options = ["--listen", "127.0.0.1:0", "--speed", str(speed), "--clock", "2026-11-19T09:20"]
    login = ["--api-key", KEY, "--api-secret", SECRET, "--access-token", TOKEN]
    with subprocess.Popen([sys.executable, "-c", RUN, *options, *login], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"listens on (\S+)", process.stdout.readline())
            assert found is not None
            yield f"http://{found[1]}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with kitesim(speed=30) as root:
        yield root


@pytest.fixture
def kite(root: str, tmp_path: Path) -> Iterator[KiteBroker]:
    with Account(tmp_path / "account") as account:
        account.begin_day(dt.date(2026, 11, 19))
        account.latch.raise_to_active()
        made = KiteBroker(api_key=KEY, access_token=TOKEN, egress=Egress(account, lambda: 0, lambda: None), root=root)
        yield made
        made.close()


def buy(symbol: str, quantity: int, price_e4: int) -> Order:
    return Order(
        exchange="NSE", tradingsymbol=symbol, side="BUY", quantity=quantity, product="MIS", order_type="LIMIT",
        price_e4=price_e4, trigger_price_e4=0, validity="DAY", market_protection_bp=0,
    )  # fmt: skip


@pytest.fixture
def reader(root: str) -> Iterator[ReadOnlyKite]:
    made = ReadOnlyKite(api_key=KEY, access_token=TOKEN, root=root)
    yield made
    made.close()


def best_e4(kite: ReadOnlyKite, symbol: str, side: str) -> int:
    """The last of the five levels that there is."""
    found = [kite.quote([f"NSE:{symbol}"])]
    if found[0].outcome != "ok":  # one a second is allowed, of a second that is short here
        until(lambda: found.append(kite.quote([f"NSE:{symbol}"])) or found[-1].outcome == "ok")
    quote = msgspec.json.decode(found[-1].data)
    prices = [level["price"] for level in quote[f"NSE:{symbol}"]["depth"][side] if level["price"]]
    return round(prices[-1] * 10_000)


def test_an_order_lives_and_ends_as_the_book_says(kite: KiteBroker, reader: ReadOnlyKite) -> None:
    price_e4 = best_e4(reader, "INFY", "buy") // 10_000 * 10_000 - 20_0000
    placed = kite.place(buy("INFY", 5, price_e4), permit(tag="A"))
    assert (placed.outcome, placed.error_type, placed.message) == ("ok", "", "")
    assert kite.modify(placed.order_id, buy("INFY", 4, price_e4), permit(tag="A", verb="modify")).outcome == "ok"
    assert kite.cancel(placed.order_id, permit(tag="A", verb="cancel", kind="cancel")).outcome == "ok"

    def row() -> OrderRow:
        read = Books(bool).read("orders", kite.orders())
        assert (read.bad, read.why) == (0, "")
        return next(row for row in read.orders if row.order_id == placed.order_id)

    until(lambda: row().status == "CANCELLED")
    assert (row().quantity, row().filled_quantity, set(row().tags)) == (4, 0, {"A"})


def test_a_fill_is_in_the_trades(kite: KiteBroker, reader: ReadOnlyKite) -> None:
    placed = kite.place(buy("TCS", 5, best_e4(reader, "TCS", "sell")), permit(tag="B"))

    def rows() -> list[TradeRow]:
        return [row for row in Books(bool).read("trades", kite.trades()).trades if row.order_id == placed.order_id]

    until(lambda: sum(row.quantity for row in rows()) == 5)
    assert all(row.traded_ns for row in rows())


def test_what_the_exchange_refuses_is_a_rejection(kite: KiteBroker) -> None:
    finding = kite.place(buy("INFY", 5, 1), permit(tag="C"))

    assert (finding.outcome, finding.error_type) == ("reject", "InputException")


def test_the_reading_client_reads_the_same_exchange(root: str, reader: ReadOnlyKite) -> None:
    assert reader.instruments().data.startswith(b"instrument_token,")
    assert best_e4(reader, "INFY", "buy") > 0
    reader.close()
    stranger = ReadOnlyKite(api_key=KEY, access_token="wrongwrongwrong", root=root)
    assert stranger.quote(["NSE:INFY"]).error_type == "TokenException"
    stranger.close()


def test_a_login_leads_to_a_token_in_a_closed_file(root: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    request_token = login_to_kitesim(root, KEY)

    user = open_session(api_key=KEY, api_secret=SECRET, request_token=request_token, token_file=file, root=root)

    assert (user, read_secret(file), stat.S_IMODE(file.stat().st_mode)) == (USER, TOKEN, 0o400)
    with pytest.raises(Refused, match="log in again"):  # a request token is used up
        open_session(api_key=KEY, api_secret=SECRET, request_token=request_token, token_file=file, root=root)


def test_a_login_that_is_not_taken_tells_no_secret(root: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="log in again") as refused:
        open_session(
            api_key=KEY,
            api_secret="anothersecret",
            request_token=login_to_kitesim(root, KEY),
            token_file=tmp_path / "token",
            root=root,
        )
    assert "anothersecret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert not (tmp_path / "token").exists()
    with pytest.raises(Refused, match="took no login"):
        login_to_kitesim(root, "nobody")
    with pytest.raises(Refused, match="no login page"):
        login_to_kitesim("http://127.0.0.1:1", KEY)


def test_execution_trades_over_http_from_its_tape(root: str, tmp_path: Path) -> None:
    desk = Desk(root, tmp_path, speed=30)
    desk.approve(approval(1, _sbin(root)))
    desk.until(lambda: sum(fill.quantity for fill in desk.handler.book.booked if fill.tag) == 10)
    status = desk.stop()

    assert (status["orders"], status["rejects"], status["unknown"]) == (1, 0, 0)
    assert all(word in b"".join(desk.frames) for word in (b"execution.sending", b"execution.order_placed"))
    assert TOKEN.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "tape").rglob("*.tape"))


@pytest.mark.parametrize("speed", [1, 10, 30])
def test_stops_of_many_orders_at_once_are_all_taken_at_any_speed(speed: int, tmp_path: Path) -> None:
    with kitesim(speed) as root:
        price_e4 = _sbin(root)
        desk = Desk(root, tmp_path, speed)
        desk.approve(*(approval(number, price_e4) for number in range(8)))
        desk.until(lambda: desk.answered() == 8)
        desk.approve(*(approval(number, price_e4, stop=True) for number in range(8, 24)))
        desk.until(lambda: desk.answered() == 24)
        status = desk.stop()

    assert (status["orders"], status["rejects"], status["unknown"]) == (24, 0, 0)
    assert b"Too many" not in b"".join(desk.frames)


def _sbin(root: str) -> int:
    reader = ReadOnlyKite(api_key=KEY, access_token=TOKEN, root=root)
    price_e4 = best_e4(reader, "SBIN", "sell")
    reader.close()
    return price_e4
