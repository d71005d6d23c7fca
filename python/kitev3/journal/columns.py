"""Rows of a topic as Arrow columns: the schema follows from the payload's type, so a new topic needs nothing here."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import pyarrow as pa

from kitev3._core import TickBatch
from kitev3.contracts import BY_TOPIC
from kitev3.events import Event

INDIA_NS = (5 * 60 + 30) * 60 * 1_000_000_000  # ahead of UTC, all year

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


@cache
def schema(topic: str) -> pa.Schema:
    """The Arrow schema of a topic's rows: the envelope, then the payload's fields in order.

    Raises KeyError for a topic that no contract names.
    """
    payload = BY_TOPIC[topic].payload
    if payload is TickBatch:
        return pa.schema([*ENVELOPE, *TICK_COLUMNS.items()])
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
    """Events of one topic that wait to become a file."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.events: list[Event] = []
        self.count = 0

    def add(self, event: Event) -> None:
        """Takes one event; a tick batch is as many rows as it has ticks."""
        self.events.append(event)
        self.count += len(event.payload) if self.topic == "marketdata.tick" else 1

    def table(self) -> pa.Table:
        """All rows as one table of the topic's schema."""
        if self.topic == "marketdata.tick":
            return ticks(self.events)
        fields = schema(self.topic)
        columns: dict[str, list[Any]] = {name: [] for name in fields.names}
        for event in self.events:
            for name, value in zip(ENVELOPE.names, envelope(event), strict=True):
                columns[name].append(value)
            for name in event.payload.__struct_fields__:
                columns[column(name)].append(plain(getattr(event.payload, name)))
        return pa.table({f.name: pa.array(columns[f.name], f.type) for f in fields}, schema=fields)


def envelope(event: Event) -> tuple[Any, ...]:
    """The values of ``ENVELOPE`` for one event."""
    cause = None if event.cause is None else event.cause.hex
    india_ns = event.ts + INDIA_NS
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


def ticks(events: Sequence[Event]) -> pa.Table:
    """Tick batches, column by column; a form that lacks a column has zeros there, as in the batch itself."""
    fields = schema("marketdata.tick")
    sizes = [len(event.payload) for event in events]
    columns: dict[str, pa.Array] = {}
    for at, field in enumerate(ENVELOPE):
        values = pa.array([envelope(event)[at] for event in events], field.type)
        columns[field.name] = values.take(pa.array(np.repeat(np.arange(len(events)), sizes)))
    for name, kind in TICK_COLUMNS.items():
        columns[name] = _column(name, kind, events)
    return pa.table(columns, schema=fields)


def _column(name: str, kind: pa.DataType, events: Iterable[Event]) -> pa.Array:
    wide = 10 if isinstance(kind, pa.FixedSizeListType) else 1
    value = kind.value_type if isinstance(kind, pa.FixedSizeListType) else kind
    parts = []
    for event in events:
        parts.append(getattr(event.payload, name).reshape(-1))
    flat = pa.array(np.concatenate(parts) if parts else np.empty(0, value.to_pandas_dtype()), value)
    return pa.FixedSizeListArray.from_arrays(flat, wide) if wide > 1 else flat
