"""Find a strategy by name, by file or in an installed package, and read its parameters."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from kitev3.errors import ConfigError
from kitev3.strategy.base import Strategy
from kitev3.strategy.ema_cross import EmaCross
from kitev3.strategy.rsi_pullback import RsiPullback

BUILT_IN: Mapping[str, type[Strategy]] = {"ema_cross": EmaCross, "rsi_pullback": RsiPullback}


def load(use: str) -> type[Strategy]:
    """The class that *use* names: a built-in, ``folder/mine.py:MyStrategy`` or ``package.module:MyStrategy``.

    Raises ConfigError saying what was looked for and what there is.
    """
    if use in BUILT_IN:
        return BUILT_IN[use]
    place, colon, name = use.rpartition(":")
    if not colon:
        near = get_close_matches(use, BUILT_IN, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"built in are {', '.join(sorted(BUILT_IN))}"
        raise ConfigError(f"no strategy {use!r}: {hint}; your own is 'file.py:Class' or 'package.module:Class'")
    module = _file(Path(place)) if place.endswith(".py") else _package(place)
    found = getattr(module, name, None)
    if not (inspect.isclass(found) and issubclass(found, Strategy)):
        raise ConfigError(f"{place} has no Strategy class named {name!r}")
    return found


def _file(path: Path) -> Any:
    if not path.is_file():
        raise ConfigError(f"no strategy file {path}: the path is taken from where kitev3 was started")
    name = f"kitev3_user_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py always has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"no package {name!r} for a strategy: {error}: install it beside kitev3") from None


def parameters(kind: type[Strategy], given: Mapping[str, Any], where: str) -> Any:
    """The class's ``Params`` with what the profile gives; *where* is named in the error.

    Raises ConfigError for an unknown name, with the nearest known one, or a value of another type or bound.
    """
    known = [f.name for f in dataclasses.fields(kind.Params)]
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ConfigError(f"{where}: {kind.__name__} has no parameter {name!r}: {hint}")
    try:
        return msgspec.convert(dict(given), kind.Params)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None


def source_hash(kind: type[Strategy]) -> str:
    """What the strategy was when it decided: a hash of its module's source, for the tape's EPOCH record."""
    module = inspect.getmodule(kind)
    assert module is not None
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:16]
