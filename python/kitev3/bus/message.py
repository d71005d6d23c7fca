"""A message of the bus, taken apart in Python: for tools, tests and the ROUTER. The hot path does this in the core."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

_HEADER = struct.Struct("<BBHIIIQQI4xQq16s24s")
HEADER_BYTES = _HEADER.size
assert HEADER_BYTES == 96
MODES = ("live", "paper", "sim", "backtest")


@dataclass(frozen=True, slots=True)
class Message:
    """``topic NUL header payload``; the header's fields in its order."""

    topic: str
    version: int
    mode: int  # index of MODES
    flags: int
    schema: int
    epoch: int
    sparse_seq: int
    seq: int
    topic_seq: int
    after_epoch: int
    after_seq: int
    ts_ns: int
    cause: bytes
    source: str
    payload: bytes

    @classmethod
    def parse(cls, frame: bytes) -> Message:
        """ValueError or struct.error for what is no message."""
        nul = frame.index(0)
        *fields, source = _HEADER.unpack_from(frame, nul + 1)
        rest: tuple[Any, ...] = (*fields, source.rstrip(b"\0").decode(), frame[nul + 1 + HEADER_BYTES :])
        return cls(frame[:nul].decode(), *rest)

    def frame(self) -> bytes:
        """As it goes over the wire."""
        topic, *fields, source, payload = (getattr(self, name) for name in self.__slots__)
        return b"".join((topic.encode(), b"\0", _HEADER.pack(*fields, source.encode()), payload))
