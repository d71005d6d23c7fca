"""What is asked by another page, or under another name, changes and shows nothing."""

from __future__ import annotations

import pytest

from services.faults_rig import Faulty
from services.page_rig import FAULT, ask, page_of


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_the_page_itself_does_not_ask_changes_nothing(lying: Faulty, method: str, changes: dict[str, str]) -> None:
    with lying.fault("frame_lost"):
        headers = page_of(lying.address) | changes
        status, said, told = ask(lying.address, "/api/faults", method, FAULT, **headers)
        active = lying.ask("GET")[1]["active"]

    assert status == 403
    assert said["error"]
    assert [row["name"] for row in active] == ["frame_lost"]
    assert not any(name.startswith("access-control") for name in told)


def test_a_form_arms_nothing(lying: Faulty) -> None:
    headers = page_of(lying.address) | {"Content_Type": "text/plain"}

    assert ask(lying.address, "/api/faults", "POST", FAULT, **headers)[0] == 415
    assert lying.ask("GET")[1]["active"] == []


@pytest.mark.parametrize("path", ["/", "/main.js", "/api/now"])
def test_another_name_that_leads_here_is_shown_nothing(lying: Faulty, path: str) -> None:
    for host in ("evil.example", f"evil.example:{lying.address.rpartition(':')[2]}", "127.0.0.1.evil.example", "[", ""):
        assert ask(lying.address, path, Host=host)[0] in (400, 403)
    port = lying.address.rpartition(":")[2]
    assert ask(lying.address, path, Host=f"localhost:{port}")[0] == 200


def test_another_sites_page_reads_nothing(lying: Faulty) -> None:
    assert ask(lying.address, "/api/now", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(lying.address, "/api/now", Origin="http://evil.example")[0] == 403
    _, _, headers = ask(lying.address, "/")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
