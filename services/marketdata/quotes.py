"""GET /quote's answers, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitev3.broker import row
from kitev3.broker.row import BadRow
from kitev3.contracts import Quote
from kitev3.instruments import Row


def read(body: bytes, asked: Mapping[str, Row]) -> tuple[tuple[Quote, ...], tuple[str, ...]]:
    """The good rows of an answer, and of each bad one whose it is and why.

    Args:
        body: the JSON of the answer's ``data``.
        asked: what was asked for, by its ``EXCHANGE:SYMBOL``. The broker leaves out what it does not know.

    Raises BadRow when the answer is no map at all.
    """
    good, bad = [], []
    for key, raw in row.members(body).items():
        try:
            if key not in asked:
                raise BadRow("nobody asked for it")
            good.append(quote(asked[key], row.row(raw)))
        except BadRow as error:
            bad.append(f"{key[:64]}: {error}")
    return tuple(good), tuple(bad)


def quote(instrument: Row, fields: Mapping[str, Any]) -> Quote:
    """One instrument's row. What is null or absent is 0, as where there is none.

    Raises BadRow naming the field that cannot be read.
    """
    if row.whole(fields, "instrument_token", instrument.instrument_token) != instrument.instrument_token:
        raise BadRow(f"instrument_token {row.shown(fields['instrument_token'])} is not {instrument.instrument_token}")
    ohlc, depth = row.part(fields, "ohlc"), row.part(fields, "depth")
    numbers = (
        row.e4(fields, "last_price", 0),
        *(row.e4(ohlc, name, 0) for name in ("open", "high", "low", "close")),
        row.whole(fields, "volume", 0),
        row.whole(fields, "oi", 0),
        _best(depth, "buy"),
        _best(depth, "sell"),
        row.e4(fields, "lower_circuit_limit", 0),
        row.e4(fields, "upper_circuit_limit", 0),
    )
    if min(numbers) < 0:
        raise BadRow(f"{min(numbers)}: no price and no volume is below 0")
    return Quote(instrument.instrument_token, instrument.exchange, instrument.tradingsymbol, *numbers)


def _best(depth: Mapping[str, Any], side: str) -> int:
    """The first level's price; 0 when that side is empty."""
    for level in row.parts(depth, side):
        if not isinstance(level, dict):
            raise BadRow(f"{side}: {row.shown(level)} is no level")
        return row.e4(level, "price", 0)
    return 0
