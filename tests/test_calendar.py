"""The calendar: beside a slow reader of its rows, on every day; a user's own rows; what is outside is refused."""

import csv
import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3 import calendar
from kitev3._core import Calendar, CalendarError, Exchange, session_open_ns
from kitev3.errors import ConfigError
from kitev3.system.profile import load

SHIPPED = Path(__file__).parents[1] / "rust/core/src/calendar/shipped.csv"
SEGMENTS = (
    "indices", "shares", "other shares", "futures", "options", "currency", "currency on its last day", "commodity",
)  # fmt: skip
JUDGED = {"shares": ("NSE", "EQ", True), "other shares": ("BSE", "EQ", False), "futures": ("NFO", "FUT", True),
          "options": ("BFO", "CE", True)}  # fmt: skip
MINUTE_NS = 60 * 10**9
DAYS = [date(2022, 1, 1) + timedelta(days=n) for n in range(5 * 365 + 1)]
NAMES = ["NFO:NIFTY", "NFO:BANKNIFTY", "NFO:RELIANCE", "BFO:SENSEX", "CDS:USDINR", "NSE:INFY", "NFO:NOBODY"]


class Slow:
    """The rows as they stand, each asked anew, the last that holds first."""

    def __init__(self, text: str, provisional: bool) -> None:
        lines = [line for line in text.splitlines() if line and not line.startswith(("#", "table,"))]
        rows = [(*row[:6], ",".join(row[6:])) for row in csv.reader(lines, quoting=csv.QUOTE_NONE)]
        self.rows = [row for row in reversed(rows) if provisional or not row[5]]

    def of(self, table: str, key: str, day: str) -> str | None:
        for row_table, row_key, value, first, last, *_ in self.rows:
            named = row_key == key or (row_key.endswith("*") and key.startswith(row_key[:-1]))
            if row_table == table and named and first <= day and (not last or day <= last):
                return value
        return None

    def trades(self, segment: str, day: date) -> bool:
        value = self.of("day", segment, day.isoformat())
        return value == "open" or (value == "weekdays" and day.weekday() < 5)

    def session(self, segment: str, day: date) -> tuple[int, int] | None:
        phases = self.of("phases", segment, day.isoformat())
        if phases is None or not self.trades(segment, day):
            return None
        starts = [phase.strip().split(" ") for phase in phases.split("|")]
        opened = next(n for n, (_, word) in enumerate(starts) if word == "open")
        return clock_ns(starts[opened][0]), clock_ns(starts[opened + 1][0])


def clock_ns(text: str) -> int:
    hour, minute = text.split(":")
    return (int(hour) * 60 + int(minute)) * MINUTE_NS


def ist(day: date) -> str:
    return day.isoformat()


@pytest.mark.parametrize("provisional", [False, True])
def test_every_segment_has_its_session_on_every_day(provisional: bool) -> None:
    fast, slow = Calendar(provisional=provisional), Slow(SHIPPED.read_text(), provisional)
    for day in DAYS:
        for segment in SEGMENTS:
            session = slow.session(segment, day)
            assert fast.trades(ist(day), segment) == slow.trades(segment, day), (day, segment)
            assert fast.session(ist(day), segment) == session, (day, segment)
            if segment in JUDGED:
                hours = fast.hours(ist(day), *JUDGED[segment])
                assert (hours and (hours["open_ns"], hours["exit_until_ns"])) == session, (day, segment)


def test_lots_freeze_quantities_and_bands_are_the_rows_on_every_day() -> None:
    for provisional in (False, True):
        fast, slow = Calendar(provisional=provisional), Slow(SHIPPED.read_text(), provisional)
        for day in map(ist, DAYS[::7]):
            for key in NAMES:
                lot, freeze = slow.of("lot", key, day), slow.of("freeze", key, day)
                number, _, lots = (freeze or "").partition(" ")
                units = None if freeze is None else int(number) * (50 if lots else 1)
                assert fast.lot(key, day) == (None if lot is None else int(lot)), (key, day)
                assert fast.freeze_quantity(key, day, 50) == units, (key, day)
            assert fast.band_percent("NSE:INFY", day) == 10


@given(st.sampled_from(DAYS), st.sampled_from(["NFO:NIFTY", "BFO:SENSEX", "CDS:USDINR", "MCX:CRUDEOIL"]))
def test_an_expiry_trades_and_none_is_left_out(day: date, key: str) -> None:
    dates = Calendar(provisional=True)

    expiries = dates.expiries(key, ist(day), 9)

    days = [expiry for expiry, _ in expiries]
    assert len(days) == 9
    assert days == sorted(set(days))
    assert days[0] >= ist(day)
    assert all(dates.trades(expiry, "futures") for expiry in days)
    assert dates.expiries(key, days[4], 5) == expiries[4:]
    weekly = key == "NFO:NIFTY"
    months = {expiry[:7] for expiry, monthly in expiries if monthly}
    assert len(months) == 9 or weekly
    assert all(monthly for _, monthly in expiries) or weekly


@given(st.lists(st.tuples(st.sampled_from(DAYS), st.integers(0, 40), st.integers(1, 5000)), max_size=6))
def test_of_a_users_rows_the_last_wins(drawn: list[tuple[date, int, int]]) -> None:
    rows = [
        f"freeze,NFO:NIFTY,{units},{first},{first + timedelta(days=length)},,mine" for first, length, units in drawn
    ]
    own = Calendar("\n".join(rows))

    for first, length, _ in drawn:
        for day in (first, first + timedelta(days=length)):
            units = [u for f, n, u in drawn if f <= day <= f + timedelta(days=n)]
            assert own.freeze_quantity("NFO:NIFTY", ist(day)) == units[-1]


def test_what_is_outside_is_refused_and_a_guess_is_for_the_local_exchange_alone() -> None:
    settled, guessed = Calendar(), Calendar(provisional=True)

    assert (settled.covers("2027-01-26"), guessed.covers("2027-01-26")) == (False, True)
    assert settled.hours("2027-01-27", "NFO", "FUT") is None
    assert settled.expiries("NFO:NIFTY", "2027-01-20", 1) == []
    # Its nominal day, a Tuesday, is Republic Day.
    assert guessed.expiries("NFO:NIFTY", "2027-01-20", 1) == [("2027-01-25", True)]
    with pytest.raises(CalendarError, match="2027-01-04 is outside the calendar"):
        settled.trading_day("2027-01-04")


def an_exchange(day: str, **more: Any) -> Exchange:
    return Exchange(users=["U"], market="frozen", seed=1, start_ns=session_open_ns(day), **more)


def test_the_exchange_lists_by_the_calendar_and_refuses_a_day_outside() -> None:
    def expiry(exchange: Exchange) -> str:
        rows = csv.DictReader(exchange.instruments_csv(None).splitlines())
        return next(row["expiry"] for row in rows if row["instrument_type"] == "FUT")

    own = Calendar("expiry,NFO:NIFTY,2027-01-21,2027-01-01,2027-01-31,,moved once more", provisional=True)

    assert expiry(an_exchange("2027-01-04")) == "2027-01-25"
    assert expiry(an_exchange("2027-01-04", calendar=own)) == "2027-01-21"
    for day in ("2031-12-01", "2040-01-02", "1999-12-31"):
        with pytest.raises(CalendarError, match=f"{day} is outside the calendar"):
            an_exchange(day)


def test_a_users_file_is_laid_over_and_stands_on_the_tape(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("# mine\nday,*,closed,2026-11-19,2026-11-19,,a day off\n")
    plain = load("demo", environment={})
    mine = load("demo", environment={"KITEV3_CALENDAR": str(file)})

    dates = calendar.read(mine.calendar)
    before = mine.effective()["calendar"]
    file.write_text("day,*,closed,2026-11-20,2026-11-20,,another\n")

    assert (dates.trades("2026-11-19"), calendar.read(plain.calendar).trades("2026-11-19")) == (False, True)
    assert len({plain.effective()["calendar"], before, mine.effective()["calendar"]}) == 3
    assert str(tmp_path) not in str(mine.effective())
    assert dataclasses.replace(mine, calendar="").effective() == plain.effective()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"day,*,weekdays\n", "line 1: expected the seven columns table,key"),
        (b"\nlot,NFO:X,many,2026-01-01,,,mine", 'line 2: expected a whole number above 0, not "many"'),
        (b"day,*,open,2026-01-01,,\n\xff", r"line 2: is no text \(byte 0xff\)"),
        (b"#" * (calendar.FILE_BYTES_MAX + 1), "has more than 1024 kB"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_calendar_is_named_with_its_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "mine.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=f"calendar: {file}: {said}"):
        calendar.read(str(file))
