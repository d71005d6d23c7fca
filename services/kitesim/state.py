"""The exchange's memory between two runs: what it was made from, and every request that it accepted.

The market is a function of its settings and the time, so nothing else needs to be kept: after a restart the same
exchange is made and asked everything again. The file is a tape: each request is on it before it is answered and
outlives the process from then on; it is synced to the disk within a second, which is what a loss of power can cost.
It holds no secret: tokens are given anew, or on the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from kitev3._core import TapeCorrupt, TapeKind, TapeReader, TapeWriter
from kitev3.contracts import Origin, Request
from kitev3.errors import ConfigError
from kitev3.services.kitesim.opening import FORM

SYNC_EVERY_MS = 1_000
SEGMENT_BYTES = 1 << 20  # a day of 5,000 orders is half of it


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """No market time after this one had been told to anybody."""

    at_ns: int


Kept: TypeAlias = tuple[Origin, tuple[Request, ...], int]


def remembered(folder: Path) -> Kept | None:
    """What a folder holds: the origin, the requests in order, the market time to go on from. None: nothing yet.

    ConfigError names file and offset of what is not as it was written, and what of the folder cannot be read.
    """
    if not folder.is_dir():
        return None
    origin: Origin | None = None
    requests: list[Request] = []
    at_ns = 0
    try:
        for number, kind, _, content in TapeReader(folder):
            try:
                if kind == TapeKind.EPOCH:
                    origin = _origin(origin, msgspec.msgpack.decode(content, type=Origin), folder)
                elif kind == TapeKind.EXT:
                    requests.append(msgspec.msgpack.decode(content, type=Request))
                    at_ns = max(at_ns, requests[-1].at_ns)
                elif kind == TapeKind.SNAPSHOT:
                    at_ns = max(at_ns, msgspec.msgpack.decode(content, type=_Mark).at_ns)
            except msgspec.DecodeError as error:
                raise ConfigError(f"state: {folder}: record {number} is none of this version: {error}") from None
    except TapeCorrupt as corrupt:
        raise ConfigError(
            f"state: {corrupt.file}: offset {corrupt.offset}: {corrupt.what}; take another folder"
        ) from None
    except OSError as error:
        raise ConfigError(f"state: {folder}: cannot be read: {error}") from None
    if origin is None:
        if requests:
            raise ConfigError(f"state: {folder}: requests without a beginning")
        return None
    return origin, tuple(requests), max(at_ns, origin.start_ns)


def _origin(before: Origin | None, found: Origin, folder: Path) -> Origin:
    if found.form != FORM:
        raise ConfigError(f"state: {folder}: of form {found.form}; this version reads {FORM}")
    if before is not None and before != found:
        raise ConfigError(f"state: {folder}: two exchanges in one folder")
    return found


def check(kept: Origin, wanted: Origin, where: str, instead: str) -> None:
    """ConfigError when what is wanted is not the exchange that is remembered there; *instead*: what to do then."""
    was_named, named = _flat(kept), _flat(wanted)
    for name in was_named | named:
        was, value = was_named.get(name), named.get(name)
        if was != value:
            raise ConfigError(f"{where}: its exchange has {name} {was}, not {value}; {instead}")


def _flat(origin: Origin) -> dict[str, Any]:
    """With each rule beside the others."""
    values = msgspec.structs.asdict(origin)
    del values["rules"]
    return {**values, **origin.rules}


class Memory:
    """Writes down what an exchange accepts. ConfigError when the folder is another's or cannot be written."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.tape = TapeWriter(
                folder, origin.session, segment_bytes=SEGMENT_BYTES, spare_segments=0, sync_every_ms=SYNC_EVERY_MS
            )
        except BlockingIOError:
            raise ConfigError(f"state: {folder}: in use by another exchange") from None
        except TapeCorrupt as corrupt:
            raise ConfigError(f"state: {corrupt.file}: offset {corrupt.offset}: {corrupt.what}") from None
        except OSError as error:
            raise ConfigError(f"state: {folder}: cannot be written: {error.strerror}") from None
        if self.tape.recovered == 0:
            self.tape.append(TapeKind.EPOCH, 0, msgspec.msgpack.encode(origin))
            self.tape.sync()

    def keep(self, request: Request) -> None:
        """One request more that was accepted."""
        self.tape.append(TapeKind.EXT, request.at_ns, msgspec.msgpack.encode(request))

    def mark(self, at_ns: int) -> None:
        """From now on market times up to this one are told: where the next run goes on, so that none of them comes
        again.
        """
        self.tape.append(TapeKind.SNAPSHOT, at_ns, msgspec.msgpack.encode(_Mark(at_ns)))

    def close(self) -> None:
        """Syncs."""
        self.tape.close()
