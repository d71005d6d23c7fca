"""Execution on its real tape, against the real exchange in the same process: the stepped bus."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from doubles.approvals import sealed
from kitev3._core import ApprovalKey, Exchange
from kitev3.account.account import account_folder_of
from kitev3.account.approvals import key_of
from kitev3.account.latch import Latch
from kitev3.broker.direct import DirectBroker
from kitev3.broker.pace import Limits
from kitev3.broker.rest import InlineExecutor
from kitev3.bus.stepped import SteppedBus
from kitev3.contracts import Approved, Clock, OrderFrame, Reservation, Signal, Start, Stop, Verdict
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, ServiceSpec
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.driver import BrokerDriver
from kitev3.services.execution.service import RULES, SERVICE
from kitev3.services.execution.tagkey import tags_of

S = 1_000_000_000
T0_NS = 1_795_060_200 * S  # 2026-11-19 09:20 in India
USER = "KS0001"
CONFIG = ExecutionConfig(open_ms=1_000, idle_ms=5_000, hint_ms=0, reconcile_ms=250)


class Quiet:
    """A configuration without settings."""


def _speaker(name: str) -> ServiceSpec:
    return ServiceSpec(name=name, config=Quiet, handler=lambda context, config: Handler({}))


class Town:
    """The exchange, and a bus with execution between a gate and a marketdata that say what a test wants."""

    def __init__(self, run_dir: Path) -> None:
        self.context = Context(
            profile="test",
            mode="sim",
            account=f"kitesim-{USER}",
            seed=1,
            run_dir=run_dir,
            session="2026-11-19",
            start_ns=T0_NS,
        )
        self.exchange = Exchange(users=[USER], market="synthetic", seed=1, start_ns=T0_NS)
        self.bus = SteppedBus(segment_bytes=1 << 20)
        for name in ("risk_portfolio", "marketdata"):
            self.bus.add(_speaker(name), self.context)
        self.add_execution()
        self.bus.open()
        self.bus.control(Clock(T0_NS, 0, 1000))
        self.bus.control(Start("2026-11-19"))
        Latch(account_folder_of(self.context.account, run_dir)).raise_to_active()
        self.bus.advance(2 * S)

    def add_execution(self) -> None:
        driver = BrokerDriver(
            folder=account_folder_of(self.context.account, self.context.run_dir),
            session=dt.date(2026, 11, 19),
            tags=tags_of(self.context, CONFIG),
            connect=lambda egress: DirectBroker(self.exchange, USER, egress),
            pace=Limits(),
            executor=InlineExecutor,
            durable=False,
        )
        self.bus.add(SERVICE, self.context, CONFIG, driver=driver)

    def kill(self) -> None:
        """kill -9 of execution, and its next start."""
        driver = self.bus.runners["execution"].driver
        assert driver is not None
        driver.close()
        del driver
        self.bus.remove("execution")
        gc.collect()  # desk and driver hold each other, and with them the tape
        self.add_execution()
        for source in ("risk_portfolio", "marketdata"):
            self.bus.runners["execution"].join(source)
        self.bus.runners["execution"].open()
        self.bus.advance(2 * S)

    @property
    def handler(self) -> Any:
        return self.bus.runners["execution"].handler

    def trade(self, seconds: int) -> None:
        """The market moves; its order frames are hints."""
        for _ in range(seconds):
            self.exchange.advance(self.exchange.next_cut_ns)
            self.bus.advance(S)
            for _, data in self.exchange.take_order_frames():
                frame = OrderFrame(data["order_id"], data["status"], data["filled_quantity"])
                self.bus.runners["marketdata"].publish(frame)
            self.bus.run()

    def approve(self, number: int, symbol: str, action: str, quantity: int, price_e4: int, **changes: Any) -> None:
        signal = Signal(
            strategy="ema_cross",
            exchange="NSE",
            tradingsymbol=symbol,
            instrument_token=0,
            action=action,  # type: ignore[arg-type]
            intent=changes.pop("intent", "enter"),
            quantity=quantity,
            order_type="LIMIT",
            price_e4=price_e4,
            trigger_price_e4=0,
            product="MIS",
            validity="DAY",
            confidence=1.0,
            deadline_ns=self.bus.clock() + 5 * S,
            data=(),
            data_ts_ns=T0_NS + self.bus.clock(),
            reason="",
            indicators={},
            **changes,
        )
        approved = Approved(f"{number:032x}", signal, Verdict(RULES, 0), Reservation(quantity, 0, 0))
        approved = sealed(approved, ApprovalKey(key_of(self.context)))
        self.bus.runners["risk_portfolio"].publish(approved)
        self.bus.run()

    def at_market_e4(self, symbol: str, action: str) -> int:
        """A price that crosses the book."""
        depth = self.exchange.quote([f"NSE:{symbol}"])[f"NSE:{symbol}"]["depth"]
        levels = depth["sell" if action == "BUY" else "buy"]
        return round([level["price"] for level in levels if level["price"]][-1] * 10_000)

    def close(self) -> None:
        self.bus.close()


def day(run_dir: Path, kills: bool = False) -> Town:
    """Orders that fill, rest, are refused, modified and cancelled."""
    town = Town(run_dir)
    town.trade(3)
    for number, (symbol, action) in enumerate([("INFY", "BUY"), ("TCS", "SELL"), ("SBIN", "BUY")]):
        town.approve(number, symbol, action, 10, town.at_market_e4(symbol, action))
        if kills:
            town.kill()
        town.trade(2)
    low_e4 = town.at_market_e4("RELIANCE", "SELL") // 10_000 * 10_000 - 20_0000
    town.approve(10, "RELIANCE", "BUY", 5, low_e4)
    tag = list(town.handler.mine.orders)[-1]
    town.trade(2)
    town.approve(11, "RELIANCE", "BUY", 4, low_e4 - 1_0000, intent="modify", order=tag)
    if kills:
        town.kill()
    town.trade(2)
    town.approve(12, "RELIANCE", "BUY", 4, 0, intent="cancel", order=tag)
    town.approve(13, "RELIANCE", "BUY", 4, 1)  # far outside its band: refused
    town.trade(2)
    town.bus.control(Stop("over"))
    town.trade(2)
    return town


@pytest.mark.parametrize("kills", [False, True], ids=["straight", "killed after each step"])
def test_a_day_at_the_exchange_is_known_to_the_last_share(tmp_path: Path, kills: bool) -> None:
    town = day(tmp_path, kills)
    status, exchange = town.handler.status(), town.exchange
    merged = {order_id: (one.row.status, one.filled_quantity) for order_id, one in town.handler.book.merged.items()}
    held = {(row["tradingsymbol"], row["quantity"]) for row in exchange.positions(USER)["net"]}
    fills = {(fill.tradingsymbol, fill.side): fill.quantity for fill in town.handler.book.booked}
    town.close()

    assert merged == {row["order_id"]: (row["status"], row["filled_quantity"]) for row in exchange.orders(USER)}
    assert len(town.handler.book.booked) == len(exchange.trades(USER)) > 0
    assert held == {(symbol, quantity if side == "BUY" else -quantity) for (symbol, side), quantity in fills.items()}
    assert (status["drained"], status["reconciled"], status["mismatches"], status["unknown"]) == (True, True, [], 0)
    assert (status["orders"], status["rejects"], status["open_orders"]) == (4, 1, 0)


def _digest(run_dir: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted((run_dir / "tape").rglob("*.tape")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def test_the_same_day_leaves_the_same_tapes_in_processes_that_hash_differently(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from services.test_execution_stepped import day, _digest;"
    script += "run = Path(sys.argv[1]); day(run).close(); print(_digest(run))"
    digests = []
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(result.stdout.strip())

    assert len(digests[0]) == 64
    assert digests[0] == digests[1]


def test_a_thread_of_the_driver_that_dies_ends_the_service(tmp_path: Path) -> None:
    town = Town(tmp_path)
    (runner,) = [runner for name, runner in town.bus.runners.items() if name == "execution"]
    died = threading.Thread(target=runner.fail, args=(ValueError("a bug"),))
    died.start()
    died.join()

    with pytest.raises(RuntimeError, match="thread of execution's driver has died") as raised:
        town.bus.advance(S)
    town.close()

    assert isinstance(raised.value.__cause__, ValueError)
