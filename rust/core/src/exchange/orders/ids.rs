//! Ids as Zerodha and the exchange make them: unique, rising, and a function of market time.

use crate::calendar::clock::{DAY_NS, IST_NS};
use crate::day::Day;
use crate::exchange::rules::OrderIds;
use crate::terms::Exchange;

/// 2010-11-04, the epoch that 19-digit order ids count from.
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;
const COUNTER_BITS: u32 = 22;
const MS_NS: i64 = 1_000_000;

/// The counters of one exchange.
#[derive(Clone, Debug)]
pub struct Ids {
    form: OrderIds,
    last_ms: i64,
    counter: i64,
    exchange_orders: u64,
    trades: u64,
}

impl Ids {
    pub fn new(form: OrderIds) -> Self {
        Self {
            form,
            last_ms: 0,
            counter: 0,
            exchange_orders: 0,
            trades: 25_000_000,
        }
    }

    /// An order id; never the same twice, never below the one before it.
    pub fn order(&mut self, now_ns: i64) -> String {
        let now_ms = now_ns.div_euclid(MS_NS);
        match self.form {
            OrderIds::Snowflake => {
                self.counter = if now_ms > self.last_ms {
                    0
                } else {
                    self.counter + 1
                };
                self.last_ms = self.last_ms.max(now_ms) + (self.counter >> COUNTER_BITS);
                self.counter &= (1 << COUNTER_BITS) - 1;
                (((self.last_ms - SNOWFLAKE_EPOCH_MS) << COUNTER_BITS) | self.counter).to_string()
            }
            OrderIds::Dated => {
                // One id a millisecond; a burst borrows from the milliseconds after it.
                self.last_ms = now_ms.max(self.last_ms + 1);
                let (year, month, day) = Day::at(self.last_ms * MS_NS).civil();
                let ms_of_day = (self.last_ms * MS_NS + IST_NS).rem_euclid(DAY_NS) / MS_NS;
                let seconds = ms_of_day / 1000;
                format!(
                    "{:02}{month:02}{day:02}{:02}{:02}{:02}{:03}",
                    year % 100,
                    seconds / 3600,
                    seconds / 60 % 60,
                    seconds % 60,
                    ms_of_day % 1000
                )
            }
        }
    }

    /// The exchange's own number of an order: 16 digits, the first of which tell the segment.
    pub fn exchange_order(&mut self, exchange: Exchange) -> String {
        self.exchange_orders += 1;
        let segment = match exchange {
            Exchange::Nse => 1100,
            Exchange::Bse => 1700,
            _ => 1300,
        };
        format!("{segment}{:012}", self.exchange_orders)
    }

    /// One trade's number, the same for both sides of it.
    pub fn trade(&mut self) -> u64 {
        self.trades += 1;
        self.trades
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_tell_the_time_they_were_made() {
        // 2026-03-18 19:07:51.749 IST
        let now_ns = 1_773_841_071_749 * MS_NS;

        assert_eq!(Ids::new(OrderIds::Dated).order(now_ns), "260318190751749");
        let id: i64 = Ids::new(OrderIds::Snowflake)
            .order(now_ns)
            .parse()
            .expect("digits");
        assert_eq!((id >> 22) + SNOWFLAKE_EPOCH_MS, 1_773_841_071_749);
        assert_eq!(id.to_string().len(), 19);
    }

    proptest! {
        #[test]
        fn ids_rise(steps_ms in prop::collection::vec(0_i64..3, 1..200), dated: bool) {
            let mut ids = Ids::new(if dated { OrderIds::Dated } else { OrderIds::Snowflake });
            let (mut now_ns, mut last) = (1_795_060_200_000 * MS_NS, 0_u64);
            for step_ms in steps_ms {
                now_ns += step_ms * MS_NS;
                let id: u64 = ids.order(now_ns).parse().expect("digits");
                prop_assert!(id > last);
                last = id;
            }
        }
    }
}
