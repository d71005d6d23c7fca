"""Where in a user's code something went wrong."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any

import kitev3

LIBRARY = str(Path(kitev3.__file__).parent)


def place_of_error(error: BaseException, callback: Any, answer: Any = None) -> tuple[str, int]:
    """File and line: the innermost of the user's own lines on the way to *error*.

    The user's own are those of the callback's file; if none of them is on the way, those outside the library; then the
    line at which *answer*, a generator, has stopped; else where *callback* begins.
    """
    file, line = place_of_callback(callback)
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    own = [frame for frame in frames if frame[0] == file]
    foreign = [frame for frame in frames if not frame[0].startswith(LIBRARY) and frame[0] != __file__]
    if own or foreign:
        return (own or foreign)[-1]
    if inspect.isgenerator(answer) and answer.gi_frame is not None:
        return answer.gi_code.co_filename, answer.gi_frame.f_lineno
    return file, line


def place_of_callback(callback: Any) -> tuple[str, int]:
    """File and line at which *callback* is written."""
    code = getattr(inspect.unwrap(callback), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else (type(callback).__module__, 0)
