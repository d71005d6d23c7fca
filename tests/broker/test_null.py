"""The broker that is none: what is read is empty and readable, and nothing is ever sent."""

from __future__ import annotations

import msgspec
from hypothesis import given
from kitev3.broker.interface import Broker, Permit
from kitev3.broker.null import NullBroker
from strategies import orders


@given(orders())
def test_nothing_is_sent(order) -> None:  # type: ignore[no-untyped-def]
    broker: Broker = NullBroker()
    permit = Permit(tag="t", verb="place", kind="enter", attempt=1, epoch=1, deadline_ns=1)

    findings = [broker.place(order, permit), broker.modify("1", order, permit), broker.cancel("1", permit)]

    assert {finding.outcome for finding in findings} == {"not_sent"}


def test_its_books_are_there_and_empty() -> None:
    broker = NullBroker()

    read = [broker.orders(), broker.trades(), broker.holdings(), broker.positions(), broker.margins()]

    assert {finding.outcome for finding in read} == {"ok"}
    *lists, positions, funds = (msgspec.json.decode(finding.data) for finding in read)
    assert lists == [[], [], []]
    assert positions == {"net": [], "day": []}
    assert funds["equity"]["net"] > 0
