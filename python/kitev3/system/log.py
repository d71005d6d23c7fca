"""The log of a process: JSON lines, each with its service and wall time.

What is logged by us is an event in a few words and its facts by name. What libraries say through `logging`, and what is
printed, stands there too.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

OURS = "kitev3"
"""The name of our own records."""
_OURS = logging.getLogger(OURS)
_OURS.setLevel(logging.INFO)
_FACTS = "facts"


class Log:
    """Says what happened."""

    def info(self, event: str, **facts: Any) -> None:
        self._say(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._say(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._say(logging.ERROR, event, facts)

    def critical(self, event: str, **facts: Any) -> None:
        self._say(logging.CRITICAL, event, facts)

    def _say(self, level: int, event: str, facts: dict[str, Any]) -> None:
        _OURS.log(level, "%s", event, extra={_FACTS: facts})


LOG = Log()


def log_to(path: Path, service: str) -> None:
    """Appends all that is logged or printed from now on to *path*; stderr stays what it is, for last words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(_Json(service))
    handler.addFilter(lambda record: not getattr(record, TAKEN, False))
    for old in kept():
        logging.getLogger().removeHandler(old)
        old.close()
    logging.getLogger().addHandler(handler)
    sys.stdout = _Printed()


def kept() -> list[logging.Handler]:
    """What writes the log of this process; nothing before `log_to`."""
    return [one for one in logging.getLogger().handlers if isinstance(one.formatter, _Json)]


TAKEN = "taken"
"""Set on a record by whoever has written it into the log in words of its own."""


class _Json(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = {"event": record.getMessage(), **getattr(record, _FACTS, {})}
        if record.name != OURS:
            line["logger"] = record.name
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        line |= {"level": record.levelname.lower(), "at": at, "service": self._service}
        try:
            return msgspec.json.encode(line, enc_hook=str).decode()
        except UnicodeEncodeError:  # half a character, as a name of a file or a strategy's own text may have
            return json.dumps(line, default=str, ensure_ascii=False).encode(errors="replace").decode()


class _Printed(io.TextIOBase):
    """Stands for stdout: each line is one of the log's."""

    def __init__(self) -> None:
        self._text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._text = (self._text + text).split("\n")
        for line in whole:
            LOG.info("printed", text=line)
        return len(text)
