"""From where orders may come, and when a login ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiteconnect import exceptions as kite
from kitev3.errors import ConfigError
from kitev3.services.kitesim.access import DAY_NS, LOOPBACK, Access, flushed, read_addresses, time_of_day_ns
from kitev3.services.kitesim.options import read_options
from waiting import S_MAX
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from services.kitesim_rig import kitesim

ORDER = {
    "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1,
    "product": "MIS", "order_type": "MARKET", "market_protection": -1,
}  # fmt: skip


def test_orders_from_an_address_that_is_not_listed_are_refused_and_everything_else_is_answered() -> None:
    with kitesim("--static-ip", "10.1.2.3") as running:
        client = running.client()

        with pytest.raises(kite.PermissionException, match=r"127\.0\.0\.1"):
            client.place_order(**ORDER)
        with pytest.raises(kite.PermissionException):
            client.modify_order("regular", "1", quantity=2)
        with pytest.raises(kite.PermissionException):
            client.cancel_order("regular", "1")

        assert client.orders() == []


@pytest.mark.parametrize("options", [(), ("--admin", "127.0.0.1:0")])
def test_a_client_cannot_say_where_it_comes_from(options: tuple[str, ...]) -> None:
    with kitesim("--static-ip", "10.1.2.3", *options) as running:
        client = running.client()
        client.reqsession.headers["X-Forwarded-For"] = "10.1.2.3"

        with pytest.raises(kite.PermissionException, match=r"127\.0\.0\.1"):
            client.place_order(**ORDER)


def test_at_the_set_time_tokens_die_and_sockets_with_them() -> None:
    with kitesim("--login-end", "09:21", "--speed", "20") as running:
        with connect(running.feed) as feed, pytest.raises(ConnectionClosed):
            _read_on(feed)

        with pytest.raises(kite.TokenException):
            running.client().orders()
        with pytest.raises(InvalidStatus):
            connect(running.feed).close()


def _read_on(feed: ClientConnection) -> None:
    while True:
        feed.recv(timeout=S_MAX)


def test_strict_holds_loopback_and_legacy_nothing_unless_told_otherwise() -> None:
    assert read_options([]).access.addresses == LOOPBACK
    assert read_options(["--profile", "legacy"]).access.addresses is None
    told = read_options(["--static-ip", "10.0.0.1", "--static-ip", "fd00::1"])
    assert told.access.addresses == frozenset({"10.0.0.1", "fd00::1"})


@pytest.mark.parametrize("text", ["6:00", "24:00", "06:60", " ", "six", "06-00", "٠٦:٠٠x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="login_end"):
        _ = read_options(["--login-end", text]).all_rules


def test_a_time_of_the_day_is_hours_and_minutes() -> None:
    assert time_of_day_ns("06:30") == 6 * DAY_NS // 24 + 30 * DAY_NS // 1440


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="static_ip"):
        read_addresses(["here"])


def test_an_address_is_the_same_in_each_of_its_forms() -> None:
    access = Access(addresses=read_addresses(["10.0.0.1", "FD00:0::1"]))

    assert [access.admits(a) for a in ("::ffff:10.0.0.1", "fd00::1", "10.0.0.2", "")] == [True, True, False, False]


@given(st.integers(0, 10 * DAY_NS), st.lists(st.integers(0, DAY_NS), max_size=30), st.integers(0, DAY_NS - 1))
def test_however_time_is_cut_tokens_die_once_a_day(start_ns: int, steps_ns: list[int], flush_ns: int) -> None:
    flushes, now_ns = 0, start_ns
    for step_ns in steps_ns:
        flushes += flushed(flush_ns, now_ns, now_ns + step_ns)
        now_ns += step_ns

    days = sum(flushed(flush_ns, day * DAY_NS + start_ns, (day + 1) * DAY_NS + start_ns) for day in range(3))
    assert (flushes <= (now_ns - start_ns) // DAY_NS + 1, days) == (True, 3)
