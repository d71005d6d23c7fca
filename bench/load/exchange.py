"""A real kitesim with many accounts, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

READY_S_MAX = 60.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Login:
    """A user's key."""

    user: str
    api_key: str
    token: str


def logins(number: int, keys: int = 1) -> tuple[Login, ...]:
    """So many users with so many keys each, the first of them that of the options themselves."""
    users = [f"KS{1 + at:04}" for at in range(number)]
    return tuple(Login(user, f"{user}k{key}", f"{user}t{key}") for user in users for key in range(keys))


class Running:
    """A process that answers."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address

    @property
    def rss_bytes(self) -> int:
        """What of its memory is in the machine's."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * PAGE_BYTES

    @property
    def cpu_s(self) -> float:
        """What it has computed so far, in seconds of a core."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def exchange(people: tuple[Login, ...], clock: str, *options: str, cpu: int | None = None) -> Iterator[Running]:
    """kitesim with these logins at this time of its day; pinned to one core when that is given; dead at the end."""
    first, *others = people
    with TemporaryDirectory(prefix="kitesim-load-") as folder:
        file = Path(folder) / "kitesim.toml"
        file.write_text(
            "".join(
                f'[[account]]\nuser = "{one.user}"\napi_key = "{one.api_key}"\naccess_token = "{one.token}"\n'
                for one in others
            )
        )
        command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--clock", clock]
        command += ["--user", first.user, "--api-key", first.api_key, "--access-token", first.token]
        command += ["--settings", str(file), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
            try:
                if cpu is not None:
                    os.sched_setaffinity(process.pid, {cpu})
                assert process.stdout is not None
                said = process.stdout.readline()
                if not said.startswith("kitesim listens on "):
                    raise RuntimeError(f"kitesim does not start: {said!r}")
                yield Running(process, said.split()[-1])
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise


def environment() -> dict[str, str]:
    """Ours without what would put the process into a system."""
    return {name: text for name, text in os.environ.items() if not name.startswith("KITEV3_")}
