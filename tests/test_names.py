"""Where a module's tests are: in the file of its name. What has none is tested through others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[1]
LIBRARY, SERVICES, TESTS = HOUSE / "python" / "kitev3", HOUSE / "services", HOUSE / "tests"
LIBRARY_SHARE_MIN, SERVICES_SHARE_MIN = 0.7, 0.6


def modules(root: Path) -> list[Path]:
    """The files below a folder that do something: none that holds data or names alone."""
    files = (path for path in root.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))
    return sorted(path.relative_to(root) for path in files if _does_something(path))


def _does_something(path: Path) -> bool:
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(path.read_text())))


def places_of(module: Path) -> Iterator[Path]:
    """Where a service's module may have its tests; ``strategy/output.py`` also in ``test_strategy_output.py``."""
    yield TESTS / "services" / module.with_name(f"test_{module.name}")
    if len(module.parts) == 2:
        service, name = module.parts
        yield TESTS / "services" / (f"test_{service}.py" if name == "service.py" else f"test_{service}_{name}")


def test_most_modules_of_the_library_have_a_test_of_their_name() -> None:
    all_of_it = [module for module in modules(LIBRARY) if module.parts[0] != "services"]

    without = [module for module in all_of_it if not (TESTS / module.with_name(f"test_{module.name}")).is_file()]

    assert len(without) <= (1 - LIBRARY_SHARE_MIN) * len(all_of_it), [str(module) for module in without]


def test_most_modules_of_the_services_have_a_test_of_their_name() -> None:
    all_of_them = modules(SERVICES)

    without = [module for module in all_of_them if not any(test.is_file() for test in places_of(module))]

    assert len(without) <= (1 - SERVICES_SHARE_MIN) * len(all_of_them), [str(module) for module in without]
