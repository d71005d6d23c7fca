"""What a process is made of, as one number: two that differ may say different things about the same event."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kitev3
from kitev3.runtime.service import ServiceSpec


@cache
def library() -> str:
    """16 hex digits over the library and the core, without any service: what two that speak must have in common."""
    return _digest(_library())


def fingerprint(spec: ServiceSpec, config: Any) -> str:
    """16 hex digits over the library, the core, the service's own code, and that of others which its settings name."""
    return _digest((*_library(), *_files(spec, config)))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(set(files)):
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _library() -> Iterator[Path]:
    root = Path(kitev3.__file__).parent
    yield from (path for path in root.rglob("*.py") if "services" not in path.relative_to(root).parts)
    yield from root.glob("_core*.so")


def _files(spec: ServiceSpec, config: Any) -> Iterator[Path]:
    module = sys.modules.get(getattr(spec.handler, "__module__", ""))
    if module is not None and module.__file__ is not None:
        yield from Path(module.__file__).parent.glob("*.py")
    yield from spec.code(config)
