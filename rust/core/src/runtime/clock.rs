//! Market time as a function of machine time: `t0 + speed x (mono - m0)`, in integers.

/// Until `control.clock` has been heard market time stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    pub t0_ns: i64,
    pub m0_ns: i64,
    /// Thousandths: 30,000 is thirty market seconds a second. Never negative.
    pub speed_e3: i64,
}

impl Clock {
    pub fn standing(t0_ns: i64) -> Clock {
        Clock {
            t0_ns,
            m0_ns: 0,
            speed_e3: 0,
        }
    }

    /// Market time at machine time `mono_ns`, rounded down; held at the ends of i64 rather than wrapped.
    pub fn market_ns(&self, mono_ns: i64) -> i64 {
        let elapsed = (i128::from(mono_ns) - i128::from(self.m0_ns)) * i128::from(self.speed_e3);
        let now = i128::from(self.t0_ns) + elapsed.div_euclid(1000);
        now.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn at_thirty_times_a_second_is_half_a_minute() {
        let clock = Clock {
            t0_ns: 100 * SECOND,
            m0_ns: 5 * SECOND,
            speed_e3: 30_000,
        };

        assert_eq!(clock.market_ns(6 * SECOND), 130 * SECOND);
        assert_eq!(clock.market_ns(4 * SECOND), 70 * SECOND);
    }

    #[test]
    fn a_standing_clock_stands() {
        assert_eq!(Clock::standing(7).market_ns(i64::MAX), 7);
    }

    #[test]
    fn parts_of_a_nanosecond_are_dropped_downwards() {
        let clock = Clock {
            t0_ns: 0,
            m0_ns: 0,
            speed_e3: 1_500,
        };

        assert_eq!(clock.market_ns(1), 1);
        assert_eq!(clock.market_ns(-1), -2);
    }

    proptest! {
        #[test]
        fn market_time_never_goes_back(t0: i64, m0: i64, speed in 0i64..1_000_000, a: i64, b: i64) {
            let clock = Clock { t0_ns: t0, m0_ns: m0, speed_e3: speed };
            prop_assert!(clock.market_ns(a.min(b)) <= clock.market_ns(a.max(b)));
        }
    }
}
