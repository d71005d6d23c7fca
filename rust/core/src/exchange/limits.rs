//! Request limits in calendar windows of market time.

use super::dates::{MINUTE_NS, SECOND_NS};
use super::refusal::Refusal;
use super::rules::Limits;

/// A count that begins anew with each window of the exchange's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    number: i64,
    count: u32,
}

impl Window {
    /// Counts one more, unless the window is full.
    pub fn admit(&mut self, now_ns: i64, window_ns: i64, most: u32) -> bool {
        let number = now_ns.div_euclid(window_ns);
        if number != self.number {
            *self = Self { number, count: 0 };
        }
        let admitted = self.count < most;
        self.count += u32::from(admitted);
        admitted
    }
}

/// What an account has sent of orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderPace {
    second: Window,
    minute: Window,
    today: u32,
}

impl OrderPace {
    /// A place, modify or cancel; only placements count for the day. What is refused here was not accepted.
    pub fn admit(&mut self, now_ns: i64, placement: bool, limits: &Limits) -> Result<(), Refusal> {
        let within = self.second.admit(now_ns, SECOND_NS, limits.orders_a_second)
            && self.minute.admit(now_ns, MINUTE_NS, limits.orders_a_minute)
            && !(placement && self.today >= limits.orders_a_day);
        self.today += u32::from(placement && within);
        if within {
            Ok(())
        } else {
            Err(Refusal::too_many())
        }
    }
}

/// What a request that is no order's is for: each kind has its own window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// `/quote`, `/quote/ohlc`, `/quote/ltp`.
    Quote,
    /// Candles.
    History,
    Other,
}

impl Read {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "quote" => Some(Self::Quote),
            "history" => Some(Self::History),
            "other" => Some(Self::Other),
            _ => None,
        }
    }
}

/// What an API key has asked for beside orders.
#[derive(Clone, Copy, Debug, Default)]
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
        let within = window.admit(now_ns, SECOND_NS, most);
        if within {
            Ok(())
        } else {
            Err(Refusal::too_many())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Rules;
    use super::*;

    fn limits() -> Limits {
        Rules::strict_2026().limits.expect("strict has limits")
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
}
