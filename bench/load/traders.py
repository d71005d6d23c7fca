"""Accounts that trade: one order every some seconds each, now one that trades at once, now one that waits."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from bench.load.caller import Caller
from bench.load.exchange import Login
from bench.load.shown import Shown

SYMBOLS = ("INFY", "SBIN", "RELIANCE", "TCS", "ITC")
TICK = 0.1
BEYOND, AWAY = 1.006, 0.97  # of the last price: a limit that trades at once, and one that waits


class Trader:
    """One account."""

    def __init__(self, shown: Shown, address: str, login: Login, number: int, period_s: float) -> None:
        self.shown, self.login, self.period_s = shown, login, period_s
        self.symbol = SYMBOLS[number % len(SYMBOLS)]
        self.caller = Caller(address, login.api_key, login.token)
        self.placed: list[str] = []
        self.waiting: list[str] = []
        self.taken_s: list[float] = []

    async def trade(self, first_s: float, until_s: float) -> None:
        """From one time of the loop's clock to another. Refused for whatever is not accepted."""
        loop = asyncio.get_running_loop()
        await self.caller.connect()
        due_s = first_s
        while due_s < until_s:
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            began_s = perf_counter()  # the loop's own clock has milliseconds
            await self._deal(len(self.placed) % 4)
            self.taken_s.append(perf_counter() - began_s)
            due_s += self.period_s
            if len(self.waiting) > 1:
                await self.caller.call("DELETE", f"/orders/regular/{self.waiting.pop(0)}")

    async def _deal(self, turn: int) -> None:
        """Bought, sold again, and two that wait."""
        last = self.shown.last_price(f"NSE:{self.symbol}")
        side = "SELL" if turn == 1 else "BUY"
        factor = {0: BEYOND, 1: 1 / BEYOND}.get(turn, AWAY)
        fields: dict[str, object] = {
            "exchange": "NSE",
            "tradingsymbol": self.symbol,
            "transaction_type": side,
            "quantity": 1,
            "product": "MIS",
            "order_type": "LIMIT",
            "price": round(round(last * factor / TICK) * TICK, 2),
            "validity": "DAY",
        }
        answer: Any = await self.caller.call("POST", "/orders/regular", fields)
        self.placed.append(answer["order_id"])
        if turn > 1:
            self.waiting.append(answer["order_id"])

    async def book(self) -> dict[str, str]:
        """The account's orders and where each stands. AssertionError when one is there twice."""
        rows: Any = await self.caller.call("GET", "/orders")
        book = {row["order_id"]: row["status"] for row in rows}
        if len(book) != len(rows):
            raise AssertionError(f"{self.login.user}: an order is in the book twice")
        return book
