"""The merge: whatever reaches us, however often and in whatever order, the end state is the same."""

import random

from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.rows import ist_ns
from kitev3.contracts import OrderRow
from kitev3.services.execution.merge import FINAL, Merged, merge, rank

STATUSES = [
    "PUT ORDER REQ RECEIVED",
    "VALIDATION PENDING",
    "OPEN PENDING",
    "OPEN",
    "TRIGGER PENDING",
    "MODIFY PENDING",
    "MODIFIED",
    "NOT MODIFIED",
    "CANCEL PENDING",
    "NOT CANCELLED",
    "AMO REQ RECEIVED",
    "SOMETHING NEW",
    "COMPLETE",
    "CANCELLED",
    "REJECTED",
]

Sighting = tuple[OrderRow, int]


def row(status: str, filled: int, second: int | None, quantity: int = 10, price_e4: int = 100_0000) -> OrderRow:
    return OrderRow(
        order_id="260318190751749",
        status=status,
        exchange="NSE",
        tradingsymbol="INFY",
        instrument_token=408065,
        side="BUY",
        product="MIS",
        order_type="LIMIT",
        quantity=quantity,
        filled_quantity=filled,
        price_e4=price_e4,
        average_price_e4=99_9500 if filled else 0,
        updated_ns=0 if second is None else ist_ns(f"2026-11-19 09:20:{second:02d}"),
    )


def merged(sightings: list[Sighting]) -> Merged:
    state = None
    for seen, read in sightings:
        state = merge(state, seen, read)
    assert state is not None
    return state


any_sightings = st.lists(
    st.builds(
        row,
        st.sampled_from(STATUSES),
        st.integers(0, 10),
        st.none() | st.integers(0, 5),
        price_e4=st.sampled_from([100_0000, 101_5000]),
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: list(enumerate(rows)))  # one read sees one row of an order


@given(any_sightings, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(numbered: list[tuple[int, OrderRow]], chance: random.Random) -> None:
    sightings = [(seen, read) for read, seen in numbered]
    shuffled = sightings + chance.choices(sightings, k=5)
    chance.shuffle(shuffled)

    assert merged(shuffled) == merged(sightings)


def reference(sightings: list[Sighting]) -> tuple[OrderRow, int]:
    """The definition, read off the whole history at once."""
    top = max(rank(seen.status) for seen, _ in sightings)
    furthest = [(seen, read) for seen, read in sightings if rank(seen.status) == top]
    newest = max(seen.updated_ns for seen, _ in furthest)
    last = max(read for seen, read in furthest if seen.updated_ns == newest)
    (state,) = {read: seen for seen, read in furthest if read == last}.values()
    return state, max(seen.filled_quantity for seen, _ in sightings)


@given(any_sightings)
def test_it_is_the_definition(numbered: list[tuple[int, OrderRow]]) -> None:
    sightings = [(seen, read) for read, seen in numbered]
    state = merged(sightings)

    assert (state.row, state.filled_quantity) == reference(sightings)


@given(any_sightings, any_sightings)
def test_filled_only_rises_and_a_final_state_absorbs(
    before: list[tuple[int, OrderRow]], after: list[tuple[int, OrderRow]]
) -> None:
    state = merged([(seen, read) for read, seen in before])
    for read, seen in after:
        later = merge(state, seen, len(before) + read)
        assert later.filled_quantity >= state.filled_quantity
        assert later.final >= state.final
        state = later


@given(
    fills=st.lists(st.integers(1, 4), max_size=4),
    end=st.sampled_from(["COMPLETE", "CANCELLED", "REJECTED"]),
    chance=st.randoms(use_true_random=False),
)
def test_a_life_seen_in_any_order_with_losses_ends_as_it_ended(
    fills: list[int], end: str, chance: random.Random
) -> None:
    filled, life = 0, [row("PUT ORDER REQ RECEIVED", 0, None), row("OPEN PENDING", 0, 0), row("OPEN", 0, 1)]
    for second, quantity in enumerate(fills, start=2):
        filled += quantity
        life.append(row("OPEN", filled, second, quantity=20))
    last = row(end, filled, 2 + len(fills), quantity=20)
    sightings = [(seen, read) for read, seen in enumerate(life)]
    kept = [sighting for sighting in sightings if chance.random() < 0.6]
    kept += chance.choices(kept, k=3) if kept else []
    kept.append((last, len(life)))
    chance.shuffle(kept)

    state = merged(kept)

    assert (state.row, state.filled_quantity, state.pending_quantity) == (last, filled, 0)


def test_a_lower_rank_with_more_filled_raises_only_what_is_filled() -> None:
    state = merged([(row("CANCELLED", 0, 3), 1), (row("OPEN", 5, 2), 2)])

    assert (state.row.status, state.filled_quantity, state.average_price_e4) == ("CANCELLED", 5, 99_9500)


def test_within_one_second_the_later_read_holds() -> None:
    state = merged([(row("OPEN", 0, 1, price_e4=101_0000), 2), (row("OPEN", 0, 1, price_e4=102_0000), 1)])

    assert state.row.price_e4 == 101_0000


def test_every_final_status_is_final_and_an_unknown_one_is_not() -> None:
    assert {status for status in [*STATUSES, "CANCELLED AMO"] if rank(status) == FINAL} == {
        "COMPLETE",
        "CANCELLED",
        "CANCELLED AMO",
        "REJECTED",
    }
