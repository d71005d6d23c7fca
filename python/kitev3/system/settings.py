"""From a table of TOML and the environment to a frozen dataclass: known keys only, types checked, the culprit named.

Any frozen dataclass of plain types will do: numbers, text, ``Literal``, ``datetime``, ``Path``, tuples, mappings,
nested dataclasses, and bounds by ``Annotated[int, msgspec.Meta(ge=1)]``.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from kitev3.errors import ConfigError

T = TypeVar("T")
SHOWN_MAX = 40  # letters of a text that is refused
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]


def location(default: str = "") -> Any:
    """A setting that says *where*: an address, a folder, a file. Part of no tape, so that a day replays anywhere."""
    return dataclasses.field(default=default, metadata={"tape": False})


def toml(file: Path, where: str) -> dict[str, Any]:
    """A file's table; ConfigError, which begins with *where*, for one that cannot be read or is none."""
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: is no TOML: {error}") from None


def read(kind: type[T], table: Mapping[str, Any], where: str, variables: Mapping[str, tuple[str, str]]) -> T:
    """A dataclass from a table, the environment's variables laid over it.

    Args:
        where: file and table, as an error begins.
        variables: key -> (name of the variable, its text).

    Raises ConfigError for an unknown key, a value of another type, or one that the dataclass itself refuses.
    """
    hints = keys(kind)
    values = {}
    for key, value in table.items():
        values[key] = convert(value, known(key, hints, where), f"{where}: {key}")
    for key, (name, text) in variables.items():
        hint = known(key, hints, f"environment: {name}")
        values[key] = convert(from_text(text, hint), hint, f"environment: {name}")
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from None


def keys(kind: Any) -> dict[str, Any]:
    """The settings of a dataclass and their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}


def known(key: str, hints: Mapping[str, Any], where: str) -> Any:
    """The type of a setting; ConfigError with the nearest known one when there is none of that name."""
    if key not in hints:
        raise ConfigError(f"{where}: no setting {key!r}{nearest(key, hints)}")
    return hints[key]


def nearest(word: str, among: Iterable[str]) -> str:
    """``, did you mean 'x'?`` when one of *among* is close to *word*; else nothing."""
    near = difflib.get_close_matches(word, sorted(among), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def convert(value: Any, hint: Any, where: str) -> Any:
    """*value* as *hint* says. An integer may stand for a float, nothing else for anything else."""
    for path, key, hints in _nested(value, hint, ""):
        known(key, hints, f"{where}{path}")
    if not _is_finite(value):
        raise ConfigError(f"{where}: expected a finite number, got {value}")
    try:
        return msgspec.convert(value, hint, strict=True, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_with_what_it_got(str(error), value, hint)}") from None


def _with_what_it_got(error: str, value: Any, hint: Any) -> str:
    """msgspec's words with the value that they are about, where it is one that can be found and shown."""
    if get_origin(hint) is Literal and isinstance(value, str):
        words = [repr(word) for word in get_args(hint)]
        return f"expected one of {', '.join(words)}, got {value[:SHOWN_MAX]!r}"
    said, dash, path = error.replace("`", "").partition(" - at $")
    said, at = said[:1].lower() + said[1:], f" at {path}" if dash else ""
    if "..." in path or not said.startswith("expected "):
        return said + at
    for key, number in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        value = value[key or int(number)]
    if not isinstance(value, str | int | float):
        return said + at
    shown = repr(value[:SHOWN_MAX]) if isinstance(value, str) else value
    return f"{said}{' ' if ', got ' in said else ', got '}{shown}{at}"


def from_text(text: str, hint: Any) -> Any:
    """A variable's text as the value that TOML would hold: a text setting as it stands, any other as a TOML value."""
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    words = get_origin(inner) is Literal and all(isinstance(word, str) for word in get_args(inner))
    if inner in (str, Path) or words:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # no TOML value: the refusal of its type says what was expected


def plain(value: Any) -> Any:
    """A setting as sorted JSON would hold it: no location, and of a path the name alone; a folder is not the run."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = sorted(f.name for f in dataclasses.fields(value) if f.metadata.get("tape", True))
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in sorted(value.items(), key=lambda row: str(row[0]))}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.name if isinstance(value, Path) else value


def _nested(value: Any, hint: Any, path: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every key inside nested dataclasses with the keys known there: msgspec passes over unknown ones."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _nested(value, args[0], path)
    elif origin in (Union, types.UnionType):
        for option in args:
            if dataclasses.is_dataclass(option) or get_origin(option) is not None:
                yield from _nested(value, option, path)
    elif isinstance(value, Mapping) and dataclasses.is_dataclass(hint):
        hints = keys(hint)
        for key, item in value.items():
            yield path, key, hints
            yield from _nested(item, hints[key], f"{path}.{key}")
    elif isinstance(value, Mapping) and isinstance(origin, type) and issubclass(origin, Mapping):
        for key, item in value.items():
            yield from _nested(item, args[1], f"{path}.{key}")
    elif isinstance(value, list) and args:
        for number, item in enumerate(value):
            yield from _nested(item, args[0], f"{path}[{number}]")


def _is_finite(value: Any) -> bool:
    """Whether every number in it is one: NaN is below no bound and above none."""
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _decode(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is MappingProxyType and isinstance(value, dict):
        return MappingProxyType(value)
    raise NotImplementedError(f"a setting of type {kind} cannot be read from TOML")
