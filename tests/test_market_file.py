"""A real day is read whole, or refused with its file and line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from kitev3.errors import ConfigError
from kitev3.market_file import TEXT_BYTES_MAX, read_market

DAY = "2022-11-24 09:14:59,18300\n2022-11-24 09:15:00,18310.5\n2022-11-24 15:33:27,18484.1\n"
DATA = Path(os.environ.get("KITEV3_DATA", Path(__file__).parents[2] / "shared" / "data"))


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
