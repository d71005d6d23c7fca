"""Execution with its tape, its REST thread and the official client, at an exchange that answers over HTTP."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from doubles.approvals import APPROVAL_KEY, sealed
from doubles.transport import Recording
from kitev3.account.account import account_folder_of
from kitev3.account.latch import Latch
from kitev3.broker.kite import KiteBroker
from kitev3.broker.pace import Limits
from kitev3.bus.message import Message
from kitev3.contracts import BY_TOPIC, Approved, Reservation, Signal, Stop, Verdict
from kitev3.runtime.clock import machine_ns
from kitev3.runtime.handler import Handler
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import Context, ServiceSpec
from kitev3.services.execution.config import ExecutionConfig
from kitev3.services.execution.driver import BrokerDriver
from kitev3.services.execution.service import RULES, SERVICE
from kitev3.services.execution.tagkey import tags_of
from waiting import S_MAX

KEY, SECRET, TOKEN, USER = "kitesim", "secretsecret", "tokentokentoken", "KS0001"
S = 1_000_000_000
CONFIG = ExecutionConfig(open_ms=100, hint_ms=20, reconcile_ms=100, look_ms=20)


class Desk:
    """Execution on its tape and its thread, reconciled and armed."""

    def __init__(self, root: str, folder: Path, speed: float, config: ExecutionConfig = CONFIG, **broker: Any) -> None:
        self.frames: list[bytes] = []
        self.woken = threading.Event()
        self.runner, self.gate = _execution(
            root, folder, speed, self.frames, self.woken, config, {"api_key": KEY, "access_token": TOKEN} | broker
        )
        self.handler: Any = self.runner.handler
        self.until(lambda: self.handler.reconciliation.done)
        Latch(account_folder_of(f"kitesim-{USER}", folder)).raise_to_active()

    def until(self, true: Callable[[], bool]) -> None:
        ends = time.monotonic() + S_MAX
        while not true():
            assert time.monotonic() < ends, f"it never came true: {self.handler.status()}"
            self.look()

    def look(self) -> None:
        """What has come is heard, or a moment passes."""
        self.woken.wait(0.02)
        self.woken.clear()
        self.runner.look()

    def said(self) -> list[Any]:
        """All payloads that were ever said."""
        told = map(Message.parse, self.frames)
        return [msgspec.msgpack.decode(one.payload, type=BY_TOPIC[one.topic].payload) for one in told]

    def approve(self, *approved: Approved) -> None:
        for one in approved:
            for frame in self.gate(one):
                self.runner.hear(frame)

    def answered(self) -> int:
        """How many orders the broker has answered."""
        return sum(own.stage != "sending" for own in self.handler.mine.orders.values())

    def stop(self) -> Any:
        """Its last word of itself."""
        self.runner.control(Stop("over"))
        self.until(lambda: bool(self.handler.status()["drained"]))
        status = self.handler.status()
        self.runner.close()
        return status


def _execution(
    root: str,
    tmp_path: Path,
    speed: float,
    frames: list[bytes],
    woken: threading.Event,
    config: ExecutionConfig,
    broker: dict[str, Any],
) -> tuple[Runner, Callable[[Approved], list[bytes]]]:
    context = Context(
        profile="test", mode="sim", account=f"kitesim-{USER}", seed=1, run_dir=tmp_path, session="2026-11-19",
        start_ns=0, approval_key=APPROVAL_KEY,
    )  # fmt: skip
    driver = BrokerDriver(
        folder=account_folder_of(context.account, tmp_path),
        session=dt.date(2026, 11, 19),
        tags=tags_of(context, config),
        connect=lambda egress: KiteBroker(egress=egress, root=root, **broker),
        pace=Limits(),
        speed=speed,
    )
    runner = Runner(
        SERVICE, context, config, clock=machine_ns, transport=Recording(frames, woken.set), about={}, driver=driver
    )
    runner.recover()
    runner.begin()
    runner.open()
    return runner, _gate(context)


def _gate(context: Context) -> Callable[[Approved], list[bytes]]:
    """A runtime that says approvals."""
    said: list[bytes] = []
    spec = ServiceSpec(name="risk_portfolio", config=ExecutionConfig, handler=lambda context, config: Handler({}))
    runner = Runner(spec, context, ExecutionConfig(), clock=machine_ns, transport=Recording(said), about={})
    runner.recover()
    runner.begin()

    def approve(approved: Approved) -> list[bytes]:
        said.clear()
        runner.publish(approved)
        return list(said)

    return approve


def approval(number: int, price_e4: int, stop: bool = False, **changes: Any) -> Approved:
    trigger_e4 = price_e4 * 99 // 100 // 1_0000 * 1_0000 if stop else 0
    values: dict[str, Any] = {
        "strategy": "test", "exchange": "NSE", "tradingsymbol": "SBIN", "instrument_token": 779521,
        "action": "SELL" if stop else "BUY", "intent": "exit" if stop else "enter", "quantity": 10,
        "order_type": "SL" if stop else "LIMIT", "price_e4": trigger_e4 or price_e4, "trigger_price_e4": trigger_e4,
        "product": "MIS", "validity": "DAY", "confidence": 1.0,
        "deadline_ns": machine_ns() + 30 * S, "data": (), "data_ts_ns": 0,
        "reason": "", "indicators": {},
    }  # fmt: skip
    return sealed(Approved(f"{number:032x}", Signal(**(values | changes)), Verdict(RULES, 0), Reservation(10, 0, 0)))
