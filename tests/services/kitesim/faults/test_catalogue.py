"""All faults that there are, and how one is described."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kiteconnect import exceptions as kite
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from kitev3.services.kitesim.faults.fault import Fault
from waiting import S_MAX

from services.faults_rig import (
    Faulty,
    faulty,
)
from services.kitesim_rig import environment


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "frame_lots"}, "no fault 'frame_lots', did you mean 'frame_lost'?"),
        ({}, "name: the fault's, one of delay"),
        ([], "a fault is a table"),
        ("{", "no JSON"),
        ({"name": "delay", "mss": 5}, "no setting 'mss', did you mean 'ms'?"),
        ({"name": "delay", "ms": -1}, "ms: expected int >= 0"),
        ({"name": "delay", "side": "both"}, "side: expected one of 'request', 'answer', got 'both'"),
        ({"name": "delay", "probability": 1.5}, "probability: expected float <= 1.0"),
        ({"name": "delay", "where": {"rout": "/"}}, "no setting 'rout', did you mean 'route'?"),
        ({"name": "frame_lost", "where": {"frames": "ordr"}}, "no 'ordr' frames, did you mean 'order'?"),
        ({"name": "delay", "where": {"frames": "order"}}, "where.frames selects nothing of delay"),
        ({"name": "halt", "where": {"tag": "x"}}, "where.tag selects nothing of halt; it knows nothing"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(still: Faulty, body: Any, message: str) -> None:
    status, told = still.ask("POST", body=body)

    assert (status, set(told)) == (400, {"error"})
    assert message in told["error"]
    assert still.ask("GET")[1]["active"] == []


def test_faults_from_a_file_are_on_from_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[fault]]\nname = "html_429"\ncount = 1\nwhere = { route = "/user/profile" }\n')
    with faulty("--market", "frozen", "--faults", str(file)) as exchange:
        client = exchange.running.client()
        with pytest.raises(kite.DataException):
            client.profile()
        assert client.profile()["user_id"] == "KS0001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[fault]]\nname = "delay"\n[[fault]]\nname = "dely"\n',
            "[[fault]] 2: no fault 'dely', did you mean 'delay'?",
        ),
        ("[[faults]]\n", "no setting 'faults', did you mean 'fault'?"),
        ("[fault]\nname = 1\n", "in double brackets"),
        ("[[fault]", "faults.toml"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--faults", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=S_MAX, env=environment())

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_fault_of_the_catalogue_is_tested_here() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))

    assert [name for name in CATALOGUE if f'"{name}"' not in source] == []


def test_the_page_about_faults_has_a_row_for_each_with_its_own_parameters() -> None:
    page = (Path(__file__).parents[4] / "docs/kitesim-faults.md").read_text()
    rows = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines() if line.startswith("| `")]
    told = {row[0].strip("| `"): set(re.findall(r"`(\w+)`", row[1])) for row in rows if len(row) == 5}
    common = {field.name for field in dataclasses.fields(Fault)}

    assert told == {
        name: {field.name for field in dataclasses.fields(kind) if field.init} - common
        for name, kind in CATALOGUE.items()
    }
