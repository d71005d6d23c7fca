"""Real processes for the bus's tests: started, killed, asked, ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kitev3._core import TapeKind, TapeReader
from kitev3.bus.message import Message
from kitev3.contracts import Start
from kitev3.control import Command, Control, Health
from kitev3.system.runfolder import RunFolder
from waiting import S_MAX, until

from bus.people import DAY

TESTS = Path(__file__).parents[1]


class System:
    def __init__(self, run_dir: Path, *, apart: bool = False) -> None:
        self.apart = apart  # each tape in a run folder of its own
        self.folder = RunFolder(run_dir)
        self.control = Control(self.folder)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str, **orders: Any) -> None:
        for name in names:
            orders["apart"] = self.apart
            command = [sys.executable, "-m", "bus.proc", name, str(self.folder.path), json.dumps(orders)]
            self.running[name] = subprocess.Popen(
                command, env={**os.environ, "PYTHONPATH": str(TESTS)}, stderr=subprocess.PIPE
            )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> int:
        """SIGTERM; the exit code."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(S_MAX)

    def wait(self, name: str) -> tuple[int, str]:
        """The exit code of a process that ends by itself, and its last words."""
        process = self.running.pop(name)
        _, errors = process.communicate(timeout=S_MAX)
        return process.returncode, errors.decode()

    def health(self, name: str, wanted: Callable[[Health], bool]) -> Health:
        """The first health that is as wanted."""
        last = Health()

        def as_wanted() -> Health | None:
            nonlocal last
            if name in (answers := self.control.health((name,), 200)):
                last = answers[name]
                return last if wanted(last) else None
            if self.running[name].poll() is not None:
                raise AssertionError(f"{name} has ended: {self.wait(name)}")
            return None

        return until(as_wanted, lambda: last)

    def send(self, names: tuple[str, ...], command: Command) -> None:
        """A command that all of them take, however long their disk needs for it."""
        assert self.control.send(names, command, "test", int(S_MAX * 1000)) == {}

    def begin(self, *names: str) -> None:
        for name in names:
            self.health(name, lambda health: health.ready)
        self.send(names, Start(DAY))
        (self.folder.path / "begun").touch()

    def heard(self, hearer: str, topic: str = "marketdata.ohlc") -> list[tuple[int, int]]:
        """(epoch, seq) of what the hearer's tape says it heard of a topic, in order."""
        return [(m.epoch, m.seq) for m in self.records(hearer, TapeKind.IN) if m.topic == topic]

    def said(self, speaker: str, topic: str = "marketdata.ohlc") -> list[tuple[int, int]]:
        return [(m.epoch, m.seq) for m in self.records(speaker, TapeKind.OUT) if m.topic == topic]

    def records(self, name: str, kind: int) -> Iterator[Message]:
        for _, this, _, content in TapeReader(self.folder.path / (name if self.apart else "") / "tape" / name, DAY):
            if this == kind:
                yield Message.parse(content)

    def close(self) -> None:
        self.control.close()
        for process in self.running.values():
            process.kill()
            process.communicate()
        self.folder.clear()
