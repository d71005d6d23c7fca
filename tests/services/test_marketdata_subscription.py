"""What is subscribed and which bars are built follow from what is declared; what matches nothing is refused."""

from __future__ import annotations

from datetime import date

import pytest
from kitev3.errors import ConfigError
from kitev3.instruments import File, Row
from kitev3.runtime.service import Asked
from kitev3.services.marketdata.subscription import Wanted

TODAY = date(2026, 11, 19)
FILE = File(
    tuple(
        Row(token << 8 | 1, "NSE", symbol, name, "EQ", "NSE", "", 0, 500, 1)
        for token, (symbol, name) in enumerate([("INFY", "INFOSYS"), ("TCS", "TATA CONSULTANCY"), ("SBIN", "SBI")], 1)
    ),
    (),
    "01234567",
)


def asked(*instruments: str, bars: str = "") -> Asked:
    return Asked(where="[strategy] run 'cross'", instruments=instruments, bars=bars)


def bars(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    return {row.tradingsymbol: wanted.subscribed(row, TODAY, "").bars for row in wanted.rows(FILE)}


def test_the_bars_that_a_service_asks_for_are_built_for_its_instruments() -> None:
    wanted = Wanted(["NSE:*"], ["1m"], [asked("NSE:T*", "NSE:SBIN", bars="15m"), asked("NSE:TCS", bars="5s")])

    assert bars(wanted) == {"INFY": ("1m",), "TCS": ("1m", "15m", "5s"), "SBIN": ("1m", "15m")}


def test_one_period_has_one_name() -> None:
    assert bars(Wanted(["NSE:TCS"], ["60s"], [asked("NSE:TCS", bars="1m")])) == {"TCS": ("1m",)}


def test_without_a_list_what_is_asked_for_is_subscribed() -> None:
    assert list(bars(Wanted([], [], [asked("NSE:SBIN"), asked("NSE:I*")]))) == ["INFY", "SBIN"]


@pytest.mark.parametrize(
    ("instruments", "pattern", "said"),
    [
        (["NSE:*"], "NSE:INFOSYS", r"run 'cross': no instrument matches 'NSE:INFOSYS', did you mean 'NSE:INFY'\?"),
        (["NSE:TCS"], "NSE:INFY", r"run 'cross': 'NSE:INFY' is not subscribed: add it to \[marketdata\] instruments"),
        (["NSE:TC"], "NSE:TCS", r"\[marketdata\] instruments: no instrument matches 'NSE:TC', did you mean 'NSE:TCS'"),
        ([], "NSE:SBI", r"run 'cross': no instrument matches 'NSE:SBI', did you mean 'NSE:SBIN'"),
    ],
)
def test_what_matches_nothing_is_refused_with_the_nearest_name(instruments: list[str], pattern: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Wanted(instruments, [], [asked(pattern)]).rows(FILE)


@pytest.mark.parametrize("wrong", [{"bars": ["1 minute"]}, {"asked": [asked("NSE:TCS", bars="1x")]}])
def test_what_is_no_period_is_refused_with_who_asks(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigError, match=r"bars: .* is no bar: time from 1s to 1d"):
        Wanted(["NSE:*"], **({"bars": []} | wrong))  # type: ignore[arg-type]
