//! How many messages left in a stretch of the broker's time.
use std::collections::VecDeque;

use crate::day::Day;

const NS_PER_MS: i64 = 1_000_000;
/// The broker counts by calendar second of its own clock: whatever falls into one of them, at most 250 ms late or
/// early, falls into one of our stretches of this length. A local exchange's seconds pass as fast as its market's.
pub const BURST_NS: i64 = 1250 * NS_PER_MS;
pub const MINUTE_NS: i64 = 60_000 * NS_PER_MS;

/// The times of what was taken, as far back as the stretch reaches.
#[derive(Clone, Debug)]
struct Window {
    span_ns: i64,
    taken_ns: VecDeque<i64>,
}

impl Window {
    fn new(span_ns: i64) -> Self {
        Self {
            span_ns,
            taken_ns: VecDeque::new(),
        }
    }

    /// Taken in the stretch that ends now, both ends counted.
    fn count(&self, mono_ns: i64) -> i64 {
        let from_ns = mono_ns.saturating_sub(self.span_ns);
        let stale = match self.taken_ns.front() {
            Some(oldest) if *oldest < from_ns => {
                self.taken_ns.partition_point(|taken| *taken < from_ns)
            }
            _ => 0, // the usual case: what has left the stretch was dropped when something was taken
        };
        (self.taken_ns.len() - stale) as i64
    }

    /// From now on its stretch is so long.
    fn reach(&mut self, span_ns: i64, speed_e3: i64) {
        self.span_ns = span_ns * 1000 / speed_e3.max(1);
    }

    fn take(&mut self, mono_ns: i64) {
        let from_ns = mono_ns.saturating_sub(self.span_ns);
        while self.taken_ns.front().is_some_and(|taken| *taken < from_ns) {
            self.taken_ns.pop_front();
        }
        // Kept in order even if a time came late, so that the search above holds.
        let newest_ns = self
            .taken_ns
            .back()
            .map_or(mono_ns, |newest| mono_ns.max(*newest));
        self.taken_ns.push_back(newest_ns);
    }
}

/// The account's messages to the broker: the only thing that judging uses up.
#[derive(Clone, Debug)]
pub struct Pace {
    entries_burst: Window,
    entries_minute: Window,
    all_burst: Window,
    entries_of: (Day, i64),
}

/// What has left: in the last burst and minute, and today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub entries_burst: i64,
    pub entries_minute: i64,
    pub entries_day: i64,
    pub all_burst: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            entries_burst: Window::new(BURST_NS),
            entries_minute: Window::new(MINUTE_NS),
            all_burst: Window::new(BURST_NS),
            entries_of: (Day(0), 0),
        }
    }
}

impl Pace {
    /// The broker's clock passes at this speed, in thousandths of machine time.
    pub fn on_clock(&mut self, speed_e3: i64) {
        self.entries_burst.reach(BURST_NS, speed_e3);
        self.entries_minute.reach(MINUTE_NS, speed_e3);
        self.all_burst.reach(BURST_NS, speed_e3);
    }

    pub fn left(&self, day: Day, mono_ns: i64) -> Left {
        Left {
            entries_burst: self.entries_burst.count(mono_ns),
            entries_minute: self.entries_minute.count(mono_ns),
            entries_day: if self.entries_of.0 == day {
                self.entries_of.1
            } else {
                0
            },
            all_burst: self.all_burst.count(mono_ns),
        }
    }

    pub fn take(&mut self, entry: bool, day: Day, mono_ns: i64) {
        self.all_burst.take(mono_ns);
        if entry {
            self.entries_burst.take(mono_ns);
            self.entries_minute.take(mono_ns);
            let today = if self.entries_of.0 == day {
                self.entries_of.1
            } else {
                0
            };
            self.entries_of = (day, today + 1);
        }
    }
}

fields! {
    Window { span_ns, taken_ns }
    Pace { entries_burst, entries_minute, all_burst, entries_of }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Day = Day::of(2026, 11, 19);

    #[test]
    fn both_ends_of_a_stretch_count() {
        let mut pace = Pace::default();
        pace.take(true, DAY, 0);

        assert_eq!(pace.left(DAY, BURST_NS).entries_burst, 1);
        assert_eq!(pace.left(DAY, BURST_NS + 1).entries_burst, 0);
        assert_eq!(pace.left(DAY, BURST_NS + 1).entries_minute, 1);
        assert_eq!(pace.left(Day(DAY.0 + 1), 1).entries_day, 0);
    }

    proptest! {
        #[test]
        fn it_counts_what_lies_in_the_stretch(
            gaps in prop::collection::vec(0i64..700_000_000, 1..60),
            speed in 1i64..600,
        ) {
            let (mut pace, mut taken, mut now) = (Pace::default(), Vec::new(), 0);
            pace.on_clock(speed * 1000);
            for gap in gaps {
                now += gap / speed;
                let counted = taken.iter().filter(|t| now - **t <= BURST_NS / speed).count() as i64;
                prop_assert_eq!(pace.left(DAY, now).all_burst, counted);
                pace.take(false, DAY, now);
                taken.push(now);
            }
        }
    }
}
