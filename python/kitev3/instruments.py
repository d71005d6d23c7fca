"""The instruments file of a day: read, checked, kept by its hash; freeze quantities added from the calendar.

Source of the format: Kite Connect v3, GET /instruments: one CSV a day, gzipped in transit, regenerated each morning.
Tokens of derivatives are used again after expiry, so a row is only good for the day of its file.
"""

from __future__ import annotations

import csv
import difflib
import fnmatch
import gzip
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from kitev3._core import Calendar
from kitev3.errors import ConfigError, KiteError

COLUMNS = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike",
    "tick_size", "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
ROWS_MIN = 2  # an exchange with fewer instruments than this is a broken file
ROWS_MAX = 1_000_000
EXCHANGES = frozenset(("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NSEIX", "GLOBAL"))
TYPES = frozenset(("EQ", "FUT", "CE", "PE"))
LOT_MAX = 10_000_000
KEY_CHARS_MAX = 64
REPLACED = "\ufffd"  # what stands for a byte that is no UTF-8
_SYMBOL, _EXCHANGE = COLUMNS.index("tradingsymbol"), COLUMNS.index("exchange")


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


class BadLine(msgspec.Struct, frozen=True, gc=False):
    """A line of the file that was left out."""

    line: int
    key: str  # EXCHANGE:SYMBOL, as far as it could be read
    why: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.key}): {self.why}"


@dataclass(frozen=True, slots=True)
class File:
    """A day's file: the rows that can be trusted, and the lines that cannot, which cost nothing but themselves."""

    rows: tuple[Row, ...]
    bad: tuple[BadLine, ...]
    hash: str  # the first eight hex digits of the SHA-256 of its bytes: how a tape names the file that it used


def parse(data: bytes) -> File:
    """Reads the CSV line by line. One that is no UTF-8, or has an unknown exchange, no lot or a token that another row
    has too, is left out and named: what nobody subscribes must not keep anybody from trading.

    Raises InstrumentsError when it is no instruments file: a column is missing, or there are too many lines.
    """
    header, *lines = data.split(b"\n")
    names = header.decode("utf-8-sig", "replace").strip().split(",")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InstrumentsError(f"instruments file: line 1 lacks the columns {', '.join(missing)}: fetch it again")
    if len(lines) > ROWS_MAX:
        raise InstrumentsError(f"instruments file: more than {ROWS_MAX} rows: this is not the instruments file")
    at = [names.index(name) for name in COLUMNS]
    rows: dict[int, Row] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = _cells(line)
        try:
            rows[number] = _row(*(cells[n] for n in at))
        except (ValueError, InvalidOperation, IndexError) as error:
            key = f"{_cell(cells, at[_EXCHANGE])}:{_cell(cells, at[_SYMBOL])}"
            bad.append(BadLine(number, key[:KEY_CHARS_MAX], str(error) if len(cells) > max(at) else "too few columns"))
    for number, why in _twice(rows).items():
        bad.append(BadLine(number, rows.pop(number).key, why))
    return File(tuple(rows.values()), tuple(sorted(bad, key=lambda one: one.line)), file_hash(data))


def _cells(line: bytes) -> list[str]:
    """One line's cells. Each line is read by itself, so that an open quote does not swallow those after it."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader((text,)), [])
    except csv.Error:
        return [text]


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if at < len(cells) else "?"


def _row(
    token: str,
    _exchange_token: str,
    symbol: str,
    name: str,
    _last_price: str,
    expiry: str,
    strike: str,
    tick_size: str,
    lot_size: str,
    kind: str,
    segment: str,
    exchange: str,
) -> Row:
    """A row from its cells, in the order of COLUMNS."""
    for cell in (symbol, name, segment):
        if REPLACED in cell:
            raise ValueError("it is no UTF-8")
    expiry = expiry.strip()
    if expiry:
        date.fromisoformat(expiry)
    if exchange not in EXCHANGES:
        raise ValueError(f"unknown exchange {exchange!r}")
    if kind not in TYPES:
        raise ValueError(f"unknown instrument_type {kind!r}")
    row = Row(
        instrument_token=int(token),
        exchange=exchange,
        tradingsymbol=symbol,
        name=name,
        instrument_type=kind,
        segment=segment,
        expiry=expiry,
        strike_e4=_e4(strike),
        tick_size_e4=_e4(tick_size),
        lot_size=int(lot_size),
    )
    if not 0 < row.instrument_token < 2**32:
        raise ValueError(f"instrument_token {row.instrument_token} does not fit 32 bits")
    if not row.tradingsymbol or not (row.is_index or (0 < row.lot_size <= LOT_MAX and row.tick_size_e4 > 0)):
        raise ValueError(f"{row.key} has no symbol, lot size or tick size")
    return row


def _e4(text: str) -> int:
    rupees = Decimal(text)
    if not rupees.is_finite() or rupees.adjusted() > 11:  # before any arithmetic: 1e999999 is a Decimal too
        raise ValueError(f"{text!r} is no price")
    value = rupees * 10_000
    if value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a multiple of 1/10,000 rupee")
    return int(value)


def _twice(rows: Mapping[int, Row]) -> dict[int, str]:
    """The lines whose token or symbol another line has too: nobody can say which of them is right, unless they are the
    same."""
    first: dict[Row, int] = {}
    twice = {
        line: f"it is line {first[row]} again" for line, row in rows.items() if first.setdefault(row, line) != line
    }
    rows = {line: row for line, row in rows.items() if line not in twice}
    tokens: dict[int, list[int]] = {}
    keys: dict[str, list[int]] = {}
    for line, row in rows.items():
        tokens.setdefault(row.instrument_token, []).append(line)
        keys.setdefault(row.key, []).append(line)
    for token, lines in tokens.items():
        if len(lines) > 1:
            stands = " and ".join(rows[line].key for line in lines[:3])
            twice |= dict.fromkeys(lines, f"token {token} stands for {stands}")
    for key, lines in keys.items():
        if len(lines) > 1:
            twice |= dict.fromkeys(lines, f"{key} stands there twice")
    return twice


def check(file: File, file_date: date, today: date) -> None:
    """Refuse a file that is not today's or is plainly broken.

    Raises InstrumentsError saying what is wrong: another day's file, too few rows.
    """
    if file_date != today:
        raise InstrumentsError(f"instruments file is of {file_date}, today is {today}: fetch today's")
    if len(file.rows) < ROWS_MIN:
        first = f"; first of {len(file.bad)} that cannot be read: {file.bad[0]}" if file.bad else ""
        raise InstrumentsError(
            f"instruments file has {len(file.rows)} rows, expected at least {ROWS_MIN}: fetch it again{first}"
        )


def file_hash(data: bytes) -> str:
    """The first eight hex digits of the SHA-256 of the CSV's bytes."""
    return hashlib.sha256(data).hexdigest()[:8]


def keep(folder: Path, file_date: date, data: bytes) -> Path:
    """Write ``<date>-<hash>.csv.gz`` unless it is there; the same bytes give the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file_date.isoformat()}-{file_hash(data)}.csv.gz"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(gzip.compress(data, mtime=0))
        partial.replace(path)
    return path


def load(folder: Path, wanted: str) -> File:
    """The kept file whose hash is *wanted* (eight hex digits).

    Raises InstrumentsError when it is not there or its content no longer has that hash.
    """
    paths = sorted(folder.glob(f"*-{wanted}.csv.gz"))
    if not paths:
        raise InstrumentsError(f"no instruments file with hash {wanted} in {folder}")
    data = gzip.decompress(paths[0].read_bytes())
    if file_hash(data) != wanted:
        raise InstrumentsError(f"{paths[0]} was changed: its hash is {file_hash(data)}")
    return parse(data)


def select(file: File, patterns: Sequence[str], where: str) -> list[Row]:
    """The rows whose ``EXCHANGE:SYMBOL`` matches a pattern (``NSE:INFY``, ``NFO:NIFTY*FUT``), in the file's order.

    Raises ConfigError for a pattern that matches nothing, with the nearest name: a typing error is no silent day.
    *where* says whose patterns they are. One that matches bad lines alone is the file's fault, an InstrumentsError.
    """
    keys = [row.key for row in file.rows]
    picked: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(keys, pattern)
        if not found:
            if lines := [line for line in file.bad if fnmatch.fnmatchcase(line.key, pattern)]:
                raise InstrumentsError(f"{where}: {pattern!r} was left out of today's file: {lines[0]}")
            raise ConfigError(f"{where}: no instrument matches {pattern!r}{nearest(pattern, file.rows)}")
        picked.update(found)
    return [row for row in file.rows if row.key in picked]


def nearest(pattern: str, rows: Iterable[Row]) -> str:
    """``, did you mean 'NSE:INFY'?``: the instrument of that name, or the one whose symbol is closest; else nothing."""
    exchange, _, symbol = pattern.partition(":")
    same = [row for row in rows if row.exchange == exchange] or list(rows)
    named = [row.key for row in same if symbol and row.name == symbol and row.instrument_type == "EQ"]
    near = named or difflib.get_close_matches(pattern, [row.key for row in same], n=1)
    return f", did you mean {near[0]!r}?" if near else ": check exchange and symbol"


def freeze_quantity(row: Row, today: date, calendar: Calendar) -> int:
    """The largest quantity of one order in *row* on *today*; 0 when no figure is known. Kite has no endpoint for it."""
    if row.is_index:
        return 0
    key = f"{row.exchange}:{row.name if row.expiry else row.tradingsymbol}"
    return calendar.freeze_quantity(key, today.isoformat(), row.lot_size) or 0
