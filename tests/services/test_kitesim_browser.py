"""The operator's page and the login page in Debian's Chromium, while the official JavaScript client trades."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.kitesim_rig import API_KEY, TOKEN, environment, kitesim

JS = Path(__file__).parents[1] / "js"
BROWSER = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.timeout(1800),  # the one visit that all of them look at: 20 s on an idle machine
    pytest.mark.skipif(not BROWSER.exists(), reason=f"no {BROWSER} here: `make browser` installs it where it may"),
    pytest.mark.skipif(
        shutil.which("node") is None or not (JS / "node_modules" / "playwright-core").is_dir(),
        reason="what drives the browser is not installed here: `make js` fetches it where npm is",
    ),
]


@pytest.fixture(scope="module")
def found() -> Iterator[Any]:
    """What one visit found."""
    with kitesim("--profile", "legacy", "--admin", "127.0.0.1:0") as running:
        given = {
            "root": running.root,
            "page": running.line("page"),
            "api_key": API_KEY,
            "access_token": TOKEN,
            "browser": str(BROWSER),
        }
        done = subprocess.run(
            ["node", "page.js", json.dumps(given)],
            cwd=JS,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


def test_the_browser_has_nothing_to_complain_of(found: Any) -> None:
    assert found["complaints"] == []


def test_the_market_moves_on_the_page(found: Any) -> None:
    market = found["market"]

    assert market["title"] == "INFY"
    assert market["clocks"] >= 3
    assert market["prices"] >= 2
    assert market["levels"] == 5
    assert market["line"] >= 5
    assert market["listed"] > 20


def test_an_order_appears_and_opens_to_its_history(found: Any) -> None:
    orders = found["orders"]

    assert "INFY" in orders["first"]
    assert "0 / 3" in orders["first"]
    assert orders["history"][0] == "PUT ORDER REQ RECEIVED"
    assert orders["history"][-1] == "OPEN"
    assert orders["after"][: len(orders["history"])] == orders["history"]
    assert orders["after"][-1] == "CANCELLED"
    assert orders["trades"] >= 1
    assert orders["wrong"] == "InputException"
    assert any("INFY" in row for row in orders["positions"])


def test_a_fault_armed_on_the_page_happens_to_a_client_and_is_counted(found: Any) -> None:
    faults = found["faults"]

    assert faults["before"] == "happened 0 of 0"
    assert faults["met"] != "taken"
    assert faults["after"] == "taken"
    assert "ms" in faults["wrong"]


def test_it_is_worked_by_keyboard_and_asks_nothing_while_it_is_stopped(found: Any) -> None:
    assert found["keyboard"]["still"] == 0


def test_what_a_person_chose_is_not_overwritten_by_an_answer_that_was_on_its_way(found: Any) -> None:
    assert found["keyboard"]["late"] == {"after": "paused", "chosen": "INFY", "still": "paused"}


def test_a_phone_shows_one_part_at_a_time_and_nothing_wider_than_itself(found: Any) -> None:
    assert not any(part["wide"] for part in found["phone"].values())
    assert found["phone"]["market"]["shown"] == ["list", "view"]
    assert found["phone"]["orders"]["shown"] == ["book"]
    assert found["phone"]["faults"]["shown"] == ["faults"]


def test_another_sites_page_in_the_same_browser_can_do_nothing(found: Any) -> None:
    stranger = found["stranger"]

    assert [stranger[way] for way in ("json", "blind", "read")] == ["blocked"] * 3
    assert stranger["framed"] == 0
    assert found["rebound"] == [403, 403]
    assert found["armed"] == 0


def test_the_login_page_leads_back_with_a_request_token_when_its_button_is_pressed(found: Any) -> None:
    login = found["login"]
    back = dict(parse_qsl(urlsplit(login["url"]).query))

    assert API_KEY in login["asked"]
    assert "Log in as KS0001" in login["asked"]
    assert urlsplit(login["url"]).path == "/connect/done"
    assert (back["action"], back["status"], back["state"]) == ("login", "success", "a b")
    assert back["request_token"] != "forged"
    assert login["url"].count("request_token=") == 1
    assert back["request_token"] in login["done"]
    assert login["complaints"] == []
    assert login["wrong"] == [400, "Unknown application", 0]
