"""The way to the broker and back.

The request may never arrive or arrive late; the answer may be late, lost, or a lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.order_path.classify import REFUSED, RESET, SERVER, TIMED_OUT_400
from sim.order_path.records import Payload, Request, Unread

if TYPE_CHECKING:
    from sim.order_path.world import World

Reply = Callable[[str, int], None]


class Wire:
    """Between execution's thread and the broker."""

    def __init__(self, world: World) -> None:
        self.world = world

    def write(self, request: Request, reply: Reply) -> None:
        world, happens = self.world, self.world.happens
        after = world.schedule.after
        if happens("refused"):
            after(2, reply, REFUSED, 0)
            return
        way = world.random.randint(5, 150)
        if happens("request_lost"):
            if happens("reset_is_seen"):
                after(way, reply, RESET, 0)
            return
        if happens("request_late"):
            way = world.random.randint(200, 12_000)
            if happens("reset_is_seen"):
                after(world.random.randint(5, way), reply, RESET, 0)
        after(way, self.arrive, request, reply)

    def arrive(self, request: Request, reply: Reply) -> None:
        """At the broker. An error that it answers may come before or after the order was taken."""
        world, happens = self.world, self.world.happens
        lie = TIMED_OUT_400 if happens("lie_400") else SERVER if happens("lie_5xx") else ""
        if lie and world.random.random() < 0.5:
            said, order_id = lie, 0
        else:
            said, order_id = world.broker.take(request)
            if lie and said == "200":
                said, order_id = lie, 0
        if world.tell:
            world.tell("broker", f"answers {said} to {request.verb} {request.tag}")
        if happens("answer_lost"):
            if happens("reset_is_seen"):
                world.schedule.after(20, reply, RESET, 0)
            return
        way = world.random.randint(200, 14_000) if happens("answer_slow") else world.random.randint(5, 150)
        world.schedule.after(way, reply, said, order_id)

    def read(self, begun: int, reply: Callable[[Payload], None]) -> None:
        world = self.world
        if world.happens("read_fail"):
            if world.happens("reset_is_seen"):
                world.schedule.after(30, reply, Unread(False))
            return
        world.schedule.after(world.random.randint(10, 80), world.broker.read, begun, reply)
