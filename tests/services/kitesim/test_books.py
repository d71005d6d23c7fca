"""The broker's books come back after a crash."""

from __future__ import annotations

import pytest
from kitev3._core import Exchange
from kitev3.contracts import Request
from kitev3.services.kitesim.books import Books
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.replay import replay

from services.books_rig import ABOVE, SCHEME, START_NS


def test_the_books_come_back_as_they_were() -> None:
    def exchange() -> Exchange:
        return Exchange(users=["U"], market="synthetic", seed=1, start_ns=START_NS, profile="legacy")

    first, requests_ = exchange(), []
    books = Books(first)
    owner = Session("K", "U")

    def heard(verb: str, number: str, variety: str, fields: dict[str, str]) -> None:
        requests_.append(Request(first.now_ns, "U", verb, number, variety, fields))

    alert = books.alerts.place(owner, ABOVE)
    heard("alert", alert.uuid, "K", ABOVE)
    sip_fields = {"tradingsymbol": SCHEME, "amount": "1000", "instalments": "3", "frequency": "weekly"}
    sip = books.sips.place("U", sip_fields)
    heard("sip", sip["sip_id"], "", sip_fields)
    first.advance(first.next_cut_ns)
    books.alerts.look(lambda *_: "", lambda met, _: heard("alert_met", met.uuid, "", {"orders": "[]"}))
    books.sips.cancel("U", sip["sip_id"])
    heard("sip_cancel", sip["sip_id"], "", {})

    second = exchange()
    again = Books(second)
    replay(second, again, tuple(requests_))
    again.alerts.look(lambda *_: "", lambda *_: pytest.fail("it was met before the crash"))

    assert [one.row() for one in again.alerts.of("U")] == [one.row() for one in books.alerts.of("U")]
    assert again.alerts.find("U", alert.uuid).history == alert.history
    assert alert.count == 1
    assert again.sips.all("U") == books.sips.all("U")
