//! Whether anything may leave at all.
use crate::day::Day;
use crate::payload::world::LatchState;
use crate::terms::words;

words! {
    /// What the gate lets pass.
    TradingState {
        /// Cancels only, until a person arms.
        Halted = "HALTED",
        /// Cancels only, until book and tape agree.
        Reconciling = "RECONCILING",
        /// Cancels and exits.
        Reducing = "REDUCING",
        /// Whatever every other rule passes.
        Active = "ACTIVE",
    }
}

words! {
    /// What is known of the broker's book against our tape.
    #[derive(Default)]
    BookState {
        /// Not compared since the order path started.
        #[default]
        Unread = "unread",
        Agree = "agree",
        /// They agreed once and do so no more.
        Differ = "differ",
    }
}

spelled!(BookState);
fields!(Authority {
    latch,
    killed,
    armed_on,
    books,
    lost_on,
    sequence_gaps,
    fault
});

/// What the trading state is made of. At first: HALTED, and nothing read.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// The account's, as last read. Only a person's arm raises it; killing and trips lower it.
    latch: LatchState,
    /// Killed by word of mouth; the latch was lowered too, but may have been raised again before it was read.
    killed: bool,
    /// The market day on which the latch was seen raised: on another day it is worth nothing.
    armed_on: Option<Day>,
    books: BookState,
    lost_on: Option<Day>,
    sequence_gaps: Vec<Box<str>>,
    fault: Option<Box<str>>,
}

impl Authority {
    pub fn trading_state(&self, day: Day) -> TradingState {
        if self.fault.is_some()
            || self.killed
            || self.latch == LatchState::Halted
            || self.armed_on != Some(day)
        {
            TradingState::Halted
        } else if self.books == BookState::Unread {
            TradingState::Reconciling
        } else if self.latch == LatchState::Reducing
            || self.lost_on == Some(day)
            || self.books == BookState::Differ
        {
            TradingState::Reducing
        } else {
            TradingState::Active
        }
    }

    pub fn read_latch(&mut self, latch: LatchState, day: Day) {
        if latch > self.latch || self.armed_on.is_none() {
            self.killed = false;
            self.armed_on = (latch != LatchState::Halted).then_some(day);
        }
        self.latch = latch;
    }

    pub fn kill(&mut self) {
        self.killed = true;
    }

    /// A person, or a profile on the local exchange, has raised the latch. What counts is still the latch as read.
    pub fn arm(&mut self, day: Day) {
        self.killed = false;
        self.armed_on = (self.latch != LatchState::Halted).then_some(day);
    }

    /// Execution has compared. Before they have agreed once, a difference is no news.
    pub fn reconcile(&mut self, agree: bool) {
        self.books = match (agree, self.books) {
            (true, _) => BookState::Agree,
            (false, BookState::Unread) => BookState::Unread,
            (false, BookState::Agree | BookState::Differ) => BookState::Differ,
        };
    }

    /// Execution starts anew, or has lost what it said last: nothing leaves before it has compared again.
    pub fn forget_books(&mut self) {
        self.books = BookState::Unread;
    }

    /// What holds beyond the day: the latch as it was seen, a kill, and what is missing of execution. Its sums begin anew, so
    /// nothing is wrong with them.
    pub fn of_another_day(self) -> Self {
        Self {
            books: BookState::Unread,
            fault: None,
            ..self
        }
    }

    /// The day's loss limit was reached: no entry for the rest of the day, whatever the prices do and whoever arms.
    pub fn lose(&mut self, day: Day) {
        self.lost_on = Some(day);
    }

    pub fn lost(&self, day: Day) -> bool {
        self.lost_on == Some(day)
    }

    /// A source of execution's misses messages, or no longer.
    pub fn sequence_gap(&mut self, source: &str, open: bool) {
        self.sequence_gaps.retain(|known| **known != *source);
        if open {
            self.sequence_gaps.push(source.into());
        }
    }

    pub fn has_sequence_gap(&self) -> bool {
        !self.sequence_gaps.is_empty()
    }

    pub fn is_reconciled(&self) -> bool {
        self.books != BookState::Unread
    }

    pub fn books_differ(&self) -> bool {
        self.books == BookState::Differ
    }

    /// The gate's own numbers cannot be trusted any more: nothing passes until the process starts anew.
    pub fn fail(&mut self, what: &'static str) {
        self.fault.get_or_insert_with(|| what.into());
    }

    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day::of(2026, 11, 19);
    const TOMORROW: Day = Day::of(2026, 11, 20);

    fn armed() -> Authority {
        let mut authority = Authority::default();
        authority.read_latch(LatchState::Active, TODAY);
        authority.reconcile(true);
        authority
    }

    #[test]
    fn a_first_start_is_halted_and_a_restart_inside_an_armed_day_reconciles_first() {
        let mut authority = Authority::default();
        assert_eq!(authority.trading_state(TODAY), TradingState::Halted);
        authority.read_latch(LatchState::Active, TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Reconciling);
        authority.reconcile(true);
        assert_eq!(authority.trading_state(TODAY), TradingState::Active);
    }

    #[test]
    fn a_new_day_is_halted_until_it_is_armed() {
        let mut authority = armed();
        assert_eq!(authority.trading_state(TOMORROW), TradingState::Halted);
        authority.read_latch(LatchState::Halted, TOMORROW);
        authority.read_latch(LatchState::Active, TOMORROW);
        assert_eq!(authority.trading_state(TOMORROW), TradingState::Active);
    }

    #[test]
    fn arming_does_not_undo_the_days_loss() {
        let mut authority = armed();
        authority.lose(TODAY);
        authority.read_latch(LatchState::Reducing, TODAY);
        authority.read_latch(LatchState::Active, TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Reducing);
    }

    #[test]
    fn books_that_differ_leave_exits_and_a_new_start_of_execution_nothing() {
        let mut authority = armed();
        authority.reconcile(false);
        assert_eq!(authority.trading_state(TODAY), TradingState::Reducing);
        authority.forget_books();
        authority.reconcile(false);
        assert_eq!(authority.trading_state(TODAY), TradingState::Reconciling);
        authority.reconcile(true);
        assert_eq!(authority.trading_state(TODAY), TradingState::Active);
    }

    #[test]
    fn a_kill_holds_until_somebody_arms() {
        let mut authority = armed();
        authority.kill();
        authority.read_latch(LatchState::Reducing, TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Halted);
        authority.read_latch(LatchState::Active, TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Active);
        authority.kill(); // and the latch was raised again before anybody looked
        authority.arm(TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Active);
        authority.read_latch(LatchState::Halted, TODAY);
        authority.arm(TODAY);
        assert_eq!(authority.trading_state(TODAY), TradingState::Halted);
    }

    #[test]
    fn a_kill_and_a_fault_halt() {
        let (mut killed, mut faulty) = (armed(), armed());
        killed.kill();
        faulty.fail("a sum left its range");
        assert_eq!(
            (killed.trading_state(TODAY), faulty.trading_state(TODAY)),
            (TradingState::Halted, TradingState::Halted)
        );
    }
}
