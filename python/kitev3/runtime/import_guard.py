"""Parts of libraries without the rest: six processes pay for every import, at every start.

The official Kite client's package loads its ticker, and with that Twisted's reactor, autobahn and OpenSSL, 30 MB in
each, though we only use its REST half.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType


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
