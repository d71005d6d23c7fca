"""Where a process runs and how soon it gives way: asked of the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
from kitev3.system.placement import IO_SLICE_NS, LOOP_SLICE_NS, shorten_time_slice
from waiting import S_MAX

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}


def slice_ns(thread: int) -> int:
    """The slice of a thread in ns, as sched_getattr(2) gives it."""
    attributes = ctypes.create_string_buffer(48)
    if ctypes.CDLL(None).syscall(SCHED_GETATTR[platform.machine()], thread, attributes, 48, 0):
        pytest.skip("this kernel does not tell")
    runtime: int = struct.unpack("=IIQiIQQQ", attributes.raw)[5]
    return runtime


def io_threads() -> list[int]:
    return [int(task.name) for task in Path("/proc/self/task").iterdir() if "IO/" in (task / "comm").read_text()]


def slices(how: str) -> list[int]:
    """Of a process's own thread and of libzmq's, after *how*."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with zmq.Context() as context, context.socket(zmq.PUB):
            until_s = time.monotonic() + S_MAX
            while not (io := io_threads()) and time.monotonic() < until_s:
                pass  # it names itself when it begins to run
            if how:
                shorten_time_slice(loop=how == "loop")
            os.write(writer, f"{slice_ns(os.getpid())} {slice_ns(io[0])}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        return [int(word) for word in answer.read().split()]


@pytest.mark.skipif(platform.machine() not in SCHED_GETATTR, reason="the call's number is not known here")
def test_a_loop_gives_way_first_then_libzmqs_thread() -> None:
    usual = slices("")
    if not any(usual):
        pytest.skip("this kernel has no slices of a thread's own")

    assert slices("loop") == [LOOP_SLICE_NS, IO_SLICE_NS]
    assert slices("no loop") == [usual[0], IO_SLICE_NS]


PINNED = """
import os
from kitev3.system.placement import CORES, allowed, pin
from kitev3.system.profile import load
cores = ",".join(map(str, sorted(allowed({}))))
pin(load("demo"), "", {})
for service in ("strategy", "journal"):
    pin(load("demo"), service, {CORES: cores})
    print(sorted(os.sched_getaffinity(0)))
"""


def pinned(cores: set[int]) -> list[str]:
    """Where a pinned service and one that is not end up, of a system that was given *cores*."""
    done = subprocess.run(
        [sys.executable, "-c", PINNED],
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores to be kept off one")
def test_a_pin_never_leaves_the_cores_that_we_were_given() -> None:
    first, second, *_ = sorted(os.sched_getaffinity(0))
    assert pinned({first}) == [f"[{first}]"] * 2
    assert pinned({second}) == [f"[{second}]"] * 2


@pytest.mark.skipif(not {0, 1} <= os.sched_getaffinity(0), reason="the demo pins to core 1")
def test_a_pinned_service_has_its_core_and_the_others_the_rest() -> None:
    assert pinned({0, 1}) == ["[1]", "[0]"]
