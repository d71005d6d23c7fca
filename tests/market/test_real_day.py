"""A real day of the NIFTY, through Kite's frames, into bars."""

import csv
import gzip
import os
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from kitev3._core import BarBuilder, Decoder, Tick, encode_frame

NIFTY = 256_265
DATA = Path(os.environ.get("KITEV3_DATA", "../shared/data"))
DAY = DATA / "nifty50-ticks-2022-11-24.csv.gz"
IST = timezone(timedelta(hours=5, minutes=30))
FRAME_TICKS = 700  # so that frames end in the middle of minutes


def real_ticks() -> list[tuple[int, int]]:
    """Seconds UTC and price in 1/10,000 rupee."""
    with gzip.open(DAY, "rt", encoding="ascii") as lines:
        rows = [(datetime.fromisoformat(time), Decimal(price)) for time, price in csv.reader(lines)]
    return [(int(time.replace(tzinfo=IST).timestamp()), int(price * 10_000)) for time, price in rows]


@pytest.mark.skipif(not DAY.exists(), reason=f"no real day at {DAY}")
def test_a_real_day_gives_its_minutes() -> None:
    seconds = real_ticks()
    ticks = [Tick(NIFTY, price_e4, exchange_ns=time * 10**9) for time, price_e4 in seconds]
    frames = [encode_frame(ticks[at : at + FRAME_TICKS]) for at in range(0, len(ticks), FRAME_TICKS)]
    decoder, builder = Decoder(), BarBuilder({NIFTY: ["1m"]})

    bars = [bar for frame in frames for bar in builder.update(decoder.decode(frame))]

    minutes: dict[int, list[int]] = defaultdict(list)
    opened = int(datetime(2022, 11, 24, 9, 15, tzinfo=IST).timestamp())
    for time, price_e4 in seconds:
        if opened <= time < opened + 375 * 60:
            minutes[time // 60 * 60].append(price_e4)
    expected = [(start, p[0], max(p), min(p), p[-1], len(p), False) for start, p in sorted(minutes.items())]
    said = [(b.start_ns // 10**9, b.open_e4, b.high_e4, b.low_e4, b.close_e4, b.ticks, b.short) for b in bars]
    assert said == expected
    assert (decoder.errors, decoder.flagged) == (0, 0)
    assert builder.entered + builder.outside == len(ticks)
