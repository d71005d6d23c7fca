"""The errors of kitev3.

KiteError                something outside our code went another way than hoped; carries its data in fields
├── ConfigError          refused before anything started: what, where and what to do (exit code 2)
├── Refused              definitely did not happen: journalled, never retried
└── Unknown              nobody knows: reconcile before anything else is sent

Our own bugs are ``AssertionError``: the process stops rather than trade on a state that nobody understands.
"""

from __future__ import annotations

import signal


class KiteError(Exception):
    """Something expected went wrong; the message says what, where and what to do."""


class ConfigError(KiteError):
    """A setting, a file or a port that kitev3 cannot start with."""


class Refused(KiteError):
    """A request that definitely had no effect."""


class Unknown(KiteError):
    """A request whose effect nobody knows; the book has to say."""


def is_ctrl_c(error: BaseException) -> bool:
    """Whether *error* is a person's Ctrl-C: where SIGINT raises nothing, it is other code's KeyboardInterrupt."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def readable(text: str, chars_max: int) -> str:
    """A text of whatever origin as one that can be taped, sent and shown: bounded, without halves of characters."""
    cut = text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"
    return cut.encode(errors="replace").decode()
