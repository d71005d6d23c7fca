"""The REST thread: who goes first, what is tried again, and that nobody waits for a hanging broker."""

import threading
import time
from collections.abc import Callable

import pytest
from kitev3.broker import rest
from kitev3.broker.classify import Finding
from kitev3.broker.rest import Priority, RestThread
from waiting import S_MAX

OK = Finding(outcome="ok")
ERROR = Finding(outcome="error")


def never(error: BaseException) -> None:
    raise AssertionError("the thread died") from error


class Calls:
    """Calls that note their names, and a lock that holds the thread until all are queued."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.found: list[Finding] = []
        self.free = threading.Event()
        self._done = threading.Condition()

    def named(self, name: str, *findings: Finding) -> Callable[[], Finding]:
        answers = list(findings) or [OK]

        def call() -> Finding:
            self.names.append(name)
            return answers.pop(0) if len(answers) > 1 else answers[0]

        return call

    def hold(self) -> Finding:
        self.free.wait(S_MAX)
        return OK

    def done(self, finding: Finding) -> None:
        with self._done:
            self.found.append(finding)
            self._done.notify_all()

    def wait_for(self, count: int) -> None:
        with self._done:
            assert self._done.wait_for(lambda: len(self.found) >= count, timeout=S_MAX)


def test_cancels_and_exits_go_first() -> None:
    thread, calls = RestThread(never), Calls()
    thread.submit(Priority.READ, calls.hold, calls.done)
    for name, priority in [("read", 3), ("entry", 2), ("exit", 1), ("cancel", 0), ("entry two", 2)]:
        thread.submit(Priority(priority), calls.named(name), calls.done)
    calls.free.set()
    calls.wait_for(6)
    thread.close()

    assert calls.names == ["cancel", "exit", "entry", "entry two", "read"]


def test_a_read_is_tried_again_and_a_write_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "READ_PAUSES_NS", (1_000, 1_000))
    thread, calls = RestThread(never), Calls()
    thread.submit(Priority.READ, calls.named("read", ERROR, ERROR, OK), calls.done)
    thread.submit(Priority.READ, calls.named("bad read", ERROR), calls.done)
    thread.submit(Priority.ENTRY, calls.named("write", Finding(outcome="unknown"), OK), calls.done)
    calls.wait_for(3)
    thread.close()

    assert {name: calls.names.count(name) for name in calls.names} == {"read": 3, "bad read": 3, "write": 1}
    assert sorted(finding.outcome for finding in calls.found) == ["error", "ok", "unknown"]


def test_a_write_passes_while_a_read_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "READ_PAUSES_NS", (60_000_000_000,))
    thread, calls = RestThread(never), Calls()
    thread.submit(Priority.READ, calls.named("read", ERROR), calls.done)
    thread.submit(Priority.EXIT, calls.named("exit"), calls.done)
    calls.wait_for(1)
    thread.close()

    assert "exit" in calls.names


def test_a_write_waits_for_its_turn() -> None:
    thread, calls, waits = RestThread(never), Calls(), [1_000_000, 0]
    thread.submit(Priority.EXIT, calls.named("exit"), calls.done, wait_ns=lambda: waits.pop(0))
    calls.wait_for(1)
    thread.close()

    assert (calls.names, waits) == (["exit"], [])


def test_a_full_queue_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "QUEUE_MAX", 1)
    thread, calls = RestThread(never), Calls()
    started = threading.Event()

    def hold() -> Finding:
        started.set()
        return calls.hold()

    assert thread.submit(Priority.READ, hold, calls.done)
    assert started.wait(S_MAX)
    assert thread.submit(Priority.READ, calls.named("second"), calls.done)
    assert not thread.submit(Priority.READ, calls.named("third"), calls.done)
    calls.free.set()
    calls.wait_for(2)
    thread.close()

    assert calls.names == ["second"]


def test_closing_does_not_wait_for_a_hanging_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "CLOSE_S_MAX", 0.05)
    thread, calls = RestThread(never), Calls()
    thread.submit(Priority.READ, calls.hold, calls.done)
    before = time.monotonic()
    thread.close()

    assert time.monotonic() - before < S_MAX / 2
    assert not thread.submit(Priority.READ, calls.named("late"), calls.done)
    calls.free.set()


@pytest.mark.parametrize("where", ["call", "done", "begin"])
def test_our_own_bug_stops_the_thread_and_its_owner_hears_of_it(where: str) -> None:
    deaths: list[BaseException] = []
    heard = threading.Event()

    def bug(*_: object) -> Finding:
        raise AssertionError("a bug")

    def died(error: BaseException) -> None:
        deaths.append(error)
        heard.set()

    thread = RestThread(died, bug if where == "begin" else lambda: None)  # type: ignore[arg-type]
    if where != "begin":
        thread.submit(Priority.READ, bug if where == "call" else lambda: OK, bug if where == "done" else lambda _: None)  # type: ignore[arg-type]
    assert heard.wait(S_MAX)

    assert [str(error) for error in deaths] == ["a bug"]
    with pytest.raises(RuntimeError, match="REST thread has stopped"):
        thread.submit(Priority.READ, bug, lambda _: None)
