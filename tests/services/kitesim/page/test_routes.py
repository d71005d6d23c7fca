"""The operator's page as a program meets it. A browser meets it in test_kitesim_browser."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from kiteconnect import exceptions as kite
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from waiting import S_MAX

from services.faults_rig import Faulty
from services.kitesim_rig import kitesim
from services.page_rig import COOKIES, FAULT, ask, page_of, shown


def test_a_fault_is_armed_happens_and_is_disarmed(lying: Faulty) -> None:
    own = page_of(lying.address)

    status, made, _ = ask(lying.address, "/api/faults", "POST", FAULT, **own)
    with pytest.raises(kite.DataException):
        lying.running.client().profile()
    faults = shown(lying.running, "/now")["faults"]
    removed = ask(lying.address, f"/api/faults/{made['id']}", "DELETE", **own)[1]

    assert status == 201
    assert [(row["name"], row["happened"]) for row in faults["active"]] == [("html_429", 1)]
    assert faults["happened"][0]["what"] == "GET /user/profile"
    assert removed == {"removed": 1}
    assert lying.running.client().profile()["user_id"] == "KS0001"


def test_the_page_and_the_admin_address_switch_the_same_faults(lying: Faulty) -> None:
    with lying.fault("frame_lost"), lying.fault("frame_lost"):
        assert len(shown(lying.running, "/now")["faults"]["active"]) == 2
        assert ask(lying.address, "/api/faults", "DELETE", **page_of(lying.address))[1] == {"removed": 2}
        assert lying.ask("GET")[1]["active"] == []
    about = shown(lying.running, "/about")["faults"]
    assert [row["name"] for row in about["catalogue"]] == list(CATALOGUE)
    assert (about["switchable"], about["admin"]) == (True, lying.admin)


def test_no_fault_happens_to_the_page(lying: Faulty) -> None:
    with lying.fault("reset_before"):
        assert shown(lying.running, "/now")["faults"]["active"][0]["seen"] == 0


@pytest.mark.parametrize("deep", ["[" * 5_000, '{"a":' * 5_000, "[" * 5_000 + "]" * 5_000])
def test_json_of_any_depth_is_refused_with_words(lying: Faulty, deep: str) -> None:
    headers = page_of(lying.address) | {"Cookie": COOKIES[lying.address]}
    own = {name.replace("_", "-"): text for name, text in headers.items()}
    by_page = requests.post(f"http://{lying.address}/_sim/api/faults", data=deep, headers=own, timeout=S_MAX)
    by_admin = lying.ask("POST", "/faults", deep)

    assert (by_page.status_code, by_admin[0]) == (400, 400)
    assert by_admin[1]["error"].startswith("the body is no JSON")


@pytest.mark.parametrize(
    "body", [{"name": "delai"}, {"name": "delay", "ms": -1}, {"name": "delay", "x": 1}, [], "delay"]
)
def test_what_is_no_fault_is_refused_with_words(lying: Faulty, body: Any) -> None:
    status, said, _ = ask(lying.address, "/api/faults", "POST", body, **page_of(lying.address))

    assert status == 400
    assert said["error"].startswith("fault")


def test_without_an_admin_address_nothing_is_switched() -> None:
    with kitesim() as running:
        assert shown(running, "/about")["faults"]["on"] is False
        status, said, _ = ask(running.address, "/api/faults", "POST", FAULT, **page_of(running.address))

    assert status == 409
    assert "--admin" in said["error"]


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "/page.css/x", "/.", "//etc/passwd"]
)
def test_no_other_file_is_served(lying: Faulty, path: str) -> None:
    assert ask(lying.address, path)[0] == 404


@pytest.mark.parametrize("options", [("--no-page",), ("--listen", "0.0.0.0:0")])
def test_there_is_no_page_where_it_is_not_wanted(options: tuple[str, ...]) -> None:
    with kitesim(*options) as running:
        port = running.address.rpartition(":")[2]
        for path in ("", "/", "/api/now", "/main.js"):
            status, said, _ = ask(f"127.0.0.1:{port}", path)
            assert status == 404
            assert said.startswith(b"The operator's page is ")
