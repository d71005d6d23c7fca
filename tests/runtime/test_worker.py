"""No thread dies unheard."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from kitev3.runtime.worker import Worker

SOURCES = [Path("python/kitev3"), Path("services")]
PLAIN = {"worker.py", "member.py", "table.py"}  # a member raises its thread's error; a display decides over nothing


@pytest.mark.parametrize("error", [ValueError("ours"), SystemExit(3), KeyboardInterrupt()])
def test_the_error_that_ends_a_worker_is_told(error: BaseException) -> None:
    heard: list[BaseException] = []

    def work() -> None:
        raise error

    worker = Worker("work", work, heard.append)
    worker.start()
    worker.join()

    assert heard == [error]


def test_a_worker_that_ends_tells_nothing() -> None:
    done, heard = threading.Event(), []
    died: Callable[[BaseException], None] = heard.append
    worker = Worker("work", done.set, died)
    worker.start()
    worker.join()

    assert (done.is_set(), heard, worker.daemon) == (True, [], True)


def test_every_thread_is_a_worker_or_known_to_need_none() -> None:
    root = Path(__file__).parents[2]
    files = [
        file for source in SOURCES for file in (root / source).rglob("*.py") if "threading.Thread" in file.read_text()
    ]

    assert {file.name for file in files} == PLAIN
