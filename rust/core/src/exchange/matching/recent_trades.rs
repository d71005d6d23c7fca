//! What was paid of late: the reference of limit price protection.

use std::collections::VecDeque;

use crate::calendar::clock::SECOND_NS;

/// Trades are remembered for so long.
pub const WINDOW_SECONDS_MAX: i64 = 60;

/// The trades of the last while, second by second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Each second's number, how many trades it had, and the sum of their prices; oldest first.
    seconds: VecDeque<(i64, i64, i64)>,
}

impl Recent {
    /// One trade more, not before those that it knows.
    pub fn add(&mut self, price_e4: i64, at_ns: i64) {
        let second = at_ns.div_euclid(SECOND_NS);
        match self.seconds.back_mut().filter(|last| last.0 == second) {
            Some((_, trades, sum_e4)) => {
                *trades += 1;
                *sum_e4 += price_e4;
            }
            None => self.seconds.push_back((second, 1, price_e4)),
        }
        let oldest = second - WINDOW_SECONDS_MAX;
        while self.seconds.front().is_some_and(|first| first.0 <= oldest) {
            self.seconds.pop_front();
        }
    }

    /// The mean price of the trades of the last so many seconds; none without a trade.
    pub fn mean_e4(&self, now_ns: i64, seconds: i64) -> Option<i64> {
        let oldest = now_ns.div_euclid(SECOND_NS) - seconds;
        let late = self.seconds.iter().filter(|second| second.0 > oldest);
        let (trades, sum_e4) = late.fold((0, 0), |(trades, sum_e4), second| {
            (trades + second.1, sum_e4 + second.2)
        });
        (trades > 0).then(|| (sum_e4 + trades / 2) / trades)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_mean_is_that_of_the_trades_in_the_window(
            trades in prop::collection::vec((0_i64..3, 1_i64..1_000_000), 1..200),
            seconds in 1..=WINDOW_SECONDS_MAX,
        ) {
            let (mut recent, mut all, mut second) = (Recent::default(), Vec::new(), 1_000);
            for (later, price_e4) in trades {
                second += later;
                recent.add(price_e4, second * SECOND_NS + 5);
                all.push((second, price_e4));
            }
            let late: Vec<i64> = all.iter().filter(|(at, _)| *at > second - seconds).map(|(_, p)| *p).collect();
            let count = late.len() as i64;

            let mean_e4 = recent.mean_e4(second * SECOND_NS + 7, seconds);

            prop_assert_eq!(mean_e4, Some((late.iter().sum::<i64>() + count / 2) / count));
            prop_assert_eq!(recent.mean_e4((second + seconds) * SECOND_NS, seconds), None);
        }
    }
}
