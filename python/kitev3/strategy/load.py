"""Find a strategy by name, by file or in an installed package, and read its parameters."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from kitev3._core import INDICATOR_KINDS, IndicatorEngine
from kitev3.errors import ConfigError, is_ctrl_c
from kitev3.strategy.base import Strategy
from kitev3.strategy.ema_cross import EmaCross
from kitev3.strategy.place import LIBRARY, place_of_error, words_of
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
        hint = _hint(use, BUILT_IN)
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
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise _cannot(f"strategy file {path}", error, str(path)) from None
    return module


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"no package {name!r} for a strategy: {error}: install it beside kitev3") from None
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise _cannot(f"strategy package {name}", error, "") from None


def parameters(kind: type[Strategy], given: Mapping[str, Any], where: str) -> Any:
    """The class's ``Params`` with what the profile gives; *where* is named in the error.

    Raises ConfigError for an unknown name, with the nearest known one, or a value of another type or bound.
    """
    if not dataclasses.is_dataclass(kind.Params):
        raise ConfigError(f"{where}: {kind.__name__}.Params is no dataclass: write @dataclass(frozen=True) above it")
    known = [f.name for f in dataclasses.fields(kind.Params)]
    for name in given:
        if name not in known:
            raise ConfigError(f"{where}: {kind.__name__} has no parameter {name!r}: {_hint(name, known)}")
    try:
        return msgspec.convert(dict(given), kind.Params)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None
    except BaseException as error:  # of the user's own __post_init__
        if is_ctrl_c(error):
            raise
        raise _cannot(where, error, file_of(kind)) from None


def engine_of(kind: type[Strategy], params: Any, where: str) -> IndicatorEngine | None:
    """All that the class declares with *params*, for any number of instruments; None when it declares nothing.

    Raises ConfigError, with file and line or the nearest kind, for what cannot be made or is no indicator.
    """
    try:
        declared = kind(params).indicators()
        given = [(str(name), str(one.kind), dict(one.params)) for name, one in declared.items()]
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise _cannot(where, error, file_of(kind)) from None
    for name, indicator, _ in given:
        if indicator not in INDICATOR_KINDS:
            raise ConfigError(
                f"{where}: {name!r} is of no indicator {indicator!r}: {_hint(indicator, INDICATOR_KINDS)}"
            )
    try:
        return IndicatorEngine(given) if given else None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: indicators: {error}") from None


def code_of(use: str) -> list[Path]:
    """What the strategy that *use* names is made of, unless it is a built-in: its file, and the files beside it, or in
    its package, that are imported from there."""
    place, _, _ = use.rpartition(":")
    if place.endswith(".py"):
        return _imported(Path(place)) if Path(place).is_file() else []
    try:
        spec = importlib.util.find_spec(place) if place else None
    except (ImportError, ValueError):
        return []  # `load` refuses it with its reason
    return _imported(Path(spec.origin)) if spec is not None and spec.has_location and spec.origin else []


def _imported(first: Path) -> list[Path]:
    """*first* and the files of its user's that it imports, at whatever distance, in the order in which they are met."""
    found, at = [first], 0
    while at < len(found):
        path, at = found[at], at + 1
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # `load` refuses it with its line
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                new = [file for one in node.names for file in _files(_roots(path), one.name.split("."))]
            elif isinstance(node, ast.ImportFrom):
                roots = _roots(path) if node.level == 0 else path.resolve().parents[node.level - 1 : node.level]
                parts = node.module.split(".") if node.module else []
                new = [file for one in node.names for file in _files(roots, [*parts, one.name])]
            else:
                continue
            found += [file for file in dict.fromkeys(new) if not any(file.samefile(known) for known in found)]
    return found


def _roots(path: Path) -> Sequence[Path]:
    """Where a user's own modules may lie: beside *path*, where kitev3 was started, and where its package is."""
    folder = path.resolve().parent
    roots = [folder, Path.cwd()]
    while (folder / "__init__.py").is_file():
        folder = folder.parent
        roots.append(folder)
    return roots


def _files(roots: Iterable[Path], parts: Sequence[str]) -> list[Path]:
    """The files of a dotted name that exist: of the name, or of what it is a name in, and of the packages above it."""
    places = [root.joinpath(*parts[:depth]) for root in roots for depth in range(1, len(parts) + 1)]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return [file for file in files if file.is_file() and not file.is_relative_to(LIBRARY)]


def file_of(kind: type[Strategy]) -> str:
    """The file in which a strategy's class is written."""
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or kind.__module__


def _hint(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, known := sorted(known), 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _cannot(where: str, error: BaseException, file: str) -> ConfigError:
    place, line = place_of_error(error, file, (file, 0))
    return ConfigError(f"{where}: {place}:{line}: {words_of(error)}")
