"""What is printed is for whoever reads it; a reader who has left changes nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


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
