"""Postbacks that come twice, and that never come."""

from __future__ import annotations

import contextlib

import pytest
from waiting import S_MAX

from services.faults_rig import Posted, cancelled, faulty


@pytest.mark.parametrize(("name", "times"), [("postback_duplicate", 2), ("postback_lost", 0)])
def test_postbacks_twice_and_never(name: str, times: int) -> None:
    with (
        contextlib.closing(Posted()) as posted,
        faulty("--profile", "legacy", "--postback-url", posted.address) as here,
    ):
        client = here.running.client()
        with here.fault(name, where={"tag": "one"}):
            one = cancelled(client, "one")
            last = cancelled(client, "last")
        told = []
        while not told or told[-1] != last:
            told.append(posted.taken.get(timeout=S_MAX)["order_id"])

    assert told == [one] * times + [last]
