"""Configuration is read once, whole, or refused with its culprit named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.calendar import IST
from kitev3.errors import ConfigError
from kitev3.system import profile as config
from kitev3.system import settings
from kitev3.system.profile import BusConfig, Profile, ServiceSettings, load
from kitev3.system.settings import location


@dataclass(frozen=True, kw_only=True)
class Cross:
    fast: int = 3
    slow: int = 9


@dataclass(frozen=True, kw_only=True)
class StrategyConfig(ServiceSettings):
    silence_ms: Annotated[int, msgspec.Meta(ge=1)] = 5_000
    ratio: float = 0.5
    periods: tuple[str, ...] = ("1s",)
    url: str = location("ws://localhost")
    book: Path = Path("books/plain.toml")
    cross: Cross = Cross()
    crosses: tuple[Cross, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limits:
    capital_e4: int | None = None
    loss_bp_max: int | None = None


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("strategy", "risk_portfolio", "kitesim"):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "service.py").touch()
    monkeypatch.setattr(config, "SERVICES", tmp_path / "services")


def profile(folder: Path, text: str, environment: Mapping[str, str] | None = None, **overrides: Any) -> Profile:
    file = folder / "mine.toml"
    file.write_text(text)
    return load(file, environment=environment or {}, overrides=overrides)


def test_a_profile_states_only_what_differs(tmp_path: Path) -> None:
    read = profile(tmp_path, "seed = 7\nstart = 2026-11-19T09:20:00+05:30\n[strategy]\ncpu = 1\ncross = {fast = 5}")

    assert (read.name, read.seed, read.mode, read.speed) == ("mine", 7, "sim", 1.0)
    assert read.start == datetime(2026, 11, 19, 9, 20, tzinfo=IST)
    assert read.settings("strategy", StrategyConfig) == StrategyConfig(cpu=1, cross=Cross(fast=5))
    assert read.service("strategy") == ServiceSettings(cpu=1)
    assert read.settings("risk", Limits) == Limits()
    assert read.bus == BusConfig()


def test_file_then_environment_then_command_line(tmp_path: Path) -> None:
    text = "seed = 1\nspeed = 2\nmarket = 'frozen'\n[bus]\nheartbeat_ms = 3\ndrain_ms = 4"
    environment = {"KITEV3_SEED": "5", "KITEV3_SPEED": "6", "KITEV3_BUS_DRAIN_MS": "7", "HOME": "/"}

    read = profile(tmp_path, text, environment, speed=8.5, market=None)

    assert (read.seed, read.speed, read.market) == (5, 8.5, "frozen")
    assert (read.bus.heartbeat_ms, read.bus.drain_ms) == (3, 7)


def test_the_environment_speaks_each_type(tmp_path: Path) -> None:
    environment = {
        "KITEV3_STRATEGY_SILENCE_MS": "1_000",
        "KITEV3_STRATEGY_RATIO": "2",
        "KITEV3_STRATEGY_PERIODS": '["5s", "1m"]',
        "KITEV3_STRATEGY_URL": "8787",
        "KITEV3_STRATEGY_CROSSES": "[{fast = 1}, {slow = 2}]",
        "KITEV3_STRATEGY_ENABLED": "false",
    }

    read = profile(tmp_path, "[strategy]\n[kitesim]", environment)

    expected = StrategyConfig(
        enabled=False,
        silence_ms=1000,
        ratio=2.0,
        periods=("5s", "1m"),
        url="8787",
        crosses=(Cross(fast=1), Cross(slow=2)),
    )
    assert read.settings("strategy", StrategyConfig) == expected
    assert read.enabled == ("kitesim",)


def test_a_variable_of_a_longer_table_is_not_of_the_shorter_one(tmp_path: Path) -> None:
    read = profile(tmp_path, "", {"KITEV3_RISK_PORTFOLIO_CPU": "1", "KITEV3_RISK_CAPITAL_E4": "5"})

    assert read.settings("risk", Limits) == Limits(capital_e4=5)
    assert read.service("risk_portfolio") == ServiceSettings(cpu=1)


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("sede = 1", {}, ("mine.toml", "'sede'", "did you mean 'seed'")),
        ("[stratgy]", {}, ("mine.toml", "'stratgy'", "did you mean 'strategy'")),
        ("[strategy]\nsilense_ms = 1", {}, ("mine.toml", "[strategy]", "'silense_ms'", "did you mean 'silence_ms'")),
        ("[strategy]\ncross = {fats = 1}", {}, ("[strategy]", "cross", "'fats'", "did you mean 'fast'")),
        ("[strategy]\ncrosses = [{fast = 1}, {slwo = 1}]", {}, ("crosses[1]", "'slwo'", "did you mean 'slow'")),
        ("[bus]\nheartbeat = 1", {}, ("[bus]", "'heartbeat'", "did you mean 'heartbeat_ms'")),
        ("", {"KITEV3_SPED": "1"}, ("environment", "'KITEV3_SPED'", "did you mean 'KITEV3_SPEED'")),
        ("", {"KITEV3_STRATEGY_SILENCE": "1"}, ("KITEV3_STRATEGY_SILENCE", "did you mean 'silence_ms'")),
        ("seed = '1'", {}, ("mine.toml", "seed", "expected int, got str")),
        ("seed = true", {}, ("seed", "expected int, got bool")),
        ("seed = 1.0", {}, ("seed", "expected int, got float")),
        ("speed = 0", {}, ("speed", ">= 0.001")),
        ("mode = 'pretend'", {}, ("mode", "got 'pretend'")),
        ("[strategy]\nsilence_ms = 0", {}, ("[strategy]", "silence_ms", ">= 1")),
        ("[strategy]\nperiods = [1]", {}, ("[strategy]", "periods", "expected str, got int 1 at [0]")),
        ("", {"KITEV3_STRATEGY_SILENCE_MS": "soon"}, ("KITEV3_STRATEGY_SILENCE_MS", "expected int, got str 'soon'")),
        ("[seed]", {}, ("seed", "is one value")),
        ("strategy = 1", {}, ("strategy", "is a table")),
        ("seed = ", {}, ("mine.toml", "no TOML")),
        ("[risk]\naccess_token = 'x'", {}, ("risk: access_token", "0400")),
        ("", {"KITEV3_KITESIM_API_SECRET": "x"}, ("KITEV3_KITESIM_API_SECRET", "0400")),
        ("mode = 'live'", {}, ("mode", "kitesim")),
        ("account = 'zerodha'", {}, ("mode", "kitesim")),
        ("account = 'zerodha'\nmode = 'live'\nspeed = 2", {}, ("speed 1",)),
        ("start = 2026-11-19T09:20:00", {}, ("start", "time zone")),
        ("arm = true\naccount = 'zerodha'\nmode = 'live'", {}, ("arm", "kitev3 arm")),
        ("arm = true\nmode = 'paper'", {}, ("arm", "pretended")),
        ("arm = true\nexchange = '10.0.0.1:80'", {}, ("arm", "this machine")),
        ("mode = 'paper'", {}, ("paper is not open yet", "kitesim's prices are simulated")),
        ("account = 'zerodha'\nmode = 'paper'", {}, ("paper is not open yet", "its orders would be real")),
        ("account = 'zerodha'\nmode = 'live'", {}, ("mine.toml: mode: live is not open yet",)),
        ("account = 'zerodha'\nmode = 'live'\ntoken_file = '/t'\nuser_id = 'AB1234'", {}, ("live is not open yet",)),
        ("", {"KITEV3_MODE": "live", "KITEV3_ACCOUNT": "zerodha"}, ("live is not open yet",)),
        ("seed = -1", {}, ("seed", ">= 0")),
        ("seed = 9223372036854775808", {}, ("seed", "9223372036854775807")),
        ("speed = nan", {}, ("speed", "finite number, got nan")),
        ("speed = inf", {}, ("speed", "finite number, got inf")),
        ("", {"KITEV3_SPEED": "nan"}, ("KITEV3_SPEED", "finite number, got nan")),
        ("[strategy]\ncrosses = [{fast = nan}]", {}, ("crosses", "finite number")),
        ("[strategy]\ncpu = -1", {}, ("cpu", ">= 0")),
        ("user_id = '../../etc'", {}, ("user_id", "matching regex")),
        ("arm = true\nexchange = 'localhost:80'", {}, ("arm", "this machine")),
    ],
)
def test_a_bad_setting_is_refused_with_its_culprit(
    tmp_path: Path, text: str, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as refusal:
        profile(tmp_path, text, environment).settings("strategy", StrategyConfig)

    assert [word for word in words if word not in str(refusal.value)] == []
    assert "\n" not in str(refusal.value)


def test_an_override_is_checked_like_a_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="command line: speed"):
        profile(tmp_path, "", speed=-1.0)
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        profile(tmp_path, "", sead=1)


def test_an_unknown_profile_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'demmo', did you mean 'demo'\? There are bench, demo"):
        load("demmo", environment={})
    with pytest.raises(ConfigError, match=r"nowhere.toml: cannot be read"):
        load(tmp_path / "nowhere.toml", environment={})


KEYS = sorted(settings.keys(StrategyConfig))
words = st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True)


@given(key=words.filter(lambda key: key not in KEYS))
def test_every_unknown_key_is_refused(key: str) -> None:
    read = Profile(name="mine", tables={"strategy": {key: 1}})

    with pytest.raises(ConfigError, match=rf"\[strategy\]: no setting '{key}'"):
        read.settings("strategy", StrategyConfig)


@given(value=st.one_of(st.booleans(), st.floats(), st.text(), st.lists(st.integers()), st.integers(max_value=0)))
def test_only_a_number_of_the_right_kind_is_one(value: Any) -> None:
    read = Profile(name="mine", tables={"strategy": {"silence_ms": value}})

    with pytest.raises(ConfigError, match=r"\[strategy\]: silence_ms: expected"):
        read.settings("strategy", StrategyConfig)


@given(
    silence_ms=st.integers(1, 2**62),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    periods=st.lists(st.text(), max_size=3).map(tuple),
    fast=st.integers(-(2**62), 2**62),
)
def test_what_json_can_hold_comes_back_whole(
    silence_ms: int, ratio: float, periods: tuple[str, ...], fast: int
) -> None:
    meant = StrategyConfig(silence_ms=silence_ms, ratio=ratio, periods=periods, cross=Cross(fast=fast))
    table = json.loads(json.dumps(settings.plain(meant)))
    read = Profile(name="mine", tables={"strategy": table | {"book": "books/plain.toml"}})

    assert read.settings("strategy", StrategyConfig) == meant


@pytest.mark.parametrize(
    ("machine", "pinned", "rest"),
    [({0, 1}, {1}, {0}), ({0, 1, 2, 3}, {1}, {0, 2, 3}), ({1}, {1}, {1}), ({0}, {0}, {0}), ({2, 3}, {2, 3}, {2, 3})],
)
def test_pinned_services_share_a_core_that_all_others_keep_off(
    machine: set[int], pinned: set[int], rest: set[int]
) -> None:
    read = Profile(name="mine", tables={"strategy": {"cpu": 1}, "risk_portfolio": {"cpu": 1}, "kitesim": {}})

    cores = {name: read.cores(name, frozenset(machine)) for name in (*read.enabled, "")}

    assert cores == {"strategy": pinned, "risk_portfolio": pinned, "kitesim": rest, "": rest}


def test_the_tape_learns_what_the_run_is_but_not_where(tmp_path: Path) -> None:
    text = (
        "token_file = '/a/token'\nexchange = '127.0.0.1:8787'\nmarket = '{}/day.csv.gz'\n"
        "[strategy]\nurl = '{}'\nbook = '{}/b.toml'"
    )
    here = profile(tmp_path, text.format("/home/x", "http://a", "/x"), {"KITEV3_RUN_DIR": "/a"})
    there = profile(tmp_path, text.format("/srv/y", "http://b", "/y"))

    said = [p.effective({"strategy": p.settings("strategy", StrategyConfig)}) for p in (here, there)]

    assert json.dumps(said[0], sort_keys=False) == json.dumps(said[1], sort_keys=False)
    assert said[0]["market"] == "day.csv.gz"
    assert said[0]["strategy"]["book"] == "b.toml"
    assert not {"token_file", "exchange", "file", "tables", "variables"} & said[0].keys()
    assert list(said[0]) == sorted(said[0])
