"""The key of a run's approvals: by it execution knows that an approval is the gate's.

A strategy is a person's code and runs as the same user, so it can write to any socket of the run. `kitev3 up` makes a
key for each run and hands it to the gate and execution alone, through a pipe that is read at once: it stands in no
file, argument, environment, log or tape, and both refuse to be looked into by other processes of the user.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from kitev3._core import TapeCorrupt, TapeKind, TapeReader
from kitev3.contracts import BY_TOPIC
from kitev3.errors import ConfigError
from kitev3.runtime.service import Context

KEY_BYTES = 32
VARIABLE = "KITEV3_APPROVAL_FD"  # the number of the pipe's end, which is no secret
PR_SET_DUMPABLE = 4
EPOCH_BYTES = 4

_APPROVED = BY_TOPIC["risk.approved"]
HOLDERS = frozenset((*_APPROVED.speakers, _APPROVED.worker))


def offered(key: bytes) -> int:
    """A pipe's end from which one process may read the key, once; to be closed when that has been started."""
    ours, theirs = os.pipe()
    os.write(theirs, key)
    os.close(theirs)
    return ours


def taken(environment: Mapping[str, str] = os.environ) -> bytes:
    """The key that the supervisor has handed over; empty without one. Nobody reads it after us."""
    number = environment.get(VARIABLE)
    if number is None:
        return b""
    key = os.read(int(number), KEY_BYTES)
    os.close(int(number))
    if len(key) != KEY_BYTES:
        raise ConfigError("the key of the approvals was handed over in part: start the run again")
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return key


def key_of(context: Context) -> bytes:
    """The key of a run. Without a supervisor it is made of the run itself, which keeps nobody out: never live.

    Raises:
        ConfigError: live, and nobody has handed over a key.
    """
    if context.approval_key:
        return context.approval_key
    if context.mode == "live":
        raise ConfigError("approvals need the key that `kitev3 up` hands over: live, no service is started alone")
    return hashlib.sha256(
        f"kitev3 approvals of {context.account} on {context.session}, seed {context.seed}".encode()
    ).digest()


def name_of(key: bytes) -> str:
    """Which key it is, for a tape: with another one nothing is executed again."""
    return hashlib.sha256(b"name of " + key).hexdigest()[:8]


def epoch_before(tape: Path, key: bytes) -> int:
    """The last epoch of the gate's in an earlier run: what it approved by then bears another key. 0: there was none.

    *tape*: the gate's folder, of which the last two days are read. A record that does not hold ends the reading, as it
    does for whoever hears the gate from there.
    """
    days = sorted({file.name[:10] for file in tape.glob("*.tape")})[-2:]
    ours, last = b'"approvals":"%s"' % name_of(key).encode(), 0
    try:
        for _, kind, _, content in TapeReader(tape, days[0]) if days else ():
            if kind == TapeKind.EPOCH and b'"approvals":"' in content and ours not in content:
                last = int.from_bytes(content[:EPOCH_BYTES], "little")  # its numbers come first, the epoch before all
    except TapeCorrupt:
        pass
    return last
