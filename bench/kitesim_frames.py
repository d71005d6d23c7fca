"""What the local exchange pays for 3,000 instruments in full mode: a step of its market, and a subscriber's frame."""

from __future__ import annotations

from statistics import median
from time import perf_counter_ns

from kitev3._core import Exchange, Subscription, TickBatch, decode_plain, encode_frame, session_open_ns

from bench.result import Result

NAME = "kitesim_frames"
TOKENS = 3_000
ROUNDS = 60
FRAME_MS = 250  # four updates a second
FRAME_MS_MAX = 1.0
NS = 1_000_000_000


def the_exchange() -> Exchange:
    """Everything that is listed, at 11:00, when all of it trades."""
    start_ns = session_open_ns("2026-11-19") + 105 * 60 * NS
    return Exchange(
        users=["KS0001"], market="synthetic", seed=1, start_ns=start_ns, frame_ms=FRAME_MS, universe="full",
        hours="dated",
    )  # fmt: skip


def run() -> Result:
    began = perf_counter_ns()
    exchange = the_exchange()
    start_s = (perf_counter_ns() - began) / NS
    subscription = Subscription()
    subscription.set_mode("full", exchange.tokens[:TOKENS])

    taken: dict[str, list[float]] = {"a step of the market": [], "the frame": [], "floor: packets alone": []}
    for _ in range(ROUNDS):
        began = perf_counter_ns()
        exchange.advance(exchange.next_cut_ns)
        stepped = perf_counter_ns()
        frame = exchange.frame(subscription)
        framed = perf_counter_ns()
        if frame is None:
            raise AssertionError("every instrument moved")
        batch: TickBatch = decode_plain(frame)
        if len(batch) != TOKENS:
            raise AssertionError(f"{len(batch)} packets of {TOKENS}")
        floored = perf_counter_ns()
        again = encode_frame(batch, "full")
        ended = perf_counter_ns()
        if len(again) > len(frame):
            raise AssertionError("the floor encodes the same packets")
        for name, ns in zip(taken, (stepped - began, framed - stepped, ended - floored), strict=True):
            taken[name].append(ns / 1e6)

    ms = {name: median(rounds) for name, rounds in taken.items()}
    rows: list[dict[str, object]] = [
        {"what": name, "ms": ms[name], "best": min(rounds), "worst": max(rounds)} for name, rounds in taken.items()
    ]
    core = (ms["a step of the market"] + ms["the frame"]) * 1000 / FRAME_MS / 1000
    return Result(
        NAME,
        rows,
        {
            "kitesim_frame_vs_packets": ms["the frame"] / ms["floor: packets alone"],
            "kitesim_frame_ms_of_its_millisecond": ms["the frame"] / FRAME_MS_MAX,
        },
        [
            f"{len(exchange.tokens):,} instruments listed, {TOKENS:,} of them in full mode; median of {ROUNDS} cuts",
            f"at four updates a second market and one subscriber's frames take {core:.2%} of a core",
            f"made at 11:00 of its day in {start_s:.2f} s",
        ],
    )
