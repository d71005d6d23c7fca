"""A message of the bus, taken apart in Python: for tools, tests and the ROUTER. The hot path does this in the core."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<BBHIIIQQIIQq16s24s")
HEADER_BYTES = _HEADER.size
assert HEADER_BYTES == 96
MODES = ("live", "paper", "sim", "backtest")


@dataclass(frozen=True, slots=True)
class Message:
    """``topic NUL header payload``."""

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
        fields = _HEADER.unpack_from(frame, nul + 1)
        (
            version,
            mode,
            flags,
            schema,
            epoch,
            sparse_seq,
            seq,
            topic_seq,
            after_epoch,
            _,
            after_seq,
            ts_ns,
            cause,
            source,
        ) = fields
        return cls(
            topic=frame[:nul].decode(),
            version=version,
            mode=mode,
            flags=flags,
            schema=schema,
            epoch=epoch,
            sparse_seq=sparse_seq,
            seq=seq,
            topic_seq=topic_seq,
            after_epoch=after_epoch,
            after_seq=after_seq,
            ts_ns=ts_ns,
            cause=cause,
            source=source.rstrip(b"\0").decode(),
            payload=frame[nul + 1 + HEADER_BYTES :],
        )

    def frame(self) -> bytes:
        """As it goes over the wire."""
        header = _HEADER.pack(
            self.version, self.mode, self.flags, self.schema, self.epoch, self.sparse_seq, self.seq, self.topic_seq,
            self.after_epoch, 0, self.after_seq, self.ts_ns, self.cause, self.source.encode(),
        )  # fmt: skip
        return self.topic.encode() + b"\0" + header + self.payload
