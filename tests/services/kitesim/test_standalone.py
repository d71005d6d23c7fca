"""What cannot start says so in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests
from waiting import S_MAX, until

from services.kitesim_rig import environment


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--market", "/nowhere.csv"], "cannot be read"),
        (["--speed", "0"], "speed"),
        (["--clock", "yesterday"], "clock"),
        (["--listen", "8787"], "is no address"),
        (["--listen", "203.0.113.1:80"], "cannot listen"),
    ],
)
def test_what_cannot_start_says_so_in_one_line_and_exits_with_2(options: list[str], message: str) -> None:
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", *options]

    done = subprocess.run(command, capture_output=True, text=True, timeout=S_MAX, env=environment())

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_who_reads_its_first_line_and_leaves_does_not_end_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--market", "frozen"]
    running = subprocess.Popen(
        [*command, "--state", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert running.stdout is not None
        address = running.stdout.readline().split()[-1]
        running.stdout.close()
        until(lambda: (tmp_path / "page").exists())
        link = (tmp_path / "page").read_text().strip()
        assert requests.get(link, timeout=S_MAX).status_code == 200  # and the next link has nobody to be said to
        assert link.startswith(f"http://{address}/")
        running.terminate()
        assert running.wait(S_MAX) == 0
    finally:
        running.kill()
        _, said = running.communicate()
    assert said == ""


def test_a_file_of_another_kind_is_refused_with_its_line(tmp_path: Path) -> None:
    market = tmp_path / "minutes.csv"
    market.write_text("time,value\n2022-11-24 09:15:00,18300\n2022-11-24 09:16:00,18301,18302,18299,18300\n")
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--market", str(market)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=S_MAX, env=environment())

    assert done.returncode == 2
    assert f"{market}: line 3: 5 columns" in done.stderr
