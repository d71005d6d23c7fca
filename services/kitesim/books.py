"""What the broker keeps beside the exchange: alerts and the fund desk; and how both come back after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from kitev3._core import Exchange
from kitev3.contracts import Request
from kitev3.services.kitesim.alerts import Alerts
from kitev3.services.kitesim.funds import Funds
from kitev3.services.kitesim.logins import Session
from kitev3.services.kitesim.sips import Sips


class Books:
    """Of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.alerts, self.funds = Alerts(exchange), Funds(exchange)
        self.sips = Sips(self.funds)
        alerts, funds, sips = self.alerts, self.funds, self.sips
        self.deeds: Mapping[str, Callable[[Request], object]] = {
            "alert": lambda it: alerts.place(Session(it.variety, it.user), it.fields),
            "alert_modify": lambda it: alerts.modify(it.user, it.order_id, it.fields),
            "alert_delete": lambda it: alerts.delete(it.user, [it.order_id]),
            "alert_met": lambda it: alerts.met_before(it.order_id, msgspec.json.decode(it.fields["orders"])),
            "fund": lambda it: funds.place(it.user, it.fields),
            "fund_cancel": lambda it: funds.cancel(it.user, it.order_id),
            "sip": lambda it: sips.place(it.user, it.fields),
            "sip_modify": lambda it: sips.modify(it.user, it.order_id, it.fields),
            "sip_cancel": lambda it: sips.cancel(it.user, it.order_id),
        }

    def replay(self, request: Request) -> None:
        """Does one of those again, at its time."""
        self.deeds[request.verb](request)
