"""A strategy that cannot begin is refused in one line, with the place and the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest
from kitev3.errors import ConfigError
from kitev3.runtime.fingerprint import fingerprint
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.service import SERVICE, StrategyConfig
from kitev3.strategy import EmaCross, load, parameters
from kitev3.strategy.load import code_of, engine_of


def test_an_unknown_strategy_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ema_cross'"):
        load("ema_croos")


def test_an_unknown_parameter_names_the_nearest_one_and_a_bad_value_its_bound() -> None:
    with pytest.raises(ConfigError, match="strategy 'a': EmaCross has no parameter 'slwo': did you mean 'slow'"):
        parameters(EmaCross, {"slwo": 3}, "strategy 'a'")
    with pytest.raises(ConfigError, match="fast must be above 0 and below slow"):
        parameters(EmaCross, {"fast": 9, "slow": 3}, "strategy 'a'")
    assert parameters(EmaCross, {"fast": 2}, "x") == EmaCross.Params(fast=2)


def test_a_strategy_of_a_users_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from kitev3.strategy import Strategy\nclass Mine(Strategy):\n    pass\nclass Other:\n    pass\n")

    assert load(f"{path}:Mine").__name__ == "Mine"
    with pytest.raises(ConfigError, match="has no Strategy class named 'Other'"):
        load(f"{path}:Other")
    with pytest.raises(ConfigError, match="no strategy file"):
        load(f"{tmp_path}/none.py:Mine")


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("import kitev3\n1 // 0\n", 2, "ZeroDivisionError"),
        ("\ndef on_bar(:\n", 2, "SyntaxError"),
        ("import no_such_package\n", 1, "no_such_package"),
        ("\n\nraise SystemExit(1)\n", 3, "SystemExit"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, code: str, line: int, words: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(code)

    with pytest.raises(ConfigError) as refused:
        load(f"{path}:Mine")

    assert f"{path}:{line}: " in str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('return {"a": indicator("emma", period=3)}', "'a' is of no indicator 'emma': did you mean 'ema'?"),
        ('return {"a": indicator("ema")}', "period"),
        ('return {"a": indicator("ema", period=0)}', "period must be a whole number from 1"),
        ('return {"a": indicator("ema", perod=3)}', "perod"),
        ('return {"a": "ema"}', "AttributeError"),
        ("return 1 // 0", "mine.py:4: ZeroDivisionError"),
    ],
)
def test_what_is_declared_wrongly_is_refused_with_what_is_right(tmp_path: Path, body: str, words: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from kitev3.strategy import Strategy, indicator\n"
        f"class Mine(Strategy):\n    def indicators(self):\n        {body}\n"
    )
    kind = load(f"{path}:Mine")

    with pytest.raises(ConfigError, match="strategy 'a': ") as refused:
        engine_of(kind, kind.Params(), "strategy 'a'")

    assert words in str(refused.value)


def test_parameters_of_a_users_own_are_checked_by_their_own_rules(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from kitev3.strategy import Strategy\nclass Mine(Strategy):\n    class Params:\n        a: int = 1\n"
    )

    with pytest.raises(ConfigError, match="Params is no dataclass"):
        parameters(load(f"{path}:Mine"), {"a": 2}, "strategy 'a'")


def test_what_a_strategy_is_made_of_is_its_file_and_a_built_in_is_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("")

    assert code_of(f"{path}:Mine") == [path]
    assert [found.name for found in code_of("kitev3.strategy.ema_cross:EmaCross")] == ["ema_cross.py"]
    assert code_of("ema_cross") == code_of("no.such.package:Mine") == code_of(f"{tmp_path}/none.py:Mine") == []


def test_what_a_file_imports_from_beside_it_is_part_of_the_strategy_at_any_distance(tmp_path: Path) -> None:
    texts = {
        "mine.py": "import levels, os, msgspec\nfrom tools import shapes, Flag\nfrom kitev3.strategy import Strategy\n",
        "levels.py": "def level():\n    from tools.more import deep\n",
        "tools/__init__.py": "Flag = 1\n",
        "tools/shapes.py": "from .more import deep\nimport mine\n",
        "tools/more.py": "from . import shapes\nthis is no Python\n",
        "other.py": "import levels\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    found = code_of(f"{tmp_path}/mine.py:Mine")

    assert found[0] == tmp_path / "mine.py"
    assert sorted(str(path.relative_to(tmp_path)) for path in found) == sorted({*texts} - {"other.py"})


def test_an_edit_of_a_strategys_file_is_another_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    config = StrategyConfig(run=(Run(name="mine", use=f"{path}:Mine", instruments=("NSE:*",)),))
    path.write_text("A = 1\n")
    before = fingerprint(SERVICE, config)

    path.write_text("A = 2\n")

    assert fingerprint(SERVICE, config) != before
    assert fingerprint(SERVICE, StrategyConfig()) == fingerprint(SERVICE, StrategyConfig())
