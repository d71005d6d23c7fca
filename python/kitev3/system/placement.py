"""Which cores a process or thread runs on, and how soon it gives way there."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Mapping
from pathlib import Path

from kitev3.system.profile import Profile


def pin(profile: Profile, service: str = "", environment: Mapping[str, str] = os.environ) -> None:
    """Puts the calling thread, and those it will start, where the profile wants *service*; no name: off the order path.

    A hint for speed and nothing more: cores that the machine lacks, or that are not ours to use, are left out.
    """
    try:
        os.sched_setaffinity(0, profile.cores(service, allowed(environment)))
    except OSError:
        return  # they were taken from us meanwhile


def allowed(environment: Mapping[str, str] = os.environ) -> frozenset[int]:
    """The cores that we were given, by a container or taskset; a supervisor tells its processes, since it has left the
    order path's cores itself and they begin where it is."""
    told = environment.get(CORES, "")
    return frozenset(int(core) for core in told.split(",") if core.isdecimal()) or frozenset(os.sched_getaffinity(0))


CORES = "KITEV3_CORES"
LOOP_SLICE_NS = 100_000  # the shortest that Linux takes
IO_SLICE_NS = 200_000
_IO_THREADS = "ZMQbg/IO"  # libzmq's name for them
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


def shorten_time_slice(*, loop: bool) -> None:
    """Has the threads of a process on the order path run as soon as they are woken, where others share the core.

    Whoever sends a message wakes a thread of libzmq, and that one wakes the next loop. With the scheduler's own slices
    of some milliseconds each waits until the one before has done all that it does after sending. A thread with a
    shorter slice goes first (Linux 6.12, EEVDF; an older one ignores it). A loop that has much to do after it has sent
    keeps its slice: *loop* is False.

    A hint for speed and nothing more, as ``pin`` is.
    """
    for task in Path("/proc/self/task").glob("*"):
        try:
            if (task / "comm").read_text().startswith(_IO_THREADS):
                _slice(int(task.name), IO_SLICE_NS)
        except OSError:
            continue  # it has ended meanwhile
    if loop:
        _slice(os.getpid(), LOOP_SLICE_NS)


def _slice(thread: int, slice_ns: int) -> None:
    """sched_setattr(2): `struct sched_attr` with all as it is but the slice."""
    call = _SCHED_SETATTR.get(platform.machine())
    if call is None or os.sched_getscheduler(thread) != os.SCHED_OTHER:
        return
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    attributes = struct.pack("=IIQiIQQQ", 48, os.SCHED_OTHER, 0, nice, 0, slice_ns, 0, 0)
    ctypes.CDLL(None).syscall(call, thread, attributes, 0)
