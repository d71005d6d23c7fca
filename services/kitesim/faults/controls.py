"""What a fault may ask of the exchange itself; all else happens to bytes."""

from __future__ import annotations

from typing import Protocol


class Controls(Protocol):
    """The exchange's side, as far as faults reach."""

    def end_login(self, api_key: str) -> None:
        """The key's access token is worth nothing from now on, and its sockets are dropped."""

    async def instruments(self, days: int, exchange: str | None) -> str:
        """The instruments file of the last trading day that is at least so many days ago, whole or of one exchange."""

    def halt(self, why: str | None) -> None:
        """The market is halted, for that reason; None: it goes on."""
