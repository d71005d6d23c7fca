"""What a process uses, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_TAPE = ".tape"


def cpu_s(pid: int) -> float:
    """User and system time so far, seconds; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident_mb(pid: int) -> float:
    """Resident memory, MB of 10^6 bytes: anonymous plus shared libraries, without the mapped tape; 0 when it has ended.

    A tape's pages are the page cache's, which the kernel takes back whenever it wants them.
    """
    total_kb, counts = 0, True
    try:
        with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
            for line in file:
                head, _, rest = line.partition(" ")
                if not head.endswith(":"):
                    counts = not line.rstrip().endswith(_TAPE)
                elif counts and head == "Rss:":
                    total_kb += int(rest.split()[0])
    except OSError:
        return 0.0
    return total_kb * 1024 / 1e6
