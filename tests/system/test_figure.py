"""How figures read."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st
from kitev3.system.figure import Figure, by_rule, percentiles, positions, rupees, said, states

counts = st.integers(1, 10**6)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_amount_is_rounded_to_paise_half_away_from_zero_and_has_no_minus_zero(amount_e4: int) -> None:
    paise = (Decimal(amount_e4) / 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    sign, number = ("-", -paise) if paise < 0 else ("", abs(paise))

    assert rupees(amount_e4) == f"{sign}₹{number:,}"


@given(st.dictionaries(st.from_regex(r"R[0-9]{2}", fullmatch=True), counts, max_size=6))
def test_rules_are_summed_and_the_busiest_stands_first(rules: dict[str, int]) -> None:
    words = by_rule(rules)

    total, _, listed = words.partition(" (")
    assert int(total.replace(",", "")) == sum(rules.values())
    shown = [(name, int(count.replace(",", ""))) for name, count in re.findall(r"(R\d\d) (\d[\d,]*\d|\d)", listed)]
    assert dict(shown) == rules
    assert [count for _, count in shown] == sorted(rules.values(), reverse=True)


@given(st.lists(st.tuples(st.from_regex(r"[A-Z]{2,5}", fullmatch=True), counts), max_size=7))
def test_the_first_positions_are_named_and_all_are_counted(held: list[tuple[str, int]]) -> None:
    words = positions([{"tradingsymbol": name, "quantity": quantity} for name, quantity in held])

    assert words.partition(" ")[0] == str(len(held))
    assert all(f"{name} {quantity:+,}" in words for name, quantity in held[:4])
    assert ("…" in words) == (len(held) > 4)


def test_what_nobody_has_said_reads_as_nothing() -> None:
    assert (by_rule({}), positions([]), percentiles({}), said([])) == ("0", "0", "none", "none")
    assert percentiles({"p50": 150, "p99": 4_000, "p999": 9_000, "n": 12}) == "150 / 4,000 / 9,000 µs of 12"


def test_a_figure_is_found_by_its_key_by_another_or_follows() -> None:
    status = {"fills": 3, "open": 2}

    assert Figure(key="fills").of(status) == 3
    assert Figure(key="open_orders", said="open").of(status) == 2
    assert Figure(key="both", said=lambda it: it["fills"] + it["open"]).of(status) == 5
    assert Figure(key="rejects", none=7).of(status) == 7
    assert list(states({"unknown": 2, "open_orders": 1, "forged": 0}, "unknown", "open_orders", "forged")) == [
        "2 unknown",
        "1 open orders",
    ]
