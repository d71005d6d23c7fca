"""The processes of a run: started, waited for, brought back when they die, ended one by one.

Each service has a task of its own that waits for its process, so no death goes unseen, however many there are in one
instant. They are started from the loop's own thread: the kernel ends a child with the thread that made it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from kitev3.account import approvals
from kitev3.runtime.clock import NS, machine_ns
from kitev3.system.profile import BEGINS_RUN
from kitev3.system.restarts import FAILED, Death, Restarts
from kitev3.system.runfolder import RunFolder

LAST_WORDS_BYTES_MAX = 64 * 1024
FULL_BYTES = 32 << 20  # less than two segments of a tape


class Supervisor:
    """Keeps the processes of one run folder alive. Lives in a running asyncio loop.

    Args:
        commands: service -> the command that runs it in the foreground.
        environment: of the processes, whole.
        stop_s_max: a process that has not ended by then after SIGTERM is killed.
        died: told of each death nobody had asked for, after the bookkeeping.
        asked: whose code a service was running as it died, or nothing.
    """

    def __init__(
        self,
        folder: RunFolder,
        commands: Mapping[str, tuple[str, ...]],
        environment: Mapping[str, str],
        *,
        stop_s_max: float,
        died: Callable[[Death], None] = lambda death: None,
        asked: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._folder, self._commands, self._environment = folder, commands, environment
        self._stop_s_max = stop_s_max
        self._died, self._asked = died, asked
        self.begins_run = True  # until its market has started; then who comes back comes into a run that goes on
        self._approval_key = secrets.token_bytes(approvals.KEY_BYTES)
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.restarts = {name: Restarts() for name in commands}
        self.pids: dict[str, list[int]] = {name: [] for name in commands}  # of all its processes, in their order

    def start(self, name: str) -> None:
        """Starts a service's process, and from now on starts it again whenever it dies."""
        keeper = asyncio.get_running_loop().create_task(self._keep(name))
        keeper.add_done_callback(_raise_its_error)
        self._keepers[name] = keeper

    async def stop(self, name: str) -> None:
        """SIGTERM, then waits until the process has ended; SIGKILL when it takes too long."""
        if keeper := self._keepers.pop(name, None):
            keeper.cancel()
            await asyncio.wait([keeper])
        if process := self._running.pop(name, None):
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(self._stop_s_max):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            _end_left(process.pid)

    async def close(self) -> None:
        """Ends what still runs, whatever state it is in."""
        await asyncio.gather(*(self.stop(name) for name in self._commands))

    def pid(self, name: str) -> int | None:
        """The pid of a service's process while it runs."""
        process = self._running.get(name)
        return None if process is None else process.pid

    def given_up(self) -> dict[str, str]:
        """The services that stay down, and why."""
        return {name: row.given_up for name, row in self.restarts.items() if row.given_up}

    async def _keep(self, name: str) -> None:
        """Lives as long as the service shall: a process of it after the other."""
        while True:
            death = await self._live(name)
            delay_ns = self.restarts[name].died(death)
            self._died(death)
            if delay_ns is None:
                return
            await asyncio.sleep(delay_ns / NS)

    async def _live(self, name: str) -> Death:
        """One process of a service, from its start to a death that nobody had asked for."""
        begins = _size(self._folder.log(name)), _size(self._folder.errors(name))
        starting = asyncio.create_task(self._started(name))
        try:
            process = await asyncio.shield(starting)
        except OSError as error:
            return Death(name, 0, machine_ns(), FAILED, words=f"cannot be started: {error.strerror}")
        except asyncio.CancelledError:
            with suppress(OSError):
                await starting  # it may be there already: it is counted, and ended like any other
            raise
        exit_code = await process.wait()
        _end_left(process.pid)
        del self._running[name]
        return Death(name, process.pid, machine_ns(), exit_code, *self._last_words(name, *begins), self._asked(name))

    async def _started(self, name: str) -> asyncio.subprocess.Process:
        process = await self._spawned(name)
        self._running[name] = process
        self.pids[name].append(process.pid)
        return process

    async def _spawned(self, name: str) -> asyncio.subprocess.Process:
        """A session of its own: what a terminal sends to all, a Ctrl-C or a hang-up, is for us to act on in order. Its
        stderr is a file and no pipe: last words outlive us both."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        errors = os.open(self._folder.errors(name), flags, 0o600)
        key = approvals.offered(self._approval_key) if name in approvals.HOLDERS else None
        handed = {} if key is None else {approvals.VARIABLE: str(key)}
        if self.begins_run:
            handed[BEGINS_RUN] = "1"
        try:
            return await asyncio.create_subprocess_exec(
                *self._commands[name],
                env={**self._environment, **handed},
                pass_fds=() if key is None else (key,),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        finally:
            os.close(errors)
            if key is not None:
                os.close(key)

    def _last_words(self, name: str, log_from: int, errors_from: int) -> tuple[str, str]:
        """The event a process died of, as its log says, and its last words; empty when it could say nothing."""
        for line in reversed(_tail(self._folder.log(name), log_from)):
            try:
                record = msgspec.json.decode(line, type=_Record)
            except msgspec.DecodeError:
                continue
            if record.level == "critical":
                return record.event_id, record.error or record.event
        if errors := _tail(self._folder.errors(name), errors_from):
            return "", errors[-1].decode(errors="replace").strip()
        full = shutil.disk_usage(self._folder.path).free < FULL_BYTES  # then it could write no words either
        return "", "the disk is full" if full else ""


def _end_left(session: int) -> None:
    """Ends what a service's process has left in its session: a fork of it holds its tape, and nobody waits for it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)


def _raise_its_error(keeper: asyncio.Task[None]) -> None:
    """An error of ours ends no keeper in silence: it goes to the loop's handler of exceptions."""
    if not keeper.cancelled():
        keeper.result()


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
