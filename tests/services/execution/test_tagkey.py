"""The key of our tags: the seed's on the local exchange, a file of ours at a broker, and none that could be guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.account.secret import write_secret
from kitev3.broker.tags import TagId
from kitev3.errors import ConfigError
from kitev3.runtime.service import Context
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.tagkey import KEY_CHARS_MIN, tags_of

LOCAL, BROKER = "kitesim-KS0001", "zerodha-AB1234"


def context(account: str, seed: int = 1) -> Context:
    return Context(
        profile="mine", mode="sim", account=account, seed=seed, run_dir=Path(), session="2026-11-19", start_ns=0
    )


def tags(account: str, *, seed: int = 1, file: str = "") -> list[str]:
    maker = tags_of(context(account, seed), ExecutionConfig(tag_key_file=file))
    return [maker.encode(TagId(strategy=1, epoch=1, sequence=number)) for number in range(3)]


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_same_seed_makes_the_same_tags_and_another_others(one: int, other: int) -> None:
    assert (tags(LOCAL, seed=one) == tags(LOCAL, seed=other)) == (one == other)


def test_at_a_broker_the_key_is_a_file_whatever_the_seed(tmp_path: Path) -> None:
    write_secret(tmp_path / "mine", "k" * KEY_CHARS_MIN)
    write_secret(tmp_path / "other", "o" * KEY_CHARS_MIN)

    mine = tags(BROKER, file=str(tmp_path / "mine"))

    assert mine == tags(BROKER, seed=2, file=str(tmp_path / "mine"))
    assert mine != tags(BROKER, file=str(tmp_path / "other"))


def test_no_key_or_a_short_one_is_refused(tmp_path: Path) -> None:
    write_secret(tmp_path / "short", "k" * (KEY_CHARS_MIN - 1))

    with pytest.raises(ConfigError, match="tag_key_file"):
        tags(BROKER)
    with pytest.raises(ConfigError, match="could be guessed"):
        tags(BROKER, file=str(tmp_path / "short"))
