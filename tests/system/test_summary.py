"""The summary counts each thing once, over restarts too, and misses nothing that was lost."""

from __future__ import annotations

import io
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.control import Health
from kitev3.system.figure import by_rule, percentiles, positions, rupees
from kitev3.system.profile import known_services
from kitev3.system.summary import ProcessUse, Summary, Tally, show, unheard
from kitev3.system.table import note
from rich.console import Console

KEYS = {
    *("profile", "mode", "market", "speed", "seed", "started", "seconds", "exit"),
    *("ticks", "batches", "bars", "signals", "approved", "blocked", "orders", "fills", "rejects"),
    *("open_positions", "gross_pnl_e4", "net_pnl_e4", "gaps_seen", "gaps_filled", "messages_lost"),
    *("latency_us", "processes", "stopped_strategies", "machine_time", "unknown", "mismatches", "forged"),
    *("trading_state", "tripped", "complete", "left_positions", "unquoted"),
}


def summary(**changes: Any) -> Summary:
    fields = {"profile": "demo", "mode": "sim", "market": "synthetic", "speed": 30.0, "seed": 1}
    return Summary(**fields, started="2026-11-19T03:50:00.000+00:00", seconds=60.0, exit=0, **changes)


def test_the_keys_are_those_that_were_promised() -> None:
    written = msgspec.json.decode(summary(figures=Tally(known_services()).figures()).written())

    assert set(written) == KEYS
    assert [f.name for f in msgspec.structs.fields(ProcessUse)] == ["pid", "rss_mb", "cpu_s", "restarts"]


def test_no_two_figures_have_one_name_or_one_label() -> None:
    figures = [figure for one in Tally(known_services()).specs for figure in one.figures]

    assert len({figure.key for figure in figures}) == len(figures)
    assert len({figure.label for figure in figures}) == len(figures)


def test_counters_of_a_process_that_died_are_kept() -> None:
    tally = Tally(known_services())
    for pid, gaps in ((1, 2), (1, 5), (2, 1), (2, 3), (3, 0)):
        tally.add({"journal": Health(pid=pid, counters={"gaps_seen": gaps})})
    tally.add({"strategy": Health(pid=9, counters={"gaps_seen": 10})})

    assert tally.counter("gaps_seen") == 5 + 3 + 0 + 10


def test_what_the_handlers_say_is_taken_as_it_is() -> None:
    tally = Tally(known_services())
    tally.add({"marketdata": Health(pid=1, service={"ticks": 5, "batches": 2, "bars": 1})})
    tally.add({"marketdata": Health(pid=2, service={"ticks": 7, "batches": 3, "bars": 1})})  # its tape counted on
    tally.add({"execution": Health(service={"fills": 3, "latency_us": {"p50": 1, "p99": 2, "p999": 3, "n": 4}})})

    figures = tally.figures()

    assert (figures["ticks"], figures["batches"], figures["fills"], figures["signals"]) == (7, 3, 3, 0)
    assert figures["latency_us"] == {"p50": 1, "p99": 2, "p999": 3, "n": 4}
    assert set(figures) < KEYS


def test_what_is_not_settled_at_the_end_is_a_trouble() -> None:
    tally = Tally(known_services())
    tally.add({"execution": Health(service={"orders": 3, "unknown": 0})})
    assert list(tally.troubles()) == []

    tally.add({"execution": Health(service={"orders": 3, "unknown": 2})})

    assert list(tally.troubles()) == ["execution: 2 orders of unknown outcome: ask the broker"]

    tally.add({"execution": Health(service={"orders": 3, "mismatches": ["position NSE INFY MIS is 6"]})})

    assert list(tally.troubles()) == ["execution: position NSE INFY MIS is 6 (the broker's book and ours differ)"]


def test_verdicts_that_no_run_repeats_are_counted() -> None:
    tally = Tally(known_services())
    tally.add({"risk_portfolio": Health(service={"blocked": {"R09": 1, "R23": 20, "R35": 300, "R52": 4_000}})})

    assert tally.figures()["machine_time"] == 4_021


def test_unheard_is_what_a_hearer_of_the_topic_lacks() -> None:
    healths = {
        "strategy": Health(watermarks={"strategy.signal": 9}, heard={"marketdata.ohlc": 4}),
        "risk_portfolio": Health(heard={"strategy.signal": 7}),
        "journal": Health(heard={"strategy.signal": 9, "marketdata.ohlc": 6}),
        "marketdata": Health(watermarks={"marketdata.ohlc": 6}),
    }

    assert unheard(healths, healths) == {
        ("risk_portfolio", "strategy.signal"): 2,
        ("strategy", "marketdata.ohlc"): 2,
    }


def test_a_person_reads_the_same_numbers() -> None:
    out, tally = io.StringIO(), Tally(known_services())
    tally.add(
        {
            "marketdata": Health(service={"ticks": 12_345}),
            "strategy": Health(service={"stopped": {"mine": "mine.py:7: [bold]no"}}),
            "risk_portfolio": Health(service={"blocked": {"R35": 2, "R23": 5}}),
            "execution": Health(service={"latency_us": {"p50": 150, "p99": 400, "p999": 1900, "n": 77}}),
        }
    )

    show(
        summary(processes={"journal": ProcessUse(pid=4711, rss_mb=101.4, cpu_s=2.5, restarts=1)}),
        tally.lines(live=False),
        Console(file=out, width=120),
    )

    text = out.getvalue()
    for words in ("12,345", "7 (R23 5, R35 2)", "150 / 400 / 1,900 µs of 77", "4711", "demo"):
        assert words in text
    assert "strategy mine is stopped: mine.py:7: [bold]no" in text


def looks(*statuses: dict[str, Any], service: str = "risk_portfolio") -> list[list[str]]:
    """What is news at each of some looks."""
    tally = Tally(known_services())
    news = []
    for status in statuses:
        tally.add({service: Health(service=status)})
        news.append(tally.news())
    return news


def test_an_alarm_is_news_once_it_stands_and_again_when_it_has_gone_and_come_back() -> None:
    ill, well = {"stopped": {"mine": "mine.py:7: [bold]no"}}, {"stopped": {}}
    line = "strategy mine is stopped: mine.py:7: [bold]no"

    assert looks(ill, ill, ill, well, ill, ill, service="strategy") == [[], [line], [], [], [], [line]]
    assert looks(ill, well, ill, service="strategy") == [[], [], []]


@pytest.mark.parametrize(
    ("service", "status", "lines"),
    [
        ("risk_portfolio", {"state": "ACTIVE", "tripped": ""}, []),
        ("risk_portfolio", {"state": "RECONCILING", "tripped": ""}, []),
        (
            "risk_portfolio",
            {"state": "REDUCING", "tripped": "R44"},
            ["R44: the day's loss has reached its limit: no entry any more today", "REDUCING: exits only"],
        ),
        (
            "risk_portfolio",
            {"state": "HALTED", "tripped": "a sum of money does not fit"},
            [
                "the gate trusts its numbers no more: a sum of money does not fit",
                "HALTED: cancels only, until a person arms",
            ],
        ),
        ("marketdata", {"state": "up", "reason": ""}, []),
        (
            "marketdata",
            {"state": "sick", "reason": "all ticks of the last second are flagged"},
            ["feed sick all ticks of the last second are flagged"],
        ),
        ("execution", {"read_failed": "", "mismatches": [], "alarms": [], "bad_rows": {}}, []),
        (
            "execution",
            {"read_failed": "orders: TokenException Incorrect api_key"},
            ["the broker refuses the token: log in again"],
        ),
        (
            "execution",
            {"read_failed": "trades: NetworkException Gateway timed out", "mismatches": ["trade NSE 1 is in no book"]},
            [
                "differs from the broker: trade NSE 1 is in no book; `kitev3 take-positions` takes it over",
                "the broker's book cannot be read: trades: NetworkException Gateway timed out",
            ],
        ),
    ],
)
def test_what_a_person_must_hear_of(service: str, status: dict[str, Any], lines: list[str]) -> None:
    assert looks(status, status, service=service) == [[], lines]
    if lines:
        assert note(Health(name=service, service=status)).startswith("; ".join(lines))


def test_the_summary_tells_the_gates_state_and_what_has_tripped() -> None:
    tally = Tally(known_services())
    tally.add({"risk_portfolio": Health(service={"state": "REDUCING", "tripped": "R44"})})

    figures = tally.figures()

    assert (figures["trading_state"], figures["tripped"]) == ("REDUCING", "R44")
    assert tally.lines(live=False)["tripped"] == "R44"


def test_positions_are_named_up_to_a_few() -> None:
    rows = [
        {"tradingsymbol": symbol, "quantity": quantity} for symbol, quantity in zip("ABCDE", range(-2, 3), strict=True)
    ]

    assert positions([]) == "0"
    assert positions(rows[:1]) == "1 (A -2)"
    assert positions(rows) == "5 (A -2, B -1, C +0, D +1, …)"


def test_no_order_has_no_latency() -> None:
    assert percentiles({}) == percentiles({"p50": 0, "p99": 0, "p999": 0, "n": 0}) == "none"


@given(st.integers(-(10**17), 10**17))
def test_rupees_are_rounded_to_the_paisa(amount_e4: int) -> None:
    exact = (Decimal(amount_e4) / 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP)

    shown = rupees(amount_e4)

    assert Decimal(shown.replace("₹", "").replace(",", "")) == exact
    assert shown.startswith("-") == (exact < 0)


def test_rules_stand_with_the_busiest_first() -> None:
    assert by_rule({}) == "0"
    assert by_rule({"R9": 1, "R23": 1_500, "R35": 1}) == "1,502 (R23 1,500, R35 1, R9 1)"


def test_what_a_stopped_strategy_holds_is_trouble_at_the_end() -> None:
    tally = Tally(known_services())
    tally.add({"strategy": Health(service={"left": {"mine": {"NSE:INFY": -50}}})})

    assert list(tally.troubles()) == [
        "strategy: mine -50 of NSE:INFY is held by a strategy that is stopped or gone: nobody looks after it"
    ]
    assert tally.figures()["left_positions"] == {"mine": {"NSE:INFY": -50}}
