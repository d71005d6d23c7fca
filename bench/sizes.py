"""How long the order path's messages are on the wire: the raw chain sends as many bytes, so that both pay for them."""

from __future__ import annotations

from typing import Any

import msgspec
from kitev3._core import Tick, TickBatch
from kitev3.contracts import TOPIC_OF, Approved, DataRange, Intent, Reject, Reservation, Sending, Signal, Verdict

from bench.feeder import PRICE_E4, SYMBOL, TOKEN

HEADER_BYTES = 96
NOW_NS = 1_795_060_200_000_000_000


def sample_signal() -> Signal:
    """A signal as the profile's strategy gives one for each tick."""
    return Signal(
        strategy="each_tick",
        exchange="NSE",
        tradingsymbol=SYMBOL,
        instrument_token=TOKEN,
        action="BUY",
        intent="enter",
        quantity=1,
        order_type="LIMIT",
        price_e4=PRICE_E4,
        trigger_price_e4=0,
        product="MIS",
        validity="DAY",
        confidence=1.0,
        deadline_ns=NOW_NS,
        data=(DataRange("marketdata", 1, 1, 20_000),),
        data_ts_ns=NOW_NS,
        reason="a tick",
        indicators={},
    )


def samples() -> list[Any]:
    """One payload of each topic on the path, as an order that is not sent leaves them behind."""
    reservation = Reservation(1, PRICE_E4, PRICE_E4)
    approved = Approved("0" * 32, sample_signal(), Verdict((1 << 55) - 1, 0), reservation)
    tag = "K000010000010A000000"
    return [
        TickBatch.from_ticks([Tick(TOKEN, PRICE_E4, kind="full")]),
        approved.signal,
        approved,
        Intent(tag, 1, approved),
        Sending(tag, 1, 1, "place", "", NOW_NS),
        Reject(tag, approved.intent_id, False, "Refused", "this account has no broker"),
    ]


def wire_bytes(payload: Any) -> int:
    """Topic, NUL, header, payload."""
    body = payload.to_bytes() if isinstance(payload, TickBatch) else msgspec.msgpack.encode(payload)
    return len(TOPIC_OF[type(payload)]) + 1 + HEADER_BYTES + len(body)


WIRE_BYTES = {TOPIC_OF[type(payload)]: wire_bytes(payload) for payload in samples()}
