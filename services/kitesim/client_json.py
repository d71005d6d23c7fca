"""JSON that a client has sent."""

from __future__ import annotations

from typing import Any

import msgspec


def read_json(text: str | bytes, kind: Any = Any) -> Any:
    """Its value, of that type. ValueError for what is none, however deep or large."""
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError, OverflowError) as error:
        raise ValueError(str(error)) from None
