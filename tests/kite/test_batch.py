"""The column batch: its wire form, and columns that are views of its own memory."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import BATCH_TICKS_MAX, FRAME_BYTES_MAX, TICK_KINDS, Tick, TickBatch, TickBatchError
from strategies import wire_ticks

INFY = 408_065
COLUMNS = [
    "exchange_ns",
    "last_price_e4",
    "token",
    "flags",
    "open_e4",
    "high_e4",
    "low_e4",
    "close_e4",
    "average_price_e4",
    "last_quantity",
    "volume",
    "buy_quantity",
    "sell_quantity",
    "last_trade_ns",
    "oi",
    "oi_high",
    "oi_low",
]
DEPTH = ["depth_price_e4", "depth_quantity", "depth_orders"]


@given(ticks=st.lists(wire_ticks(), max_size=10))
def test_columns_say_what_the_ticks_say(ticks: list[Tick]) -> None:
    batch = TickBatch.from_ticks(ticks)

    assert len(batch) == len(ticks)
    assert list(batch) == ticks
    for name in COLUMNS:
        assert getattr(batch, name).tolist() == [getattr(tick, name) for tick in ticks]
    for name in DEPTH:
        assert getattr(batch, name).shape == (len(ticks), 10)
        assert getattr(batch, name).tolist() == [getattr(tick, name) for tick in ticks]
    assert [TICK_KINDS[kind] for kind in batch.kind] == [tick.kind for tick in ticks]


@given(ticks=st.lists(wire_ticks(), max_size=10))
def test_the_wire_form_gives_the_same_batch(ticks: list[Tick]) -> None:
    batch = TickBatch.from_ticks(ticks)

    received = TickBatch.from_bytes(batch.to_bytes())

    assert received == batch
    assert received.to_bytes() == batch.to_bytes()


@given(
    ticks=st.lists(wire_ticks(), max_size=4), at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 9)
)
def test_any_bytes_give_a_batch_or_an_error(ticks: list[Tick], at: int, byte: int, cut: int) -> None:
    data = bytearray(TickBatch.from_ticks(ticks).to_bytes())
    data[at % len(data)] = byte
    data = data[: len(data) - cut]

    try:
        batch = TickBatch.from_bytes(bytes(data))
    except TickBatchError:
        return

    assert batch.to_bytes() == data
    assert len(list(batch)) == len(batch)


@pytest.mark.parametrize("name", [*COLUMNS, "kind", *DEPTH])
def test_a_column_is_a_read_only_view_that_keeps_the_batch_alive(name: str) -> None:
    batch = TickBatch.from_ticks([Tick(INFY, 15_731_500, volume=7)])
    first, second = getattr(batch, name), getattr(batch, name)

    assert first.base is batch
    assert np.shares_memory(first, second)
    assert first.flags.aligned
    with pytest.raises(ValueError, match="read-only"):
        first[...] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        first.flags.writeable = True
    before = first.copy()
    del batch, second
    gc.collect()
    assert np.array_equal(first, before)


def test_what_no_tick_of_the_batch_carries_is_zeros_of_the_same_shape() -> None:
    batch = TickBatch.from_ticks([Tick(INFY, 15_731_500, kind="ltp"), Tick(INFY, 15_731_600, kind="ltp")])

    assert batch.volume.tolist() == [0, 0]
    assert batch.depth_price_e4.tolist() == [[0] * 10] * 2
    assert not batch.volume.flags.writeable
    assert len(batch.to_bytes()) == 16 + 16 + 16 + 8 + 8 + 8


def test_a_tick_is_found_by_its_place_from_either_end() -> None:
    ticks = [Tick(INFY, price_e4) for price_e4 in (100, 200, 300)]
    batch = TickBatch.from_ticks(ticks)

    assert (batch[0], batch[-1]) == (ticks[0], ticks[2])
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"tick {index} of a batch of 3"):
            batch[index]


def test_a_batch_holds_as_many_ticks_as_a_connection_has_and_fits_one_frame() -> None:
    ticks = [Tick(INFY, 100)] * BATCH_TICKS_MAX

    assert len(TickBatch.from_ticks(ticks).to_bytes()) <= FRAME_BYTES_MAX
    with pytest.raises(TickBatchError, match="3001 ticks, a batch holds at most 3000"):
        TickBatch.from_ticks([*ticks, ticks[0]])


def test_flags_are_put_on_a_copy() -> None:
    batch = TickBatch.from_ticks([Tick(INFY, 100), Tick(INFY, 200)])

    flagged = batch.with_flags([(1, 5)])

    assert flagged.flagged() == [(1, 5)]
    assert batch.flagged() == []
    assert flagged != batch
    with pytest.raises(TickBatchError, match="tick 2 of a batch of 2"):
        batch.with_flags([(2, 1)])


def test_words_for_people() -> None:
    tick = Tick(INFY, 15_731_500, volume=7)

    assert repr(tick) == "Tick(408065, 15731500, kind='full', exchange_ns=0, volume=7, flags=0)"
    assert repr(TickBatch.from_ticks([tick])) == "<TickBatch of 1 ticks, 304 bytes>"
