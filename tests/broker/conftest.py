"""An account that is armed, a clock that stands, and the egress over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from kitev3.account.account import Account
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Order, Permit

DEADLINE_NS = 30_000_000_000


class Desk:
    """What a test of the egress moves: the account's latch, the time, and what happens at the sync."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.now_ns = 0
        self.syncs = 0
        self.egress = Egress(account, lambda: self.now_ns, self.sync)

    def sync(self) -> None:
        self.syncs += 1


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Account(tmp_path / "account") as account:
        account.begin_day(dt.date(2026, 11, 19))
        account.latch.raise_to_active()
        yield Desk(account)


ORDER = Order(
    exchange="NSE",
    tradingsymbol="INFY",
    side="BUY",
    quantity=5,
    product="MIS",
    order_type="LIMIT",
    price_e4=1500_0500,
    trigger_price_e4=0,
    validity="DAY",
    market_protection_bp=0,
)


def permit(
    tag: str = "K0000100000100XXXXXX",
    verb: str = "place",
    kind: str = "enter",
    attempt: int = 1,
    epoch: int = 1,
    deadline_ns: int = DEADLINE_NS,
) -> Permit:
    return Permit(tag=tag, verb=verb, kind=kind, attempt=attempt, epoch=epoch, deadline_ns=deadline_ns)  # type: ignore[arg-type]
