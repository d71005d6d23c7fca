"""Where in a user's code something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.errors import ConfigError
from kitev3.strategy.place import LIBRARY, WORDS_CHARS_MAX, place_of_callback, place_of_error, words_of

NOWHERE = ("nowhere.py", 0)


def code(path: str, text: str) -> dict[str, Any]:
    """What a file of that name and text defines."""
    names: dict[str, Any] = {}
    exec(compile(text, path, "exec"), names)  # noqa: S102  it is ours, two lines above
    return names


def raised(deed: Any, *arguments: Any) -> BaseException:
    with pytest.raises(ValueError, match="no") as caught:
        deed(*arguments)
    return caught.value


@given(st.integers(1, 40), st.integers(0, 30))
def test_it_is_the_innermost_of_the_users_own_lines(line: int, deeper: int) -> None:
    mine = code("mine.py", "\n" * (line - 1) + "def deed(other): other()")
    other = code("other.py", "\n" * deeper + "def fails(): raise ValueError('no')")

    error = raised(mine["deed"], other["fails"])

    assert place_of_error(error, "mine.py", NOWHERE) == ("mine.py", line)
    assert place_of_error(error, "other.py", NOWHERE) == ("other.py", deeper + 1)
    assert place_of_error(error, "third.py", NOWHERE) == ("other.py", deeper + 1)


def test_the_librarys_own_lines_are_nobodys_fault() -> None:
    library = code(f"{LIBRARY}/deep.py", "def fails(): raise ValueError('no')")

    try:
        library["fails"]()
    except ValueError as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        assert place_of_error(error, "mine.py", NOWHERE) == NOWHERE


def test_code_that_cannot_be_read_says_where_it_stops() -> None:
    with pytest.raises(SyntaxError) as caught:
        compile("a = 1\nb = = 2\n", "mine.py", "exec")

    assert place_of_error(caught.value, "mine.py", NOWHERE) == ("mine.py", 2)


def test_a_callback_is_where_it_is_written_and_a_generator_where_it_stopped() -> None:
    def steps() -> Iterator[int]:
        yield 1
        yield 2

    answer = steps()
    written = place_of_callback(steps)
    next(answer)
    next(answer)

    assert written == (__file__, steps.__code__.co_firstlineno)
    assert place_of_callback(steps, answer) == (__file__, written[1] + 2)
    assert place_of_callback(Path()) == (type(Path()).__module__, 0)


@given(st.text(max_size=3 * WORDS_CHARS_MAX))
def test_words_are_bounded_and_our_own_errors_have_no_name_before_them(text: str) -> None:
    assert words_of(ConfigError(text)).removesuffix("…") == text[:WORDS_CHARS_MAX]
    assert len(words_of(ValueError(text))) <= WORDS_CHARS_MAX + 1
    assert words_of(ValueError("no")) == "ValueError: no"
