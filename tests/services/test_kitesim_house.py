"""kitesim as a service of the house: control moves its market, and a crash costs no order."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import zmq
from kiteconnect import KiteConnect
from kiteconnect import exceptions as kite
from kitev3 import _core
from kitev3._core import Exchange
from kitev3.account.secret import write_secret
from kitev3.contracts import Accepted, Clock, Epoch, MarketRun, Origin, Request, Start, Stop
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.replay import replay
from kitev3.services.kitesim.service import MarketHours
from kitev3.system.runfolder import RunFolder
from waiting import S_MAX, until

NS = 1_000_000_000
START_NS = _core.session_open_ns("2026-11-19") + 300 * NS
CLOCK = Clock(START_NS, 5, 30_000)
TOKEN = "T0ken"
ORIGIN = Origin(3, "2026-11-19", START_NS, "KS0001", (), "synthetic", "house", "plain", "strict-2026", 1, 1000, {}, "")


def say(handler: MarketHours, topic: str, payload: Any) -> list[Any]:
    return list(handler(Event(topic, payload)))


def a_request(**changes: Any) -> Request:
    fields = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": "5"}
    values = {"at_ns": START_NS, "user": "KS0001", "verb": "place", "order_id": "1", "variety": "regular"}
    return Request(**(values | {"fields": fields} | changes))


# --- the handler --------------------------------------------------------------------------------------------------


def test_the_market_waits_for_its_clock_and_the_start() -> None:
    handler = MarketHours()

    assert say(handler, "control.start", Start("2026-11-19")) == []
    assert say(handler, "control.clock", CLOCK) == []
    assert say(handler, "control.start", Start("2026-11-19")) == [MarketRun("running", START_NS, 5, 30_000)]
    assert say(handler, "control.stop", Stop()) == [MarketRun("stopped", START_NS, 5, 30_000)]


def test_another_build_rebuilds_it_from_what_it_said() -> None:
    first, second = MarketHours(), MarketHours()
    requests_ = [a_request(order_id=str(number), at_ns=START_NS + number) for number in range(3)]
    said = say(first, "world.exchange", ORIGIN)
    said += say(first, "control.clock", CLOCK) + say(first, "control.start", Start("2026-11-19"))
    for request in requests_:
        said += say(first, "world.request", request)
    said += say(first, "world.epoch", Epoch(2, 9)) + say(first, "control.stop", Stop())

    for payload in said:
        second.rebuild(Event("kitesim.accepted" if isinstance(payload, Accepted) else "kitesim.market", payload))

    assert second.snapshot() == first.snapshot()


def test_what_a_changed_exchange_refuses_is_counted_and_the_rest_is_done_again() -> None:
    exchange = Exchange(users=["KS0001"], market="frozen", seed=1, start_ns=START_NS)
    asked = (a_request(fields={}), a_request(verb="halt", fields={"why": "Halted"}))

    assert replay(exchange, Books(exchange), asked) == 1


def test_a_request_of_which_something_else_comes_is_refused_in_words() -> None:
    exchange = Exchange(users=["KS0001"], market="frozen", seed=1, start_ns=START_NS)
    fields = a_request().fields | {"product": "MIS", "order_type": "MARKET", "market_protection": "-1"}

    with pytest.raises(ConfigError, match=r"order 1 of before comes out as [0-9]+ in this version"):
        replay(exchange, Books(exchange), (a_request(fields=fields),))


def test_another_clock_moves_a_market_that_runs() -> None:
    handler = MarketHours()
    say(handler, "control.clock", CLOCK)
    say(handler, "control.start", Start("2026-11-19"))

    assert say(handler, "control.clock", Clock(7, 8, 9)) == [MarketRun("running", 7, 8, 9)]


def test_a_first_start_has_nothing_to_bring_back_and_a_second_one_everything() -> None:
    handler = MarketHours()
    assert say(handler, "world.epoch", Epoch(1, 0)) == []
    assert say(handler, "world.exchange", ORIGIN) == [MarketRun("waiting", 0, 0, 0, (), ORIGIN)]
    say(handler, "control.clock", CLOCK)
    say(handler, "control.start", Start("2026-11-19"))
    say(handler, "world.request", a_request())
    again = MarketHours()
    again.restore(handler.snapshot())

    for one in (handler, again):
        again_all = MarketRun("running", START_NS, 5, 30_000, (a_request(),), ORIGIN)
        assert say(one, "world.epoch", Epoch(2, 1)) == [again_all]
        assert say(one, "world.exchange", ORIGIN) == []


# --- coming back --------------------------------------------------------------------------------------------------


def test_the_same_requests_make_the_same_accounts() -> None:
    def exchange() -> Exchange:
        return Exchange(users=["KS0001"], market="synthetic", seed=1, start_ns=START_NS)

    first, asked = exchange(), []
    for number in range(40):
        first.advance(first.next_cut_ns)
        price = round(first.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"] + (number % 7 - 3) / 10, 1)
        fields = a_request().fields | {"product": "MIS", "order_type": "LIMIT", "price": str(price)}
        order_id = first.place("KS0001", at_ns=first.now_ns + 1, **fields)
        asked.append(a_request(at_ns=first.now_ns, order_id=order_id, fields=fields))
        if number % 3 == 0 and first.order_history("KS0001", order_id)[-1]["status"] == "OPEN":
            first.cancel("KS0001", order_id)
            asked.append(a_request(at_ns=first.now_ns, verb="cancel", order_id=order_id, fields={}))
    first.advance(first.now_ns + 60 * NS)

    second = exchange()
    replay(second, Books(second), tuple(asked))
    second.advance(first.now_ns)

    assert second.orders("KS0001") == first.orders("KS0001")
    assert second.trades("KS0001") == first.trades("KS0001")
    assert second.positions("KS0001") == first.positions("KS0001")


def test_what_went_wrong_before_a_crash_goes_wrong_again() -> None:
    def exchange() -> Exchange:
        return Exchange(users=["KS0001"], market="synthetic", seed=1, start_ns=START_NS, profile="legacy")

    first, asked = exchange(), []

    def ask(verb: str, order_id: str = "", **fields: str) -> str:
        if verb == "place":
            fields = a_request().fields | {"product": "MIS", "order_type": "MARKET"} | fields
            order_id = first.place("KS0001", **fields)
        elif verb == "cancel":
            first.cancel("KS0001", order_id, **fields)
        else:
            first.halt(fields.get("why"))
        asked.append(a_request(at_ns=first.now_ns, verb=verb, order_id=order_id, fields=fields))
        first.advance(first.now_ns + 2 * NS)
        return order_id

    ask("place", order_fault="stuck", order_fault_ms="5000")
    ask("place", order_fault="rejected", order_fault_ms="3000", order_fault_message="No")
    resting = ask("place", order_type="LIMIT", price="1450")
    ask("cancel", resting, order_fault="filled")
    ask("halt", why="Halted")
    ask("place")
    ask("halt")
    ask("place")
    first.advance(first.now_ns + 10 * NS)

    second = exchange()
    replay(second, Books(second), tuple(asked))
    second.advance(first.now_ns)

    assert [row["status"] for row in first.orders("KS0001")] == [
        "COMPLETE", "REJECTED", "COMPLETE", "REJECTED", "COMPLETE",
    ]  # fmt: skip
    assert second.orders("KS0001") == first.orders("KS0001")
    assert second.trades("KS0001") == first.trades("KS0001")
    assert second.quote(["NSE:INFY"]) == first.quote(["NSE:INFY"])


def test_a_halt_does_not_outlive_a_crash_that_nobody_is_left_to_end() -> None:
    exchange = Exchange(users=["KS0001"], market="frozen", seed=1, start_ns=START_NS, profile="legacy")

    replay(exchange, Books(exchange), (a_request(verb="halt", fields={"why": "Halted"}),))

    order_id = exchange.place("KS0001", **a_request().fields, product="MIS", order_type="MARKET")
    assert exchange.order_history("KS0001", order_id)[-1]["status"] == "COMPLETE"


class House:
    """A run folder in which kitesim can be started, asked, killed and started again."""

    def __init__(self, path: Path, sockets: str, port: int) -> None:
        self.variables = {"XDG_RUNTIME_DIR": sockets}
        self.folder, self.address = RunFolder(path, self.variables), f"127.0.0.1:{port}"
        self.folder.make()
        write_secret(self.folder.token, TOKEN)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, **variables: str) -> None:
        command = [sys.executable, "-m", "kitev3.services.kitesim", "--config", "demo", "--run-dir"]
        own = {name: text for name, text in os.environ.items() if not name.startswith("KITEV3_")}
        self.process = subprocess.Popen(
            [*command, str(self.folder.path), *options],
            env=own | self.variables | {"KITEV3_EXCHANGE": self.address, "KITEV3_SPEED": "30"} | variables,
        )

    def status(self) -> dict[str, Any]:
        """kitesim's own once it stands behind a port."""
        return dict(self.health(lambda health: "address" in health["service"])["service"])

    def health(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first health of which that is true."""

        def asked() -> dict[str, Any]:
            with zmq.Context.instance().socket(zmq.DEALER) as asker:
                asker.linger = 0
                asker.connect(self.folder.endpoint("kitesim", "router"))
                asker.send(msgspec.msgpack.encode({"id": 1, "do": "health"}))
                health: dict[str, Any] = msgspec.msgpack.decode(asker.recv()) if asker.poll(200) else {}
                return health if health and wanted(health) else {}

        return until(asked)

    def client(self) -> KiteConnect:
        return KiteConnect(api_key="kitesim", access_token=TOKEN, root=f"http://{self.address}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="k", dir="/tmp") as sockets, socket.socket() as taken:
        # Held but not listened on, so that nobody else is given the port.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        one = House(tmp_path, sockets, taken.getsockname()[1])
        yield one
        if one.process is not None:
            one.process.kill()
            one.process.wait()


def test_a_killed_kitesim_comes_back_with_its_orders_and_goes_on(house: House) -> None:
    house.start("--start")
    house.health(lambda health: health["service"].get("market_running", False))
    client = house.client()
    fields = {"variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY"}
    price = round(client.ltp(["NSE:INFY"])["NSE:INFY"]["last_price"] * 0.96, 1)
    client.place_order(**fields, quantity=5, product="MIS", order_type="MARKET", market_protection=-1, tag="a")
    client.place_order(**fields, quantity=5, product="MIS", order_type="LIMIT", price=price, tag="b")
    before = client.orders(), client.trades()
    assert house.process is not None
    house.process.kill()
    house.process.wait()

    house.start()
    health = house.health(lambda health: health["service"].get("market_running", False))

    client = house.client()
    assert (client.orders(), client.trades()) == before
    assert [row["status"] for row in client.orders()] == ["COMPLETE", "OPEN"]
    assert (health["epoch"], health["service"]["accepted"]) == (2, 2)
    house.process.terminate()
    assert house.process.wait(S_MAX) == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"KITEV3_SEED": "2"}, "seed 1, not 2"),
        ({"KITEV3_MARKET": "frozen"}, "market synthetic, not frozen"),
        ({"KITEV3_KITESIM_FRAME_MS": "500"}, "frame_ms 1000, not 500"),
        ({"KITEV3_KITESIM_RULES": "{ sockets_max = 2 }"}, "sockets_max 3, not 2"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_exchange_does_not_go_on_with_the_orders_of_the_first(
    house: House, change: dict[str, str], named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bought(house)
    capfd.readouterr()

    house.start(**change)

    assert house.process is not None
    assert house.process.wait(S_MAX) == 2
    said = capfd.readouterr().err
    assert said == f"kitesim: {house.folder.path}: its exchange has {named}; start a new run folder\n"
    house.start("--start")
    health = house.health(lambda health: health["service"].get("market_running", False))
    assert health["service"]["accepted"] == 1
    assert len(house.client().trades()) == 1


def test_another_day_does_not_go_on_with_the_orders_of_the_first(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    bought(house)
    capfd.readouterr()

    house.start(KITEV3_START="2026-11-20T09:20:00+05:30")

    assert house.process is not None
    assert house.process.wait(S_MAX) == 2
    assert "its exchange has session 2026-11-19, not 2026-11-20; start a new run folder" in capfd.readouterr().err


def test_a_later_start_within_the_day_goes_on_with_the_orders_of_the_first(house: House) -> None:
    before = bought(house)

    house.start("--start", KITEV3_START="2026-11-19T09:45:00+05:30")
    house.health(lambda health: health["service"].get("market_running", False))

    assert house.client().trades() == before


def bought(house: House) -> list[dict[str, Any]]:
    """The trades of a kitesim in which somebody bought, and which has ended."""
    house.start("--start")
    house.health(lambda health: health["service"].get("market_running", False))
    fields = {"variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY"}
    house.client().place_order(**fields, quantity=5, product="MIS", order_type="MARKET", market_protection=-1)
    trades: list[dict[str, Any]] = house.client().trades()
    assert house.process is not None
    house.process.terminate()
    assert house.process.wait(S_MAX) == 0
    return trades


def test_faults_of_the_profile_stand_in_front_of_the_house_and_its_admin_switches_more(house: House) -> None:
    house.start(
        "--start",
        KITEV3_KITESIM_FAULT='[{ name = "html_429", count = 1, where = { route = "/user/profile" } }]',
        KITEV3_KITESIM_ADMIN="127.0.0.1:0",
    )
    status = house.status()
    assert (status["address"], status["faults"]) == (house.address, ["html_429"])

    client = house.client()
    with pytest.raises(kite.DataException):
        client.profile()
    assert client.profile()["user_id"] == "KS0001"
    kept = house.folder.path / "kitesim.faults"
    assert kept.stat().st_mode & 0o777 == 0o600
    link = kept.read_text().strip()
    assert link.startswith(f"http://{status['admin']}/faults?key=")
    requests.post(link, json={"name": "error_after", "status": 503}, timeout=S_MAX)
    with pytest.raises(kite.NetworkException):
        client.profile()
    requests.delete(link, timeout=S_MAX)
    assert client.profile()["user_id"] == "KS0001"

    assert house.process is not None
    house.process.terminate()
    assert house.process.wait(S_MAX) == 0


def test_a_fault_of_the_profile_that_does_not_exist_is_refused_at_the_start(house: House) -> None:
    house.start(KITEV3_KITESIM_FAULT='[{ name = "html_42" }]')

    assert house.process is not None
    assert house.process.wait(S_MAX) == 2
