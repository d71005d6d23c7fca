"""Secrets: one line in a file of mode 0400. Never in settings, environment, arguments, logs or tape."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitev3.errors import ConfigError

NAMES = ("access_token", "api_secret", "enctoken", "password", "secret", "token", "totp", "totp_secret")
"""Names that a setting or variable never has: every process of the user can read its environment."""
BYTES_MAX = 4096


def read_secret(path: str | Path) -> str:
    """The line in a secret's file. Refused unless it is a plain file, ours, and closed to everyone else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"{path}: the secret cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ConfigError(f"{path}: a secret must be a plain file of your own")
        if status.st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this secret: chmod 0400 {path}")
        line = os.read(handle, BYTES_MAX + 2).strip()
    finally:
        os.close(handle)
    if not line or len(line) > BYTES_MAX or b"\n" in line or not line.isascii():
        raise ConfigError(f"{path}: a secret is one line of ASCII, at most {BYTES_MAX} bytes")
    return line.decode()


def write_secret(path: Path, secret: str) -> None:
    """Writes a secret's file at once with mode 0400; one that is there is replaced, never reopened."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    with os.fdopen(handle, "w") as file:
        file.write(f"{secret}\n")
    os.replace(fresh, path)


def refuse_secrets(table: Mapping[str, Any], where: str) -> None:
    """ConfigError when a table, or one inside it, holds a secret itself."""
    for key, value in table.items():
        if key.lower() in NAMES:
            raise ConfigError(f"{where}: {key}: a secret goes into a file of mode 0400 that token_file names")
        if isinstance(value, Mapping):
            refuse_secrets(value, f"{where}: {key}")
