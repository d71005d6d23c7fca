"""The account's folder: one holder, an epoch that only rises, a latch that outlives its processes."""

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.account.account import EPOCH_MAX, Account, account_folder
from kitev3.account.latch import Latch, LatchState
from kitev3.errors import ConfigError, Refused

DAY = dt.date(2026, 11, 19)


def test_each_start_has_the_next_epoch(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        with Account(tmp_path / "a") as account:
            epochs.append(account.epoch)

    assert epochs == [1, 2, 3]


def test_a_second_execution_is_refused_and_uses_up_no_epoch(tmp_path: Path) -> None:
    with Account(tmp_path) as first:
        with pytest.raises(ConfigError, match="held by another execution"):
            Account(tmp_path)

        assert (tmp_path / "epoch").read_text() == f"{first.epoch}\n"


def test_the_folder_is_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)

    with Account(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in folder.iterdir() if file.name != "epoch")


def test_the_epoch_rises_above_one_seen_at_the_broker(tmp_path: Path) -> None:
    with Account(tmp_path) as account:
        assert account.raise_epoch_above(0) == 1
        assert account.raise_epoch_above(41) == 42
    with Account(tmp_path) as account:
        assert account.epoch == 43


@pytest.mark.parametrize("text", ["", "-3", "1.5", "many"])
def test_a_damaged_epoch_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "epoch").write_text(text)

    with pytest.raises(ConfigError, match="epoch"):
        Account(tmp_path)


def test_an_epoch_that_fits_no_tag_is_refused(tmp_path: Path) -> None:
    (tmp_path / "epoch").write_text(str(EPOCH_MAX))

    with pytest.raises(ConfigError, match="does not fit a tag"):
        Account(tmp_path)


def test_a_refused_start_gives_the_lock_free(tmp_path: Path) -> None:
    (tmp_path / "epoch").write_text("many")
    with pytest.raises(ConfigError):
        Account(tmp_path)
    (tmp_path / "epoch").write_text("7")

    with Account(tmp_path) as account:
        assert account.epoch == 8


def test_a_first_start_and_a_new_day_boot_halted(tmp_path: Path) -> None:
    with Account(tmp_path) as account:
        assert account.begin_day(DAY)
        assert account.latch.read() is LatchState.HALTED
        account.latch.raise_to_active()
        account.count_request()
    with Account(tmp_path) as account:
        assert not account.begin_day(DAY)
        assert (account.latch.read(), account.requests_today) == (LatchState.ACTIVE, 1)
        assert account.begin_day(DAY + dt.timedelta(days=1))
        assert (account.latch.read(), account.requests_today) == (LatchState.HALTED, 0)


def test_requests_are_counted_over_restarts(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        with Account(tmp_path) as account:
            account.begin_day(DAY)
            assert account.count_request() == expected


steps = st.lists(st.sampled_from([LatchState.HALTED, LatchState.REDUCING, None]), max_size=30)


@given(steps)
def test_lowering_never_raises_and_only_arm_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[LatchState | None]
) -> None:
    folder = tmp_path_factory.mktemp("latch")
    writer, reader = Latch(folder), Latch(folder)
    expected = LatchState.HALTED
    for step in steps:
        if step is None:
            writer.raise_to_active()
            expected = LatchState.ACTIVE
        else:
            expected = min(expected, step)
            assert writer.lower(step) is expected
        assert reader.read() is expected


class _LoweredBetween(Latch):
    """A latch that another process lowers while this one arms."""

    reads = 0

    def _lowered(self) -> int:
        self.reads += 1
        if self.reads == 2:
            Latch(self.folder).lower(LatchState.HALTED)
        return super()._lowered()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(folder)


def test_an_arm_that_crosses_a_kill_loses(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="stays HALTED"):
        _LoweredBetween(tmp_path).raise_to_active()

    assert Latch(tmp_path).read() is LatchState.HALTED


@given(st.lists(st.sampled_from(["lower", "day", "person", "profile"]), max_size=20))
def test_what_somebody_lowered_waits_for_a_person(tmp_path_factory: pytest.TempPathFactory, deeds: list[str]) -> None:
    latch = Latch(tmp_path_factory.mktemp("latch"))
    held, state = False, LatchState.HALTED
    for deed in deeds:
        if deed == "lower":
            latch.lower(LatchState.HALTED)
            held, state = True, LatchState.HALTED
        elif deed == "day":
            latch.lower(LatchState.HALTED, held=False)
            state = LatchState.HALTED
        elif deed == "person":
            latch.raise_to_active()
            held, state = False, LatchState.ACTIVE
        elif held:
            with pytest.raises(Refused, match="`kitev3 arm`"):
                latch.raise_to_active(over_held=False)
        else:
            latch.raise_to_active(over_held=False)
            state = LatchState.ACTIVE
        assert (latch.held, latch.read()) == (held, state)
    latch.close()


def test_without_a_home_the_refusal_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HOME: not set"):
        account_folder("zerodha", "AB1234", tmp_path, {})


def test_a_latch_cannot_be_lowered_to_active(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="only arm"):
        Latch(tmp_path).lower(LatchState.ACTIVE)


HOLDER = """
import sys, time
from pathlib import Path
from kitev3.account.account import Account
from kitev3.account.latch import LatchState
account = Account(Path(sys.argv[1]))
account.latch.raise_to_active()
account.latch.lower(LatchState.REDUCING)
print(account.epoch, flush=True)
sys.stdin.read()
"""


def test_kill_9_frees_the_lock_and_leaves_the_latch(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "1\n"
        with pytest.raises(ConfigError, match="held by another"):
            Account(tmp_path)
        os.kill(holder.pid, signal.SIGKILL)

    with Account(tmp_path) as account:
        assert (account.epoch, account.latch.read()) == (2, LatchState.REDUCING)


def test_the_folder_of_a_broker_lies_in_the_users_state(tmp_path: Path) -> None:
    run = tmp_path / "run"

    assert account_folder("kitesim", "AB1234", run, {}) == run / "account"
    assert account_folder("kite", "AB1234", run, {"HOME": "/h"}) == Path("/h/.local/state/kitev3/kite-AB1234")
    assert account_folder("kite", "AB1234", run, {"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path(
        "/s/kitev3/kite-AB1234"
    )
