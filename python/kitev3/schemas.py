"""Every schema that was ever spoken of each topic, the newest last: what a reader knows.

A message carries its schema's hash. A reader takes today's and, filling in defaults, the older ones here; it refuses
any other. So when a payload gets a field (at its end, with a default), its new hash is appended here, and nothing is
ever removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SPOKEN: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "marketdata.tick": (0x6133D3EA,),
        "marketdata.quote": (0x4085660B,),
        "marketdata.ohlc": (0xDBE65E77,),
        "marketdata.instrument": (0xDFC6D7B2,),
        "marketdata.health": (0x78E24792,),
        "marketdata.gap": (0x754F8585,),
        "marketdata.order_frame": (0xE18B26B8,),
        "strategy.signal": (0x76AE6A89,),
        "risk.approved": (0x120A13BA,),
        "risk.blocked": (0xA320810E,),
        "portfolio.snapshot": (0x9A1C164A,),
        "execution.intent": (0xE476F86D,),
        "execution.sending": (0x96D177C4,),
        "execution.order_placed": (0x2B9820D9,),
        "execution.update": (0x6CC54A3E,),
        "execution.fill": (0x091BF947,),
        "execution.reject": (0xD87F8E17,),
        "execution.unknown": (0x91C9008C,),
        "execution.book": (0x81B14C14,),
        "execution.forged": (0x9E3F92A8,),
        "execution.adjust": (0x4ED1E5E3,),
        "execution.holdings": (0xD2062255,),
        "execution.funds": (0x328E72D6,),
        "execution.reconciled": (0xEBC45650,),
        "execution.read": (0xA59235F8,),
        "kitesim.market": (0x1792B6CE,),
        "kitesim.accepted": (0xB8C8ABD1,),
        "control.clock": (0xD61D2643,),
        "control.start": (0x95B9A984,),
        "control.stop": (0xD695FB24,),
        "control.kill": (0x37B6CCA8,),
        "control.arm": (0xA71ED072,),
        "control.take_positions": (0x2534839B,),
        "world.frame": (0x9872F2AB,),
        "world.text": (0x4AB4BB70,),
        "world.socket": (0x4D69AE8E,),
        "world.instruments": (0x16260DB0,),
        "world.quotes": (0xBEE3369A,),
        "world.left_out": (0x61589060,),
        "world.answer": (0x882CC1B5,),
        "world.rows": (0xE05DED6A,),
        "world.exchange": (0x881A41BE,),
        "world.request": (0x467C505B, 0xF3996A19),
        "world.timer": (0x56B75EEF,),
        "world.latch": (0x125D900E,),
        "world.beat": (0x2E2CE9C7,),
        "world.limits": (0x8FE95BF7,),
        "world.account": (0x715C8177,),
        "world.sequence_gap": (0x90942D1B,),
        "world.epoch": (0x140A8996, 0x22FB88D0),
        "world.lost_tail": (0x61876E79,),
    }
)


def older(topic: str) -> tuple[int, ...]:
    """The hashes that were spoken before today's."""
    return SPOKEN.get(topic, ())[:-1]
