"""The strategy that the documentation shows is one that works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from kitev3._core import Event
from kitev3.services.strategy.service import Run, StrategyHandler
from services.test_strategy import bar, heard, instrument

GUIDE = Path(__file__).parents[2] / "docs" / "strategies.md"


def test_the_guides_strategy_trades(tmp_path: Path) -> None:
    text = GUIDE.read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    table = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert code is not None
    assert table is not None
    (tmp_path / "mine.py").write_text(code[1])
    [told] = tomllib.loads(table[1])["strategy"]["run"]
    run = Run(**told | {"use": f"{tmp_path}/{told['use']}", "instruments": tuple(told["instruments"])})
    closes = [10_000_000 + 1_000 * (n % 7) * (-1 if n % 20 < 10 else 1) + 500 * n for n in range(80)]

    events: list[Event] = [instrument(1, "INFY"), *(bar(1, close, n) for n, close in enumerate(closes))]
    signals = heard(StrategyHandler([run]), events)

    assert {s.intent for s in signals} == {"enter", "exit"}
    assert {s.strategy for s in signals} == {"momentum"}
