"""Frames to ticks: as the official client reads them, and whatever the bytes are."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiteconnect import KiteTicker
from kitev3 import _core
from kitev3._core import Decoder, EncodeError, Tick, TickBatch, decode_plain, encode_frame
from strategies import frame_of, kite_packets, unknown_packets, wire_ticks

INFY = 408_065
OFFICIAL = KiteTicker("key", "token")
QUANTITIES = {
    "last_traded_quantity": "last_quantity",
    "volume_traded": "volume",
    "total_buy_quantity": "buy_quantity",
    "total_sell_quantity": "sell_quantity",
    "oi": "oi",
    "oi_day_high": "oi_high",
    "oi_day_low": "oi_low",
}
PRICES = {"last_price": "last_price_e4", "average_traded_price": "average_price_e4"}
TIMES = {"exchange_timestamp": "exchange_ns", "last_trade_time": "last_trade_ns"}


def seconds(local: datetime) -> int:
    """The official client's naive times are of the host's zone, which `timestamp` presumes too."""
    return int(local.timestamp())


def assert_same(tick: Tick, official: dict[str, Any]) -> None:
    """Every field that the official client gives; its prices are floats, and half a unit is what rounding may cost."""

    def assert_price(price_e4: int, rupees: float) -> None:
        assert abs(price_e4 - rupees * 10_000) <= 0.5 + 1e-6

    assert tick.token == official["instrument_token"]
    assert tick.kind.removeprefix("index_") == official["mode"]
    for theirs, ours in PRICES.items():
        assert_price(getattr(tick, ours), official.get(theirs, 0))
    for theirs, ours in QUANTITIES.items():
        assert getattr(tick, ours) == official.get(theirs, 0)
    for theirs, ours in TIMES.items():
        assert getattr(tick, ours) == (seconds(official[theirs]) * 10**9 if theirs in official else 0)
    for name in ("open", "high", "low", "close"):
        assert_price(getattr(tick, f"{name}_e4"), official.get("ohlc", {}).get(name, 0))
    depth = official.get("depth", {"buy": [], "sell": []})
    levels = [*depth["buy"], *depth["sell"]] or [{"price": 0, "quantity": 0, "orders": 0}] * 10
    for level, price_e4 in zip(levels, tick.depth_price_e4, strict=True):
        assert_price(price_e4, level["price"])
    assert tick.depth_quantity == [level["quantity"] for level in levels]
    assert tick.depth_orders == [level["orders"] for level in levels]


@given(packets=st.lists(st.one_of(kite_packets(), unknown_packets()), max_size=8))
def test_every_frame_reads_as_the_official_client_reads_it(packets: list[bytes]) -> None:
    frame = frame_of(packets)

    ticks = list(decode_plain(frame))

    official = OFFICIAL._parse_binary(frame)
    assert len(ticks) == len(official)
    for tick, theirs in zip(ticks, official, strict=True):
        assert_same(tick, theirs)


@given(ticks=st.lists(wire_ticks(), max_size=8))
def test_the_official_client_reads_what_we_encode(ticks: list[Tick]) -> None:
    official = OFFICIAL._parse_binary(encode_frame(ticks))

    for tick, theirs in zip(ticks, official, strict=True):
        assert_same(tick, theirs)


@given(ticks=st.lists(wire_ticks(), max_size=8))
def test_decoding_gives_back_what_was_encoded(ticks: list[Tick]) -> None:
    assert list(decode_plain(encode_frame(ticks))) == ticks


@given(frames=st.lists(st.binary(max_size=600), max_size=5), packets=st.lists(kite_packets(), max_size=4))
def test_any_bytes_give_ticks_or_counted_errors(frames: list[bytes], packets: list[bytes]) -> None:
    decoder = Decoder()
    frames.append(frame_of(packets)[:-1])

    batches = [decoder.decode(frame) for frame in frames]

    assert decoder.frames == len(frames)
    assert decoder.ticks == sum(map(len, batches))
    assert decoder.errors == decoder.unknown + decoder.truncated + decoder.trailing + decoder.excess
    assert decoder.flagged == sum(len(batch.flagged()) for batch in batches)
    # The last frame lost its last byte, and that costs the packet it stood in alone.
    if packets:
        assert len(batches[-1]) == len(packets) - 1
        assert decoder.truncated >= 1


@given(ticks=st.lists(wire_ticks(), max_size=8), others=st.lists(wire_ticks(), max_size=8))
def test_a_frame_decoded_again_with_its_recorded_flags_is_the_batch_that_was(
    ticks: list[Tick], others: list[Tick]
) -> None:
    decoder = Decoder()
    decoder.decode(encode_frame(others))
    frame = encode_frame(ticks)

    batch = decoder.decode(frame)

    assert decode_plain(frame).with_flags(batch.flagged()) == batch


def test_untrustworthy_ticks_are_flagged_counted_and_passed_on() -> None:
    crossed = [1_000_100, 0, 0, 0, 0, 1_000_000, 0, 0, 0, 0]
    ticks = [
        Tick(INFY, 1_000_000, exchange_ns=20 * 10**9),
        Tick(INFY, 1_000_000, exchange_ns=19 * 10**9),
        Tick(INFY, 0, exchange_ns=20 * 10**9, depth_price_e4=crossed),
    ]
    decoder = Decoder()

    batch = decoder.decode(encode_frame(ticks))

    assert batch.flags.tolist() == [0, _core.FLAG_TIME_BACK, _core.FLAG_PRICE | _core.FLAG_CROSSED]
    counts = (decoder.flagged, decoder.flagged_price, decoder.flagged_time_back, decoder.flagged_crossed)
    assert counts == (2, 1, 1, 1)
    assert decoder.flagged_unknown_past == 0
    decoder.clear()
    assert decoder.decode(encode_frame(ticks[1:2])).flagged() == []


def test_a_heartbeat_is_counted_and_gives_no_tick() -> None:
    decoder = Decoder()

    assert len(decoder.decode(b"\0")) == 0
    assert (decoder.heartbeats, decoder.errors) == (1, 0)


@pytest.mark.parametrize(("nco_divisor", "price_e4"), [(10_000, 1_573_150), (100, 157_315_000)])
def test_what_a_commodity_on_nse_counts_is_a_setting(nco_divisor: int, price_e4: int) -> None:
    frame = frame_of([(5 << 8 | 12).to_bytes(4, "big") + (1_573_150).to_bytes(4, "big")])

    assert decode_plain(frame, nco_divisor=nco_divisor)[0].last_price_e4 == price_e4
    assert Decoder(nco_divisor=nco_divisor).decode(frame)[0].last_price_e4 == price_e4
    assert encode_frame(decode_plain(frame, nco_divisor=nco_divisor), nco_divisor=nco_divisor) == frame


def test_a_mode_for_all_or_one_each() -> None:
    ticks = [Tick(INFY, 15_731_500), Tick(256_265, 181_000_000)]

    def kinds(mode: str | list[str] | None) -> list[str]:
        return [tick.kind for tick in decode_plain(encode_frame(ticks, mode))]

    assert kinds(None) == ["full", "index_full"]
    assert kinds("quote") == ["quote", "index_quote"]
    assert kinds(["ltp", "quote"]) == ["ltp", "index_quote"]


def test_what_no_frame_can_carry_is_refused_with_tick_and_field() -> None:
    good = Tick(INFY, 15_731_500)

    with pytest.raises(EncodeError, match="tick 1: last_price_e4 -100 does not fit"):
        encode_frame([good, Tick(INFY, -100)], "ltp")
    with pytest.raises(EncodeError, match="more than 3000 ticks"):
        encode_frame([good] * (_core.BATCH_TICKS_MAX + 1), "ltp")
    with pytest.raises(ValueError, match='unknown mode "depth": ltp, quote, full'):
        encode_frame([good], "depth")
    with pytest.raises(ValueError, match="1 modes for 2 ticks"):
        encode_frame([good, good], ["full"])
    with pytest.raises(ValueError, match="nco_divisor is 100 or 10000, not 7"):
        Decoder(nco_divisor=7)
    with pytest.raises(ValueError, match='unknown kind "depth"'):
        Tick(INFY, 1, kind="depth")


def test_a_batch_is_encoded_as_its_ticks_are() -> None:
    ticks = [Tick(INFY, 15_731_500, volume=7), Tick(256_265, 181_000_000, kind="ltp")]

    batch = TickBatch.from_ticks(ticks)

    assert encode_frame(batch) == encode_frame(ticks)
    assert np.array_equal(batch.kind, [_core.TICK_KINDS.index(tick.kind) for tick in ticks])
