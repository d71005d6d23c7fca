"""Execution with its driver, account and broker in one place: what dies, dies here, and what a tape keeps is kept."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doubles.approvals import KEY, sealed
from doubles.fault_broker import FaultBroker
from kitev3.account.account import Account
from kitev3.account.latch import Latch, LatchState
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Broker
from kitev3.broker.pace import Limits
from kitev3.broker.rest import InlineExecutor
from kitev3.broker.tags import Tags, key_of_seed
from kitev3.contracts import (
    TOPIC_OF,
    Approved,
    DataRange,
    Epoch,
    Fill,
    OrderFrame,
    OrderUpdate,
    Reservation,
    Signal,
    Timer,
    Verdict,
)
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.runtime.service import World
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.driver import BrokerDriver
from kitev3.services.execution.service import RULES, Execution

S = 1_000_000_000
TAGS = Tags(key_of_seed(1))
CONFIG = ExecutionConfig(
    look_ms=1_000, open_ms=2_000, idle_ms=5_000, funds_ms=10_000, hint_ms=0, reconcile_ms=1_000, absent_s=20,
    unknown_first_s=5, fills_late_s=5, cancel_again_ms=0,
)  # fmt: skip
DAY = dt.date(2026, 11, 19)


class Died(Exception):
    """The process is gone, at once."""


class _World(World):
    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def put(self, payload: Any) -> None:
        self.rig.brought.append(payload)

    def sync(self) -> None:
        self.rig.syncs += 1

    def mono_ns(self) -> int:
        return self.rig.now_ns


class Rig:
    """The account, the broker and the tape stay; `start` and `die` come and go with the process."""

    def __init__(self, folder: Path, config: ExecutionConfig = CONFIG) -> None:
        self.folder, self.config = folder, config
        self.now_ns = 100 * S
        self.gate_epoch = 1
        self.gate_epoch_before = 0  # an earlier run's
        self.heard: list[tuple[str, Any, int, str, int]] = []  # what the tape has heard
        self.said: list[Any] = []  # what the tape has said
        self.said_ns: list[int] = []  # and when
        self.folded = (0, 0)  # so many heard and said are not executed again
        self.brought: deque[Any] = deque()
        self.syncs = 0
        self.starts = 0
        self.waiting: list[tuple[Any, str]] = []
        self.lives = 0  # so many payloads until the process dies; 0: it does not
        self.intents = 0
        self.broker = FaultBroker(lambda: self.now_ns, None, lag_ns=15 * S)  # type: ignore[arg-type]
        self.driver: BrokerDriver | None = None

    # The process --------------------------------------------------------------------------------------------------

    def start(self, rebuilt: bool = False) -> None:
        """A new process: recovers from the tape, takes the account. Another build folds what was said."""
        self.handler = Execution(self.config, TAGS, KEY)
        if rebuilt:
            self.folded = (len(self.heard), len(self.said))
        heard, said = self.folded
        for payload, mono_ns in zip(self.said[:said], self.said_ns, strict=False):
            self.handler.rebuild(_event(TOPIC_OF[type(payload)], payload, mono_ns, "execution"))
        again = [(out, row[2]) for row in self.heard[heard:] for out in self.handler(_event(*row))]
        confirmed = len(self.said) - said
        assert [out for out, _ in again[:confirmed]] == self.said[said:], "recovery says something else than was said"
        for out, mono_ns in again[confirmed:]:  # what was missing is appended; the driver does not hear of it
            self.said.append(out)
            self.said_ns.append(mono_ns)
        self.brought.clear()
        self.starts += 1
        self.hear(Epoch(self.starts, 0))
        self.driver = BrokerDriver(
            folder=self.folder,
            session=DAY,
            tags=TAGS,
            connect=self._connect,
            pace=Limits(),
            executor=InlineExecutor,
            durable=False,
            gate_epoch_before=lambda: self.gate_epoch_before,
        )
        self.driver.open(_World(self))
        self.work()
        for payload, source in self.waiting:  # what the bus had for us
            self.tell(payload, source)
        self.waiting.clear()

    def _connect(self, egress: Egress) -> Broker:
        self.broker.egress = egress
        return self.broker

    def die(self) -> None:
        """kill -9: what was brought and not yet heard is lost, the lock is free."""
        assert self.driver is not None
        self.driver.close()
        self.driver = None
        self.brought.clear()
        self.lives = 0

    def work(self) -> None:
        """Hears all that was brought."""
        while self.brought:
            self.hear(self.brought.popleft())

    def hear(self, payload: Any, source: str = "world") -> list[Any]:
        """One event through the handler, the tape and the driver; what was said to it."""
        row = (TOPIC_OF[type(payload)], payload, self.now_ns, source, self.gate_epoch)
        self.heard.append(row)
        said = []
        for out in self.handler(_event(*row)):
            self.said.append(out)
            self.said_ns.append(self.now_ns)
            said.append(out)
            if self.lives:
                self.lives -= 1
                if not self.lives:
                    raise Died
            topic = TOPIC_OF[type(out)]
            if topic in BrokerDriver.topics:
                assert self.driver is not None, "nothing may be asked of a driver that is not open"
                self.driver.said(_event(topic, out, self.now_ns, "execution"))
        return said

    # What happens to it -------------------------------------------------------------------------------------------

    def ready(self) -> Rig:
        """Started, armed, reconciled."""
        self.start()
        Latch(self.folder).raise_to_active()
        self.look(3)
        assert self.handler.reconciliation.done
        return self

    def look(self, seconds: int = 1) -> None:
        """Time passes."""
        for _ in range(seconds):
            self.now_ns += S
            self.tell(Timer("look"))

    def tell(self, payload: Any, source: str = "world") -> list[Any]:
        """One event, and all that it brings about; what was said."""
        before = len(self.said)
        self.hear(payload, source)
        self.work()
        return self.said[before:]

    def approve(self, **changes: Any) -> list[Any]:
        """The gate passes a signal."""
        return self.tell(self.approval(**changes), "risk_portfolio")

    def approval(self, *, evaluated: int = RULES, refused: int = 0, **changes: Any) -> Approved:
        self.intents += 1
        verdict = Verdict(evaluated, refused)
        return sealed(Approved(f"{self.intents:032x}", self.signal(**changes), verdict, Reservation(10, 0, 0)))

    def signal(self, **changes: Any) -> Signal:
        values: dict[str, Any] = {
            "strategy": "ema_cross",
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "instrument_token": 408065,
            "action": "BUY",
            "intent": "enter",
            "quantity": 10,
            "order_type": "LIMIT",
            "price_e4": 1500_0000,
            "trigger_price_e4": 0,
            "product": "MIS",
            "validity": "DAY",
            "confidence": 1.0,
            "deadline_ns": self.now_ns + 5 * S,
            "data": (DataRange("marketdata", 1, 1, 1),),
            "data_ts_ns": 0,
            "reason": "crossed",
            "indicators": {},
        }
        return Signal(**(values | changes))

    def hint(self) -> list[Any]:
        return self.tell(OrderFrame("1", "COMPLETE", 0), "marketdata")

    @property
    def latch(self) -> LatchState:
        """As it is on the disk."""
        return Latch(self.folder).read()

    def lower(self, state: LatchState) -> None:
        Latch(self.folder).lower(state)

    # What came of it ----------------------------------------------------------------------------------------------

    def of(self, kind: type[Any]) -> list[Any]:
        """All payloads of a kind that were ever said."""
        return [payload for payload in self.said if type(payload) is kind]

    @property
    def tag(self) -> str:
        """Of the last order."""
        return list(self.handler.mine.orders)[-1]

    @property
    def order_id(self) -> str:
        """The broker's last."""
        return list(self.broker.booked)[-1]

    def of_heard(self, kind: type[Any]) -> list[Any]:
        """All payloads of a kind that were ever heard."""
        return [payload for _, payload, *_ in self.heard if type(payload) is kind]

    def updates(self) -> dict[str, OrderUpdate]:
        """The last update of each order."""
        return {update.order_id: update for update in self.of(OrderUpdate)}

    def fills(self) -> list[Fill]:
        return self.of(Fill)


@contextmanager
def held(folder: Path) -> Iterator[Account]:
    """The account, held by somebody else."""
    account = Account(folder)
    try:
        yield account
    finally:
        account.close()


def is_held(folder: Path) -> bool:
    try:
        Account(folder).close()
    except ConfigError:
        return True
    return False


def _event(topic: str, payload: Any, mono_ns: int, source: str, epoch: int = 1) -> Event:
    # Market time runs beside machine time, at the day's date.
    now_ns = 1_795_060_200 * S + mono_ns
    return Event(topic, payload, source=source, epoch=epoch, mono_ns=mono_ns, now_ns=now_ns, ts=now_ns)
