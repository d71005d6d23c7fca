"""The full universe, soon and often enough."""

from __future__ import annotations

import json
import time

from kitev3._core import decode_plain
from websockets.sync.client import connect

from services.kitesim_rig import kitesim


def test_the_full_universe_answers_within_ten_seconds_at_any_time_of_the_day() -> None:
    for clock in ("2026-11-19T09:02", "2026-11-19T15:05"):
        begun = time.monotonic()
        with kitesim("--universe", "full", "--hours", "dated", "--clock", clock) as running:
            rows = running.client().instruments()
            assert time.monotonic() - begun < 10
            assert len(rows) > 3000


def test_three_thousand_instruments_in_full_mode_come_four_times_a_second() -> None:
    options = ("--universe", "full", "--frame-ms", "250", "--clock", "2026-11-19T11:00")
    with kitesim(*options) as running:
        tokens = [row["instrument_token"] for row in running.client().instruments()][:3000]
        with connect(running.feed, compression=None, max_size=1 << 22) as reader:
            reader.send(json.dumps({"a": "mode", "v": ["full", tokens]}))
            frames: list[bytes] = []
            while len(frames) < 9:
                frame = reader.recv(timeout=10)
                if isinstance(frame, bytes) and len(frame) > 1:
                    frames.append(frame)

    batches = [decode_plain(frame) for frame in frames[1:]]
    assert all(len(batch) == 3000 for batch in batches)
    times = [max(tick.exchange_ns for tick in batch) for batch in batches]
    assert times == sorted(times)
    assert times[-1] - times[0] <= 3 * 10**9
