"""A whole system of doubles: the real ``up`` in a process of its own, over services that only live and die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from kitev3.account.latch import Latch
from kitev3.system.runfolder import RunFolder
from waiting import S_MAX, until

START_ORDER = ("journal", "execution", "risk_portfolio", "strategy", "marketdata", "kitesim")
STOP_ORDER = START_ORDER[::-1]
ROOT = Path(__file__).parents[2]
PROFILE = 'start = 2026-11-19T09:20:00+05:30\nspeed = 30\narm = true\nexchange = "{exchange}"\n' + "".join(
    f"[{name}]\n" for name in START_ORDER
)


class System:
    """One `up` over doubles of all six services, in a folder of its own."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.path = folder
        self.folder = RunFolder(folder / "run", {"XDG_RUNTIME_DIR": str(sockets)})
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("KITEV3_")}
        self.environment |= {"XDG_RUNTIME_DIR": str(sockets), "PYTHONUNBUFFERED": "1"}
        self.up: subprocess.Popen[str] | None = None
        for name in START_ORDER:
            (folder / "services" / name).mkdir(parents=True)
            (folder / "services" / name / "service.py").touch()
        self.configure()

    def configure(self, exchange: str = "127.0.0.1:0") -> None:
        (self.path / "mine.toml").write_text(PROFILE.format(exchange=exchange))

    def order(self, service: str, **orders: Any) -> None:
        self.folder.claim()
        (self.folder.path / "orders").mkdir(parents=True, exist_ok=True)
        (self.folder.path / "orders" / f"{service}.json").write_text(json.dumps(orders))

    def start(self, seconds: float = 60.0, *, ignoring: tuple[signal.Signals, ...] = ()) -> None:
        arguments = [str(self.path / "mine.toml"), str(self.folder.path), str(self.path / "services"), str(seconds)]
        self.up = subprocess.Popen(
            [sys.executable, "-m", "tests.doubles.up", *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in ignoring],
        )

    def runs(self) -> None:
        """Waits until the market has been started and all that were told to start were told that it is armed."""
        until(lambda: self.is_armed() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]

    def serves(self) -> None:
        """Waits until the market has been started, armed or not."""
        until(lambda: "kitesim control.start" in self.asked() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]

    def alone(self, service: str) -> subprocess.Popen[bytes]:
        """One service without an `up`, once it can be asked."""
        command = [sys.executable, "-m", "tests.doubles.service", service, str(self.folder.path)]
        one = subprocess.Popen(command, cwd=ROOT, env=self.environment | {"KITEV3_PARENT": str(os.getpid())})
        until((self.folder.sockets / f"{service}.router").exists)
        return one

    def is_armed(self) -> bool:
        """They are asked side by side, so kitesim's arm alone says nothing of the others'."""
        asked = [line.split(" ", 1) for line in self.asked()]
        started = {name for name, what in asked if what == "control.start"}
        return "kitesim" in started and started <= {name for name, what in asked if what == "control.arm"}

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self.up is not None
        return self.up

    def asked(self) -> list[str]:
        path = self.folder.path / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def pids(self) -> dict[str, int]:
        """The processes of the services, as the kernel knows them."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = stat.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"tests.doubles.service" in words and os.fsencode(self.folder.path) in words:
                name = words[words.index(b"tests.doubles.service") + 1].decode()
                found[name] = int(stat.parent.name)
        return found

    def end(self) -> tuple[int, str, str]:
        """Waits for the end: exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=S_MAX)
        return self.process.returncode, out, err

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.folder.summary.read_text()))

    def command(self, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        """``kitev3`` with these arguments, for this system."""
        return subprocess.run(
            [sys.executable, "-c", "from kitev3.system.cli import main; main()", *arguments],
            env=self.environment | {"KITEV3_RUN_DIR": str(self.folder.path)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=S_MAX,
        )

    def armed(self) -> Latch:
        """The account's latch, raised as a real execution would have left it."""
        self.folder.claim()
        latch = Latch(self.folder.path / "account")
        latch.raise_to_active()
        return latch

    def is_clean(self) -> bool:
        return not self.pids() and not self.folder.sockets.exists() and not self.folder.run_file.exists()
