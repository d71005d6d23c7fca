"""The address at which faults are switched."""

from __future__ import annotations

import subprocess
import sys

import pytest
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from waiting import S_MAX

from services.faults_rig import (
    Faulty,
)
from services.kitesim_rig import environment


def test_the_admin_address_lists_switches_on_and_off(still: Faulty) -> None:
    status, told = still.ask("GET")
    assert (status, [row["name"] for row in told["faults"]]) == (200, list(CATALOGUE))
    assert all(row["sees"] and row["parameters"]["probability"]["default"] == 1.0 for row in told["faults"])

    for _ in range(2):
        still.ask("POST", body={"name": "delay", "ms": 0})
    still.ask("POST", body={"name": "frame_lost", "where": {"tag": "x"}})
    active = still.ask("GET")[1]["active"]
    assert [row["name"] for row in active] == ["delay", "delay", "frame_lost"]
    assert active[2]["where"] == {"tag": "x"}

    assert still.ask("DELETE", "/faults/delay") == (200, {"removed": 2})
    assert still.ask("DELETE", "/faults/delya") == (404, {"error": "no fault 'delya', did you mean 'delay'?"})
    assert still.ask("DELETE") == (200, {"removed": 1})
    assert still.ask("GET")[1]["active"] == []


@pytest.mark.parametrize("query", ["?", "?key=", "?key=x", "?token={key}", "?key={key}x"])
def test_the_admin_address_is_for_who_has_the_key(still: Faulty, query: str) -> None:
    query = query.format(key=still.key)
    asked = [still.ask("GET", f"/faults{query}"), still.ask("POST", f"/faults{query}", {"name": "delay"})]
    asked += [still.ask("DELETE", f"/faults{query}"), still.ask("DELETE", f"/faults/delay{query}")]

    assert [status for status, _ in asked] == [403] * 4
    assert "printed at its start" in asked[0][1]["error"]
    assert still.ask("GET")[1]["active"] == []


def test_the_admin_address_is_for_this_machine_and_no_page_of_another(still: Faulty) -> None:
    assert still.ask("GET", Host="evil.example")[0] == 403
    assert still.ask("POST", body='{"name": "delay"}', **{"Content-Type": "text/plain"})[0] == 415
    assert still.ask("POST", body={"name": "x" * 70_000})[0] == 413

    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=S_MAX, env=environment())
    assert done.returncode == 2
    assert "no address of this machine alone" in done.stderr
