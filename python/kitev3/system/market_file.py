"""Real days of the market: CSV of time and value or of minute bars, plain or gzipped, or marketdata's own tape."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

from kitev3._core import MarketFile, MarketFileError, RecoveryError, TapeFollower, TickBatch
from kitev3.bus.message import Message
from kitev3.errors import ConfigError

TEXT_BYTES_MAX = 64 << 20  # a day of four values a second is 3 MB; what is larger is something else
_GZIP = b"\x1f\x8b"
NIFTY_50 = 256265
_TICKS = "marketdata.tick"


def read_market(path: Path) -> MarketFile:
    """What a file holds, or the last day of a folder with marketdata's tape. ConfigError names the file, and the line
    that is not as it should be."""
    if path.is_dir():
        return read_tape(path)
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


def read_tape(folder: Path) -> MarketFile:
    """NIFTY 50 as marketdata heard it on the last day of its tape. ConfigError names what is wrong with it."""
    dates = sorted({file.name[:10] for file in folder.glob("*.tape")})
    if not dates:
        raise ConfigError(f"market: {folder}: holds no tape")
    times_ns: list[int] = []
    values_e4: list[int] = []
    follower = TapeFollower(folder, dates[-1])
    try:
        while (frame := follower.poll([_TICKS])) is not None:
            message = Message.parse(frame)
            batch = TickBatch.from_bytes(message.payload)
            for at in ((batch.token == NIFTY_50) & (batch.flags == 0)).nonzero()[0]:
                # A packet of the mode ltp has no time of its own; then it is the market's when it was heard.
                times_ns.append(int(batch.exchange_ns[at]) or message.ts_ns)
                values_e4.append(int(batch.last_price_e4[at]))
        return MarketFile.of_ticks(times_ns, values_e4)
    except (RecoveryError, MarketFileError, ValueError, struct.error, OSError) as error:
        raise ConfigError(f"market: {folder}: the ticks of NIFTY 50 on {dates[-1]}: {error}") from None
