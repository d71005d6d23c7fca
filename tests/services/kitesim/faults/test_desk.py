"""What happens beside the requests has an owner that hears of its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kitev3.services.kitesim.faults.board import Board
from kitev3.services.kitesim.faults.desk import Desk


async def ended_with(error: BaseException) -> list[Any]:
    """What whoever looks after the loop hears of a deed that ends so, its task still held."""
    heard: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context.get("exception")))
    desk = Desk(Board(1), None, ("127.0.0.1", 1))  # type: ignore[arg-type]

    async def deed() -> None:
        raise error

    desk.in_background(deed())
    (task,) = desk._background
    await asyncio.wait([task])
    await asyncio.sleep(0)
    await desk.close()
    return heard


def test_a_deed_in_the_background_that_fails_is_heard_of_at_once() -> None:
    error = RuntimeError("a fault of ours")

    assert asyncio.run(ended_with(error)) == [error]


@pytest.mark.parametrize("left", [OSError(), ConnectionResetError(), asyncio.CancelledError()])
def test_whoever_has_left_or_was_given_up_is_no_error(left: BaseException) -> None:
    assert asyncio.run(ended_with(left)) == []
