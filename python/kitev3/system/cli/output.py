"""What is printed is for whoever reads it; a reader who has left changes nothing else, and data is never markup."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console


@contextmanager
def unread(stream: TextIO | None) -> Iterator[None]:
    """Within, *stream* may break, or be none: a closed pipe, a full disk. What is said to it then goes nowhere."""
    try:
        yield
        if stream is not None:
            stream.flush()
    except OSError:
        assert stream is not None
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.fileno())  # what it still holds is written at the end of the process
        os.close(nowhere)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """A reader who has left ends no session: whoever prints says what is to become of it, as of any other error."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it stands: ``[red]`` in a strategy's name or a broker's message is no colour."""
    return _Console(markup=False, emoji=False, highlight=False, stderr=stderr)


def printable(value: object) -> str:
    """A value as text in which nothing steers the terminal: the escape character is shown as ``\\x1b``."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
