"""How the tests draw the domain. What is new is added here, so that every test can meet it."""

from hypothesis import strategies as st
from kitev3._core import TapeKind

I64 = st.integers(-(2**63), 2**63 - 1)
TAPE_KINDS = [number for name, number in vars(TapeKind).items() if name.isupper()]


def tape_records(*, content_bytes_max: int = 1 << 20) -> st.SearchStrategy[tuple[int, int, bytes]]:
    """Kind, ``mono_ns`` and content."""
    return st.tuples(st.sampled_from(TAPE_KINDS), I64, st.binary(max_size=content_bytes_max))
