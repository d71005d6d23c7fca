"""What a runtime is handed can be written down, whatever text it holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from bus.people import SPEAKER, context
from hypothesis import given
from hypothesis import strategies as st
from kitev3.bus.stepped import SteppedBus
from kitev3.contracts import BrokerRows, Frame, OrderRow, Text
from kitev3.runtime.setup import ENCODE, readable

texts = st.text(st.characters(exclude_categories=()))
rows = st.builds(
    OrderRow,
    texts, *map(st.just, ("OPEN", "NSE", "SBIN", 1, "BUY", "MIS", "MARKET", 1, 0)),
    message=texts, tags=st.tuples(texts, texts),
)  # fmt: skip
payloads = st.one_of(
    st.builds(BrokerRows, st.just("orders"), st.just("ok"), orders=st.lists(rows).map(tuple), gone=st.tuples(texts)),
    st.builds(Text, texts),
    st.builds(Frame, st.binary()),
)


@given(payloads)
def test_a_character_that_cannot_be_written_costs_itself(payload: object) -> None:
    mended = readable(payload)

    ENCODE(mended)
    assert type(mended) is type(payload)
    try:
        ENCODE(payload)
    except UnicodeEncodeError:
        assert "?" in repr(mended)
    else:
        assert mended == payload


def test_a_text_from_the_world_with_half_a_pair_is_heard_and_taped(tmp_path: Path) -> None:
    with SteppedBus() as bus:
        speaker = bus.add(SPEAKER, context(tmp_path))

        speaker.put(Text("gone \ud800 mad"))

        assert speaker.runtime.watermarks["marketdata.health"] == 1
    with SteppedBus() as bus:
        again = bus.add(SPEAKER, context(tmp_path))

        assert again.runtime.recovered[1:] == (0, False)


def test_what_is_no_payload_still_raises(tmp_path: Path) -> None:
    with SteppedBus() as bus:
        speaker = bus.add(SPEAKER, context(tmp_path))

        with pytest.raises(TypeError):
            speaker.put(Text(object()))  # type: ignore[arg-type]
