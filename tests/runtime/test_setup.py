"""How a service's runtime is set up; what it is handed can be written down, whatever text it holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bus.people import SPEAKER, context
from hypothesis import given
from hypothesis import strategies as st
from kitev3.bus.stepped import SteppedBus
from kitev3.contracts import CONTRACTS, BrokerRows, Frame, OrderRow, Text
from kitev3.events import Event, Payload
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import Context, ServiceSpec
from kitev3.runtime.setup import ENCODE, decoder, open_runtime, readable
from strategies import payloads as drawn

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


STRUCTS = [contract for contract in CONTRACTS if issubclass(contract.payload, msgspec.Struct)]


class Silent(Handler):
    """Hears commands and says nothing."""

    def __init__(self) -> None:
        super().__init__({"control.start": self.hears})

    def hears(self, event: Event) -> Iterable[Payload]:
        return ()


def spec() -> ServiceSpec:
    return ServiceSpec(name="journal", config=object, handler=lambda *_: Silent(), only=("control.start",))


def opened(folder: Path) -> Any:
    context = Context(
        profile="mine", mode="sim", account="test", seed=1, run_dir=folder, session="2026-11-19", start_ns=7
    )
    return open_runtime(spec(), context, Silent(), about={"build": "one"})


@given(st.sampled_from(STRUCTS).flatmap(lambda contract: st.tuples(st.just(contract), drawn(contract.payload))))
def test_a_payload_is_the_same_after_its_bytes(both: Any) -> None:
    contract, payload = both

    assert decoder(contract.payload)(ENCODE(payload)) == payload


@given(st.sampled_from(STRUCTS).flatmap(lambda contract: st.tuples(st.just(contract), drawn(contract.payload))))
def test_bytes_without_their_last_fields_are_read_as_their_defaults(both: Any) -> None:
    contract, payload = both
    fields = msgspec.structs.fields(contract.payload)
    needed = [getattr(payload, field.name) for field in fields if field.required]

    read = decoder(contract.payload)(ENCODE(needed))

    assert read == contract.payload(*needed)


def test_one_runtime_at_a_time_has_the_tape_of_a_service(tmp_path: Path) -> None:
    first = opened(tmp_path)

    with pytest.raises(BlockingIOError):
        opened(tmp_path)

    first.close()
    opened(tmp_path).close()


def test_market_time_stands_at_the_start_until_a_clock_is_heard(tmp_path: Path) -> None:
    runtime = opened(tmp_path)

    assert (runtime.market_ns(0), runtime.market_ns(10**18), runtime.phase) == (7, 7, 0)
    runtime.close()
