"""Where in a user's code something went wrong."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any

import kitev3
from kitev3.errors import KiteError, readable

LIBRARY = str(Path(kitev3.__file__).parent)
WORDS_CHARS_MAX = 500  # of an error that a strategy raised


def place_of_error(error: BaseException, file: str, otherwise: tuple[str, int]) -> tuple[str, int]:
    """File and line: the innermost of the user's own lines, those of *file*, on the way to *error*.

    If none of them is on the way, those outside the library; else *otherwise*. Of code that cannot be read, where.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    own = [frame for frame in frames if frame[0] == file]
    foreign = [frame for frame in frames if not frame[0].startswith(("<", LIBRARY))]
    return (own or foreign or [otherwise])[-1]


def place_of_callback(callback: Any, answer: Any = None) -> tuple[str, int]:
    """File and line at which *callback* is written, or at which *answer*, a generator of its, has stopped."""
    if inspect.isgenerator(answer) and answer.gi_frame is not None:
        return answer.gi_code.co_filename, answer.gi_frame.f_lineno
    code = getattr(inspect.unwrap(callback), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else (type(callback).__module__, 0)


def words_of(error: BaseException) -> str:
    """What *error* says, in a line: our own errors their message, others with their name."""
    words = str(error) if isinstance(error, KiteError) else traceback.format_exception_only(error)[-1].strip()
    return readable(words, WORDS_CHARS_MAX)
