"""A service that does nothing but live like one: a real process with a ROUTER, a log, and a death as a test orders it.

    python -m tests.doubles.service NAME RUN_DIR

``RUN_DIR/orders/NAME.json`` holds what it is to do, read whenever it matters: ``{"exit": 2}`` refuse,
``{"raise": "<id>"}`` die of an event once it has started, ``{"deaf": true}`` never answer, ``{"late": true}`` never
become ready, ``{"stuck": true}`` never finish, ``{"status": {...}}`` say this of itself too.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import zmq
from kitev3.system.runfolder import RunFolder

STATUS: dict[str, dict[str, Any]] = {
    "marketdata": {"ticks": 1000, "batches": 40, "bars": 12},
    "strategy": {"signals": 7},
    "risk_portfolio": {
        "approved": 5,
        "blocked": {"R23": 2},
        "positions": [{"tradingsymbol": "INFY", "quantity": 5}],
        "gross_pnl_e4": 1_234_500,
        "net_pnl_e4": -20_000,
    },
    "execution": {
        "orders": 5,
        "fills": 4,
        "rejects": 1,
        "latency_us": {"p50": 150, "p99": 400, "p999": 900, "n": 5},
    },
}
PR_SET_PDEATHSIG = 1


class FakeService:
    """The state of one such process."""

    def __init__(self, name: str, folder: RunFolder) -> None:
        self.name, self.folder = name, folder
        self.state = "ready"

    @property
    def orders(self) -> dict[str, Any]:
        path = self.folder.path / "orders" / f"{self.name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "health":
            return self.health()
        if request["do"] == "control":
            return self.control(request["topic"])
        return {"ok": False, "error": f"cannot {request['do']}"}

    def health(self) -> dict[str, Any]:
        late = bool(self.orders.get("late"))
        return {
            "name": self.name,
            "pid": os.getpid(),
            "state": self.state,
            "ready": not late,
            "missing": ["its tape"] if late else [],
            "counters": {"heard": 10, "said": 5, "gaps_seen": 1, "gaps_filled": 1},
            "service": {**STATUS.get(self.name, {}), **self.orders.get("status", {})},
        }

    def control(self, topic: str) -> dict[str, Any]:
        with (self.folder.path / "asked").open("a") as file:
            file.write(f"{self.name} {topic}\n")
        if topic == "control.start":
            self.state = "running"
        if topic == "control.stop" and not self.orders.get("stuck"):
            self.state = "stopped"
        return {"ok": True}


def main(name: str, run_dir: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(os.environ["KITEV3_PARENT"]):
        sys.exit(0)
    folder = RunFolder(Path(run_dir))
    service = FakeService(name, folder)
    if "exit" in service.orders:
        sys.exit(f"{name} refuses to start" if service.orders["exit"] == 1 else service.orders["exit"])

    def end(_number: int, _frame: FrameType | None) -> None:
        router.close(linger=0)
        context.term()
        folder.leave(name)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.bind(folder.endpoint(name, "router"))
    while True:
        if not router.poll(100):  # bounded: a signal that comes while libzmq is busy would else wait for a message
            continue
        who, frame = router.recv_multipart()
        request = msgspec.msgpack.decode(frame)
        if service.orders.get("deaf"):
            continue
        router.send_multipart([who, msgspec.msgpack.encode({"id": request["id"], **service.answer(request)})])
        if "raise" in service.orders and service.state == "running":
            record = {"level": "critical", "event": "handler raised", "event_id": service.orders["raise"]}
            with folder.log(name).open("a") as log:
                log.write(json.dumps(record) + "\n")
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
