"""Twenty seconds of the soak: `make soak` is ten minutes of the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_under_load_no_frame_is_lost_and_no_order() -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "bench.soak"],
        cwd=ROOT,
        env=os.environ | {"SOAK_SECONDS": "20"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert soak.stdout.endswith("soak: passed\n")
