//! Who may: the latch, limits, and what is known of execution.
use crate::day::Day;
use crate::payload::world::LatchState;
use crate::risk::gate::{Allowed, Gate};

impl Gate {
    /// The account's latch as it was read.
    pub fn on_latch(&mut self, latch: LatchState, now_ns: i64) {
        self.authority.read_latch(latch, Day::at(now_ns));
    }

    /// HALTED at once, until the latch is raised again.
    pub fn on_kill(&mut self) {
        self.authority.kill();
    }

    /// Somebody armed. The latch itself, raised before this is said, is what counts.
    pub fn on_arm(&mut self, now_ns: i64) {
        self.authority.arm(Day::at(now_ns));
    }

    /// What the owner allows from now on. What was judged stays judged.
    pub fn on_limits(&mut self, allowed: Allowed) {
        self.allowed = allowed;
        let outside = &self.allowed.outside_closing_auction;
        for instrument in self.instruments.iter_mut() {
            instrument.row.closing_auction = !instrument.row.is_one_of(outside);
        }
    }

    /// A source's messages are missing, or have been filled in. Only execution's hold up entries.
    pub fn on_sequence_gap(&mut self, source: &str, open: bool) {
        if source == "execution" || source.starts_with("execution.") {
            self.authority.sequence_gap(source, open);
        }
    }

    /// Execution lives.
    pub fn on_execution_beat(&mut self, mono_ns: i64) {
        self.execution_beat_ns = Some(mono_ns);
    }

    /// Book and tape agree, or do not.
    pub fn on_reconciled(&mut self, agree: bool) {
        self.authority.reconcile(agree);
    }

    /// Execution starts anew, or came back knowing less than it had said: RECONCILING until it has compared again.
    pub fn on_execution_restarted(&mut self) {
        self.authority.forget_books();
    }
}
