"""Who is let in to the operator's page."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from waiting import S_MAX

from services.faults_rig import Faulty
from services.kitesim_rig import kitesim
from services.page_rig import COOKIES, FAULT, ask, page_of


@pytest.mark.parametrize("path", ["/", "/main.js", "/api/about", "/api/now", "/api/orders", "/api/trades"])
@pytest.mark.parametrize("shown_", ["", "{name}=", "{name}=x", "other={value}"])
def test_who_has_not_the_link_is_shown_nothing(lying: Faulty, path: str, shown_: str) -> None:
    name, _, value = COOKIES[lying.address].partition("=")

    status, said, _ = ask(lying.address, path, Cookie=shown_.format(name=name, value=value))

    assert status == 403
    assert "link" in (said["error"] if isinstance(said, dict) else said.decode())


def test_who_has_not_the_link_switches_nothing(lying: Faulty) -> None:
    own = page_of(lying.address) | {"Cookie": ""}

    assert ask(lying.address, "/api/faults", "POST", FAULT, **own)[0] == 403
    with lying.fault("frame_lost"):
        assert ask(lying.address, "/api/faults", "DELETE", **own)[0] == 403
        assert len(lying.ask("GET")[1]["active"]) == 1


def test_the_link_is_good_once_and_the_next_one_is_printed_and_kept(tmp_path: Path) -> None:
    with kitesim("--state", str(tmp_path / "state")) as running:
        link, file = running.line("page"), tmp_path / "state" / "page"
        kept = file.read_text().strip()
        first = requests.get(link, allow_redirects=False, timeout=S_MAX)
        again = requests.get(link, allow_redirects=False, timeout=S_MAX)
        second = running.line("page")
        other = requests.get(second, allow_redirects=False, timeout=S_MAX)
        cookies = [answer.headers["set-cookie"] for answer in (first, other)]
        shown_ = [ask(running.address, "/api/now", Cookie=one.split(";")[0])[0] for one in cookies]
        mode = file.stat().st_mode & 0o777

    assert kept == link
    assert [first.status_code, again.status_code, other.status_code] == [303, 403, 303]
    assert all("HttpOnly" in one and "SameSite=Strict" in one for one in cookies)
    assert shown_ == [200, 200]
    assert mode == 0o600
