"""The files of the Rust core use each other in one direction only."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CORE = Path(__file__).parents[1] / "rust" / "core" / "src"
COMMENT = re.compile(r"//[^\n]*")
TESTS = re.compile(
    r"^#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*(?:pub(?:\([^)]*\))? )?mod \w+( \{.*?^\}|;)", re.MULTILINE | re.DOTALL
)
USE = re.compile(r"\buse ((?:crate|super|self)::[^;]+);")
INLINE = re.compile(r"\b(?:crate|super)(?:::\w+)+")


def test_no_file_of_the_core_is_used_by_what_it_uses() -> None:
    modules = {module(path): path for path in CORE.rglob("*.rs") if "tests" not in path.parts and path.name != "lib.rs"}
    modules = {name: path for name, path in modules.items() if not name[-1].endswith("_tests")}

    graph = {name: used(name, path, modules.keys()) for name, path in modules.items()}
    assert graph["exchange", "state"], "the core is where it was"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        raise AssertionError(" uses ".join("::".join(name) for name in reversed(circle.args[1]))) from None


def test_a_use_is_found_however_it_is_written() -> None:
    tests = "#[cfg(test)]\nmod tests {\n    use super::z;\n}\n"
    text = f"use super::a::{{self, b::C, d}};\nfn f() {{ crate::x::y::g(); }}\n{tests}"

    assert set(paths(("m", "n"), text)) == {("m", "a"), ("m", "a", "b", "C"), ("m", "a", "d"), ("x", "y", "g")}


def module(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(CORE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "mod" else parts


def used(name: tuple[str, ...], path: Path, known: Container[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """The modules that a file names: of each path the longest beginning that is a file."""
    found = set()
    for parts in paths(module(path), path.read_text()):
        ends = (parts[:end] for end in range(len(parts), 0, -1))
        target = next((end for end in ends if end in known), None)
        if target is not None and target != name:
            found.add(target)
    return found


def paths(inside: tuple[str, ...], text: str) -> Iterator[tuple[str, ...]]:
    """The modules and items that a text names, from the crate's root; `inside` is its own module."""
    text = TESTS.sub("", COMMENT.sub("", text))
    for tree in USE.findall(text):
        yield from (absolute(inside, one) for one in leaves(tree))
    for one in INLINE.findall(USE.sub("", text)):
        yield absolute(inside, one.split("::"))


def leaves(tree: str) -> Iterator[list[str]]:
    """`a::{self, b::C}` is `a` and `a::b::C`."""
    tree = re.sub(r"\s+as\s+\w+", "", re.sub(r"\s+", " ", tree)).strip()
    if not tree.endswith("}"):
        parts = [part.strip() for part in tree.split("::")]
        yield parts[:1] + [part for part in parts[1:] if part != "*"] if parts != ["self"] else []
        return
    head, _, body = tree.partition("{")
    depth, begin, inner = 0, 0, body[:-1]
    for at, sign in enumerate(inner + ","):
        depth += (sign == "{") - (sign == "}")
        if sign == "," and depth == 0:
            if inner[begin:at].strip():
                for leaf in leaves(inner[begin:at]):
                    yield [*(part.strip() for part in head.split("::") if part.strip()), *leaf]
            begin = at + 1


def absolute(inside: tuple[str, ...], parts: list[str]) -> tuple[str, ...]:
    base = list(inside)
    if parts[0] == "crate":
        return tuple(parts[1:])
    while parts and parts[0] in ("super", "self"):
        base = base[:-1] if parts[0] == "super" else base
        parts = parts[1:]
    return (*base, *parts)
