"""From TOML and the environment to a dataclass: what it holds comes through, anything else is refused by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.errors import ConfigError
from kitev3.system import settings


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str = ""
    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Outer:
    number: int = 1
    pace: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    word: Literal["a", "b"] = "a"
    flag: bool = False
    inner: Inner = field(default_factory=Inner)
    all: tuple[Inner, ...] = ()
    by: Mapping[str, int] = field(default_factory=dict)
    folder: Path = Path()
    where: str = settings.location()


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=10)
inners = st.fixed_dictionaries({}, optional={"name": texts, "share": st.floats(allow_nan=False, allow_infinity=False)})
tables = st.fixed_dictionaries(
    {},
    optional={
        "number": st.integers(-(2**63), 2**63 - 1),
        "pace": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        "word": st.sampled_from("ab"),
        "flag": st.booleans(),
        "inner": inners,
        "all": st.lists(inners, max_size=3),
        "by": st.dictionaries(texts, st.integers(0, 9), max_size=3),
        "where": texts,
    },
)


def read(table: Mapping[str, Any], variables: Mapping[str, tuple[str, str]] = {}) -> Outer:
    return settings.read(Outer, table, "mine.toml: [outer]", variables)


@given(tables)
def test_what_a_table_holds_comes_through_and_the_rest_is_the_default(table: dict[str, Any]) -> None:
    made = read(table)

    given_inner = Inner(**table.get("inner", {}))
    assert made.inner == given_inner
    assert made.all == tuple(Inner(**one) for one in table.get("all", []))
    for name in ("number", "pace", "word", "flag", "by", "where"):
        assert getattr(made, name) == table.get(name, getattr(Outer(), name))


@given(tables)
def test_a_run_is_known_by_its_settings_and_no_place(table: dict[str, Any]) -> None:
    there = settings.plain(read(table | {"where": "here"}))

    assert there == settings.plain(read(table | {"where": "somewhere else"}))
    assert "where" not in there
    assert list(there) == sorted(there)


@given(st.integers(-(2**63), 2**63 - 1), st.booleans(), texts)
def test_a_variable_is_laid_over_the_table_as_toml_would_say_it(number: int, flag: bool, text: str) -> None:
    variables = {
        "number": ("KITEV3_NUMBER", str(number)),
        "flag": ("KITEV3_FLAG", str(flag).lower()),
        "where": ("KITEV3_WHERE", text),
    }

    made = read({"number": 0, "flag": not flag}, variables)

    assert (made.number, made.flag, made.where) == (number, flag, text)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("numbr = 1", "mine.toml: [outer]: no setting 'numbr', did you mean 'number'?"),
        ("number = 1.5", "mine.toml: [outer]: number: expected int, got float"),
        ("number = true", "mine.toml: [outer]: number: expected int, got bool"),
        ("pace = 0", "pace: expected float > 0.0"),
        ("pace = nan", "pace: expected a finite number, got nan"),
        ('word = "c"', "word: expected one of 'a', 'b', got 'c'"),
        ("inner = { nam = 1 }", "inner: no setting 'nam', did you mean 'name'?"),
        ("all = [{}, { shar = 1 }]", "all[1]: no setting 'shar', did you mean 'share'?"),
    ],
)
def test_what_is_no_setting_is_named_with_its_place(toml: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tomllib.loads(toml))

    assert words in str(refused.value)


def test_a_variable_that_is_wrong_is_named_itself() -> None:
    with pytest.raises(ConfigError, match="environment: KITEV3_NUMBER: expected int, got str"):
        read({}, {"number": ("KITEV3_NUMBER", "many")})
