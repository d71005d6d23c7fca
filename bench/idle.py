"""What a system costs that has nothing to do: the demo armed, its market frozen, all its processes together.

Time on a core as the scheduler counts it, over some seconds after everything has settled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kitev3.control import Control
from kitev3.system.profile import load
from kitev3.system.runfolder import RunFolder

from bench.result import Result

NAME = "idle"
BUDGET_PCT = 3.0  # of one core
SETTLE_S = 5.0  # the first reads of the book, the first quotes, warm caches
MEASURED_S = 12.0
ARMED_S_MAX = 30.0
STOP_S_MAX = 30.0
SUPERVISOR = "supervisor"


def run() -> Result:
    """About 25 seconds. RuntimeError when the system does not come up, or does not end well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kitev3-idle-")))
        up = stack.enter_context(system(folder))
        pids = armed(folder, up) | {SUPERVISOR: up.pid}
        time.sleep(SETTLE_S)
        before, began_ns = {name: cpu_ns(pid) for name, pid in pids.items()}, time.monotonic_ns()
        time.sleep(MEASURED_S)
        seconds = (time.monotonic_ns() - began_ns) / 1e9
        used_ms = {name: (cpu_ns(pid) - before[name]) / 1e6 / seconds for name, pid in pids.items()}
    return result(used_ms)


def result(used_ms: dict[str, float]) -> Result:
    """The table and the ratio, from each process's milliseconds of CPU a second."""
    total_ms = sum(used_ms.values())
    rows: list[dict[str, object]] = [{"process": name, "cpu ms/s": used} for name, used in used_ms.items()]
    return Result(
        name=NAME,
        rows=[*rows, {"process": "all", "cpu ms/s": total_ms}],
        ratios={"idle_core_pct_of_budget": total_ms / 10 / BUDGET_PCT},
        notes=[
            f"{total_ms / 10:.2f} % of a core, of {BUDGET_PCT:g} %, over {MEASURED_S:g} s: armed, market frozen",
            "on a machine that others use too, a wake-up finds colder caches and costs more",
        ],
    )


@contextmanager
def system(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`kitev3 up` of the demo with a frozen market, ended as a person would. RuntimeError when it did not end well."""
    command = [sys.executable, "-c", "from kitev3.system.cli import main; main()", "up", "--profile", "demo", "--json"]
    words = (folder / "words").open("w+")
    with words:
        up = subprocess.Popen(
            [*command, "--market", "frozen", "--run-dir", str(folder / "run")],
            stdout=subprocess.DEVNULL,
            stderr=words,
            text=True,
        )
        try:
            yield up
        finally:
            up.send_signal(signal.SIGTERM)
            try:
                code = up.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                up.kill()  # its children end with it
                code = up.wait()
        if code:
            raise RuntimeError(f"kitev3 up ended with {code}: {(folder / 'words').read_text()[-2_000:].strip()}")


def armed(folder: Path, up: subprocess.Popen[str]) -> dict[str, int]:
    """The pids of the services, once the gate may let orders pass."""
    until_s = time.monotonic() + ARMED_S_MAX
    control = Control(RunFolder(folder / "run"))
    names = load("demo").enabled
    try:
        while time.monotonic() < until_s and up.poll() is None:
            healths = control.health(names, 200)
            gate = healths.get("risk_portfolio")
            if len(healths) == len(names) and gate is not None and gate.service["state"] == "ACTIVE":
                return {name: health.pid for name, health in healths.items()}
            time.sleep(0.1)
    finally:
        control.close()
    raise RuntimeError(f"not armed within {ARMED_S_MAX:g} s: {(folder / 'words').read_text()[-2_000:].strip()}")


def cpu_ns(pid: int) -> int:
    """Time on a core of all threads that live, as the scheduler counts it: to the nanosecond, where ticks are 10 ms."""
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            total_ns += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # it has just ended
    return total_ns
