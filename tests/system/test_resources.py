"""What a process uses, measured from outside."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

from kitev3.system.resources import cpu_s, resident_mb

MB = 1_000_000


def test_a_mapped_tape_is_not_resident_memory_and_anything_else_is(tmp_path: Path) -> None:
    size = 64 * MB
    before = resident_mb(os.getpid())

    with open(tmp_path / "2026-11-19.001.tape", "w+b") as file:
        file.truncate(size)
        tape = mmap.mmap(file.fileno(), size)
        for page in range(0, size, mmap.PAGESIZE):
            tape[page] = 1
        with_tape = resident_mb(os.getpid())
        tape.close()
    plain = mmap.mmap(-1, size)
    for page in range(0, size, mmap.PAGESIZE):
        plain[page] = 1
    with_plain = resident_mb(os.getpid())
    plain.close()

    assert abs(with_tape - before) < 5
    assert with_plain - before > 60


def test_cpu_is_counted_and_of_the_dead_there_is_none() -> None:
    begin = cpu_s(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass

    assert 0.05 < cpu_s(os.getpid()) - begin < 5
    assert cpu_s(2**22 + 1) == 0
    assert resident_mb(2**22 + 1) == 0
