"""Folders and files that are ours alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kitev3.errors import ConfigError

UMASK = 0o077
"""Set by every command: no file of a run, and none that a library writes for us, is anybody else's to read."""


def private_folder(folder: Path, *, mend: bool = True) -> None:
    """Makes a folder of mode 0700, or takes the one that is there if it is ours, and closes it to everyone else.

    ConfigError when it is another user's, or a link, which leads wherever its owner likes; without *mend* also when
    others could have put something into it already.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise ConfigError(f"{folder}: must be a folder of mode 0700 and is none; remove it")
        if found.st_uid != os.geteuid():
            raise ConfigError(f"{folder}: belongs to user {found.st_uid} and must be ours")
        if found.st_mode & 0o077:
            if not mend:
                raise ConfigError(f"{folder}: must be a folder of mode 0700, others may have written here; remove it")
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be a folder of ours: {error.strerror}") from None


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600 that a reader sees either as it was or whole."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(fresh, path)
