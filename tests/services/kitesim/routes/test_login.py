"""The login page: who is shown it, who is led on at once, and to where."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from waiting import S_MAX

from services.kitesim_rig import API_KEY, API_SECRET, Kitesim, kitesim

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
APP = "http://127.0.0.1:5000/back?from=kite"


def get(running: Kitesim, query: str, **headers: str) -> requests.Response:
    return requests.get(f"{running.root}/connect/login?{query}", headers=headers, allow_redirects=False, timeout=S_MAX)


def press(running: Kitesim, fields: dict[str, str], **headers: str) -> requests.Response:
    return requests.post(
        f"{running.root}/connect/login", data=fields, headers=headers, allow_redirects=False, timeout=S_MAX
    )


def led_to(answer: requests.Response) -> tuple[str, list[tuple[str, str]]]:
    """Where, without its query, and the query."""
    target = urlsplit(answer.headers["location"])
    return f"{target.scheme}://{target.netloc}{target.path}", parse_qsl(target.query)


def test_a_program_is_led_on_at_once_and_a_browser_by_the_button() -> None:
    with kitesim("--redirect-url", APP) as running:
        at_once = get(running, f"api_key={API_KEY}&v=3&redirect_params=state%3D7")
        page = get(running, f"api_key={API_KEY}&v=3&redirect_params=state%3D7", **BROWSER)
        pressed = press(running, {"api_key": API_KEY, "redirect_params": "state=7"}, **BROWSER)

        assert (at_once.status_code, page.status_code, pressed.status_code) == (302, 200, 303)
        assert "location" not in page.headers
        assert "request_token" not in page.text
        for answer in (at_once, pressed):
            where, query = led_to(answer)
            assert where == "http://127.0.0.1:5000/back"
            names = [name for name, _ in query]
            assert names == ["from", "action", "type", "status", "request_token", "state"]
            session = running.client(None).generate_session(dict(query)["request_token"], API_SECRET)
            assert session["user_id"] == "KS0001"


def test_the_pages_policy_lets_its_button_lead_to_the_application_and_nowhere_else() -> None:
    with kitesim("--redirect-url", APP) as running:
        policy = get(running, f"api_key={API_KEY}", **BROWSER).headers["content-security-policy"]

    assert "form-action 'self' http://127.0.0.1:5000;" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("headers", [{}, BROWSER])
@pytest.mark.parametrize("api_key", ["", "nobodys", "<script>alert(1)</script>"])
def test_an_unknown_key_leads_nowhere_and_is_not_repeated(headers: dict[str, Any], api_key: str) -> None:
    with kitesim() as running:
        for answer in (
            get(running, f"api_key={api_key}", **headers),
            press(running, {"api_key": api_key}, **headers),
        ):
            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert "script>" not in answer.text
            assert answer.headers["content-type"].startswith("text/html" if headers else "application/json")


@pytest.mark.parametrize("extra", ["request_token=forged", "status=failed&action=x&type=y", '"><script>', "%zz&&=&a"])
def test_parameters_of_the_applications_own_change_none_of_the_logins(extra: str) -> None:
    with kitesim() as running:
        page = requests.get(
            f"{running.root}/connect/login",
            params={"api_key": API_KEY, "redirect_params": extra},
            headers=BROWSER,
            timeout=S_MAX,
        )
        _, query = led_to(press(running, {"api_key": API_KEY, "redirect_params": extra}))

    assert "<script" not in page.text
    fields = dict(query)
    assert (fields["action"], fields["type"], fields["status"]) == ("login", "login", "success")
    assert [name for name, _ in query].count("request_token") == 1
    assert fields["request_token"] != "forged"
