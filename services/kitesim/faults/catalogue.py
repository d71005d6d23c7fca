"""Every fault by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from kitev3.errors import ConfigError
from kitev3.services.kitesim.faults import books, frames, market, orders, postbacks, requests
from kitev3.services.kitesim.faults.fault import SELECTS, Fault
from kitev3.system import settings

CATALOGUE: Mapping[str, type[Fault]] = MappingProxyType(
    {
        kind.NAME: kind
        for kind in (
            requests.Delay,
            requests.TimeoutBefore,
            requests.TimeoutAfter,
            requests.ResetBefore,
            requests.ResetAfter,
            requests.ErrorAfter,
            requests.Html429,
            requests.Http400ThenPlaced,
            orders.StuckPutOrder,
            books.LateInBook,
            books.StaleBook,
            books.TruncatedBook,
            books.WrongTag,
            books.MissingTag,
            frames.FrameDuplicate,
            frames.FrameLost,
            frames.FrameLate,
            frames.FrameReordered,
            postbacks.PostbackDuplicate,
            postbacks.PostbackLost,
            orders.RejectAfterAck,
            orders.PartialAutoslice,
            orders.CancelFillRace,
            frames.SilentSocket,
            frames.HalfOpenSocket,
            frames.FrameTruncated,
            frames.FrameOversized,
            frames.PongUnsolicited,
            requests.TokenDeath,
            books.ClockSkew,
            books.StaleInstruments,
            market.Halt,
        )
    }
)


def read_faults(tables: Sequence[Any]) -> tuple[Fault, ...]:
    """Those of ``[[fault]]``. ConfigError names the number of the one that is wrong."""
    return tuple(read_fault(table, f"[[fault]] {number}") for number, table in enumerate(tables, 1))


def read_file(path: Path) -> tuple[Fault, ...]:
    """The ``[[fault]]`` tables of a TOML file, which holds nothing else. ConfigError says what is wrong."""
    content = settings.toml(path, f"faults: {path}")
    for key in content:
        settings.known(key, {"fault": list}, f"faults: {path}")
    tables = content.get("fault", [])
    if not isinstance(tables, list):
        raise ConfigError(f"faults: {path}: fault: a table in double brackets, [[fault]]")
    return read_faults(tables)


def read_fault(table: Any, where: str) -> Fault:
    """A fault from a table of TOML or an object of JSON. ConfigError says what is wrong, and what was perhaps meant."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: a fault is a table of a name and its parameters")
    name = table.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{where}: name: the fault's, one of {', '.join(CATALOGUE)}")
    kind = CATALOGUE.get(name)
    if kind is None:
        raise ConfigError(f"{where}: no fault {name!r}{settings.nearest(name, CATALOGUE)}")
    rest = {key: value for key, value in table.items() if key != "name"}
    return settings.read(kind, rest, f"{where} {name}", {})


def rows() -> list[dict[str, Any]]:
    """The whole catalogue, as plain data: names, what a client sees, parameters."""
    return [_row(kind) for kind in CATALOGUE.values()]


def _row(kind: type[Fault]) -> dict[str, Any]:
    hints = settings.keys(kind)
    usually = {name: text for name, text in settings.plain(kind.USUALLY).items() if text}
    parameters = {
        one.name: {"type": _type(hints[one.name]), "default": _default(one), "says": one.metadata["says"]}
        for one in dataclasses.fields(kind)
        if one.init
    }
    return {
        "name": kind.NAME,
        "to": sorted(kind.TO),
        "sees": kind.SEES,
        "selects": sorted(frozenset().union(*(SELECTS[to] for to in kind.TO))),
        "usually": usually,
        "parameters": parameters,
    }


def _type(hint: Any) -> str:
    inner = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    if words := [word for word in get_args(inner) if isinstance(word, str)]:
        return " or ".join(words)
    return str(getattr(inner, "__name__", inner)).lower()


def _default(one: dataclasses.Field[Any]) -> Any:
    default = settings.plain(one.default)
    return {name: text for name, text in default.items() if text} if isinstance(default, dict) else default
