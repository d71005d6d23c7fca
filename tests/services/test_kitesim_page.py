"""The operator's page as a program meets it: what it shows, and to whom. A browser meets it in test_kitesim_browser."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from kiteconnect import exceptions as kite
from kitev3.services.kitesim.faults.catalogue import CATALOGUE
from websockets.sync.client import connect

from services.faults_rig import Faulty, faulty
from services.kitesim_rig import API_KEY, API_SECRET, TOKEN, Kitesim, kitesim

INFY = 408065
COOKIES: dict[str, str] = {}  # of the exchanges whose page has been entered, by address
FAULT = {"name": "html_429", "where": {"route": "/user/profile"}}
ORDER = {
    "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 2,
    "product": "MIS", "order_type": "MARKET", "market_protection": -1, "tag": "page",
}  # fmt: skip


@pytest.fixture(scope="module")
def lying() -> Iterator[Faulty]:
    with faulty("--market", "frozen", "--profile", "legacy") as exchange:
        COOKIES[exchange.address] = exchange.running.cookie
        yield exchange


def ask(
    address: str, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Status, what was said, headers. A header's name is written with ``_`` for ``-``."""
    connection = http.client.HTTPConnection(address, timeout=5)
    content = json.dumps(body) if body is not None else None
    given = {"Cookie": COOKIES.get(address, "")} | {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, f"/_sim{path}", content, given)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    known = {name.lower(): text for name, text in answer.getheaders()}
    return answer.status, json.loads(said) if known["content-type"] == "application/json" else said, known


def page_of(address: str) -> dict[str, str]:
    """What a browser says of a request of the page's own."""
    return {"Origin": f"http://{address}", "Sec_Fetch_Site": "same-origin", "Content_Type": "application/json"}


def shown(running: Kitesim, path: str) -> Any:
    COOKIES[running.address] = running.cookie
    status, said, _ = ask(running.address, f"/api{path}")
    assert status == 200, said
    return said


# --- what it shows ------------------------------------------------------------------------------------------------


def test_it_shows_an_order_with_its_history_and_the_faults_that_happened_to_it(lying: Faulty) -> None:
    with lying.fault("delay", ms=1, where={"tag": "page"}):
        order_id = lying.running.client().place_order(**ORDER)

    first = shown(lying.running, "/orders")[0]
    story = shown(lying.running, f"/orders/{order_id}")
    account = shown(lying.running, "/now")["accounts"][0]

    assert (first["id"], first["user"], first["faults"]) == (order_id, "KS0001", ["delay"])
    statuses = [row["status"] for row in lying.running.client().order_history(order_id)]
    assert [state["status"] for state in story["states"]] == statuses
    assert sum(fill["quantity"] for fill in story["fills"]) == 2
    assert shown(lying.running, "/trades")[0]["order"] == order_id
    assert account["used"] == lying.running.client().margins("equity")["utilised"]["debits"]
    assert [row["tradingsymbol"] for row in account["positions"]] == ["INFY"]


def test_orders_are_chosen_by_account_instrument_and_whether_they_are_over(lying: Faulty) -> None:
    client = lying.running.client()
    price = client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"] * 0.97
    resting = client.place_order(**ORDER | {"order_type": "LIMIT", "price": round(price)})
    client.place_order(**ORDER)

    assert [row["id"] for row in shown(lying.running, "/orders?open=1")] == [resting]
    assert [row["id"] for row in shown(lying.running, f"/instruments/{INFY}")["own"]] == [resting]
    assert resting in [row["id"] for row in shown(lying.running, f"/orders?token={INFY}&user=KS0001")]
    assert shown(lying.running, "/orders?token=256265") == []
    assert ask(lying.address, "/api/orders?user=NOBODY")[0] == 404
    client.cancel_order("regular", resting)


def test_it_shows_the_instruments_their_prices_and_the_day() -> None:
    with kitesim() as running:
        about = shown(running, "/about")
        names = {row[0]: row[2] for row in about["instruments"]}
        (token, last, close, bid, ask_, volume), *_ = shown(running, f"/prices?tokens={INFY},1")
        minutes = shown(running, f"/instruments/{INFY}/chart")
        quote = shown(running, f"/instruments/{INFY}")["quote"]
        now = shown(running, "/now")

    assert names[INFY] == "INFY"
    assert (token, close) == (INFY, quote["ohlc"]["close"])
    assert bid <= last <= ask_ or bid < ask_
    assert volume > 0
    assert len(minutes) >= 5
    assert minutes[-1][0] - minutes[0][0] == (len(minutes) - 1) * 60_000
    assert {phase["phase"] for phase in now["market"]["phases"]} == {"open"}
    assert now["market"]["running"]


def test_it_shows_who_listens_what_is_asked_and_what_is_refused() -> None:
    with kitesim() as running:
        client = running.client()
        client.profile()
        client.profile()
        with pytest.raises(kite.InputException):
            client.place_order(**ORDER | {"tradingsymbol": "NOPE"})
        with connect(running.feed) as feed:
            feed.send(json.dumps({"a": "mode", "v": ["ltp", [INFY, 256265]]}))
            feed.recv(timeout=5)
            now = shown(running, "/now")

    (one,) = now["sockets"]["open"]
    assert (one["user"], one["api_key"], one["modes"]) == ("KS0001", API_KEY, {"ltp": 2})
    routes = {(method, path): count for method, path, count in now["requests"]["routes"]}
    assert routes == {("GET", "/user/profile"): 2, ("POST", "/orders/{variety}"): 1}, "the page itself does not count"
    (refused,) = now["requests"]["refused"]
    assert (refused["status"], refused["path"], refused["api_key"]) == (400, "/orders/regular", API_KEY)
    assert refused["why"].startswith("InputException: ")


def test_no_secret_is_shown(lying: Faulty) -> None:
    with pytest.raises(kite.TokenException):
        lying.running.client("stolen").profile()
    # Somebody forgets his key, and sends the token alone.
    requests.get(f"{lying.running.root}/orders", headers={"Authorization": "token alone"}, timeout=5)
    paths = ["/about", "/now", "/orders", "/trades", f"/instruments/{INFY}", f"/prices?tokens={INFY}"]

    told = json.dumps([shown(lying.running, path) for path in paths])

    assert API_KEY in told
    for secret in (TOKEN, API_SECRET, "stolen", "alone"):
        assert f'"{secret}' not in told
        assert f":{secret}" not in told


@pytest.mark.parametrize(
    "path",
    [
        "/orders/1",
        "/instruments/1",
        "/instruments/1/chart",
        "/instruments/x",
        "/instruments/99999999999/chart",
        "/orders?token=x",
    ],
)
def test_what_there_is_not_is_a_404_and_no_bug(lying: Faulty, path: str) -> None:
    status, said, _ = ask(lying.address, f"/api{path}")

    assert status == 404
    assert said["error"]


# --- faults -------------------------------------------------------------------------------------------------------


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
    by_page = requests.post(f"http://{lying.address}/_sim/api/faults", data=deep, headers=own, timeout=5)
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


# --- who is let in ------------------------------------------------------------------------------------------------


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
        first = requests.get(link, allow_redirects=False, timeout=5)
        again = requests.get(link, allow_redirects=False, timeout=5)
        second = running.line("page")
        other = requests.get(second, allow_redirects=False, timeout=5)
        cookies = [answer.headers["set-cookie"] for answer in (first, other)]
        shown_ = [ask(running.address, "/api/now", Cookie=one.split(";")[0])[0] for one in cookies]
        mode = file.stat().st_mode & 0o777

    assert kept == link
    assert [first.status_code, again.status_code, other.status_code] == [303, 403, 303]
    assert all("HttpOnly" in one and "SameSite=Strict" in one for one in cookies)
    assert shown_ == [200, 200]
    assert mode == 0o600


# --- who may ------------------------------------------------------------------------------------------------------


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
