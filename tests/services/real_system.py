"""A real system in a folder of its own: `kitev3 up` and its six services as OS processes, always ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psutil  # type: ignore[import-untyped]
from doubles.system import START_ORDER
from kitev3._core import TapeKind, TapeReader
from kitev3.contracts import BY_TOPIC
from kitev3.control import Control, Health
from kitev3.runtime.setup import decoder
from kitev3.system.runfolder import RunFolder
from waiting import S_MAX, Held, until

KITEV3 = (sys.executable, "-c", "from kitev3.system.cli import main; main()")
PAYLOAD_AT = 96  # bytes of a message's header, after its topic and a NUL
SEQ_AT = 16  # of seq in the header


class RealSystem:
    """One run folder, its sockets in a short folder of their own, and what a person does to the system in it."""

    def __init__(self, path: Path) -> None:
        self.runtime = Path(tempfile.mkdtemp(prefix="k3", dir="/tmp"))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("KITEV3_")}
        self.environment |= {"XDG_RUNTIME_DIR": str(self.runtime), "COLUMNS": "200"}
        self.folder = RunFolder(path / "run", self.environment)
        self.up: subprocess.Popen[str] | None = None
        self.seen: set[int] = set()  # every pid that was one of its services

    def start(self, *options: str, profile: str = "demo") -> None:
        """Starts `kitev3 up`; what it prints is read at its end."""
        words = (*KITEV3, "up", "--profile", profile, "--run-dir", str(self.folder.path), *options)
        self.up = subprocess.Popen(
            words, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, umask=0
        )

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self.up is not None
        return self.up

    def end(self) -> tuple[int, str, str]:
        """Waits for the end: exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=2 * S_MAX)
        return self.process.returncode, out, err

    def close(self) -> None:
        """Ends whatever a failed test has left."""
        if self.up is not None and self.up.poll() is None:
            self.process.kill()
            self.process.communicate()
        for pid in self.pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.runtime, ignore_errors=True)

    def kitev3(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another `kitev3` command on this run folder."""
        return subprocess.run(
            (*KITEV3, *words),
            env=self.environment | {"KITEV3_RUN_DIR": str(self.folder.path)},
            text=True,
            capture_output=True,
            timeout=2 * S_MAX,
        )

    # --- what can be seen from outside ---------------------------------------------------------------------------

    def pids(self) -> dict[str, int]:
        """The services' processes, as the kernel knows them."""
        found: dict[str, int] = {}
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "kitev3.runtime.process" in words and str(self.folder.path) in words:
                found[words[words.index("kitev3.runtime.process") + 1]] = process.pid
        self.seen |= set(found.values())
        return found

    def healths(self) -> dict[str, Health]:
        """Of those that answer soon."""
        return self._asked(START_ORDER)

    def health(self, service: str) -> Health:
        """Of one that is there, or soon will be."""
        return self.until(lambda: self._asked((service,)).get(service), f"an answer of {service}")

    def _asked(self, services: tuple[str, ...]) -> dict[str, Health]:
        with Control(self.folder) as control:
            return control.health(services, 500)

    def status(self, service: str, key: str) -> Any:
        return self.health(service).service.get(key)

    def until(self, holds: Callable[[], Held | None], what: str) -> Held:
        """Waits for something to happen in the system while it lives."""

        def holds_or_ended() -> Held | None:
            if not (held := holds()) and self.process.poll() is not None:
                out, err = self.process.communicate()
                raise AssertionError(f"the system ended before {what}:\n{out}\n{err}")
            return held

        return until(holds_or_ended, lambda: f"{what}; {self.healths()}")

    def trades(self) -> None:
        """Waits for the first fill: by then every stage has seen traffic."""
        self.until(lambda: (self.status("execution", "fills") or 0) > 0, "a fill")

    def is_gone(self) -> bool:
        """No process, lock, socket or run.json is left."""
        gone = not self.pids() and not self.folder.is_held() and not self.folder.run_file.exists()
        return gone and not any(self.runtime.iterdir())

    # --- what it has left ----------------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.folder.summary.read_text()))

    def said(self, service: str) -> list[tuple[str, int]]:
        """(topic, seq) of all that a service's tape says it said, in order."""
        said = []
        for _, kind, _, content in TapeReader(self.folder.path / "tape" / service):
            if kind in (TapeKind.OUT, TapeKind.OUT_REF):
                topic, _, rest = bytes(content).partition(b"\0")
                said.append((topic.decode(), int.from_bytes(rest[SEQ_AT : SEQ_AT + 8], "little")))
        return said

    def payloads(self, service: str, topic: str) -> list[Any]:
        """What a service's tape says it said of a topic, in order."""
        decode, start = decoder(BY_TOPIC[topic].payload), topic.encode() + b"\0"
        records = TapeReader(self.folder.path / "tape" / service)
        said = (bytes(content) for _, kind, _, content in records if kind == TapeKind.OUT)
        return [decode(content[len(start) + PAYLOAD_AT :]) for content in said if content.startswith(start)]

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Rows of the journal; a topic's files are ``{topic}`` in the text."""
        return duckdb.execute(text.replace("journal/", f"{self.folder.path}/journal/")).fetchall()


@contextlib.contextmanager
def real_system(path: Path) -> Iterator[RealSystem]:
    system = RealSystem(path)
    try:
        yield system
    finally:
        system.close()
