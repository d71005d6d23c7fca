"""What people read in a terminal: data is never markup, and steers nothing."""

from __future__ import annotations

from rich.console import Console


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
