"""What is waited for is given, and what never comes ends the wait with its reason."""

from __future__ import annotations

import pytest
import waiting
from waiting import until


def test_what_comes_is_given() -> None:
    looks = iter(["", None, "here"])

    assert until(lambda: next(looks)) == "here"


def test_what_never_comes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "S_MAX", 0.01)

    with pytest.raises(AssertionError, match="it never came to be: 7 of 8"):
        until(lambda: False, lambda: "7 of 8")
