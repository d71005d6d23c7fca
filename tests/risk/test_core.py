"""The gate hears signals and prices in the core: what it says is what its handler in Python says, byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import strategies
from doubles.account import LAST_E4, ROWS, SHARE, WARM_S, WIDE, clean_ticks, order
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3.account.account import account_folder_of
from kitev3.account.latch import Latch
from kitev3.bus.stepped import SteppedBus, VirtualClock
from kitev3.contracts import Arm, Clock, Funds, Reconciled, Signal, Start
from kitev3.risk import gate
from kitev3.runtime import setup
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.services.risk_portfolio.service import SERVICE, RiskPortfolio, RiskPortfolioConfig

NS = 1_000_000_000
MONO_NS = 5_000 * NS
T0_NS = 1_795_062_000 * NS  # Thursday 2026-11-19, 10:30 in India
SESSION = "2026-11-19"


class Nothing(msgspec.Struct, frozen=True):
    """No settings."""


@contextmanager
def gate_on_a_bus(folder: Path) -> Iterator[SteppedBus]:
    """The gate, armed and warm, between senders that say what the test wants."""
    account = account_folder_of("kitesim-KS0001", folder)
    context = Context(
        profile="test", mode="sim", account="kitesim-KS0001", seed=1, run_dir=folder, session=SESSION, start_ns=T0_NS
    )

    def handler(context: Context, config: Any) -> RiskPortfolio:
        return RiskPortfolio(gate(WIDE, context.account))

    spec = ServiceSpec(name="risk_portfolio", config=RiskPortfolioConfig, handler=handler, watch=SERVICE.watch)
    bus = SteppedBus(VirtualClock(MONO_NS))
    bus.keeps_published = True
    bus.add(spec, context, RiskPortfolioConfig())
    for name in ("marketdata", "strategy", "execution"):
        silent = ServiceSpec(
            name=name,
            config=Nothing,
            handler=lambda context, config: Handler({}),
            only=("control.clock", "world.epoch"),
        )
        bus.add(silent, context, Nothing(), driver=Driver())
    bus.open()
    bus.control(Clock(T0_NS, MONO_NS, 1000), "risk_portfolio")
    bus.control(Start(SESSION), "risk_portfolio")
    latch = Latch(account)
    latch.raise_to_active()
    latch.close()
    bus.control(Arm("test"), "risk_portfolio")
    for row in ROWS.values():
        say(bus, "marketdata", row)
    say(bus, "execution", Funds(10_00_00_000_0000, 0))
    say(bus, "execution", Reconciled("", 0, 0))
    for _ in range(3):
        say(bus, "marketdata", clean_ticks(LAST_E4, T0_NS + bus.clock.now_ns - MONO_NS))
        bus.clock.now_ns += WARM_S * NS
    say(bus, "marketdata", clean_ticks(LAST_E4, T0_NS + bus.clock.now_ns - MONO_NS))
    yield bus
    bus.close()


def say(bus: SteppedBus, name: str, payload: Any) -> None:
    bus.runners[name].publish(payload)
    bus.run()


def answers(signals: list[Signal], *, in_core: bool) -> list[bytes]:
    """What the gate says to these signals, as it goes over the wire."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        if not in_core:
            made = setup.Runtime
            patch.setattr(setup, "Runtime", lambda **words: made(**words | {"core": None}))
        with gate_on_a_bus(Path(folder)) as bus:
            for signal in signals:
                say(bus, "strategy", signal)
            said = [frame for source, frame in bus.published if source == "risk_portfolio"]
    return [frame for frame in said if frame.startswith(b"risk.")]


def sane(fields: dict[str, Any]) -> Signal:
    return msgspec.structs.replace(order(**fields), deadline_ns=MONO_NS + (3 * WARM_S + 3) * NS)


signals = st.one_of(
    strategies.payloads(Signal),
    st.fixed_dictionaries(
        {},
        optional={
            "token": st.just(SHARE),
            "action": st.sampled_from(("BUY", "SELL", "HOLD")),
            "intent": st.sampled_from(("enter", "exit", "modify", "cancel")),
            "quantity": st.sampled_from((0, -65, 64, 65, 130, 10**6)),
            "reason": st.text(max_size=300),
            "indicators": st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False), max_size=3),
            "confidence": st.sampled_from((0.0, 1.0)),
        },
    ).map(sane),
)


@settings(max_examples=60)
@given(st.lists(signals, min_size=1, max_size=8))
def test_any_signals_are_answered_in_the_core_as_in_python(asked: list[Signal]) -> None:
    assert answers(asked, in_core=True) == answers(asked, in_core=False)


def test_both_pass_a_good_order_and_refuse_a_bad_one() -> None:
    asked = [sane({}), sane({"quantity": 64}), sane({"action": "HOLD"})]

    said = answers(asked, in_core=True)

    assert [frame[: frame.index(0)] for frame in said] == [b"risk.approved", b"risk.blocked"]
    assert said == answers(asked, in_core=False)
