"""The instruments file: what is read is what stood there, and an odd line costs itself alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3 import instruments
from kitev3._core import Calendar
from kitev3.errors import ConfigError
from kitev3.instruments import COLUMNS, InstrumentsError, Row
from msgspec.structs import replace

TODAY = date(2026, 11, 19)

rows = st.builds(
    Row,
    instrument_token=st.integers(1, 2**32 - 1),
    exchange=st.sampled_from(["NSE", "NFO", "MCX", "CDS"]),
    tradingsymbol=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789&- ", min_size=1, max_size=24)
    .map(str.strip)
    .filter(bool),
    name=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ, ", max_size=20),
    instrument_type=st.sampled_from(["EQ", "FUT", "CE", "PE"]),
    segment=st.sampled_from(["NSE", "NFO-FUT", "NFO-OPT", "MCX-FUT"]),
    expiry=st.one_of(st.just(""), st.dates(date(2000, 1, 1), date(2040, 1, 1)).map(date.isoformat)),
    strike_e4=st.integers(0, 10**10),
    tick_size_e4=st.integers(1, 10**6),
    lot_size=st.integers(1, 10**5),
)


def csv_of(some: list[Row]) -> bytes:
    lines = [",".join(COLUMNS)]
    for row in some:
        rupees = [f"{v // 10_000}.{v % 10_000:04d}" for v in (row.strike_e4, row.tick_size_e4)]
        lines.append(
            f'{row.instrument_token},{row.instrument_token >> 8},{row.tradingsymbol},"{row.name}",0.0,{row.expiry},'
            f"{rupees[0]},{rupees[1]},{row.lot_size},{row.instrument_type},{row.segment},{row.exchange}"
        )
    return "\n".join(lines).encode() + b"\n"


different = st.lists(rows, max_size=20, unique_by=(lambda row: row.instrument_token, lambda row: row.key))


@given(different)
def test_what_is_written_is_read(some: list[Row]) -> None:
    file = instruments.parse(csv_of(some))

    assert (list(file.rows), file.bad) == (some, ())


@given(different.filter(bool), st.data())
def test_a_line_that_stands_there_again_is_left_out_and_its_row_is_not(some: list[Row], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(some))

    file = instruments.parse(csv_of([*some, again]))

    assert list(file.rows) == some
    assert [(bad.line, bad.why) for bad in file.bad] == [(len(some) + 2, f"it is line {some.index(again) + 2} again")]


def test_a_mark_of_the_byte_order_is_no_part_of_a_name() -> None:
    assert instruments.parse(b"\xef\xbb\xbf" + csv_of([])).bad == ()


@given(st.one_of(st.binary(), st.binary().map(lambda lines: csv_of([]) + lines)))
def test_any_bytes_give_rows_and_bad_lines_or_one_clear_error(data: bytes) -> None:
    try:
        file = instruments.parse(data)
    except InstrumentsError as error:
        assert "line" in str(error)
    else:
        assert len(file.rows) + len(file.bad) <= data.count(b"\n")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column: str) -> None:
    text = ",".join(name for name in COLUMNS if name != column) + "\n"

    with pytest.raises(InstrumentsError, match=f"line 1 lacks the columns {column}"):
        instruments.parse(text.encode())


ODD = {
    "a token that is none": {"instrument_token": "x"},
    "a token too long": {"instrument_token": str(2**32)},
    "an exchange nobody knows": {"exchange": "NEWX"},
    "a kind nobody knows": {"instrument_type": "SWAP"},
    "no lot": {"lot_size": "0"},
    "a lot without end": {"lot_size": "1" + "0" * 30},
    "no tick": {"tick_size": "0"},
    "a strike that takes for ever to write out": {"strike": "1e999999999"},
    "a strike that is none": {"strike": "NaN"},
    "an expiry that is no date": {"expiry": "2026-13-01"},
    "no symbol": {"tradingsymbol": ""},
    "an open quote": {"name": '"ODD'},
    "a byte that is no UTF-8": {"tradingsymbol": "ODD\udcff"},
    "half of a character": {"name": "\udce0\udca4"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=list(ODD))
@given(good=different.filter(bool))
def test_an_odd_line_costs_itself_and_is_named(odd: dict[str, str], good: list[Row]) -> None:
    cells = {
        "instrument_token": "7", "exchange_token": "0", "tradingsymbol": "ODD one", "name": "", "last_price": "0",
        "expiry": "", "strike": "0", "tick_size": "0.05", "lot_size": "1", "instrument_type": "EQ", "segment": "NSE",
        "exchange": "NSE",
    } | odd  # fmt: skip
    line = ",".join(cells[name] for name in COLUMNS).encode("utf-8", "surrogateescape")
    head, rest = csv_of(good).split(b"\n", 1)

    file = instruments.parse(b"\n".join((head, line, rest)))

    assert list(file.rows) == good
    assert [bad.line for bad in file.bad] == [2]


@given(different.filter(lambda some: len(some) > 2), st.booleans())
def test_what_stands_twice_is_left_out_whole(some: list[Row], by_token: bool) -> None:
    first, second, *others = some
    twin = replace(second, **({"instrument_token": first.instrument_token} if by_token else
                              {"exchange": first.exchange, "tradingsymbol": first.tradingsymbol}))  # fmt: skip

    file = instruments.parse(csv_of([first, twin, *others]))

    assert list(file.rows) == others
    assert [bad.line for bad in file.bad] == [2, 3]


def test_another_days_file_is_refused() -> None:
    with pytest.raises(InstrumentsError, match="is of 2026-11-18, today is 2026-11-19"):
        instruments.check(instruments.parse(csv_of([])), date(2026, 11, 18), TODAY)


def test_a_file_without_rows_says_what_was_wrong_with_the_first() -> None:
    with pytest.raises(InstrumentsError, match=r"has 0 rows.*first of 1 that cannot be read: line 2"):
        instruments.check(instruments.parse(csv_of([]) + b"odd\n"), TODAY, TODAY)


@given(different.filter(bool))
def test_a_kept_file_is_found_by_its_hash_and_a_changed_one_refused(
    tmp_path_factory: pytest.TempPathFactory, some: list[Row]
) -> None:
    folder: Path = tmp_path_factory.mktemp("instruments")
    data = csv_of(some)

    path = instruments.keep(folder, TODAY, data)

    assert list(instruments.load(folder, instruments.file_hash(data)).rows) == some
    other = instruments.keep(folder, TODAY, data + b"\n")
    path.write_bytes(other.read_bytes())
    with pytest.raises(InstrumentsError, match="was changed"):
        instruments.load(folder, instruments.file_hash(data))


INFY = Row(1, "NSE", "INFY", "INFOSYS", "EQ", "NSE", "", 0, 500, 1)


@pytest.mark.parametrize(
    ("pattern", "hint"), [("NSE:INFI", "'NSE:INFY'"), ("NSE:INFOSYS", "'NSE:INFY'"), ("MCX:GOLD", "check exchange")]
)
def test_a_pattern_that_matches_nothing_is_refused_with_the_nearest_name(pattern: str, hint: str) -> None:
    file = instruments.parse(csv_of([INFY]))

    assert instruments.select(file, ["NSE:IN*"], "[marketdata] instruments") == [INFY]
    with pytest.raises(ConfigError, match=rf"\[marketdata\] instruments: no instrument matches '{pattern}'.*{hint}"):
        instruments.select(file, [pattern], "[marketdata] instruments")


def test_a_pattern_whose_line_was_left_out_is_the_files_fault() -> None:
    file = instruments.parse(csv_of([INFY, replace(INFY, instrument_token=2, tradingsymbol="TCS", lot_size=0)]))

    with pytest.raises(InstrumentsError, match=r"'NSE:TCS' was left out of today's file: line 3"):
        instruments.select(file, ["NSE:INFY", "NSE:TCS"], "[marketdata] instruments")


@pytest.mark.parametrize(
    ("exchange", "name", "today", "quantity"),
    [
        ("NFO", "NIFTY", date(2026, 8, 3), 1800),
        ("NFO", "BANKNIFTY", TODAY, 600),
        ("BFO", "SENSEX", TODAY, 1000),
        ("NFO", "RELIANCE", TODAY, 0),
        ("NSE", "INFY", TODAY, 99_999),
    ],
)
def test_freeze_quantities_are_the_days(exchange: str, name: str, today: date, quantity: int) -> None:
    expiry = "" if exchange == "NSE" else "2026-12-29"
    row = Row(1, exchange, "X", name, "EQ" if exchange == "NSE" else "FUT", exchange, expiry, 0, 5, 1)

    assert instruments.freeze_quantity(row, today, Calendar()) == quantity
