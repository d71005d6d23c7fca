"""What the operator is shown, as plain data. Reading it changes nothing of the market or of an account."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from kitev3._core import Exchange
from kitev3.calendar import IST
from kitev3.services.kitesim.access_log import AccessLog
from kitev3.services.kitesim.faults.switches import Switches
from kitev3.services.kitesim.logins import Logins
from kitev3.services.kitesim.sockets import Connection, Sockets
from kitev3.services.kitesim.stepper import Stepper

MS_NS = 1_000_000
NS = 1_000_000_000
MINUTE_NS = 60 * NS
USERS_MAX = 50  # accounts on the page
OWN_MAX = 200  # open orders of one instrument, at its depth
ROWS_MAX = 200  # newest orders, trades
CHART_MINUTES = 400  # a whole day of shares; of a longer one the end
LISTED = ("instrument_token", "exchange", "tradingsymbol", "name", "expiry", "strike", "instrument_type", "lot_size")
NUMBERS: Mapping[str, Callable[[str], Any]] = {"instrument_token": int, "strike": float, "lot_size": int}

Row: TypeAlias = dict[str, Any]


class Queries:
    """One exchange, looked at from above.

    Args:
        about: how it was started, name -> words.
    """

    def __init__(
        self,
        exchange: Exchange,
        logins: Logins,
        stepper: Stepper,
        sockets: Sockets,
        access_log: AccessLog,
        about: Mapping[str, str],
    ) -> None:
        self.exchange, self.logins, self.stepper = exchange, logins, stepper
        self.sockets, self.access_log, self.about_ = sockets, access_log, about
        self.switches: Switches | None = None  # those in front of the exchange, if there are any
        self._listed: list[list[Any]] | None = None

    def about(self) -> Row:
        """What stays as it is while the exchange runs."""
        if self._listed is None:
            self._listed = _listed(self.exchange.instruments_csv())
        switches = self.switches
        return {
            "started": {"profile": self.exchange.profile, "session": self.exchange.session} | dict(self.about_),
            "columns": LISTED,
            "instruments": self._listed,
            "users": self.users(),
            "faults": {
                "on": switches is not None,
                "switchable": bool(switches and switches.address),
                "admin": switches.address if switches else "",
                "catalogue": switches.catalogue() if switches else [],
            },
        }

    def users(self) -> list[str]:
        """The accounts, each once."""
        return list(dict.fromkeys(one.user_id for one in self.logins.applications.values()))[:USERS_MAX]

    def now(self) -> Row:
        """What changes all the time, but for prices and orders."""
        return {
            "market": self._market(),
            "accounts": [self._account(user) for user in self.users()],
            "sockets": self._sockets(),
            "requests": self._requests(),
            "faults": self._faults(),
        }

    def _market(self) -> Row:
        stepper = self.stepper
        return {
            "at_ms": stepper.now_ns() // MS_NS,
            "clock_ms": stepper.clock_ns() // MS_NS,
            "speed": stepper.last_clock.speed_e3 / 1000,
            "lag_ms": stepper.lag_ns // MS_NS,
            "running": stepper.running,
            "ended": self.exchange.market_ended,
            "halted": self.exchange.halted,
            "phases": self.exchange.phases(),
        }

    def _account(self, user: str) -> Row:
        equity = self.exchange.margins(user)["equity"]
        rows = self.exchange.positions(user)["net"]
        names = ("exchange", "tradingsymbol", "instrument_token", "product", "quantity", "average_price")
        return {
            "user": user,
            "cash": equity["available"]["cash"],
            "used": equity["utilised"]["debits"],
            "available": equity["net"],
            "pnl": sum(row["pnl"] for row in rows),
            "positions": [{name: row[name] for name in (*names, "last_price", "pnl")} for row in rows],
            "logged_in": [
                key for key, one in self.logins.applications.items() if one.user_id == user and self._in(key)
            ],
        }

    def _in(self, api_key: str) -> bool:
        return api_key in self.logins.tokens

    def _sockets(self) -> Row:
        sockets = self.sockets
        return {
            "frames": sockets.frames,
            "conflated": sockets.conflated,
            "dropped": sockets.dropped,
            "open": [self._socket(one) for one in sockets.connections],
        }

    def _socket(self, one: Connection) -> Row:
        return {
            "user": one.session.user_id,
            "api_key": one.session.api_key,
            "modes": Counter(one.subscription.modes.values()),
            "waiting": len(one.queue),
            "behind_ms": max(0, self.exchange.now_ns - one.shown_ns) // MS_NS,
            "frames": one.frames,
            "conflated": one.conflated,
        }

    def _requests(self) -> Row:
        access_log = self.access_log
        routes = [[method, path, count] for (method, path), count in access_log.routes.most_common(ROWS_MAX)]
        statuses = sorted(access_log.statuses.items())
        return {"routes": routes, "statuses": statuses, "refused": list(reversed(access_log.refused))}

    def _faults(self) -> Row:
        if self.switches is None:
            return {"active": [], "happened": []}
        return {"active": self.switches.active(), "happened": self.switches.happened()}

    # --- one at a time ----------------------------------------------------------------------------------------------

    def instrument(self, token: int) -> Row | None:
        """A quote with its depth, and the orders of our own that are in the market for it."""
        quote = self.exchange.quote([str(token)]).get(str(token))
        if quote is None:
            return None
        own = self.exchange.newest_orders(OWN_MAX, token=token, open=True)
        return {"token": token, "quote": quote, "own": own}

    def chart(self, token: int) -> list[list[Any]]:
        """Minutes of the day so far: ms, open, high, low, close, volume."""
        now_ns = self.exchange.now_ns
        begin_ns = max(_midnight_ns(now_ns), now_ns - CHART_MINUTES * MINUTE_NS)
        asked = {"from": _stamp(begin_ns), "to": _stamp(now_ns)}
        candles = self.exchange.candles(str(token), "minute", **asked)["candles"]
        return [[_ms(row[0]), *row[1:6]] for row in candles]

    def orders(self, *, user: str | None, token: int | None, open_only: bool) -> list[Row]:
        """The newest ones, each with the faults that happened to it. KeyError: no such user or instrument."""
        rows = self.exchange.newest_orders(ROWS_MAX, user=user, token=token, open=open_only)
        return [row | {"faults": self._touched(row["id"])} for row in rows]

    def order(self, order_id: str) -> Row:
        """One, with every state it went through. KeyError: none such."""
        return self.exchange.order_story(order_id) | {"faults": self._touched(order_id)}

    def trades(self) -> list[Row]:
        """The newest ones."""
        return self.exchange.newest_trades(ROWS_MAX)

    def _touched(self, order_id: str) -> list[str]:
        return self.switches.touched(order_id) if self.switches else []


def _listed(text: str) -> list[list[Any]]:
    """The instruments file in columns."""
    kinds: list[tuple[str, Callable[[str], Any]]] = [(name, NUMBERS.get(name, str)) for name in LISTED]
    return [[kind(row[name]) for name, kind in kinds] for row in csv.DictReader(io.StringIO(text))]


def _midnight_ns(time_ns: int) -> int:
    return int(datetime.fromtimestamp(time_ns // NS, IST).replace(hour=0, minute=0, second=0).timestamp()) * NS


def _stamp(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS, IST).strftime("%Y-%m-%d %H:%M:%S")


def _ms(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp() * 1000)
