"""A real day is read whole, or refused with its file and line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from kitev3._core import TapeKind, TapeWriter
from kitev3.errors import ConfigError
from kitev3.system.market_file import TEXT_BYTES_MAX, read_market

DAY = "2022-11-24 09:14:59,18300\n2022-11-24 09:15:00,18310.5\n2022-11-24 15:33:27,18484.1\n"
DATA = Path(os.environ.get("KITEV3_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.parametrize("header", ["", "time,value\n"])
@pytest.mark.parametrize("zipped", [False, True])
def test_plain_or_gzipped_with_or_without_a_header(tmp_path: Path, header: str, zipped: bool) -> None:
    content = (header + DAY).encode()
    (tmp_path / "day.csv").write_bytes(gzip.compress(content) if zipped else content)

    day = read_market(tmp_path / "day.csv")

    assert (day.session, len(day)) == ("2022-11-24", 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no value at or after 09:15"),
        (DAY.encode() + b"2022-11-24 15:33:28\n", "line 4: 1 columns"),
        (DAY.encode() + b"2022-11-24 15:33:28,x\n", 'line 4: the value "x"'),
        (DAY.encode() + b"2022-11-24 15:33:28,\xff\n", "line 4: is no text (byte 0xff)"),
        (gzip.compress(DAY.encode())[:40], "is no whole gzip file"),
        (b"x" * (TEXT_BYTES_MAX + 1), "more than 64 MB"),
    ],
    ids=["empty", "columns", "value", "bytes", "cut", "large"],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "day.csv").write_bytes(content)

    with pytest.raises(ConfigError) as refusal:
        read_market(tmp_path / "day.csv")

    assert str(refusal.value).startswith(f"market: {tmp_path / 'day.csv'}: ")
    assert words in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.csv: cannot be read: No such file"):
        read_market(tmp_path / "none.csv")


@pytest.mark.skipif(not DATA.is_dir(), reason="no real days here: set KITEV3_DATA")
def test_the_real_days_are_read() -> None:
    days = {path.name: read_market(path) for path in sorted(DATA.glob("nifty50-ticks-*.csv.gz"))}

    assert days
    assert all(name == f"nifty50-ticks-{day.session}.csv.gz" and len(day) > 10_000 for name, day in days.items())


BARS = """Instrument,Date,Time,Open,High,Low,Close
NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00
NIFTY,20240102,09:15,21751.35,21755.60,21716.85,21720.00
"""


def test_minute_bars_are_told_by_their_header(tmp_path: Path) -> None:
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(BARS.encode()))

    bars = read_market(tmp_path / "bars.csv.gz")

    assert (bars.sessions, len(bars)) == (["2024-01-01", "2024-01-02"], 60)


def test_a_folder_without_a_sound_tape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no tape"):
        read_market(tmp_path)

    with TapeWriter(tmp_path, "2026-11-19") as tape:
        tape.append(TapeKind.EXT, 0, b"nothing of ours" * 10)
    with pytest.raises(ConfigError, match="the ticks of NIFTY 50 on 2026-11-19: "):
        read_market(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="no real days here: set KITEV3_DATA")
def test_a_year_of_real_minutes_is_read_and_bars_of_another_index_are_not() -> None:
    year = read_market(DATA / "nifty50-minute-2024.csv.gz")

    assert len(year.sessions) > 100
    with pytest.raises(ConfigError, match='line 2: bars of "BANKNIFTY"'):
        read_market(DATA / "banknifty-minute-2024.csv.gz")
