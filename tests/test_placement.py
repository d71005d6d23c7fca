"""How soon a thread of the order path gives way: asked of the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

import pytest
import zmq
from kitev3.config import load
from kitev3.placement import IO_SLICE_NS, LOOP_SLICE_NS, hurry

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}


def slice_ns(thread: int) -> int:
    """The slice of a thread in ns, as sched_getattr(2) gives it."""
    attributes = ctypes.create_string_buffer(48)
    if ctypes.CDLL(None).syscall(SCHED_GETATTR[platform.machine()], thread, attributes, 48, 0):
        pytest.skip("this kernel does not tell")
    runtime: int = struct.unpack("=IIQiIQQQ", attributes.raw)[5]
    return runtime


@pytest.mark.skipif(platform.machine() not in SCHED_GETATTR, reason="the call's number is not known here")
def test_libzmqs_threads_and_a_hearers_loop_give_way_soon_and_only_on_the_order_path() -> None:
    found: dict[str, list[int]] = {}

    def in_a_process_of_its_own(service: str, loop: bool) -> list[int]:
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            with zmq.Context() as context, context.socket(zmq.PUB):
                hurry(load("demo"), service, loop=loop)
                tasks = [t for t in Path("/proc/self/task").iterdir() if "IO/" in (t / "comm").read_text()]
                os.write(writer, repr([slice_ns(os.getpid()), slice_ns(int(tasks[0].name))]).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            return [int(word) for word in answer.read().strip("[]").split(",")]

    found["journal"] = in_a_process_of_its_own("journal", True)
    if len(set(found["journal"])) > 1 or not found["journal"][0]:
        pytest.skip("this kernel has no slices of a thread's own")
    found["strategy"] = in_a_process_of_its_own("strategy", True)
    found["marketdata"] = in_a_process_of_its_own("marketdata", False)

    usual = found["journal"][0]
    assert found["strategy"] == [LOOP_SLICE_NS, IO_SLICE_NS]
    assert found["marketdata"] == [usual, IO_SLICE_NS]
