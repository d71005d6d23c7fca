"""What all faults have in common: when they happen, and to what."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from kitev3.system.settings import nearest

Happens: TypeAlias = Literal["request", "frame", "cut", "postback"]
"""What a fault happens to: a request with its answer, a message to a socket, a step of the market, a postback."""

Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=24 * 3600 * 1000)]
Bytes: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 26)]
AtByte: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=1 << 26)]
Probability: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Natural: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


FRAMES = ("order", "ticks", "heartbeat", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which of them. Each is a pattern with ``*`` and ``?``, several with ``|`` between; an empty one takes all."""

    route: str = ""  # the path, without its query
    method: str = ""
    tag: str = ""  # of the order
    order: str = ""  # its id
    symbol: str = ""
    frames: str = ""  # order, ticks, heartbeat, text

    def __post_init__(self) -> None:
        for kind in self.frames.split("|"):
            if kind and not any(fnmatchcase(known, kind) for known in FRAMES):
                raise ValueError(f"frames: there are no {kind!r} frames{nearest(kind, FRAMES)}")


SELECTS: dict[Happens, frozenset[str]] = {
    "request": frozenset({"route", "method", "tag", "order", "symbol"}),
    "frame": frozenset({"tag", "order", "symbol", "frames"}),
    "cut": frozenset(),
    "postback": frozenset({"tag", "order", "symbol"}),
}
"""The members of `Where` that mean something for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a fault may happen to."""

    kind: Happens
    route: str = ""
    method: str = ""
    tag: str = ""
    order: str = ""
    symbol: str = ""
    frames: str = ""


def says(default: Any, text: str) -> Any:
    """A parameter with its words for those who ask for the catalogue."""
    return field(default=default, metadata={"says": text})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault as it was switched on. Its subclasses add their parameters and what they do."""

    NAME: ClassVar[str] = ""
    SEES: ClassVar[str] = ""
    """What a client sees of it, in a sentence."""
    TO: ClassVar[frozenset[Happens]] = frozenset()
    USUALLY: ClassVar[Where] = Where()
    """What it happens to where `where` does not say."""

    probability: Probability = field(default=1.0, metadata={"says": "of happening, each time"})
    count: Natural = field(default=0, metadata={"says": "so often at most; 0: without end"})
    after: Natural = field(default=0, metadata={"says": "so many pass unharmed first"})
    where: Where = field(default=Where(), metadata={"says": "which: route, method, tag, order, symbol, frames"})
    random: Random = field(default_factory=Random, init=False, repr=False, compare=False)
    """Seeded when it is switched on; for its own choices too."""

    def __post_init__(self) -> None:
        useful = frozenset().union(*(SELECTS[kind] for kind in self.TO))
        for name, text in dataclasses.asdict(self.where).items():
            if text and name not in useful:
                known = ", ".join(sorted(useful)) or "nothing"
                raise ValueError(f"where.{name} selects nothing of {self.NAME}; it knows {known}")

    def selects(self, happening: Happening) -> bool:
        """Whether this is one of those it may happen to."""
        if happening.kind not in self.TO:
            return False
        for name in SELECTS[happening.kind]:
            wanted = getattr(self.where, name) or getattr(self.USUALLY, name)
            wanted = wanted.upper() if name == "method" else wanted
            if wanted and not any(fnmatchcase(getattr(happening, name), one) for one in wanted.split("|")):
                return False
        return True

    def at(self, at_byte: int, length: int) -> int:
        """The byte of a message of so many at which it is cut; -1 draws one."""
        return self.random.randrange(length) if at_byte < 0 and length else min(at_byte, length)
