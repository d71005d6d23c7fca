"""The last thing before the first byte: a pure function of the write and the circumstances of this moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sim.order_path.guards import Guards
from sim.order_path.records import Request, Tag

PACE_WINDOW = 1_250
PACE_MAX = 3  # of all writes in any window; Kite's own limit is 10 in a calendar second, here 3, so that it is reached
PACE_ENTRIES_MAX = 2  # the rest is kept for exits and cancels


class Moment(NamedTuple):
    """What the egress looks at. *epoch* is the account's, *is_leased* whether this process' lease still holds."""

    now: int
    boot: int
    wall: int
    epoch: int
    is_leased: bool
    latch: str
    is_disk_full: bool


class Refused(NamedTuple):
    """Not sent, for sure; or to be asked again in *wait* milliseconds."""

    why: str
    wait: int = 0


def refusal(
    request: Request, moment: Moment, used: set[Tag], sent: Sequence[tuple[int, bool]], guards: Guards
) -> Refused | None:
    """*used* are the tags that a POST ever bore, *sent* the times of the last writes and whether they opened."""
    if guards.egress_checks_the_epoch and request.epoch != moment.epoch:
        return Refused("epoch")
    if guards.egress_checks_the_lease and not moment.is_leased:
        return Refused("lease")
    if guards.egress_checks_the_deadline and _is_late(request, moment, guards):
        return Refused("late")
    if request.verb == "POST" and request.tag in used and guards.tag_is_used_once:
        return Refused("tag used")
    if guards.egress_reads_the_latch:
        if moment.latch == "HALTED" and request.verb != "DELETE":
            return Refused("halted")
        if moment.latch == "REDUCING" and request.opens:
            return Refused("reducing")
    if moment.is_disk_full and request.opens:
        return Refused("disk full")
    return _pace(request, moment, sent) if guards.writes_are_paced else None


def _is_late(request: Request, moment: Moment, guards: Guards) -> bool:
    if request.verb == "DELETE":
        return False
    if not guards.deadline_is_machine_time and request.deadline_wall:
        return moment.wall >= request.deadline_wall
    if request.boot != moment.boot and guards.deadline_is_of_its_boot:
        return True
    return moment.now >= request.deadline


def _pace(request: Request, moment: Moment, sent: Sequence[tuple[int, bool]]) -> Refused | None:
    recent = [(time, opens) for time, opens in sent if time > moment.now - PACE_WINDOW]
    if request.opens and sum(opens for _, opens in recent) >= PACE_ENTRIES_MAX:
        return Refused("pace")
    if len(recent) < PACE_MAX:
        return None
    if request.opens:
        return Refused("pace")
    return Refused("pace", recent[-PACE_MAX][0] + PACE_WINDOW - moment.now)
