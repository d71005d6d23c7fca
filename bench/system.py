"""Our own processes for benches, in a run folder that goes with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from kitev3.account.account import account_folder_of
from kitev3.account.arming import arm
from kitev3.account.secret import write_secret
from kitev3.calendar import IST
from kitev3.contracts import Start
from kitev3.control import Control, Health
from kitev3.runtime.clock import MarketClock, datetime_ns
from kitev3.runtime.registry import start_order
from kitev3.system import profile as config
from kitev3.system.profile import PREFIX
from kitev3.system.runfolder import Run, RunFolder

from bench.feeder import Feeder

READY_S_MAX = 30.0
PASSED_S_MAX = 60.0
STOP_S_MAX = 10.0
HISTORY_S = 32  # of market time: rule R26 measures against the mean of the last 30
BY = "bench"


class System:
    """The processes of a profile; inside the block they are ready, and have heard clock and start.

    Args:
        profile: its name, or the path of its file.
        exchange: where marketdata finds it.
        modules: services that another module runs than ``kitev3.runtime.process``, with the same arguments.
        settings: variables laid over the profile, without their prefix (``{"STRATEGY_CPU": "1"}``).
    """

    def __init__(
        self,
        profile: str | Path,
        *,
        exchange: str = "",
        modules: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self.environment = own | {PREFIX + name: value for name, value in (settings or {}).items()}
        self.profile = config.load(profile, environment=self.environment)
        assert self.profile.start is not None
        self.start = self.profile.start
        self.session = self.start.astimezone(IST).date().isoformat()
        self.names = tuple(start_order(self.profile.enabled))
        self.exchange, self.modules = exchange, modules or {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.stack = ExitStack()

    def __enter__(self) -> System:
        with ExitStack() as stack:
            path = Path(stack.enter_context(TemporaryDirectory(prefix="kitev3-bench-", dir=Path.cwd()))) / "run"
            self.folder = RunFolder(path)
            stack.callback(self.folder.clear)
            self.folder.make()
            write_secret(self.folder.token, "bench")
            self.folder.write_run(self._run())
            stack.callback(self._end)
            for name in self.names:
                self.processes[name] = self._process(name)
            self.control = Control(self.folder)
            stack.callback(self.control.close)
            self._until_ready()
            self.clock = MarketClock.at_speed(datetime_ns(self.start), time.monotonic_ns(), self.profile.speed)
            self.obeyed(self.control.send(self.names, self.clock.payload(), BY))
            for name in self.names:
                self.obeyed(self.control.send((name,), Start(self.session), BY))
            self.stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def health(self, name: str) -> Health:
        """What a process says of itself; RuntimeError when it is silent."""
        healths = self.control.health((name,), 5_000)
        if name not in healths:
            raise RuntimeError(f"{name} does not answer: {self._last_words(name)}")
        return healths[name]

    def until(self, name: str, holds: Callable[[Health], bool], what: str, within_s: float = PASSED_S_MAX) -> Health:
        """Asks until it holds. RuntimeError, with the last answer, when it does not in time."""
        until_s = time.monotonic() + within_s
        while not holds(health := self.health(name)):
            if time.monotonic() > until_s:
                raise RuntimeError(f"{name} has not {what} within {within_s:g} s: {health}")
            time.sleep(0.05)
        return health

    def arm(self) -> None:
        """Lets entries pass, and waits until they do: book and tape must have agreed."""
        account = account_folder_of(self.profile.account_id, self.folder.path)
        self.obeyed(arm(self.control, self.names, account, BY))
        self.until("risk_portfolio", lambda health: health.service["state"] == "ACTIVE", "become ACTIVE")

    def attach(self, feeder: Feeder) -> None:
        """Sets the feeder's clock, and gives the gate its half minute of market time in the ticks' own times."""
        feeder.ask(clock=[self.clock.t0_ns, self.clock.m0_ns])
        feeder.ask(wait=self.profile.api_key)
        feeder.ask(to=self.profile.api_key, count=HISTORY_S, rate=100, back_s=HISTORY_S)

    def obeyed(self, failed: Mapping[str, str]) -> None:
        """RuntimeError when a command was not taken by everyone."""
        if failed:
            raise RuntimeError(f"a command was not taken: {failed}")

    # --- the inside ---

    def _run(self) -> Run:
        return Run(
            profile=self.profile.name,
            mode=self.profile.mode,
            account=self.profile.account_id,
            session=self.session,
            speed=self.profile.speed,
            pid=os.getpid(),
            started="",
            exchange=self.exchange,
            sockets=str(self.folder.sockets),
            services=self.names,
        )

    def _process(self, name: str) -> subprocess.Popen[bytes]:
        place = ("--config", str(self.profile.file.resolve()), "--run-dir", str(self.folder.path))
        command = [sys.executable, "-m", self.modules.get(name, "kitev3.runtime.process"), name, *place]
        environment = self.environment | {f"{PREFIX}PARENT": str(os.getpid())}
        with self.folder.errors(name).open("wb") as errors:
            return subprocess.Popen(command, env=environment, stderr=errors)

    def _until_ready(self) -> None:
        until_s = time.monotonic() + READY_S_MAX
        while True:
            healths = self.control.health(self.names, 200)
            late = [name for name in self.names if name not in healths or not healths[name].ready]
            if not late:
                return
            if time.monotonic() > until_s or any(self.processes[name].poll() is not None for name in late):
                words = "; ".join(f"{name}: {healths.get(name) or self._last_words(name)}" for name in late)
                raise RuntimeError(f"not ready: {words}")
            time.sleep(0.05)

    def _last_words(self, name: str) -> str:
        return self.folder.errors(name).read_text()[-2_000:].strip()

    def _end(self) -> None:
        """Ends every process; RuntimeError for one that did not end well, unless something else is wrong already."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        ill = {}
        for name, process in self.processes.items():
            try:
                code = process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code:
                ill[name] = f"exit code {code}: {self._last_words(name)}"
        if ill and sys.exc_info()[0] is None:
            raise RuntimeError(f"not ended well: {ill}")
