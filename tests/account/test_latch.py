"""The halt latch: lowering holds against everything but a person's arm."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.account.latch import Latch, LatchState, LatchWatch
from kitev3.contracts import LatchRead
from kitev3.errors import Refused

LOWERED = (LatchState.HALTED, LatchState.REDUCING)
deeds = st.lists(
    st.tuples(st.sampled_from(["lower", "person", "profile"]), st.sampled_from(LOWERED), st.booleans()), max_size=12
)


def test_a_new_account_is_halted(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "account")

    assert latch.read() is LatchState.HALTED
    assert not latch.held


@given(deeds)
def test_it_is_as_low_as_anybody_lowered_it_since_the_last_arm(steps: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        mine, theirs = Latch(Path(folder)), Latch(Path(folder))
        state, held = LatchState.HALTED, False
        for deed, to, holds in steps:
            if deed == "lower":
                theirs.lower(to, held=holds)
                state, held = min(state, to), held or holds
            elif deed == "profile" and held:
                with pytest.raises(Refused, match="halted by a kill, a trip"):
                    mine.raise_to_active(over_held=False)
            else:
                mine.raise_to_active(over_held=deed == "person")
                state, held = LatchState.ACTIVE, False

            again = Latch(Path(folder))
            seen = [(latch.read(), latch.held) for latch in (mine, theirs, again)]
            again.close()
            assert seen == [(state, held)] * 3
        mine.close()
        theirs.close()


def test_the_watch_tells_of_each_change_once(tmp_path: Path) -> None:
    latch, watch = Latch(tmp_path), LatchWatch(tmp_path)

    first = [watch(), watch()]
    latch.raise_to_active()
    raised = [watch(), watch()]
    latch.lower(LatchState.REDUCING)
    lowered = [watch(), watch()]

    assert first == [LatchRead("HALTED"), None]
    assert raised == [LatchRead("ACTIVE"), None]
    assert lowered == [LatchRead("REDUCING"), None]
