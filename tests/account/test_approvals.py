"""The key of a run's approvals: who gets it, how, and what stands in for it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kitev3.account import approvals
from kitev3.bus.stepped import SteppedBus
from kitev3.errors import ConfigError
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, ServiceSpec

KEY = bytes(range(approvals.KEY_BYTES))
ALONE = Context(
    profile="p", mode="sim", account="kitesim-KS0001", seed=1, run_dir=Path("run"), session="2026-11-19", start_ns=0
)


def test_the_gate_and_execution_hold_it_and_nobody_else() -> None:
    assert frozenset({"risk_portfolio", "execution"}) == approvals.HOLDERS


def test_the_pipe_is_read_once_and_what_follows_finds_nothing() -> None:
    script = "import os, sys; from kitev3.account import approvals\n"
    script += "key = approvals.taken()\n"
    script += "print(key.hex()); n = int(os.environ[approvals.VARIABLE])\n"
    script += "try: os.read(n, 1)\nexcept OSError as error: print(error.strerror)\n"
    end = approvals.offered(KEY)
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {approvals.VARIABLE: str(end)}, pass_fds=(end,),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    os.close(end)

    assert done.stdout.split("\n")[:2] == [KEY.hex(), "Bad file descriptor"]


def test_a_key_in_part_is_refused() -> None:
    end = approvals.offered(KEY[:5])

    with pytest.raises(ConfigError, match="in part"):
        approvals.taken({approvals.VARIABLE: str(end)})


def test_without_a_supervisor_the_run_is_the_key_and_live_there_is_none() -> None:
    other = dataclasses.replace(ALONE, seed=2)
    given = dataclasses.replace(ALONE, mode="live", approval_key=KEY)

    assert approvals.taken({}) == b""
    assert approvals.key_of(ALONE) == approvals.key_of(dataclasses.replace(ALONE, run_dir=Path("another")))
    assert approvals.key_of(ALONE) != approvals.key_of(other)
    assert approvals.key_of(given) == KEY
    with pytest.raises(ConfigError, match="kitev3 up"):
        approvals.key_of(dataclasses.replace(ALONE, mode="live"))


def test_neither_its_name_nor_what_shows_a_context_tells_it() -> None:
    given = dataclasses.replace(ALONE, approval_key=KEY)

    assert approvals.name_of(KEY) != approvals.name_of(KEY[::-1])
    assert KEY.hex() not in approvals.name_of(KEY)
    assert repr(KEY) not in repr(given)


def test_an_earlier_runs_epochs_are_those_under_another_key(tmp_path: Path) -> None:
    tape = tmp_path / "tape" / "risk_portfolio"
    assert approvals.epoch_before(tape, KEY) == 0
    bus = SteppedBus()
    spec = ServiceSpec(name="risk_portfolio", config=dict, handler=lambda *_: Handler({}))
    for key in (KEY[::-1], KEY[::-1], KEY, KEY):
        bus.add(spec, dataclasses.replace(ALONE, run_dir=tmp_path), about={"approvals": approvals.name_of(key)})
        bus.remove("risk_portfolio")

    assert approvals.epoch_before(tape, KEY) == 2
    assert approvals.epoch_before(tape, b"a third") == 4
