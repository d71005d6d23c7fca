"""Faults of one order on its way. The exchange itself lets them happen, in market time: what it shows stays of a piece,
from the order's history to the account's money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from kitev3.services.kitesim.faults.desk import Call
from kitev3.services.kitesim.faults.fault import Milliseconds, Natural, Where, says
from kitev3.services.kitesim.faults.requests import PLACING, RequestFault


@dataclass(frozen=True, kw_only=True)
class StuckPutOrder(RequestFault):
    NAME: ClassVar[str] = "stuck_put_order"
    SEES: ClassVar[str] = (
        "The order is answered and stays in PUT ORDER REQ RECEIVED; it cannot be modified or cancelled."
    )
    USUALLY: ClassVar[Where] = PLACING

    ms: Milliseconds = says(60_000, "market time until it goes on its way")

    async def on_request(self, call: Call) -> None:
        call.request.add(urlencode({"order_fault": "stuck", "order_fault_ms": self.ms}))


@dataclass(frozen=True, kw_only=True)
class RejectAfterAck(RequestFault):
    NAME: ClassVar[str] = "reject_after_ack"
    SEES: ClassVar[str] = "The order is answered, acknowledged by the exchange and OPEN; then it is REJECTED."
    USUALLY: ClassVar[Where] = PLACING

    ms: Milliseconds = says(1_000, "market time from the acknowledgement to the rejection")
    message: str = says("17070 : The Price is out of the LPP range", "the rejection's")

    async def on_request(self, call: Call) -> None:
        fields = {"order_fault": "rejected", "order_fault_ms": self.ms, "order_fault_message": self.message}
        call.request.add(urlencode(fields))


@dataclass(frozen=True, kw_only=True)
class PartialAutoslice(RequestFault):
    NAME: ClassVar[str] = "partial_autoslice"
    SEES: ClassVar[str] = (
        "An order above the freeze quantity, placed with `autoslice`, is a success of which some slices were refused."
    )
    USUALLY: ClassVar[Where] = PLACING

    slices: Natural = says(1, "so many are placed; those after them are refused. 0: all, and the answer is an error")
    message: str = says("Insufficient funds. Check the orderbook for open orders.", "with which they are refused")

    async def on_request(self, call: Call) -> None:
        if call.request.fields.get("autoslice") == "true":
            fields = {"order_fault": "slices", "order_fault_slices": self.slices, "order_fault_message": self.message}
            call.request.add(urlencode(fields))


@dataclass(frozen=True, kw_only=True)
class CancelFillRace(RequestFault):
    NAME: ClassVar[str] = "cancel_fill_race"
    SEES: ClassVar[str] = (
        "The cancellation is answered as taken, and the order is COMPLETE: all that was left of it has traded at its "
        "own price."
    )
    USUALLY: ClassVar[Where] = Where(method="DELETE", route="/orders/*")

    async def on_request(self, call: Call) -> None:
        call.request.add("order_fault=filled")
