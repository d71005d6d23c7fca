//! Request limits in windows of market time.

use std::collections::VecDeque;

use crate::calendar::clock::{MINUTE_NS, SECOND_NS};
use crate::exchange::refusal::{Refusal, TOO_MANY};
use crate::exchange::rules::Limits;
use crate::terms::words;

/// Requests of the last while: those of the clock's window, or those that a window reaching back from now holds.
#[derive(Clone, Debug, Default)]
pub struct Window {
    number: i64,
    count: u32,
    /// When those were admitted that a rolling window may still hold, oldest first; at most as many as it admits.
    times_ns: VecDeque<i64>,
}

impl Window {
    /// Counts one more, unless the window is full. `most` of 0: it never is.
    pub fn admit(&mut self, now_ns: i64, window_ns: i64, most: u32, rolling: bool) -> bool {
        if most == 0 {
            return true;
        }
        if rolling {
            // A clock that is set back takes those of before it with it.
            while self
                .times_ns
                .front()
                .is_some_and(|&at| at <= now_ns - window_ns || at > now_ns)
            {
                self.times_ns.pop_front();
            }
            let admitted = self.times_ns.len() < most as usize;
            if admitted {
                self.times_ns.push_back(now_ns);
            }
            return admitted;
        }
        let number = now_ns.div_euclid(window_ns);
        if number != self.number {
            (self.number, self.count) = (number, 0);
        }
        let admitted = self.count < most;
        self.count += u32::from(admitted);
        admitted
    }
}

/// What an account has sent of orders.
#[derive(Clone, Debug, Default)]
pub struct OrderPace {
    second: Window,
    minute: Window,
    today: u32,
}

impl OrderPace {
    /// A place, modify or cancel; only placements count for the day. What is refused here was not accepted.
    pub fn admit(&mut self, now_ns: i64, placement: bool, limits: &Limits) -> Result<(), Refusal> {
        let (second, minute) = (limits.orders_a_second, limits.orders_a_minute);
        let rolling = limits.rolling;
        if !self.second.admit(now_ns, SECOND_NS, second, rolling) {
            return Err(Refusal::too_many());
        }
        if !self.minute.admit(now_ns, MINUTE_NS, minute, rolling) {
            return Err(limits.minute_answer.says(TOO_MANY));
        }
        if placement && limits.orders_a_day > 0 && self.today >= limits.orders_a_day {
            return Err(limits.day_answer.says(TOO_MANY));
        }
        self.today += u32::from(placement);
        Ok(())
    }
}

words! {
    /// What a request that is no order's is for: each kind has its own window.
    Read {
        /// `/quote`, `/quote/ohlc`, `/quote/ltp`.
        Quote = "quote",
        /// Candles.
        History = "history",
        Other = "other",
    }
}

/// What an API key has asked for beside orders.
#[derive(Clone, Debug, Default)]
pub struct ReadPace {
    quotes: Window,
    history: Window,
    others: Window,
}

impl ReadPace {
    /// Counts one more of its kind.
    pub fn admit(&mut self, now_ns: i64, read: Read, limits: &Limits) -> Result<(), Refusal> {
        let (window, most) = match read {
            Read::Quote => (&mut self.quotes, limits.quotes_a_second),
            Read::History => (&mut self.history, limits.history_a_second),
            Read::Other => (&mut self.others, limits.others_a_second),
        };
        let within = window.admit(now_ns, SECOND_NS, most, limits.rolling);
        if within {
            Ok(())
        } else {
            Err(Refusal::too_many())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::rules::Rules;

    fn limits() -> Limits {
        Rules::strict_2026().limits.expect("strict has limits")
    }

    #[test]
    fn a_clock_that_is_set_back_finds_no_window_full_for_ever() {
        for rolling in [false, true] {
            let mut window = Window::default();
            let mut admitted = |second: i64| {
                (0..3)
                    .filter(|i| window.admit(second * SECOND_NS + i, SECOND_NS, 2, rolling))
                    .count()
            };

            assert_eq!([admitted(50), admitted(7), admitted(8)], [2, 2, 2]);
        }
    }

    #[test]
    fn the_eleventh_order_of_a_calendar_second_is_refused_and_the_next_second_is_free() {
        let mut pace = OrderPace::default();
        let at = |ns| 1_795_060_200 * SECOND_NS + ns;

        let first: Vec<bool> = (0..11)
            .map(|i| pace.admit(at(900_000_000 + i), true, &limits()).is_ok())
            .collect();

        assert_eq!(first, [vec![true; 10], vec![false]].concat());
        assert!(
            pace.admit(at(SECOND_NS), false, &limits()).is_ok(),
            "windows are not rolling"
        );
    }

    #[test]
    fn a_minute_and_a_day_have_their_own_ends() {
        let mut pace = OrderPace::default();
        let start_ns = 1_795_060_200 * SECOND_NS;
        let admitted = |pace: &mut OrderPace, seconds: i64, placement| {
            (0..seconds * 10)
                .filter(|i| {
                    pace.admit(start_ns + i * SECOND_NS / 10, placement, &limits())
                        .is_ok()
                })
                .count()
        };

        assert_eq!(admitted(&mut pace, 60, true), 400);
        assert_eq!(admitted(&mut OrderPace::default(), 1200, true), 5000);
        assert_eq!(
            admitted(&mut OrderPace::default(), 1200, false),
            8000,
            "cancels have no daily end"
        );
    }

    #[test]
    fn a_rolling_window_reaches_back_from_each_request() {
        let limits = Limits {
            rolling: true,
            ..limits()
        };
        let mut pace = OrderPace::default();
        let at = |ms: i64| 1_795_060_200 * SECOND_NS + ms * 1_000_000;
        for i in 0..10 {
            assert!(pace.admit(at(900 + i), true, &limits).is_ok());
        }

        assert!(pace.admit(at(1_500), true, &limits).is_err());
        assert!(pace.admit(at(1_900), true, &limits).is_ok());
    }

    #[test]
    fn a_number_of_none_has_no_end() {
        let mut pace = OrderPace::default();

        assert!((0..10_000).all(|_| pace.admit(0, true, &Limits::NONE).is_ok()));
    }
}
