"""Options by the command line and by TOML."""

from __future__ import annotations

from pathlib import Path

import pytest
from kitev3.errors import ConfigError
from kitev3.services.kitesim.options import read_options


def test_what_stands_on_the_command_line_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "kitesim.toml"
    file.write_text(
        'universe = "house"\nseed = 7\nspeed = 2\nclock = "2026-11-19T10:00"\n'
        "frame_ms = 500\npostback_anywhere = true\n"
        '[[fault]]\nname = "delay"\n'
    )

    options = read_options(["--settings", str(file), "--seed", "8"])

    assert (options.universe, options.seed, options.speed, options.frame_ms) == ("house", 8, 2.0, 500)
    assert options.postback_anywhere
    assert [fault.NAME for fault in options.all_faults()] == ["delay"]
    assert options.kept_hours == "dated"
    assert read_options(["--profile", "legacy"]).kept_hours == "always-open"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sped = 2", "no setting 'sped', did you mean 'speed'"),
        ('seed = "x"', "seed: expected int"),
        ('universe = "all"', "universe: expected one of 'full', 'house', got 'all'"),
        ("speed = 0", "speed: expected float > 0"),
        ("seed =", "is no TOML"),
    ],
)
def test_a_bad_line_of_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "kitesim.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as refused:
        read_options(["--settings", str(file)])

    assert str(file) in str(refused.value)
    assert words in str(refused.value)
