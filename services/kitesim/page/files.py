"""What a browser loads: read once, so that no path of a request ever names a file."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parents[1] / "static"
TYPES = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


def files() -> dict[str, tuple[bytes, str]]:
    """Name -> content and type."""
    known = (path for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES)
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in known}
