"""Dated facts of the exchanges (days, sessions, expiries, lots, freeze quantities, bands, fees) and India's clock.

The rows ship with the core (``rust/core/src/calendar/shipped.csv``, whose first lines say its form). A profile's
``calendar`` names a file of rows in the same form that are laid over them: the last row that holds on a day wins.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path

from kitev3._core import IST_NS, Calendar, CalendarError
from kitev3.errors import ConfigError

IST = timezone(timedelta(microseconds=IST_NS // 1_000), "IST")
FILE_BYTES_MAX = 1 << 20  # the shipped one has 29 kB


def read(file: str, *, provisional: bool = False) -> Calendar:
    """The shipped calendar with the rows of *file* over it; an empty *file* is none.

    Args:
        provisional: rows that are guesses count too. Only the local exchange asks for them.

    Raises ConfigError naming the file, and the line that cannot be read.
    """
    if not file:
        return Calendar(provisional=provisional)
    path = Path(file)
    try:
        with path.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"calendar: {path}: cannot be read: {error.strerror or error}") from None
    if len(content) > FILE_BYTES_MAX:
        raise ConfigError(f"calendar: {path}: has more than {FILE_BYTES_MAX >> 10} kB: this is no calendar")
    try:
        return Calendar(content.decode(), provisional=provisional)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"calendar: {path}: line {line}: is no text (byte {content[error.start]:#04x})") from None
    except CalendarError as error:
        raise ConfigError(f"calendar: {path}: {error}") from None
