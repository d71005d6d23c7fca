"""Memory in huge pages, as the kernel counts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import pathlib
from kitev3.system.hugepages import collapse
kept = [bytearray(range(256)) * 16 for _ in range(10_000)]
before = pathlib.Path("/proc/self/smaps_rollup").read_text()
done = collapse()
assert all(one == bytearray(range(256)) * 16 for one in kept)
print(done, before, pathlib.Path("/proc/self/smaps_rollup").read_text())
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this kernel does not count huge pages")
def test_what_is_allocated_lies_in_huge_pages_and_is_still_the_same() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    done = int(ran.stdout.split()[0])
    if not done:
        pytest.skip("this kernel gives no huge pages")

    before, after = (int(kb) for kb in re.findall(r"AnonHugePages: +(\d+) kB", ran.stdout))

    assert after - before >= done // 1024 * 9 // 10
