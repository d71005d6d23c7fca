"""Fills: booked from the broker's trades alone, each once.

The order book says how much of an order is filled, the trade book says by which trades. Exposure counts the first at
once; profit and loss wait for the second. A trade is known by (exchange, trade_id), whoever tells of it and how often.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from kitev3.contracts import TradeRow

FillKey = tuple[str, str]


class FillBook:
    """The trades that have been booked."""

    def __init__(self) -> None:
        self._trades: dict[FillKey, TradeRow] = {}
        self._filled: dict[str, int] = {}
        self.contradictions: list[str] = []

    def __len__(self) -> int:
        return len(self._trades)

    def book(self, rows: Iterable[TradeRow]) -> list[TradeRow]:
        """The rows that were not booked before, in the order told. One that changed since is noted, never booked."""
        new = []
        for row in rows:
            key = (row.exchange, row.trade_id)
            booked = self._trades.get(key)
            if booked is None:
                self._trades[key] = row
                self._filled[row.order_id] = self._filled.get(row.order_id, 0) + row.quantity
                new.append(row)
            elif _amount(booked) != _amount(row):
                self._contradict(f"trade {row.exchange} {row.trade_id} was {_amount(booked)}, is {_amount(row)}")
        return new

    def filled(self, order_id: str) -> int:
        """What the booked trades of an order add up to."""
        return self._filled.get(order_id, 0)

    @property
    def trades(self) -> tuple[TradeRow, ...]:
        """All booked trades, in the order of booking."""
        return tuple(self._trades.values())

    def missing(self, told: Container[FillKey]) -> list[FillKey]:
        """Booked trades that are not among *told*."""
        return [key for key in self._trades if key not in told]

    def _contradict(self, words: str) -> None:
        if words not in self.contradictions:
            self.contradictions.append(words)


def _amount(row: TradeRow) -> tuple[str, str, int, int]:
    return row.order_id, row.side, row.quantity, row.price_e4
