"""The core's gate with a method for each kind of event, as the reference has: payloads are encoded, answers decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from kitev3._core import Event, TickBatch, gate_handler
from kitev3.contracts import (
    BY_TOPIC,
    TOPIC_OF,
    Approved,
    Arm,
    Beat,
    Blocked,
    FeedHealth,
    Gap,
    Kill,
    LatchRead,
    LostTail,
    PortfolioSnapshot,
    Reconciled,
    RiskLimits,
    SequenceGap,
    Signal,
    Timer,
)

ENCODE = msgspec.msgpack.Encoder().encode


SAYS = ["risk.approved", "risk.blocked", "portfolio.snapshot"]


class CoreGate:
    """One gate. Whoever hands it an event says the time where it matters."""

    def __init__(self, limits: Mapping[str, int | None], *, live: bool = False) -> None:
        self.core = gate_handler(["strategy.signal"])
        self.live, self.epoch = live, 1
        self.limits = {name: value for name, value in limits.items() if value is not None}
        self.halted: list[str] = []
        self.reducing: list[str] = []
        self.outside: set[str] = set()
        self.seqs: dict[str, int] = {}  # of the signals, by the names that they were given
        self.portfolio: PortfolioSnapshot | None = None
        self.tell_limits()

    def hear(self, payload: Any, *, topic: str = "", now_ns: int = 0, mono_ns: int = 0, seq: int = 1) -> list[Any]:
        topic = topic or TOPIC_OF[type(payload)]
        data = payload.to_bytes() if isinstance(payload, TickBatch) else ENCODE(payload)
        source = topic.partition(".")[0]
        epoch = self.epoch if source == "execution" else 1
        event = Event(topic, None, source=source, seq=seq, epoch=epoch, mono_ns=mono_ns, now_ns=now_ns)
        said = self.core.handle(event, data, SAYS)
        answers = [msgspec.msgpack.decode(data, type=BY_TOPIC[name].payload) for name, data in said]
        for answer in answers:
            if isinstance(answer, PortfolioSnapshot):
                self.portfolio = answer
        return answers

    def __getattr__(self, name: str) -> Any:
        """``on_fill(payload)`` and its like, also with the market time behind it."""
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda payload, now_ns=0: self.hear(payload, now_ns=now_ns)

    def tell_limits(self) -> None:
        self.hear(
            RiskLimits(self.limits, self.live, tuple(self.halted), tuple(self.reducing), tuple(sorted(self.outside)))
        )

    def limit_strategy(self, strategy: str, state: str) -> None:
        {"HALTED": self.halted, "REDUCING": self.reducing}[state].append(strategy)
        self.tell_limits()

    def limit_symbol(self, exchange: str, tradingsymbol: str, state: str) -> None:
        self.limit_strategy(f"{exchange}:{tradingsymbol}", state)

    def judge(self, signal: Signal, intent_id: str, now_ns: int, mono_ns: int) -> Approved | Blocked:
        """Whatever an intent is called, the same name is the same event; in the answer stands the event's own id."""
        seq = self.seqs.setdefault(intent_id, len(self.seqs) + 1)
        (answer,) = self.hear(signal, now_ns=now_ns, mono_ns=mono_ns, seq=seq)
        assert isinstance(answer, (Approved, Blocked))
        self.seqs[answer.intent_id] = seq
        return answer

    def on_ticks(self, batch: TickBatch, now_ns: int, mono_ns: int) -> None:
        self.hear(batch, now_ns=now_ns, mono_ns=mono_ns)

    def on_instrument(self, row: Any, closing_auction: bool = True) -> None:
        name = f"{row.exchange}:{row.tradingsymbol}"
        if closing_auction == (name in self.outside):
            self.outside ^= {name}
            self.tell_limits()
        self.hear(row)

    def on_feed(self, up: bool) -> None:
        self.hear(FeedHealth("up" if up else "down", 0, 0, 0, 0, 0))

    def on_gap(self, instrument_tokens: Sequence[int]) -> None:
        self.hear(Gap(tuple(instrument_tokens), ""))

    def on_latch(self, state: Any, now_ns: int) -> None:
        self.hear(LatchRead(state), now_ns=now_ns)

    def on_beat(self, mono_ns: int) -> None:
        self.hear(Beat("execution"), mono_ns=mono_ns)

    def on_kill(self) -> None:
        self.hear(Kill(""))

    def on_arm(self, now_ns: int) -> None:
        self.hear(Arm(""), now_ns=now_ns)

    def on_sequence_gap(self, source: str, open: bool) -> None:
        self.hear(SequenceGap(source, open))

    def on_reconciled(self, agree: bool) -> None:
        self.hear(Reconciled("", 0, 0, () if agree else ("something",)))

    def on_execution_restarted(self) -> None:
        self.hear(LostTail("execution", 2, 1))

    def snapshot(self, now_ns: int) -> PortfolioSnapshot:
        """The portfolio: it is said when it has changed."""
        self.hear(Timer("snapshot"), now_ns=now_ns)
        assert self.portfolio is not None
        return self.portfolio

    def standing(self, now_ns: int) -> str:
        return self.snapshot(now_ns).state

    def status(self) -> dict[str, Any]:
        return dict(self.core.status())
