"""The processes of a run, under circus: started, brought back when they die, ended one by one.

circus spawns, reaps and stops; when a process comes back is our own bookkeeping (`kitev3.system.restarts`), because
circus bounds neither restarts nor the order of an end. Its endpoints are ipc in the run's private folder: over tcp any
local user could have it start commands.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import zmq
from circus.arbiter import Arbiter
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

from kitev3.clock import NS, machine_ns
from kitev3.system.restarts import Death, Restarts
from kitev3.system.runfolder import RunFolder

CHECK_S = 1.0  # how often circus looks by itself; SIGCHLD tells us at once
LAST_WORDS_BYTES_MAX = 64 * 1024
ENDPOINTS = ("circus.ctrl", "circus.events")


class Supervisor:
    """Keeps the processes of one run folder alive. Lives in a running asyncio loop.

    Args:
        commands: service -> the command that runs it in the foreground.
        environment: of the processes, whole.
        stop_s_max: a process that has not ended by then after SIGTERM is killed.
        died: told of each death nobody had asked for, after the bookkeeping.
    """

    def __init__(
        self,
        folder: RunFolder,
        commands: Mapping[str, tuple[str, ...]],
        environment: Mapping[str, str],
        *,
        stop_s_max: float,
        died: Callable[[Death], None] = lambda death: None,
    ) -> None:
        self._folder = folder
        self._died = died
        self._ending: set[str] = set()
        self._waking: dict[str, asyncio.Task[None]] = {}
        self._read_from: dict[str, tuple[int, int]] = {}  # where this process's own words begin in log and stderr
        self.restarts = {name: Restarts() for name in commands}
        self.pids: dict[str, list[int]] = {name: [] for name in commands}  # of all its processes, in their order
        self._watchers = {
            name: Watcher(
                name,
                "/bin/sh",
                # exec: the process keeps the pid. A file, not a pipe: its last words outlive us both.
                args=["-c", 'exec "$@" 2>>"$0"', str(folder.errors(name).resolve()), *command],
                env=dict(environment),
                working_dir=str(Path.cwd()),
                respawn=False,
                autostart=False,
                max_retry=1,
                graceful_timeout=stop_s_max,
                close_child_stdout=True,
                hooks={"after_reap": (self._reaped, True)},
                loop=IOLoop.current(),
            )
            for name, command in commands.items()
        }
        self._context = zmq.Context()
        self._arbiter = Arbiter(
            list(self._watchers.values()),
            f"ipc://{folder.sockets / ENDPOINTS[0]}",
            f"ipc://{folder.sockets / ENDPOINTS[1]}",
            check_delay=CHECK_S,
            context=self._context,
            loop=IOLoop.current(),
        )
        self._arbiter.ctrl.sys_hdl.stop()  # signals are the session's: circus would stop all at once

    async def open(self) -> None:
        """Binds circus's endpoints and begins to watch; nothing is started yet."""
        log = logging.getLogger("circus")
        log.handlers, log.propagate = [logging.FileHandler(self._folder.path / "log" / "circus.log")], False
        await self._arbiter.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look)

    async def close(self) -> None:
        """Ends what still runs, whatever state it is in, and closes circus's endpoints."""
        for task in self._waking.values():
            task.cancel()
        self._ending |= self._watchers.keys()
        await asyncio.gather(*(watcher._stop() for watcher in self._watchers.values()))
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        self._arbiter.stop_controller_and_close_sockets()
        self._context.destroy(linger=0)

    async def start(self, name: str) -> None:
        """Starts a service's process."""
        self._read_from[name] = (_size(self._folder.log(name)), _size(self._folder.errors(name)))
        await self._watchers[name]._start()
        if (pid := self.pid(name)) is not None:
            self.pids[name].append(pid)

    async def stop(self, name: str) -> None:
        """SIGTERM, then waits until the process has ended; SIGKILL when it takes too long."""
        self._ending.add(name)
        if task := self._waking.pop(name, None):
            task.cancel()
        await self._watchers[name]._stop()

    def pid(self, name: str) -> int | None:
        """The pid of a service's process while it runs."""
        return next(iter(self._watchers[name].processes), None)

    def given_up(self) -> dict[str, str]:
        """The services that stay down, and why."""
        return {name: row.given_up for name, row in self.restarts.items() if row.given_up}

    def _look(self) -> None:
        IOLoop.current().add_callback(self._arbiter.manage_watchers)

    def _reaped(self, *, watcher: Watcher, process_pid: int, exit_code: int, **_: Any) -> None:
        if watcher.name in self._ending:
            return
        name = watcher.name
        event, words = self._last_words(name)
        death = Death(name, process_pid, machine_ns(), exit_code or 0, event, words)
        delay_ns = self.restarts[name].died(death)
        if delay_ns is not None:
            self._waking[name] = asyncio.get_running_loop().create_task(self._wake(name, delay_ns))
        self._died(death)

    async def _wake(self, name: str, delay_ns: int) -> None:
        await asyncio.sleep(delay_ns / NS)
        await self._watchers[name]._stop()  # circus, too, must have seen that it is gone
        await self.start(name)

    def _last_words(self, name: str) -> tuple[str, str]:
        """The event a process died of, as its log says, and its last words; empty when it could say nothing."""
        log_from, errors_from = self._read_from.get(name, (0, 0))
        for line in reversed(_tail(self._folder.log(name), log_from)):
            try:
                record = msgspec.json.decode(line, type=_Record)
            except msgspec.DecodeError:
                continue
            if record.level == "critical":
                return record.event_id, record.error or record.event
        errors = _tail(self._folder.errors(name), errors_from)
        return "", errors[-1].decode(errors="replace").strip() if errors else ""


class _Record(msgspec.Struct):
    """What we read of a line of a service's log."""

    level: str = ""
    event: str = ""  # the message
    event_id: str = ""
    error: str = ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tail(path: Path, begin: int) -> list[bytes]:
    """The lines of a file from *begin* on, at most its last 64 KiB."""
    if _size(path) <= begin:
        return []
    with path.open("rb") as file:
        file.seek(max(begin, _size(path) - LAST_WORDS_BYTES_MAX))
        return [line for line in file.read().splitlines() if line.strip()]
