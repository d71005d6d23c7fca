"""What a person does with faults while the exchange runs: looks at them, switches them on and off."""

from __future__ import annotations

from typing import Any

from kitev3.services.kitesim.client_json import read_json
from kitev3.services.kitesim.faults import catalogue
from kitev3.services.kitesim.faults.board import Board
from kitev3.system import settings

BODY_BYTES_MAX = 1 << 16


class Unwelcome(Exception):
    """A request that is not answered with what it asks for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Switches:
    """Of one board.

    Args:
        address: where programs switch them; empty: nobody may, and those of the beginning stay as they are.
    """

    def __init__(self, board: Board, address: str) -> None:
        self.board, self.address = board, address

    def catalogue(self) -> list[dict[str, Any]]:
        """All that there are."""
        return catalogue.rows()

    def active(self) -> list[dict[str, Any]]:
        """Those that are on, with their counts."""
        return [one.row() for one in self.board.active]

    def happened(self) -> list[dict[str, Any]]:
        """What happened of late, the newest first."""
        return [one.row() for one in reversed(self.board.happened)]

    def touched(self, order_id: str) -> list[str]:
        """The faults that happened to an order, in their order."""
        return list(self.board.touched.get(order_id, ()))

    def add(self, body: bytes) -> dict[str, Any]:
        """Switches one on, as JSON describes it. Raises Unwelcome, or ConfigError for what is no fault."""
        if len(body) > BODY_BYTES_MAX:
            raise Unwelcome(413, f"a fault is described in at most {BODY_BYTES_MAX} bytes")
        try:
            table = read_json(body)
        except ValueError as error:
            raise Unwelcome(400, f"the body is no JSON: {error}") from None
        return self.board.add(catalogue.read_fault(table, "fault")).row()

    def remove(self, name: str | None = None) -> int:
        """Switches off those of a name, or all; how many there were. Raises Unwelcome."""
        if name is not None and name not in catalogue.CATALOGUE:
            raise Unwelcome(404, f"no fault {name!r}{settings.nearest(name, catalogue.CATALOGUE)}")
        return self.board.remove(name)

    def remove_one(self, number: int) -> int:
        """Switches one off by its number; whether there was one, 1 or 0."""
        return self.board.remove_one(number)
