"""Where tests find a real day of the index, and what stands in for it elsewhere."""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta
from pathlib import Path

HOUSE = Path(__file__).parents[1]
DAY = "nifty50-ticks-2022-11-24.csv.gz"


def real_day(folder: Path) -> Path:
    """The real day of KITEV3_DATA (default ``../shared/data``), or one generated into *folder*: the same shape."""
    data = Path(os.environ.get("KITEV3_DATA") or HOUSE.parent / "shared" / "data")
    return data / DAY if (data / DAY).is_file() else generated_day(folder / "generated.csv")


def generated_day(path: Path, seconds: int = 23_400, seed: int = 7) -> Path:
    """A walk of the index about once a second from 09:00 IST of 2022-11-24."""
    chance, value, at = random.Random(seed), 18_365.0, datetime(2022, 11, 24, 9)
    lines = []
    for _ in range(seconds):
        at += timedelta(seconds=1)
        value += chance.gauss(0, 1.2)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{value:.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path
