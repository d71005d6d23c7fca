"""The broker's GTTs: no tag, a number of their own, and on trigger an order that bears no tag either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.order_path.classify import INPUT
from sim.order_path.records import Id, Request, TriggerRow

if TYPE_CHECKING:
    from sim.order_path.broker import Broker
    from sim.order_path.world import World


class Trigger:
    """One GTT. Assumption of the whole: one that was deleted never fires."""

    __slots__ = ("intent", "is_shown", "order_id", "quantity", "side", "status", "symbol", "trigger_id")

    def __init__(self, trigger_id: int, intent: Id | None, symbol: int, side: int, quantity: int) -> None:
        self.trigger_id, self.intent, self.symbol, self.side, self.quantity = trigger_id, intent, symbol, side, quantity
        self.status, self.order_id = "active", 0
        self.is_shown = False

    @property
    def open(self) -> int:
        """What it may still make an order of."""
        return self.quantity if self.status == "active" or (self.status == "triggered" and not self.order_id) else 0


class Triggers:
    """All of the account."""

    def __init__(self, world: World, broker: Broker) -> None:
        self.world, self.broker = world, broker
        self.all: dict[int, Trigger] = {}

    def take(self, request: Request) -> tuple[str, int]:
        world = self.world
        if request.verb == "POST":
            return self._place(request)
        trigger = self.all.get(request.order_id)
        if trigger is None or trigger.status != "active" or world.happens("change_refused"):
            return INPUT, 0
        self.broker.changes_pending += 1
        delay = world.random.randint(400, 20_000) if world.happens("change_late") else world.random.randint(10, 400)
        world.schedule.after(delay, self._delete, trigger)
        return "200", trigger.trigger_id

    def _place(self, request: Request) -> tuple[str, int]:
        world = self.world
        if world.happens("precheck"):
            return INPUT, 0
        self.broker.numbers += 1
        trigger = Trigger(self.broker.numbers, request.tag.intent, request.symbol, request.side, request.quantity)
        self.all[trigger.trigger_id] = trigger
        world.checks.triggerable(trigger)
        world.schedule.after(world.lag(), self._register, trigger)
        return "200", trigger.trigger_id

    def by_hand(self, symbol: int, side: int, quantity: int) -> None:
        """Someone makes a GTT in the app."""
        self.broker.numbers += 1
        trigger = self.all[self.broker.numbers] = Trigger(self.broker.numbers, None, symbol, side, quantity)
        self._register(trigger)

    def _register(self, trigger: Trigger) -> None:
        trigger.is_shown = True
        self._changed(trigger)
        if self.world.random.random() < 0.5:
            self.world.schedule.after(self.world.random.randint(200, 60_000), self._fire, trigger)

    def _delete(self, trigger: Trigger) -> None:
        self.broker.changes_pending -= 1
        if trigger.status == "active":
            trigger.status = "deleted"
            self._changed(trigger)
            if not self.world.guards.deleted_gtt_is_dead:
                self.world.schedule.after(self.world.random.randint(1, 5_000), self._order, trigger)
                self.broker.changes_pending += 1

    def _fire(self, trigger: Trigger) -> None:
        if trigger.status != "active" or self.world.is_calm:
            return
        trigger.status = "triggered"
        self._changed(trigger)
        self.broker.changes_pending += 1
        self.world.schedule.after(self.world.random.randint(1, 3_000), self._order, trigger)

    def _order(self, trigger: Trigger) -> None:
        """Its order, which may stand in the book before the GTT's row has its number; or none, where it was
        rejected.
        """
        self.broker.changes_pending -= 1
        world = self.world
        if world.happens("precheck"):
            trigger.order_id = -1
            self._changed(trigger)
            return
        kind = "gtt" if trigger.intent is not None else "hand"
        order = self.broker.new(None, trigger.intent, kind, trigger.symbol, trigger.side, trigger.quantity)
        trigger.order_id = order.order_id
        if trigger.intent is not None:
            world.checks.placed(order)
        self.broker.register(order)

    def _changed(self, trigger: Trigger) -> None:
        self.broker.changed_at = max(self.broker.changed_at, self.world.schedule.now)
        if self.world.tell:
            self.world.tell("broker", f"GTT {trigger.trigger_id} of {trigger.intent}: {trigger.status}")

    def rows(self) -> tuple[TriggerRow, ...]:
        return tuple(
            [
                TriggerRow(t.trigger_id, t.symbol, t.side, t.quantity, t.status, t.order_id)
                for t in self.all.values()
                if t.is_shown
            ]
        )
