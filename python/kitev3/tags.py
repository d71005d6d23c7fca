"""The tag by which our order is known at the broker: 20 characters, base 36.

    K  S S  E E E  N N N N N N  L  A  C C C C C C
    |  |    |      |            |  |  check: keyed, over the 14 characters before it
    |  |    |      |            |  attempt
    |  |    |      |            leg of a plan
    |  |    |      sequence within the epoch
    |  |    epoch of the account
    |  strategy's code
    version

The broker takes no idempotency key, and its trades carry no tag: this is all that tells our order from another. The
check is a truncated HMAC, so that a tag somebody else made up, or one that was mistyped, is not taken for ours.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from dataclasses import dataclass

TAG_CHARS = 20  # Kite's limit; a longer tag gets the order rejected
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_VERSION = "K"
_CHECK_CHARS = 6
_FIELDS = (("strategy", 2), ("epoch", 3), ("sequence", 6), ("leg", 1), ("attempt", 1))
assert len(_VERSION) + sum(width for _, width in _FIELDS) + _CHECK_CHARS == TAG_CHARS


@dataclass(frozen=True, slots=True, kw_only=True)
class TagId:
    """What a tag says."""

    strategy: int
    epoch: int
    sequence: int
    leg: int = 0
    attempt: int = 0


class Tags:
    """Makes and reads the tags of one account. *key* is configuration; with another key no tag is ours."""

    def __init__(self, key: bytes) -> None:
        assert len(key) >= 16, "a key shorter than 16 bytes could be guessed"
        self._key = key

    def encode(self, tag: TagId) -> str:
        """The 20 characters. A field that does not fit is our bug: tags would repeat."""
        body = _VERSION
        for name, width in _FIELDS:
            value: int = getattr(tag, name)
            assert 0 <= value < 36**width, f"{name} {value} does not fit {width} base-36 digits"
            body += _base36(value, width)
        return body + self._check(body)

    def decode(self, text: str) -> TagId | None:
        """What *text* says, if it is a tag that this account's key made."""
        if len(text) != TAG_CHARS or not text.isascii() or not text.startswith(_VERSION):
            return None
        body, check = text[:-_CHECK_CHARS], text[-_CHECK_CHARS:]
        if not hmac.compare_digest(check, self._check(body)):
            return None
        fields: dict[str, int] = {}
        at = len(_VERSION)
        for name, width in _FIELDS:
            fields[name] = _value(body[at : at + width])
            at += width
        return TagId(**fields)

    def _check(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode("ascii"), hashlib.sha256).digest()
        return _base36(int.from_bytes(digest[:8], "big") % 36**_CHECK_CHARS, _CHECK_CHARS)


def key_of_seed(seed: int) -> bytes:
    """The key of a simulated account: the same run makes the same tags."""
    return hashlib.sha256(f"kitev3 tags of seed {seed}".encode()).digest()


def strategy_code(name: str) -> int:
    """A strategy's code by its name alone, so that it stays the same over restarts and days."""
    return zlib.crc32(name.encode()) % 36**2


def _base36(value: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _value(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 36 + _VALUES[digit]
    return value
