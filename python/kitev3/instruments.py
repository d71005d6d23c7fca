"""The instruments file of a day: read, checked, kept by its hash; freeze quantities added from a dated table.

Source of the format: Kite Connect v3, GET /instruments: one CSV a day, gzipped in transit, regenerated each morning.
Tokens of derivatives are used again after expiry, so a row is only good for the day of its file.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from kitev3.errors import KiteError

COLUMNS = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike",
    "tick_size", "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
ROWS_MIN = 2  # an exchange with fewer instruments than this is a broken file
ROWS_MAX = 1_000_000
EXCHANGES = frozenset(("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NSEIX", "GLOBAL"))
TYPES = frozenset(("EQ", "FUT", "CE", "PE"))


class InstrumentsError(KiteError):
    """The instruments file cannot be trusted; nothing trades on it."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One line of the instruments file, prices as integers."""

    instrument_token: int
    exchange: str
    tradingsymbol: str
    name: str
    instrument_type: str
    segment: str
    expiry: str  # YYYY-MM-DD or empty
    strike_e4: int
    tick_size_e4: int
    lot_size: int

    @property
    def key(self) -> str:
        """What GET /quote and people call it: ``NSE:INFY``."""
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def is_index(self) -> bool:
        """Not tradable: it has a price and no orders."""
        return self.segment == "INDICES"

    @property
    def products(self) -> tuple[str, ...]:
        """The products that the broker takes for it."""
        if self.is_index:
            return ()
        return ("CNC", "MIS", "MTF") if self.exchange in ("NSE", "BSE") else ("NRML", "MIS")


def parse(text: str) -> list[Row]:
    """Rows of the file's CSV text.

    Raises InstrumentsError naming the line when a column is missing or a value cannot be read.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows: list[Row] = []
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InstrumentsError(f"instruments file: line 1 lacks the columns {', '.join(missing)}: fetch it again")
        for record in reader:
            rows.append(_row(record))
            if len(rows) > ROWS_MAX:
                raise InstrumentsError(f"instruments file: more than {ROWS_MAX} rows: this is not the instruments file")
    except (ValueError, InvalidOperation, TypeError, AttributeError, csv.Error) as error:
        line = max(reader.line_num, 1)
        raise InstrumentsError(f"instruments file: line {line}: {error}: fetch it again") from None
    return rows


def _row(record: dict[str, str]) -> Row:
    expiry = record["expiry"].strip()
    if expiry:
        date.fromisoformat(expiry)
    if record["exchange"] not in EXCHANGES:
        raise ValueError(f"unknown exchange {record['exchange']!r}")
    if record["instrument_type"] not in TYPES:
        raise ValueError(f"unknown instrument_type {record['instrument_type']!r}")
    row = Row(
        instrument_token=int(record["instrument_token"]),
        exchange=record["exchange"],
        tradingsymbol=record["tradingsymbol"],
        name=record["name"],
        instrument_type=record["instrument_type"],
        segment=record["segment"],
        expiry=expiry,
        strike_e4=_e4(record["strike"]),
        tick_size_e4=_e4(record["tick_size"]),
        lot_size=int(record["lot_size"]),
    )
    if not 0 < row.instrument_token < 2**32:
        raise ValueError(f"instrument_token {row.instrument_token} does not fit 32 bits")
    if not row.tradingsymbol or (not row.is_index and (row.lot_size <= 0 or row.tick_size_e4 <= 0)):
        raise ValueError(f"{row.key} has no symbol, lot size or tick size")
    return row


def _e4(text: str) -> int:
    value = Decimal(text) * 10_000
    if value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a multiple of 1/10,000 rupee")
    return int(value)


def check(rows: Sequence[Row], file_date: date, today: date) -> None:
    """Refuse a file that is not today's or is plainly broken.

    Raises InstrumentsError saying what is wrong: another day's file, too few rows, one token or symbol twice.
    """
    if file_date != today:
        raise InstrumentsError(f"instruments file is of {file_date}, today is {today}: fetch today's")
    if len(rows) < ROWS_MIN:
        raise InstrumentsError(f"instruments file has {len(rows)} rows, expected at least {ROWS_MIN}: fetch it again")
    tokens: dict[int, str] = {}
    keys: set[str] = set()
    for row in rows:
        if row.instrument_token in tokens:
            other = tokens[row.instrument_token]
            raise InstrumentsError(f"instruments file: token {row.instrument_token} stands for {other} and {row.key}")
        if row.key in keys:
            raise InstrumentsError(f"instruments file: {row.key} stands there twice")
        tokens[row.instrument_token] = row.key
        keys.add(row.key)


def file_hash(text: str) -> str:
    """The first eight hex digits of the SHA-256 of the CSV text: how a tape names the file that it used."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def keep(folder: Path, file_date: date, text: str) -> Path:
    """Write ``<date>-<hash>.csv.gz`` unless it is there; the same text gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file_date.isoformat()}-{file_hash(text)}.csv.gz"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(gzip.compress(text.encode(), mtime=0))
        partial.replace(path)
    return path


def load(folder: Path, wanted: str) -> list[Row]:
    """The rows of the kept file whose hash is *wanted* (eight hex digits).

    Raises InstrumentsError when it is not there or its content no longer has that hash.
    """
    paths = sorted(folder.glob(f"*-{wanted}.csv.gz"))
    if not paths:
        raise InstrumentsError(f"no instruments file with hash {wanted} in {folder}")
    text = gzip.decompress(paths[0].read_bytes()).decode()
    if file_hash(text) != wanted:
        raise InstrumentsError(f"{paths[0]} was changed: its hash is {file_hash(text)}")
    return parse(text)


def select(rows: Iterable[Row], patterns: Sequence[str]) -> list[Row]:
    """The rows whose ``EXCHANGE:SYMBOL`` matches a pattern (``NSE:INFY``, ``NFO:NIFTY*FUT``), in the file's order.

    Raises InstrumentsError naming a pattern that matches nothing, so that a typing error is not a silent day.
    """
    rows = list(rows)
    chosen = {row.key: row for row in rows}
    picked: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(chosen, pattern)
        if not found:
            raise InstrumentsError(f"no instrument matches {pattern!r} in today's file: check exchange and symbol")
        picked.update(found)
    return [row for row in rows if row.key in picked]


# --- freeze quantities --------------------------------------------------------------------------------------------

# Largest single order, by underlying, from a date on: NSE circular 3953ff5cb5a43822 (from 2026-08-03), BSE early 2026.
# Kite has no endpoint for them; they are revised monthly, so the table is by date.
FREEZE: tuple[tuple[str, str, str, int], ...] = (
    # exchange, underlying, from, quantity
    ("NFO", "NIFTY", "2026-08-03", 1800),
    ("NFO", "BANKNIFTY", "2026-08-03", 600),
    ("NFO", "FINNIFTY", "2026-08-03", 1800),
    ("NFO", "MIDCPNIFTY", "2026-08-03", 2800),
    ("NFO", "NIFTYNXT50", "2026-08-03", 600),
    ("BFO", "SENSEX", "2026-01-01", 1000),
    ("BFO", "BANKEX", "2026-01-01", 900),
    ("NFO", "NIFTY", "2000-01-01", 1800),
    ("NFO", "BANKNIFTY", "2000-01-01", 600),
)
CASH_FREEZE_QUANTITY = 99_999  # the broker takes no cash order above 1,00,000 shares


def freeze_quantity(row: Row, today: date) -> int:
    """The largest quantity of one order in *row* on *today*; 0 when no figure is known."""
    if row.exchange in ("NSE", "BSE") and not row.is_index:
        return CASH_FREEZE_QUANTITY
    dated = [
        (since, quantity)
        for exchange, name, since, quantity in FREEZE
        if exchange == row.exchange and name == row.name and since <= today.isoformat()
    ]
    return max(dated)[1] if dated else 0
