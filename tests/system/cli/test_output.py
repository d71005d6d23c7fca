"""What is printed for people: data is never markup, and nothing in it steers the terminal."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from kitev3.system.cli.output import console, printable
from rich.table import Table


@given(st.text(max_size=40))
def test_what_is_printable_steers_nothing_and_keeps_every_letter(text: str) -> None:
    shown = printable(text)

    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "".join(c for c in text if c.isprintable()) in shown or not text.isprintable()
    assert printable(shown) == shown


@given(st.text("[]/:ab1redlink=", max_size=20))
def test_brackets_and_colons_are_printed_as_they_stand(text: str) -> None:
    out = console()
    out.file = io.StringIO()
    table = Table(title=f"({text})", box=None)
    table.add_column(f"<{text}>", no_wrap=True)
    table.add_row(f"{{{text}}}")

    out.print(f"+{text}+")
    out.print(table)

    printed = out.file.getvalue()
    assert [part for part in (f"+{text}+", f"({text})", f"<{text}>", f"{{{text}}}") if part not in printed] == []
