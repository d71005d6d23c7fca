"""What a process does not load: asked of fresh interpreters, since this one has loaded it all by now."""

import subprocess
import sys

import pytest

HEAVY = ("twisted", "autobahn", "OpenSSL", "rich", "duckdb", "pandas")


def loaded_by(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], check=True, capture_output=True, text=True
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "kitev3.runtime.process",
        "kitev3.broker.kite",
        "kitev3.broker.readonly",
        "kitev3.journal.store",
        "kitev3.services.marketdata.door",
        "kitev3.services.kitesim.driver",
        "kitev3.services.execution.driver",
    ],
)
def test_a_process_loads_no_heavy_library_that_it_does_not_use(module: str) -> None:
    loaded = loaded_by(f"import {module}")

    assert module in loaded
    assert not loaded & set(HEAVY)


def test_who_imports_the_official_package_after_us_gets_it_whole_and_with_the_same_classes() -> None:
    loaded = loaded_by(
        "from kitev3.broker.official import KiteConnect, KiteException\n"
        "import kiteconnect\n"
        "assert kiteconnect.KiteConnect is KiteConnect\n"
        "assert kiteconnect.exceptions.KiteException is KiteException\n"
        "assert kiteconnect.KiteTicker.__module__ == 'kiteconnect.ticker'"
    )

    assert "twisted" in loaded


def test_a_part_of_a_package_that_is_not_there_is_named() -> None:
    loaded_by(
        "from kitev3.runtime.import_guard import part\n"
        "try: part('no_such_package', 'half')\n"
        "except ModuleNotFoundError as error: assert error.name == 'no_such_package'\n"
        "else: raise AssertionError('it was found')"
    )
