"""A row of the broker's JSON as it may really come: each number an int, a float, a text, null, or not there at all.

The one definition of "a number from the broker", for quotes, orders, trades, positions and funds alike. An answer is
cut into its rows first (`members`, `elements`), then read row by row, so that a row that cannot be read costs itself.
Null and absent are the same. What is there and is no number, or is one that no price or quantity can be, is a bad row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from kitev3.errors import KiteError

Value = TypeVar("Value")

RUPEES_MAX = 10**12  # far above any price, value or margin; ten thousand times it fits 64 bits
WHOLE_MAX = 2**53  # what every JSON reader carries exactly
TEXT_CHARS_MAX = 1_024

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a JSON decoder raises at bytes from outside; nesting without end is among it."""


DEPTH_MAX = 64  # far more than any answer has

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|\s++|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
_COLON = re.compile(rb"\s*+:")
_TEXT = re.compile(
    rb'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    rb'|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"'
)
_PLAIN = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")


class BadRow(KiteError):
    """A row that cannot be read; the text names the field and what stood there."""


def mended(body: bytes) -> bytes:
    """*body* with what is no text and no number of JSON (half a surrogate pair, ``NaN``, ``007``), is missing, or lies
    too deep, in a form that can be cut off with its row and costs that row: a text that is no UTF-8, or a list. A
    member whose name is none is called by one that nobody asks for."""
    out: list[bytes] = []
    depth = too_deep = 0
    before = b""
    for found in _TOKEN.finditer(body):
        token = found[0]
        opens, closes = token in (b"[", b"{"), token in (b"]", b"}")
        if too_deep or (opens and depth == DEPTH_MAX):
            too_deep += opens - closes
            if too_deep:
                continue
            token, opens, closes = b"[]", False, False
        depth += opens - closes
        if token.isspace() or token == b":":
            pass
        elif closes or token == b",":
            if before == b":":
                out.append(b"[]")
        elif token.startswith(b'"'):
            token = _text(token, is_name=_COLON.match(body, found.end()) is not None)
        elif not opens and token != b"[]" and not _PLAIN.fullmatch(token):
            token = b"[]"
        out.append(token)
        before = before if token.isspace() else token
    return b"".join(out)


def _text(token: bytes, *, is_name: bool) -> bytes:
    try:
        token.decode()
    except UnicodeDecodeError:
        return b'"?"' if is_name else token
    if _TEXT.fullmatch(token):
        return token
    return b'"?"' if is_name else b'"\xff"'


def cut(body: bytes, decode: Callable[[bytes], Value]) -> Value:
    """What a decoder that leaves members unread makes of *body*, mended where it has to be.

    Raises what the decoder does.
    """
    try:
        return decode(body)
    except UNREADABLE:
        return decode(mended(body))


def members(body: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, unread.

    Raises BadRow when it is no object.
    """
    cut: dict[str, msgspec.Raw] = _cut(body, dict[str, msgspec.Raw], "object")
    return cut


def elements(body: bytes) -> list[msgspec.Raw]:
    """The elements of a JSON list, unread.

    Raises BadRow when it is no list.
    """
    cut: list[msgspec.Raw] = _cut(body, list[msgspec.Raw], "list")
    return cut


def row(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    """One row's fields by name.

    Raises BadRow when it is no JSON object, or one of its values cannot be read.
    """
    try:
        fields = msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise BadRow(str(error) or type(error).__name__) from None
    if not isinstance(fields, dict):
        raise BadRow(f"{shown(fields)} is no row")
    return fields


def part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A row within a row; empty when it is null or absent."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRow(f"{name}: {shown(value)} is no row")
    return value


def parts(fields: Mapping[str, Any], name: str) -> list[Any]:
    """A list within a row; empty when it is null or absent."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRow(f"{name}: {shown(value)} is no list")
    return value


def whole(fields: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A whole number; *default* when it is null or absent.

    Raises BadRow for what is no whole number of at most 2^53, and for a missing one without a default.
    """
    value = fields.get(name)
    if type(value) is not int:
        number = _number(name, value, default)
        if number != number.to_integral_value():
            raise BadRow(f"{name}: {shown(value)} is no whole number")
        value = int(number)
    if not -WHOLE_MAX <= value <= WHOLE_MAX:
        raise BadRow(f"{name}: {shown(value)} is out of all bounds")
    return value


def e4(fields: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """Rupees as 1/10,000 rupee, rounded half to even; *default* (rupees) when they are null or absent.

    Raises BadRow for what is no number of at most 10^12 rupees, and for a missing one without a default.
    """
    number = _number(name, fields.get(name), default)
    if not -RUPEES_MAX <= number <= RUPEES_MAX:
        raise BadRow(f"{name}: {shown(fields.get(name))} is out of all bounds")
    return round(number * 10_000)


def text(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text, a number in its own digits; *default* when it is null or absent.

    Raises BadRow for a list, an object, a truth value, a text that is too long, and a missing one without a default.
    """
    value = fields.get(name)
    if value is None:
        if default is None:
            raise BadRow(f"{name} is missing")
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadRow(f"{name}: {shown(value)} is no text")
    told = str(value)
    if len(told) > TEXT_CHARS_MAX:
        raise BadRow(f"{name}: more than {TEXT_CHARS_MAX} characters")
    return told


def said(fields: Mapping[str, Any], name: str) -> str:
    """A text that people read, cut to its bound; what is there and is no text is shown."""
    value = fields.get(name)
    if value is None:
        return ""
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else shown(value)


def shown(value: Any) -> str:
    """What stood there, short enough for a log line."""
    told = repr(value)
    return told if len(told) <= 40 else f"{told[:37]}..."


def _number(name: str, value: Any, default: int | None) -> Decimal:
    if value is None:
        if default is None:
            raise BadRow(f"{name} is missing")
        return Decimal(default)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > TEXT_CHARS_MAX:
        raise BadRow(f"{name}: {shown(value)} is no number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BadRow(f"{name}: {shown(value)} is no number") from None
    # Bounded before any arithmetic: 1e999999999 is a number to Decimal, and making an integer of it takes for ever.
    if not number.is_finite() or number.adjusted() > 18:
        raise BadRow(f"{name}: {shown(value)} is out of all bounds")
    return number


def _cut(body: bytes, kind: Any, word: str) -> Any:
    try:
        return cut(body, msgspec.json.Decoder(kind).decode)
    except UNREADABLE as error:
        raise BadRow(f"no JSON {word}: {error}") from None
