"""What is ours alone, whatever the umask and whatever lay there before."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from kitev3.errors import ConfigError
from kitev3.system.private import private_folder, write_whole


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct, autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_closed_and_one_that_is_open_is_closed(tmp_path: Path) -> None:
    made, found = tmp_path / "made", tmp_path / "found"
    found.mkdir()
    found.chmod(0o777)

    private_folder(made)
    private_folder(found)

    assert (mode(made), mode(found)) == (0o700, 0o700)


def test_what_others_may_have_written_into_is_not_taken_where_that_matters(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)

    with pytest.raises(ConfigError, match="others may have written here"):
        private_folder(tmp_path, mend=False)

    assert mode(tmp_path) == 0o770


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "there"
    if kind == "link":
        (tmp_path / "target").mkdir()
        there.symlink_to(tmp_path / "target")
    else:
        there.touch()

    with pytest.raises(ConfigError, match="there"):
        private_folder(there)


def test_a_file_is_ours_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"

    for content in (b"first", b"", b"second"):
        write_whole(path, content)

        assert (path.read_bytes(), mode(path)) == (content, 0o600)
        assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_a_files_place_is_replaced_and_leads_nowhere(tmp_path: Path) -> None:
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "token"
    elsewhere.write_text("theirs")
    path.symlink_to(elsewhere)

    write_whole(path, b"ours")

    assert (elsewhere.read_text(), path.read_text(), path.is_symlink()) == ("theirs", "ours", False)
