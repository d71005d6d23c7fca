"""The log of a process: JSON lines, each with its service and wall time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kitev3.runtime.import_guard import absent

with absent("twisted", "rich"):
    import structlog

get_logger = structlog.get_logger


def log_to(path: Path, service: str) -> None:
    """Appends all that is logged from now on to *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _named(service),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
        logger_factory=structlog.WriteLoggerFactory(path.open("a", buffering=1)),
        cache_logger_on_first_use=True,
    )


def _named(service: str) -> Any:
    def add(logger: Any, method: str, record: dict[str, Any]) -> dict[str, Any]:
        record["service"] = service
        return record

    return add
