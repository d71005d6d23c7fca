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
import zlib

import msgspec

from kitev3._core import TagMaker

TAG_CHARS = 20  # Kite's limit; a longer tag gets the order rejected


class TagId(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
        self._maker = TagMaker(key)
        self.make = self._maker.encode
        """``encode`` of the fields of a ``TagId`` one by one, for those who are in a hurry."""

    def encode(self, tag: TagId) -> str:
        """The 20 characters. A field that does not fit is our bug: tags would repeat."""
        return self.make(tag.strategy, tag.epoch, tag.sequence, tag.leg, tag.attempt)

    def decode(self, text: str) -> TagId | None:
        """What *text* says, if it is a tag that this account's key made."""
        fields = self._maker.decode(text) if text.isascii() else None
        if fields is None:
            return None
        strategy, epoch, sequence, leg, attempt = fields
        return TagId(strategy=strategy, epoch=epoch, sequence=sequence, leg=leg, attempt=attempt)


def key_of_seed(seed: int) -> bytes:
    """The key of a simulated account: the same run makes the same tags."""
    return hashlib.sha256(f"kitev3 tags of seed {seed}".encode()).digest()


def strategy_code(name: str) -> int:
    """A strategy's code by its name alone, so that it stays the same over restarts and days."""
    return zlib.crc32(name.encode()) % 36**2
