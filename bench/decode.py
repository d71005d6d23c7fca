"""Kite's binary frame to typed columns, beside the official client's parser and a numpy view; and frames built."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import numpy as np
from kiteconnect import KiteTicker
from kitev3._core import BATCH_TICKS_MAX, Decoder, Tick, TickBatch, decode_plain, encode_frame
from numpy.typing import NDArray

from bench.result import Result

NAME = "decode"
TICKS = 1_000
ROUNDS = 15
FRAMES = 8  # different ones in turn, so that no branch or cache learns the frame by heart

DEPTH = np.dtype([("quantity", ">u4"), ("price", ">u4"), ("orders", ">u2"), ("pad", ">u2")])
HEAD = "token last_price last_quantity average_price volume buy_quantity sell_quantity open high low close"
TAIL = "last_trade_time oi oi_high oi_low exchange_time"
PACKET = np.dtype([("length", ">u2"), *((field, ">u4") for field in f"{HEAD} {TAIL}".split()), ("depth", DEPTH, (10,))])
PRICES = ("last_price", "average_price", "open", "high", "low", "close")
QUANTITIES = ("token", "last_quantity", "volume", "buy_quantity", "sell_quantity", "oi", "oi_high", "oi_low")
TIMES = ("last_trade_time", "exchange_time")


def full_ticks(count: int, seed: int) -> list[Tick]:
    """Stocks of NSE with five levels a side."""
    rng = random.Random(seed)
    return [full_tick(token * 256 + 1, rng) for token in range(1, count + 1)]


def full_tick(token: int, rng: random.Random) -> Tick:
    """Prices on ticks of five paise, around one of 100 to 4,000 rupees."""
    price_e4 = rng.randrange(2_000, 80_000) * 500
    return Tick(
        token,
        price_e4,
        exchange_ns=1_669_261_500 * 10**9,
        last_trade_ns=1_669_261_499 * 10**9,
        open_e4=price_e4 - 500,
        high_e4=price_e4 + 1_500,
        low_e4=price_e4 - 2_500,
        close_e4=price_e4 - 1_000,
        average_price_e4=price_e4 + 100,
        last_quantity=rng.randrange(1, 500),
        volume=rng.randrange(1_000_000),
        buy_quantity=rng.randrange(100_000),
        sell_quantity=rng.randrange(100_000),
        depth_price_e4=[price_e4 - 500 * (n + 1) for n in range(5)] + [price_e4 + 500 * (n + 1) for n in range(5)],
        depth_quantity=[rng.randrange(1, 10_000) for _ in range(10)],
        depth_orders=[rng.randrange(1, 100) for _ in range(10)],
    )


def numpy_columns(frame: bytes) -> list[NDArray[np.int64] | NDArray[np.uint32] | NDArray[np.uint16]]:
    """The same columns as ours by numpy alone. It presumes that every packet is full and of one divisor."""
    packets = np.frombuffer(frame, PACKET, offset=2)
    depth = packets["depth"]
    return [
        *(packets[field].astype(np.int64) * 100 for field in PRICES),
        *(packets[field].astype(np.uint32) for field in QUANTITIES),
        *(packets[field].astype(np.int64) * 10**9 for field in TIMES),
        depth["price"].astype(np.int64) * 100,
        depth["quantity"].astype(np.uint32),
        depth["orders"].astype(np.uint16),
    ]


def per_call_ns(call: Callable[[bytes], object], frames: list[bytes]) -> float:
    """Mean over the frames."""
    began = perf_counter_ns()
    for frame in frames:
        call(frame)
    return (perf_counter_ns() - began) / len(frames)


def run() -> Result:
    frames = [encode_frame(full_ticks(TICKS, seed), "full") for seed in range(FRAMES)]
    decoder, ticker = Decoder(), KiteTicker("key", "token")
    ways: dict[str, tuple[Callable[[bytes], object], int]] = {
        "Decoder.decode": (decoder.decode, 20),
        "decode_plain": (decode_plain, 20),
        "numpy structured view": (numpy_columns, 10),
        "kiteconnect": (ticker._parse_binary, 1),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (call, times) in ways.items():
            # The official parser takes 20 ms a frame: one will do.
            chosen = frames[:1] if times == 1 else frames * times
            taken[name].append(per_call_ns(call, chosen) / TICKS)
    if decoder.errors or decoder.flagged:
        raise AssertionError("the bench's own frames are sound")

    batches = [TickBatch.from_ticks(full_ticks(BATCH_TICKS_MAX, seed)) for seed in range(2)]
    built_ms = [build_ms(batches[n % 2]) for n in range(ROUNDS * 4)]

    ns = {name: median(rounds) for name, rounds in taken.items()}
    rows: list[dict[str, object]] = [
        {"what": name, "ns a tick": ns[name], "best": min(rounds), "worst": max(rounds)}
        for name, rounds in taken.items()
    ]
    rows.append({"what": f"build {BATCH_TICKS_MAX:,} full, ms", "ns a tick": median(built_ms) * 1e6 / BATCH_TICKS_MAX})
    return Result(
        NAME,
        rows,
        {
            "decode_vs_kiteconnect": ns["Decoder.decode"] / ns["kiteconnect"],
            "decode_vs_numpy": ns["Decoder.decode"] / ns["numpy structured view"],
        },
        [
            f"{TICKS:,} full packets a frame, depth included; median of {ROUNDS} alternating rounds",
            f"a frame of {BATCH_TICKS_MAX:,} full packets is built in {median(built_ms):.3f} ms",
        ],
    )


def build_ms(batch: TickBatch) -> float:
    """One frame from a batch, ms."""
    began = perf_counter_ns()
    encode_frame(batch, "full")
    return (perf_counter_ns() - began) / 1e6
