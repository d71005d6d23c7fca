"""What is checked right before the first byte, each refusal at its boundary."""

import datetime as dt

import pytest
from kitev3.account.latch import LatchState
from kitev3.broker.classify import Finding
from kitev3.broker.egress import Egress
from kitev3.broker.pace import Limits, Pace
from kitev3.errors import Refused

from .conftest import DEADLINE_NS, Desk, permit


def test_a_permit_passes_after_one_sync(desk: Desk) -> None:
    desk.egress.let_through(permit())

    assert (desk.syncs, desk.account.requests_today) == (1, 1)


@pytest.mark.parametrize(
    ("latch", "passes"),
    [
        (LatchState.ACTIVE, {"enter", "exit", "cancel"}),
        (LatchState.REDUCING, {"exit", "cancel"}),
        (LatchState.HALTED, {"cancel"}),
    ],
)
@pytest.mark.parametrize("kind", ["enter", "exit", "cancel"])
def test_the_latch_says_which_kinds_leave(desk: Desk, latch: LatchState, passes: set[str], kind: str) -> None:
    if latch is not LatchState.ACTIVE:
        desk.account.latch.lower(latch)

    if kind in passes:
        desk.egress.let_through(permit(kind=kind))
    else:
        with pytest.raises(Refused, match=f"latch is {latch.name}"):
            desk.egress.let_through(permit(kind=kind))
        assert desk.syncs == 0


def test_no_byte_leaves_at_or_after_the_deadline(desk: Desk) -> None:
    desk.now_ns = DEADLINE_NS
    with pytest.raises(Refused, match="deadline"):
        desk.egress.let_through(permit())
    desk.now_ns = DEADLINE_NS - 1

    desk.egress.let_through(permit())


def test_a_pause_during_the_sync_is_seen(desk: Desk) -> None:
    def sync() -> None:
        desk.now_ns = DEADLINE_NS

    with pytest.raises(Refused, match="deadline"):
        Egress(desk.account, lambda: desk.now_ns, sync).let_through(permit())


def test_a_kill_during_the_sync_is_seen(desk: Desk) -> None:
    def sync() -> None:
        desk.account.latch.lower(LatchState.HALTED)

    with pytest.raises(Refused, match="latch is HALTED"):
        Egress(desk.account, lambda: desk.now_ns, sync).let_through(permit())


def test_a_sync_that_fails_lets_nothing_through(desk: Desk) -> None:
    def sync() -> None:
        raise OSError("disk")

    egress = Egress(desk.account, lambda: desk.now_ns, sync)
    with pytest.raises(OSError, match="disk"):
        egress.let_through(permit())
    with pytest.raises(Refused, match="left before"):
        egress.let_through(permit())  # nobody knows what the disk holds: this tag is used


@pytest.mark.parametrize("epoch", [0, 2])
def test_only_the_accounts_epoch_leaves(desk: Desk, epoch: int) -> None:
    with pytest.raises(Refused, match=f"epoch {epoch}"):
        desk.egress.let_through(permit(epoch=epoch))


def test_a_tag_is_placed_once_whatever_the_attempt_says(desk: Desk) -> None:
    desk.egress.let_through(permit(attempt=1))

    with pytest.raises(Refused, match="left before"):
        desk.egress.let_through(permit(attempt=2))


def test_a_tag_is_placed_again_only_when_the_broker_did_not_take_it(desk: Desk) -> None:
    for attempt in (1, 2, 3):
        desk.egress.let_through(permit(attempt=attempt, kind="exit"))
        desk.egress.ended(Finding(outcome="throttled"))
        assert (
            desk.egress.refusal(permit(attempt=attempt + 1, kind="exit")) == "the pace is reached: no further exit now"
        )
        desk.now_ns += desk.egress.wait_ns(permit(kind="exit"))
    desk.egress.let_through(permit(attempt=4, kind="exit"))
    desk.egress.ended(Finding(outcome="unknown"))

    with pytest.raises(Refused, match="left before"):
        desk.egress.let_through(permit(attempt=5, kind="exit"))


def test_what_was_not_let_through_frees_no_tag(desk: Desk) -> None:
    desk.egress.let_through(permit())
    desk.egress.ended(Finding(outcome="ok"))
    with pytest.raises(Refused, match="left before"):
        desk.egress.let_through(permit())
    desk.egress.ended(Finding(outcome="throttled"))

    with pytest.raises(Refused, match="left before"):
        desk.egress.let_through(permit())


def test_a_cancel_may_be_tried_again_and_each_attempt_leaves_once(desk: Desk) -> None:
    desk.egress.let_through(permit())
    for attempt in (1, 2):
        desk.egress.let_through(permit(verb="cancel", kind="cancel", attempt=attempt))

    with pytest.raises(Refused, match="left before"):
        desk.egress.let_through(permit(verb="cancel", kind="cancel", attempt=2))


def test_entries_leave_room_for_exits(desk: Desk) -> None:
    desk.egress = Egress(desk.account, lambda: desk.now_ns, desk.sync)
    left = 0
    for number in range(12):
        try:
            desk.egress.let_through(permit(tag=str(number)))
            left += 1
        except Refused as refused:
            assert "pace" in str(refused)
    assert left == 8
    assert desk.egress.wait_ns(permit(kind="enter")) == 0
    desk.egress.let_through(permit(tag="exit", kind="exit"))
    desk.egress.let_through(permit(tag="cancel", kind="cancel"))
    assert desk.egress.wait_ns(permit(kind="exit")) == 1_000_000_001


def test_the_day_has_an_end_that_a_restart_does_not_move(desk: Desk) -> None:
    limits = Limits(entries_day_max=2, all_day_max=3)
    desk.egress = Egress(desk.account, lambda: desk.now_ns, desk.sync, Pace(limits))
    for tag in ("1", "2"):
        desk.egress.let_through(permit(tag=tag))
    restarted = Egress(desk.account, lambda: desk.now_ns, desk.sync, Pace(limits))

    with pytest.raises(Refused, match="used up"):
        restarted.let_through(permit(tag="3"))
    restarted.let_through(permit(tag="4", kind="exit"))
    with pytest.raises(Refused, match="used up"):
        restarted.let_through(permit(tag="5", kind="cancel"))

    desk.account.begin_day(dt.date(2026, 11, 20))
    desk.account.latch.raise_to_active()
    restarted.let_through(permit(tag="6"))
