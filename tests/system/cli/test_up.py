"""What `kitev3 up` refuses of a profile before anything of it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import kitev3
import pytest
from kitev3.errors import ConfigError
from kitev3.runtime.registry import spec
from kitev3.system.cli.up import check
from kitev3.system.profile import known_services, load

DEMO = (Path(kitev3.__file__).parent / "profiles" / "demo.toml").read_text()


def numbers() -> Iterator[tuple[str, str]]:
    """Each setting of a service's own that is one number."""
    for service in known_services():
        hints = get_type_hints(spec(service).config, include_extras=True)
        for field in dataclasses.fields(spec(service).config):
            kind = hints[field.name]
            plain = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
            if plain in (int, float) and get_origin(plain) is None and field.name != "cpu":
                yield service, field.name


@pytest.mark.parametrize(("service", "setting"), list(numbers()))
def test_no_time_and_no_count_of_a_service_is_below_zero(service: str, setting: str) -> None:
    profile = load("demo", environment={f"KITEV3_{service}_{setting}".upper(): "-1"})

    with pytest.raises(ConfigError, match=rf"(?i){setting}") as refused:
        check(profile)

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("EXECUTION_LOOK_MS", ">= 1"), ("EXECUTION_ABSENT_READS", ">= 1"), ("BUS_HEARTBEAT_MS", ">= 1")],
)
def test_what_would_never_come_or_never_end_is_refused(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(load("demo", environment={f"KITEV3_{setting}": "0"}))


def test_a_calendar_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("day,*,closd,2026-11-19,2026-11-19,,x\n")

    with pytest.raises(ConfigError, match='line 1: expected weekdays, open or closed, not "closd"'):
        check(load("demo", environment={"KITEV3_CALENDAR": str(tmp_path / "mine.csv")}))


@pytest.mark.parametrize(("gone", "left"), [("risk_portfolio", "strategy"), ("execution", "risk_portfolio")])
def test_nobody_runs_without_who_takes_his_work(tmp_path: Path, gone: str, left: str) -> None:
    file = tmp_path / "part.toml"
    file.write_text(DEMO.replace(f"[{gone}]\n", f"[{gone}]\nenabled = false\n"))

    with pytest.raises(ConfigError, match=rf"part\.toml: {left} runs without {gone}"):
        check(load(file, environment={}))
