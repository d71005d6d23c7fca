"""Libraries without what they would load beside themselves: six processes pay for every import, at every start.

structlog loads Twisted and rich where they are installed, though a JSON line needs neither: three quarters of the time
that a process took to import all it needs, and 10 MB in each. The official Kite client's package loads its ticker, and
with that Twisted's reactor, autobahn and OpenSSL, 30 MB, though we only use its REST half.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Within, *packages* that nobody has imported yet look as if they were not installed."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: Python's own word for "not to be found"
    try:
        yield
    finally:
        for package in hidden:
            sys.modules.pop(package, None)


def part(package: str, name: str) -> ModuleType:
    """The module *name* of *package*, without running the package's own ``__init__``.

    Whoever imports the package afterwards gets it whole, with this very module in it.
    """
    whole = f"{package}.{name}"
    if package in sys.modules or whole in sys.modules:
        return import_module(whole) if whole not in sys.modules else sys.modules[whole]
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    sys.modules[package] = module_from_spec(spec)
    try:
        return import_module(whole)
    finally:
        del sys.modules[package]
