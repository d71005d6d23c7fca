"""A secret is one line in a file that nobody else can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kitev3.account.secret import BYTES_MAX, read_secret, write_secret
from kitev3.errors import ConfigError


def test_a_secret_is_written_closed_and_read_back(tmp_path: Path) -> None:
    write_secret(tmp_path / "token", "old")
    write_secret(tmp_path / "token", "abc123")

    assert read_secret(tmp_path / "token") == "abc123"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o400
    assert os.listdir(tmp_path) == ["token"]


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o420, 0o401])
def test_a_secret_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    write_secret(tmp_path / "token", "abc123")
    (tmp_path / "token").chmod(mode)

    with pytest.raises(ConfigError, match="chmod 0400"):
        read_secret(tmp_path / "token")


@pytest.mark.parametrize("text", ["", "\n", "a\nb", "x" * (BYTES_MAX + 1), "grün"])
def test_a_secret_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    (tmp_path / "token").chmod(0o400)

    with pytest.raises(ConfigError, match="one line"):
        read_secret(tmp_path / "token")


def test_a_secret_is_never_followed_through_a_link(tmp_path: Path) -> None:
    write_secret(tmp_path / "token", "abc123")
    (tmp_path / "link").symlink_to(tmp_path / "token")

    for path in (tmp_path / "link", tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigError):
            read_secret(path)
