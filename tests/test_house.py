"""The house stands: the wheel's one native module answers."""

from kitev3 import _core


def test_the_core_names_its_version() -> None:
    assert _core.build().count(".") == 2
