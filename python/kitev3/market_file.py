"""A real day of the market from a file: CSV of time and value, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from kitev3._core import MarketFile, MarketFileError
from kitev3.errors import ConfigError

TEXT_BYTES_MAX = 64 << 20  # a day of four values a second is 3 MB; what is larger is something else
_GZIP = b"\x1f\x8b"


def read_market(path: Path) -> MarketFile:
    """The day in a file. ConfigError names the file, and the line that is not one of time and value."""
    try:
        with open(path, "rb") as file:
            zipped = file.read(len(_GZIP)) == _GZIP
        with gzip.open(path, "rb") if zipped else open(path, "rb") as file:
            content = file.read(TEXT_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"market: {path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise ConfigError(f"market: {path}: is no whole gzip file: {error}") from None
    if len(content) > TEXT_BYTES_MAX:
        raise ConfigError(f"market: {path}: more than {TEXT_BYTES_MAX >> 20} MB of text are not one day")
    try:
        return MarketFile(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"market: {path}: line {line}: is no text (byte {content[error.start]:#04x})") from None
    except MarketFileError as error:
        raise ConfigError(f"market: {path}: {error}") from None
