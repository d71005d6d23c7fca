"""A process's own memory in huge pages."""

from __future__ import annotations

import ctypes
from pathlib import Path

HUGE_PAGE_BYTES = 2 << 20
_MADV_COLLAPSE = 25  # Linux 6.1


def collapse() -> int:
    """Puts what this process has allocated so far into huge pages, where they fit; how many bytes that were.

    A process that sleeps between messages finds the processor's table of pages taken by others when it wakes, and has
    to walk through its own again; of pages five hundred times as large it needs a handful. A hint for speed: where the
    kernel cannot, it changes nothing. Memory that is a file's, as a tape's is, stays as it is.
    """
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return 0  # no Linux
    advise = ctypes.CDLL(None).madvise
    done = 0
    for line in maps.splitlines():
        span, access, _, _, _, *name = line.split(maxsplit=5)
        if access != "rw-p" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(edge, 16) for edge in span.split("-"))
        first = -(-start // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
        size = (end - first) // HUGE_PAGE_BYTES * HUGE_PAGE_BYTES
        if size > 0 and advise(ctypes.c_void_p(first), ctypes.c_size_t(size), _MADV_COLLAPSE) == 0:
            done += size
    return done
