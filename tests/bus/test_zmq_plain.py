"""The dependency on libzmq's functions by address, and what is done where there are none."""

from __future__ import annotations

import ctypes

import pytest
import zmq
from kitev3.bus import zmq_transport
from kitev3.bus.zmq_transport import LIBZMQ, libzmq


def test_pyzmq_of_the_lock_has_every_function_that_the_core_calls_at_an_address_of_version_4() -> None:
    functions = libzmq()

    assert zmq.zmq_version_info()[0] == LIBZMQ
    assert set(functions) == {"errno", "msg_close", "msg_data", "msg_init", "msg_recv", "msg_size", "send"}
    assert all(functions.values())
    assert ctypes.CFUNCTYPE(ctypes.c_int)(functions["errno"])() >= 0


@pytest.mark.parametrize("name", ["another version", "another library"])
def test_where_they_cannot_be_had_there_are_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "another version":
        monkeypatch.setattr(zmq, "zmq_version_info", lambda: (LIBZMQ + 1, 0, 0))
    else:
        monkeypatch.setattr(zmq_transport, "compiled", ctypes)

    assert libzmq() == {}
