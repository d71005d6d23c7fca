"""Rows of a topic as Arrow columns: the schema follows from the payload's type, so a new topic needs nothing here."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import pyarrow as pa

from kitev3._core import IST_NS, BarBatch, TickBatch
from kitev3.contracts import BY_TOPIC
from kitev3.events import Event

ENVELOPE = pa.schema(
    [
        ("event_id", pa.string()),
        ("ts", pa.timestamp("ns")),  # market time of birth, as a clock in India shows it
        ("ts_ns", pa.int64()),  # the same, ns UTC
        ("source", pa.string()),
        ("epoch", pa.int64()),
        ("seq", pa.int64()),
        ("topic_seq", pa.int64()),
        ("cause", pa.string()),
        ("mode", pa.string()),
    ]
)
"""What every row begins with, whatever its topic."""

TICK_COLUMNS: Mapping[str, pa.DataType] = {
    "exchange_ns": pa.int64(),
    "last_price_e4": pa.int64(),
    "token": pa.uint32(),
    "flags": pa.uint16(),
    "kind": pa.uint8(),
    "open_e4": pa.int64(),
    "high_e4": pa.int64(),
    "low_e4": pa.int64(),
    "close_e4": pa.int64(),
    "average_price_e4": pa.int64(),
    "last_quantity": pa.uint32(),
    "volume": pa.uint32(),
    "buy_quantity": pa.uint32(),
    "sell_quantity": pa.uint32(),
    "last_trade_ns": pa.int64(),
    "oi": pa.uint32(),
    "oi_high": pa.uint32(),
    "oi_low": pa.uint32(),
    "depth_price_e4": pa.list_(pa.int64(), 10),
    "depth_quantity": pa.list_(pa.uint32(), 10),
    "depth_orders": pa.list_(pa.uint16(), 10),
}
"""A tick's columns in the journal; depth is five buys, then five sells."""

BAR_COLUMNS: Mapping[str, pa.DataType] = {
    "instrument_token": pa.int64(),
    "period": pa.string(),
    "start_ns": pa.int64(),
    "end_ns": pa.int64(),
    "open_e4": pa.int64(),
    "high_e4": pa.int64(),
    "low_e4": pa.int64(),
    "close_e4": pa.int64(),
    "volume": pa.int64(),
    "value_e4": pa.int64(),
    "ticks": pa.int64(),
    "short": pa.bool_(),
    "gapped": pa.bool_(),
}
"""A bar's."""

BATCHES: Mapping[type[Any], Mapping[str, pa.DataType]] = {TickBatch: TICK_COLUMNS, BarBatch: BAR_COLUMNS}
"""Payloads that are many rows each, and the columns of these."""

FOLD_ROWS = 1_024
"""Rows of a topic that wait as events before they become columns."""


@cache
def schema(topic: str) -> pa.Schema:
    """The Arrow schema of a topic's rows: the envelope, then the payload's fields in order.

    Raises KeyError for a topic that no contract names.
    """
    payload = BY_TOPIC[topic].payload
    if payload in BATCHES:
        return pa.schema([*ENVELOPE, *BATCHES[payload].items()])
    hints = get_type_hints(payload)
    return pa.schema([*ENVELOPE, *((column(name), arrow(hints[name])) for name in payload.__struct_fields__)])


def column(name: str) -> str:
    """The column of a payload's field; one that the envelope has too is told apart."""
    return f"payload_{name}" if name in ENVELOPE.names else name


def arrow(kind: Any) -> pa.DataType:
    """The Arrow type of a payload's field."""
    simple = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_(), bytes: pa.binary()}
    if kind in simple:
        return simple[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arrow(type(args[0]))
    if origin in (Union, types.UnionType):
        return arrow(next(a for a in args if a is not type(None)))
    if origin in (tuple, list):
        return pa.list_(arrow(args[0]))
    if origin is dict:
        return pa.map_(arrow(args[0]), arrow(args[1]))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        return pa.struct([(name, arrow(hints[name])) for name in kind.__struct_fields__])
    raise TypeError(f"no column type for {kind!r}")


class Rows:
    """Events of one topic that wait to become a file: the newest as events, those before as columns.

    A row in columns takes a quarter of the memory of an event with its payload, and the work comes in small pieces.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.count = 0
        self._schema = schema(topic)
        self._of_batches = BY_TOPIC[topic].payload in BATCHES
        self._columns = batches if self._of_batches else structs
        self._events: list[Event] = []
        self._folded = 0  # rows that are in columns already
        self._batches: list[pa.RecordBatch] = []

    def add(self, event: Event) -> None:
        """Takes one event; a batch is as many rows as it has ticks or bars."""
        self._events.append(event)
        self.count += len(event.payload) if self._of_batches else 1
        if self.count - self._folded >= FOLD_ROWS:
            self._fold()

    def table(self) -> pa.Table:
        """All rows as one table of the topic's schema."""
        self._fold()
        return pa.Table.from_batches(self._batches, schema=self._schema)

    def _fold(self) -> None:
        if self._events:
            self._batches.append(pa.record_batch(self._columns(self._events), schema=self._schema))
            self._events.clear()
            self._folded = self.count


def structs(events: Sequence[Event]) -> list[pa.Array]:
    """Events whose payloads are structs, column by column in the schema's order."""
    fields = schema(events[0].type)
    columns = zip(*map(envelope, events), strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, ENVELOPE, strict=True)]
    payloads = [event.payload for event in events]
    for name in payloads[0].__struct_fields__:
        kind = fields.field(column(name)).type
        values = [getattr(payload, name) for payload in payloads]
        arrays.append(pa.array(map(plain, values) if pa.types.is_nested(kind) else values, kind))
    return arrays


def envelope(event: Event) -> tuple[Any, ...]:
    """The values of ``ENVELOPE`` for one event."""
    cause = None if event.cause is None else event.cause.hex
    india_ns = event.ts + IST_NS
    return (
        event.event_hex, india_ns, event.ts, event.source, event.epoch, event.seq, event.topic_seq, cause, event.mode
    )  # fmt: skip


def plain(value: Any) -> Any:
    """Structs as dicts and maps as pairs, which is how Arrow takes them."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return list(value.items()) if isinstance(value, dict) else value


def batches(events: Sequence[Event]) -> list[pa.Array]:
    """Ticks or bars, column by column; a tick's form that lacks a column has zeros there, as in the batch itself."""
    sizes = [len(event.payload) for event in events]
    row_of = pa.array(np.repeat(np.arange(len(events)), sizes))
    columns = zip(*map(envelope, events), strict=True)
    said = [pa.array(values, field.type).take(row_of) for values, field in zip(columns, ENVELOPE, strict=True)]
    return [*said, *(_column(name, kind, events) for name, kind in BATCHES[type(events[0].payload)].items())]


def _column(name: str, kind: pa.DataType, events: Iterable[Event]) -> pa.Array:
    wide = 10 if isinstance(kind, pa.FixedSizeListType) else 1
    value = kind.value_type if isinstance(kind, pa.FixedSizeListType) else kind
    flat = pa.array(np.concatenate([np.reshape(getattr(event.payload, name), -1) for event in events]), value)
    return pa.FixedSizeListArray.from_arrays(flat, wide) if wide > 1 else flat
