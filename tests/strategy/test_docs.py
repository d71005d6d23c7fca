"""The strategy that the documentation shows is one that works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import Event
from kitev3.contracts import Signal
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.service import StrategyHandler
from services.test_strategy import Log, bar, blocked, fill, heard, instrument, reject

GUIDE = Path(__file__).parents[2] / "docs" / "strategies.md"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The guide's strategy, hosted as its profile says."""
    text = GUIDE.read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    table = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert code is not None
    assert table is not None
    (tmp_path / "mine.py").write_text(code[1])
    [told] = tomllib.loads(table[1])["strategy"]["run"]
    return Run(**told | {"use": f"{tmp_path}/{told['use']}", "instruments": tuple(told["instruments"])})


def answer(signal: Signal, outcome: str, share: float) -> Event | None:
    """What becomes of a wish."""
    if outcome == "filled":
        quantity = max(1, int(signal.quantity * share))
        payload: Any = fill("momentum", 1).payload
        return Event("execution.fill", msgspec.structs.replace(payload, side=signal.action, quantity=quantity))
    if outcome == "blocked":
        return blocked(signal)
    return reject("momentum", 1) if outcome == "rejected" else None


@given(
    st.lists(st.tuples(st.sampled_from(["filled", "blocked", "rejected", "nothing"]), st.floats(0, 1)), max_size=40),
    st.integers(5, 30),
)
@settings(max_examples=40)
def test_whatever_becomes_of_its_wishes_the_guides_strategy_enters_when_flat_and_leaves_what_it_holds(
    run: Run, outcomes: list[tuple[str, float]], swing: int
) -> None:
    service, held, intents = StrategyHandler([run], Log()), 0, []
    heard(service, [instrument(1, "INFY")])
    for n in range(300):
        close = 10_000_000 + 3_000 * (n % 7) * (-1 if n % (2 * swing) < swing else 1) + 500 * n
        for signal in heard(service, [bar(1, close, n)]):
            assert (signal.intent, signal.quantity) == (("exit", held) if held else ("enter", 10))
            intents.append(signal.intent)
            outcome = outcomes.pop() if outcomes else ("filled", 1.0)
            if (event := answer(signal, *outcome)) is not None:
                heard(service, [event])
            held = service.status()["held"].get("momentum", {}).get("NSE:INFY", 0)

    assert service.status()["stopped"] == {}
    assert {"enter", "exit"} <= set(intents)
