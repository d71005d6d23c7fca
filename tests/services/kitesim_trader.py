"""A program around the official Python client, unmodified, with a login of its own."""

from __future__ import annotations

from typing import Any

from kiteconnect import KiteConnect

from services.kitesim_rig import API_KEY, API_SECRET, Kitesim, again


class Trader:
    """Asks again when a window is full, as a program does; what comes back is what the client made of it."""

    def __init__(self, running: Kitesim, profile: str) -> None:
        self.running, self.profile = running, profile
        self.client: KiteConnect = running.client(token=None)
        self.client._default_login_uri = f"{running.root}/connect/login"  # the class's own attribute
        assert self.client.login_url() == f"{running.root}/connect/login?api_key={API_KEY}&v=3"
        self.session = self.client.generate_session(running.request_token(), api_secret=API_SECRET)
        self.rows = {f"{row['exchange']}:{row['tradingsymbol']}": row for row in self.client.instruments()}

    def place(self, variety: str = "regular", **changes: Any) -> str:
        """A new order, of five shares of INFY at a limit unless told otherwise."""
        return str(again(self.client.place_order, variety, **order(**changes)))

    def modify(self, variety: str, order_id: str, **changes: Any) -> None:
        assert again(self.client.modify_order, variety, order_id, **changes) == order_id

    def cancel(self, variety: str, order_id: str) -> None:
        assert again(self.client.cancel_order, variety, order_id) == order_id

    def book(self) -> list[dict[str, Any]]:
        return list(again(self.client.orders))

    def row(self, order_id: str) -> dict[str, Any]:
        """An order as the book shows it."""
        (found,) = [row for row in self.book() if row["order_id"] == order_id]
        return found

    def statuses(self, order_id: str) -> list[str]:
        return [row["status"] for row in again(self.client.order_history, order_id)]

    def last(self, name: str = "NSE:INFY", part: float = 1.0) -> float:
        """So much of the last price, on the tick grid."""
        return self.on_tick(name, again(self.client.ltp, [name])[name]["last_price"] * part)

    def on_tick(self, name: str, price: float) -> float:
        tick = self.rows[name]["tick_size"]
        return float(round(round(price / tick) * tick, 4))

    def quotes(self, names: list[str]) -> dict[str, dict[str, Any]]:
        return dict(again(self.client.quote, names))


def order(**changes: Any) -> dict[str, Any]:
    fields = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5, "product": "CNC",
        "order_type": "LIMIT",
    }  # fmt: skip
    return fields | changes
