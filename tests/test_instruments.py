"""The instruments file: what is read is what stood there, and a broken file is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3 import instruments
from kitev3.instruments import COLUMNS, InstrumentsError, Row

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


def csv_of(some: list[Row]) -> str:
    lines = [",".join(COLUMNS)]
    for row in some:
        rupees = [f"{v // 10_000}.{v % 10_000:04d}" for v in (row.strike_e4, row.tick_size_e4)]
        lines.append(
            f'{row.instrument_token},{row.instrument_token >> 8},{row.tradingsymbol},"{row.name}",0.0,{row.expiry},'
            f"{rupees[0]},{rupees[1]},{row.lot_size},{row.instrument_type},{row.segment},{row.exchange}"
        )
    return "\n".join(lines) + "\n"


@given(st.lists(rows, max_size=20))
def test_what_is_written_is_read(some: list[Row]) -> None:
    assert instruments.parse(csv_of(some)) == some


@given(st.text())
def test_any_text_gives_rows_or_one_clear_error(text: str) -> None:
    try:
        instruments.parse(text)
    except InstrumentsError as error:
        assert "line" in str(error)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column: str) -> None:
    text = ",".join(name for name in COLUMNS if name != column) + "\n"

    with pytest.raises(InstrumentsError, match=f"line 1 lacks the columns {column}"):
        instruments.parse(text)


@given(
    rows,
    st.sampled_from(["instrument_token", "strike", "tick_size", "lot_size", "expiry", "exchange", "instrument_type"]),
)
def test_a_value_that_cannot_be_read_names_its_line(row: Row, column: str) -> None:
    header, line = csv_of([row]).splitlines()
    cells = line.split('"')[0].rstrip(",").split(",") + [row.name] + line.split('"')[2].lstrip(",").split(",")
    cells[COLUMNS.index(column)] = "x"

    with pytest.raises(InstrumentsError, match="line 2"):
        instruments.parse(f"{header}\n{','.join(c if ',' not in c else f'{chr(34)}{c}{chr(34)}' for c in cells)}\n")


def test_another_days_file_is_refused() -> None:
    with pytest.raises(InstrumentsError, match="is of 2026-11-18, today is 2026-11-19"):
        instruments.check([], date(2026, 11, 18), TODAY)


@given(rows)
def test_one_token_for_two_symbols_is_refused(row: Row) -> None:
    with pytest.raises(InstrumentsError, match="stands"):
        instruments.check([row, row], TODAY, TODAY)


@given(st.lists(rows, min_size=1, max_size=5))
def test_a_kept_file_is_found_by_its_hash_and_a_changed_one_refused(
    tmp_path_factory: pytest.TempPathFactory, some: list[Row]
) -> None:
    folder: Path = tmp_path_factory.mktemp("instruments")
    text = csv_of(some)

    path = instruments.keep(folder, TODAY, text)

    assert instruments.load(folder, instruments.file_hash(text)) == some
    other = instruments.keep(folder, TODAY, text + "\n")
    path.write_bytes(other.read_bytes())
    with pytest.raises(InstrumentsError, match="was changed"):
        instruments.load(folder, instruments.file_hash(text))


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    row = Row(1, "NSE", "INFY", "INFOSYS", "EQ", "NSE", "", 0, 500, 1)

    assert instruments.select([row], ["NSE:IN*"]) == [row]
    with pytest.raises(InstrumentsError, match="'NSE:INFI'"):
        instruments.select([row], ["NSE:INFI"])


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
    row = Row(1, exchange, "X", name, "FUT" if exchange != "NSE" else "EQ", exchange, "", 0, 5, 1)

    assert instruments.freeze_quantity(row, today) == quantity
