"""What is shown that is not so: the book, tags, the clock, the file of instruments."""

from __future__ import annotations

import json
import struct
import time
from email.utils import parsedate_to_datetime

import pytest
import requests
from kiteconnect import exceptions as kite
from kitev3.calendar import IST
from waiting import S_MAX, until
from websockets.sync.client import connect

from services.faults_rig import INFY, NIFTY, Faulty, ids, order, row_of, updates
from services.kitesim_rig import ticks


def test_an_order_late_in_the_book(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("late_in_book", ms=2_000):
        order_id = client.place_order(**order())

    assert order_id not in ids(still)
    with pytest.raises(kite.OrderException, match="Couldn't find"):
        client.order_history(order_id)
    until(lambda: order_id in ids(still))
    assert client.order_history(order_id)[-1]["status"] == "OPEN"


def test_a_stale_book_is_the_one_of_before(still: Faulty) -> None:
    with still.fault("stale_book", ms=2_000):
        before = ids(still)
        order_id = still.running.client().place_order(**order())
        assert ids(still) == before
        until(lambda: ids(still) == [*before, order_id])


def test_a_truncated_book_lacks_its_newest_rows(still: Faulty) -> None:
    made = [still.running.client().place_order(**order()) for _ in range(3)]
    whole = ids(still)
    with still.fault("truncated_book", rows=2):
        assert ids(still) == whole[:-2]
    assert whole[-3:] == made


@pytest.mark.parametrize(("name", "tag"), [("wrong_tag", "somebody"), ("missing_tag", None)])
def test_a_tag_that_is_not_the_orders(still: Faulty, name: str, tag: str | None) -> None:
    client = still.running.client()
    parameters = {"tag": tag} if tag else {}
    with still.fault(name, **parameters, count=1), connect(still.running.feed, compression=None) as reader:
        order_id = client.place_order(**order(tag="mine"))
        other = client.place_order(**order(tag="other"))
        assert (row_of(client, order_id)["tag"], row_of(client, other)["tag"]) == (tag, "other")
        assert {state["tag"] for state in client.order_history(order_id)} == {tag}
        client.cancel_order("regular", order_id)
        told = updates(reader, 1)[0]
        assert (told["order_id"], told["tag"]) == (order_id, tag)

    assert row_of(client, order_id)["tag"] == "mine", "it is told the truth again"


def test_a_wrong_tag_is_drawn_when_none_is_given(still: Faulty) -> None:
    client = still.running.client()
    with still.fault("wrong_tag"):
        tags = [row_of(client, client.place_order(**order(tag="mine")))["tag"] for _ in range(2)]

    assert all(len(tag) == 8 for tag in tags)
    assert len({*tags, "mine"}) == 3


def test_a_clock_that_is_ahead(moving: Faulty) -> None:
    client = moving.running.client()

    def seconds() -> tuple[float, float]:
        stamp = client.quote(["NSE:INFY"])["NSE:INFY"]["timestamp"]
        date = requests.get(f"{moving.root}/connect/done", timeout=S_MAX).headers["date"]
        return stamp.replace(tzinfo=IST).timestamp(), parsedate_to_datetime(date).timestamp() - time.time()

    true = seconds()
    with moving.fault("clock_skew", ms=7_200_000), connect(moving.running.feed, compression=None) as reader:
        skewed = seconds()
        reader.send(json.dumps({"a": "mode", "v": ["full", [INFY, NIFTY]]}))
        frame = ticks(reader)

    assert 7_200 <= skewed[0] - true[0] < 7_400
    assert abs(skewed[1] - true[1] - 7_200) < 10
    at = {32: 28, 184: 60}[struct.unpack_from(">H", frame, 2)[0]]
    (second,) = struct.unpack_from(">I", frame, 4 + at)
    assert abs(second - skewed[0]) < 200


def test_an_instruments_file_of_an_earlier_day(still: Faulty) -> None:
    client = still.running.client()
    fresh = {row["tradingsymbol"]: row for row in client.instruments()}
    with still.fault("stale_instruments", days=30):
        stale = {row["tradingsymbol"]: row for row in client.instruments()}
        part = client.instruments("NFO")

    assert set(fresh) - set(stale), "none of the new contracts"
    over = [row for name, row in stale.items() if name not in fresh]
    assert over
    assert all(row["expiry"].isoformat() < "2026-11-19" for row in over)
    assert part == [row for row in stale.values() if row["exchange"] == "NFO"]
