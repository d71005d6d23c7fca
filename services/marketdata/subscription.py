"""What is listened to, and which bars are built: the profile's own wish, and what its services ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from kitev3._core import Calendar, bar_spec
from kitev3.contracts import Instrument, Subscribed
from kitev3.errors import ConfigError
from kitev3.instruments import File, Row, freeze_quantity, nearest, select
from kitev3.runtime.service import Asked

WHERE = "[marketdata] instruments"


class Wanted:
    """Instruments by pattern, with bars for all of them and more for some.

    Args:
        instruments: without any, what the services ask for is all.
        bars: periods that every instrument gets.
        asked: what services need; it must be among the instruments, and its bars come on top.
        calendar: of freeze quantities; the shipped one unless given.

    Raises ConfigError for what is no period. One period has one name, whoever writes it: ``60s`` is ``1m``.
    """

    def __init__(
        self,
        instruments: Sequence[str],
        bars: Iterable[str],
        asked: Iterable[Asked] = (),
        calendar: Calendar | None = None,
    ) -> None:
        self.instruments = tuple(instruments)
        self.calendar = calendar if calendar is not None else Calendar()
        self.bars = tuple(_period(text, "[marketdata] bars") for text in bars)
        self.asked = [(one, (_period(one.bars, f"{one.where}: bars"),) if one.bars else ()) for one in asked]

    def rows(self, file: File) -> list[Row]:
        """The rows to subscribe, in the file's order.

        Raises ConfigError naming a pattern that matches none of them, and the nearest name.
        """
        wished = [(WHERE, self.instruments)] if self.instruments else [(o.where, o.instruments) for o, _ in self.asked]
        picked = {row.key for where, patterns in wished for row in select(file, patterns, where)}
        rows = [row for row in file.rows if row.key in picked]
        keys = [row.key for row in rows]
        for one, _ in self.asked:
            for pattern in one.instruments:
                if not any(fnmatchcase(key, pattern) for key in keys):
                    raise ConfigError(f"{one.where}: {self._missing(pattern, rows, file)}")
        return rows

    def _missing(self, pattern: str, rows: list[Row], file: File) -> str:
        if any(fnmatchcase(row.key, pattern) for row in file.rows):
            return f"{pattern!r} is not subscribed: add it to {WHERE}"
        return f"no instrument matches {pattern!r}{nearest(pattern, rows)}"

    def subscribed(self, row: Row, today: date, file_hash: str) -> Subscribed:
        """A row as the tape keeps it."""
        more = (
            p for one, period in self.asked if any(fnmatchcase(row.key, x) for x in one.instruments) for p in period
        )
        instrument = Instrument(
            instrument_token=row.instrument_token,
            exchange=row.exchange,
            tradingsymbol=row.tradingsymbol,
            name=row.name,
            instrument_type=row.instrument_type,
            segment=row.segment,
            expiry=row.expiry,
            strike_e4=row.strike_e4,
            tick_size_e4=row.tick_size_e4,
            lot_size=row.lot_size,
            freeze_quantity=freeze_quantity(row, today, self.calendar),
            products=row.products,
            lower_circuit_e4=0,
            upper_circuit_e4=0,
            previous_close_e4=0,
            file_date=today.isoformat(),
            file_hash=file_hash,
        )
        return Subscribed(instrument, tuple(dict.fromkeys((*self.bars, *more))))


def _period(text: str, where: str) -> str:
    try:
        return bar_spec(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
