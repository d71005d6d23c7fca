"""Every guard of the protocol by name, and the mutants: the model without one of them, or without a pair of which
each covers the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Mutant(NamedTuple):
    """Guards that are switched off together, and what may come of it."""

    off: tuple[str, ...]
    breaks: str


@dataclass(slots=True)
class Guards:
    """All on but those named."""

    absence_ends_it: bool = True
    absence_takes_its_time: bool = True
    absence_takes_time: bool = True
    adopts_by_tag: bool = True
    answer_names_its_modify: bool = True
    book_is_of_this_boot: bool = True
    book_keeps_what_is_on_its_way: bool = True
    broker_registers_in_time: bool = True
    closed_waits_for_trades: bool = True
    deadline_is_looked_at_on_arrival: bool = True
    deadline_is_machine_time: bool = True
    deadline_is_of_its_boot: bool = True
    deleted_gtt_is_dead: bool = True
    doubts_a_400: bool = True
    egress_checks_the_deadline: bool = True
    egress_checks_the_epoch: bool = True
    egress_checks_the_lease: bool = True
    egress_looks_last: bool = True
    egress_reads_the_latch: bool = True
    epoch_is_raised_first: bool = True
    execution_reads_the_tape: bool = True
    exit_waits_for_its_stop: bool = True
    externals_are_seen: bool = True
    externals_count: bool = True
    failed_sync_stops: bool = True
    fenced_says_nothing: bool = True
    fills_are_keyed: bool = True
    fills_from_trades_alone: bool = True
    gate_reads_the_tape: bool = True
    gate_waits_for_the_book: bool = True
    gtt_is_read_as_deleted: bool = True
    hand_sales_shrink_exits: bool = True
    hearer_keeps_one_number: bool = True
    intent_is_judged_once: bool = True
    intent_is_sent_once: bool = True
    merges_by_rank: bool = True
    missing_is_said: bool = True
    nothing_leaves_before_reconciliation: bool = True
    number_drops_repetitions: bool = True
    only_whole_reads_prove: bool = True
    reconciles_by_two_reads: bool = True
    sending_is_recorded: bool = True
    signal_waits_for_its_fills: bool = True
    stop_is_read_as_cancelled: bool = True
    successor_has_its_own_tape: bool = True
    synced_before_the_first_byte: bool = True
    tag_is_checked: bool = True
    tag_is_used_once: bool = True
    tail_is_written_again: bool = True
    trigger_is_new: bool = True
    triggered_is_adopted: bool = True
    unanswered_stays_reserved: bool = True
    unknown_exits_count: bool = True
    unknown_is_not_sent_again: bool = True
    unknown_modify_keeps_the_larger: bool = True
    wishes_are_recorded: bool = True
    writes_are_paced: bool = True

    @classmethod
    def without(cls, *off: str) -> Guards:
        return cls(**dict.fromkeys(off, False))

    def hearer_reads_the_tape(self, process: str) -> bool:
        return self.execution_reads_the_tape if process == "execution" else self.gate_reads_the_tape

    def cancel_is_read(self, role: str) -> bool:
        """Whether 200 to a DELETE proves nothing."""
        return self.gtt_is_read_as_deleted if role == "gtt" else self.stop_is_read_as_cancelled


MUTANTS: dict[str, Mutant] = {
    "retry_on_timeout": Mutant(("unknown_is_not_sent_again",), "two orders for one intent"),
    "absent_after_10s_then_again": Mutant(("absence_takes_its_time", "absence_ends_it"), "two orders for one intent"),
    "absent_after_10s": Mutant(("absence_takes_its_time",), "exposure not counted"),
    "absent_by_reads_alone": Mutant(("absence_takes_time",), "exposure not counted"),
    "trusts_a_400": Mutant(("doubts_a_400",), "exposure not counted"),
    "no_sending_record": Mutant(("sending_is_recorded",), "what was sent before a crash is taken for unsent"),
    "no_sync": Mutant(("synced_before_the_first_byte",), "what was sent before a power cut is taken for unsent"),
    "no_match_by_tag": Mutant(("adopts_by_tag",), "orders that nobody knows"),
    "tag_unchecked": Mutant(("tag_is_checked",), "an order by hand taken for our own"),
    "no_dedupe": Mutant(
        ("number_drops_repetitions", "intent_is_judged_once", "intent_is_sent_once", "tag_is_used_once"),
        "two orders for one intent",
    ),
    "no_deadline": Mutant(("egress_checks_the_deadline",), "sent after its deadline"),
    "egress_looks_early": Mutant(("egress_looks_last",), "sent late, or while halted"),
    "wall_deadline": Mutant(("deadline_is_machine_time",), "sent after its deadline when the wall clock jumped"),
    "deadline_over_a_reboot": Mutant(("deadline_is_of_its_boot",), "sent after its deadline"),
    "latch_unread": Mutant(("egress_reads_the_latch",), "sent while halted"),
    "no_fence": Mutant(
        ("egress_checks_the_epoch", "egress_checks_the_lease", "fenced_says_nothing"), "sent by an old epoch"
    ),
    "no_pace": Mutant(("writes_are_paced",), "above the rate"),
    "fills_from_updates": Mutant(("fills_from_trades_alone",), "fills twice"),
    "fills_unkeyed": Mutant(("fills_are_keyed",), "fills twice"),
    "no_rank": Mutant(("merges_by_rank",), "a final state goes back"),
    "closed_before_trades": Mutant(("closed_waits_for_trades",), "exposure not counted"),
    "gate_releases_unanswered": Mutant(("unanswered_stays_reserved",), "exposure not counted"),
    "push_alone": Mutant(("execution_reads_the_tape",), "an approval without any answer"),
    "gate_applies_over_holes": Mutant(("gate_reads_the_tape",), "fills and reservations lost"),
    "dedupe_by_set": Mutant(("hearer_keeps_one_number",), "events applied out of order"),
    "signal_overtakes_fill": Mutant(
        ("signal_waits_for_its_fills",), "a signal judged before the fill that it stands on"
    ),
    "gate_trusts_itself_after_power_loss": Mutant(("gate_waits_for_the_book",), "exposure not counted"),
    "gate_takes_an_old_book": Mutant(("book_is_of_this_boot",), "exposure not counted"),
    "book_forgets_what_is_on_its_way": Mutant(("book_keeps_what_is_on_its_way",), "exposure not counted"),
    "modify_answer_is_nameless": Mutant(("answer_names_its_modify",), "exposure not counted"),
    "modify_assumed": Mutant(("unknown_modify_keeps_the_larger",), "exposure not counted"),
    "missing_stays_unsaid": Mutant(("missing_is_said",), "signals lost"),
    "wishes_unrecorded": Mutant(("wishes_are_recorded",), "an exit forgotten by a new build"),
    "sync_retried": Mutant(("failed_sync_stops",), "what was sent before a power cut is taken for unsent"),
    "tail_trusted": Mutant(("tail_is_written_again",), "what was sent before a power cut is taken for unsent"),
    "shared_tape": Mutant(("successor_has_its_own_tape", "fenced_says_nothing"), "two speakers on one tape"),
    "epoch_raised_after_recovery": Mutant(
        ("epoch_is_raised_first",), "a stopped one writes what its successor never reads"
    ),
    "fenced_speaks": Mutant(("fenced_says_nothing",), "a stopped one says what its successor undoes"),
    "one_read_reconciles": Mutant(
        ("reconciles_by_two_reads", "only_whole_reads_prove"), "a book without what a short read left out"
    ),
    "sends_before_reconciliation": Mutant(("nothing_leaves_before_reconciliation",), "exits over what is held"),
    "exit_on_cancel_answer": Mutant(("stop_is_read_as_cancelled",), "an exit beside a live stop"),
    "exit_beside_stop": Mutant(("exit_waits_for_its_stop", "unknown_exits_count"), "an exit beside a live stop"),
    "unknown_exits_forgotten": Mutant(("unknown_exits_count",), "an exit beside one that may live"),
    "gtt_gone_on_answer": Mutant(("gtt_is_read_as_deleted",), "an exit beside a live GTT"),
    "gtt_triggered_is_gone": Mutant(("triggered_is_adopted",), "an exit beside the GTT's order"),
    "any_gtt_of_the_same_content": Mutant(("trigger_is_new",), "a GTT by hand taken for our own"),
    "old_signals_sent": Mutant(
        ("deadline_is_looked_at_on_arrival", "egress_checks_the_deadline"), "sent after its deadline at a start"
    ),
    "repetitions_applied": Mutant(("number_drops_repetitions", "intent_is_judged_once"), "old news applied again"),
    "broken_assumption_of_180_s": Mutant(("broker_registers_in_time",), "late orders: what no protocol can mend"),
    "broken_assumption_of_gtt": Mutant(("deleted_gtt_is_dead",), "a position turned over: what no protocol can mend"),
    "by_hand_unseen": Mutant(("externals_are_seen",), "orders by hand not counted"),
    "by_hand_uncounted": Mutant(("externals_count",), "orders by hand not counted"),
    "exits_ignore_sales_by_hand": Mutant(("hand_sales_shrink_exits",), "exits over what the account holds"),
}
