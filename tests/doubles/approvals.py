"""Approvals as the gate would have made them."""

from __future__ import annotations

import msgspec
from kitev3._core import ApprovalKey
from kitev3.contracts import Approved
from kitev3.runtime.setup import ENCODE

APPROVAL_KEY = b"the key of the tests' approvals"
KEY = ApprovalKey(APPROVAL_KEY)


def sealed(approved: Approved, key: ApprovalKey = KEY) -> Approved:
    """The same approval with its check."""
    before = ENCODE(msgspec.structs.replace(approved, check=""))[:-1]
    return msgspec.structs.replace(approved, check=key.check(before))
