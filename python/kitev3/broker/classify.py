"""What the end of a write to the broker proves: an order, no order, or nothing.

| seen                                                                             | outcome  |
|----------------------------------------------------------------------------------|----------|
| no request byte left: connection refused, DNS or TLS failed, our own egress said no | not_sent |
| 200 and an order id                                                              | ok       |
| 400 Input-, Margin- or HoldingException, 403 Token- or PermissionException,        | reject   |
|   each with a readable body whose message does not send us to the order book     |          |
| 429, the same: too many requests, this one was not taken                           | throttled |
| everything else                                                                  | unknown  |

The broker has answered HTTP 400 to orders that it placed seconds later, so neither a status nor the order's absence
from the book for a while proves anything. When in doubt it is unknown, and the book decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from kitev3.broker import row
from kitev3.errors import readable

Outcome = Literal["ok", "not_sent", "throttled", "reject", "unknown", "error"]

MESSAGE_CHARS_MAX = 300
ORDER_ID_CHARS_MAX = 64
_DOUBTFUL = re.compile(r"(?i:timed out|check the order|try again)|OMS")
_REJECTING = {
    400: frozenset({"InputException", "MarginException", "HoldingException"}),
    403: frozenset({"TokenException", "PermissionException"}),  # the latter: not from the registered address
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response, whole."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a request came to. *data* is the JSON of the envelope's ``data``."""

    outcome: Outcome
    order_id: str = ""
    error_type: str = ""
    message: str = ""
    data: bytes = b""


class _Envelope(msgspec.Struct):
    status: str = ""
    data: msgspec.Raw = msgspec.Raw()
    error_type: str | None = None
    message: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)


def classify_write(reply: Reply) -> Finding:
    """What the reply to place, modify or cancel proves."""
    envelope = _read(reply)
    if envelope is None:
        return _finding("unknown", "", f"HTTP {reply.status} with a body that cannot be read")
    error_type, message = envelope.error_type or "", envelope.message or ""
    if envelope.status != "success" or error_type:
        return _finding(_refusal(reply.status, error_type, message), error_type, message)
    order_id = _order_id(envelope)
    if reply.status != 200 or not order_id:
        return _finding("unknown", "", f"HTTP {reply.status} says success, without an order id or with another status")
    return Finding(outcome="ok", order_id=order_id, data=bytes(envelope.data))


def classify_read(reply: Reply) -> Finding:
    """What the reply to a read is worth: the data, or an error after which it may be asked again."""
    envelope = _read(reply)
    if envelope is None:
        return _finding("error", "", f"HTTP {reply.status} with a body that cannot be read")
    if envelope.status != "success" or envelope.error_type or reply.status != 200:
        return _finding("error", envelope.error_type or "", envelope.message or f"HTTP {reply.status}")
    return Finding(outcome="ok", data=bytes(envelope.data))


def classify_failure(*, first_byte_sent: bool, error_type: str, message: str) -> Finding:
    """What a write proves that ended without a reply."""
    return _finding("unknown" if first_byte_sent else "not_sent", error_type, message)


def _refusal(status: int, error_type: str, message: str) -> Outcome:
    if _DOUBTFUL.search(message) or not error_type or not message:
        return "unknown"
    if status == 429:
        return "throttled"
    return "reject" if error_type in _REJECTING.get(status, frozenset()) else "unknown"


def _read(reply: Reply) -> _Envelope | None:
    if "json" not in reply.content_type.lower():
        return None
    try:
        return row.cut(reply.body, _envelope.decode)
    except row.UNREADABLE:
        return None


def _order_id(envelope: _Envelope) -> str:
    try:
        order_id = row.row(envelope.data).get("order_id")
    except row.BadRow:
        return ""
    return order_id if isinstance(order_id, str) and len(order_id) <= ORDER_ID_CHARS_MAX else ""


def _finding(outcome: Outcome, error_type: str, message: str) -> Finding:
    error_type, message = (readable(text, MESSAGE_CHARS_MAX) for text in (error_type, message))
    return Finding(outcome=outcome, error_type=error_type, message=message)
