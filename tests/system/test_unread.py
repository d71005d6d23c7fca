"""A reader who has left."""

from __future__ import annotations

import os

from kitev3.system.unread import unread


def test_a_reader_who_has_left_changes_no_exit_code() -> None:
    reads, writes = os.pipe()
    os.close(reads)

    with os.fdopen(writes, "w") as stream:
        for _ in range(2):
            with unread(stream):
                print("nobody reads this", file=stream)


def test_where_there_is_no_stream_nothing_is_done() -> None:
    with unread(None):
        pass
