//! What an option is worth on its underlying's future: Black's formula of 1976, with a smile.

/// Nanoseconds in a year of 365 days, the year of option prices.
const YEAR_NS: f64 = 365.0 * 86_400.0 * 1e9;

/// How the market maker sees volatility: at the money, and how it bends away from there.
#[derive(Clone, Copy, Debug)]
pub struct Smile {
    /// A year's volatility at the money, 0.12 is 12 %.
    pub at_the_money: f64,
    /// Slope per unit of log-moneyness: index puts cost more than calls.
    pub skew: f64,
    /// Curvature per unit of squared log-moneyness.
    pub wings: f64,
}

impl Smile {
    /// The volatility of a strike. Never below 3 %, so that no bend of the smile makes a price of nothing.
    pub fn volatility(&self, future: f64, strike: f64) -> f64 {
        let moneyness = (strike / future).ln();
        (self.at_the_money + self.skew * moneyness + self.wings * moneyness * moneyness).max(0.03)
    }
}

/// The undiscounted value of a call or put on a future.
pub fn black_76(future: f64, strike: f64, volatility: f64, years: f64, call: bool) -> f64 {
    let deviation = volatility * years.max(0.0).sqrt();
    let intrinsic = if call {
        future - strike
    } else {
        strike - future
    }
    .max(0.0);
    if deviation < 1e-9 {
        return intrinsic;
    }
    let d1 = (future / strike).ln() / deviation + deviation / 2.0;
    let d2 = d1 - deviation;
    let value = if call {
        future * normal_cdf(d1) - strike * normal_cdf(d2)
    } else {
        strike * normal_cdf(-d2) - future * normal_cdf(-d1)
    };
    value.max(intrinsic)
}

/// Years from one time to another, 0 when it has passed.
pub fn years_between(from_ns: i64, to_ns: i64) -> f64 {
    (to_ns - from_ns).max(0) as f64 / YEAR_NS
}

/// The standard normal distribution, by Abramowitz and Stegun 26.2.17: within 7.5e-8.
fn normal_cdf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let upper = (-x * x / 2.0).exp() * 0.398_942_280_401_432_7 * polynomial;
    if x >= 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_textbook_value_at_the_money() {
        // At the money the value is F (2 N(σ√T / 2) − 1): here 100 × (2 × 0.539828 − 1).
        let value = black_76(100.0, 100.0, 0.2, 1.0, true);

        assert!((value - 7.965_567).abs() < 1e-4, "{value}");
    }

    #[test]
    fn at_expiry_only_the_intrinsic_value_is_left() {
        assert_eq!(black_76(26_100.0, 26_000.0, 0.12, 0.0, true), 100.0);
        assert_eq!(black_76(26_100.0, 26_000.0, 0.12, 0.0, false), 0.0);
    }

    proptest! {
        #[test]
        fn put_call_parity_holds(future in 10_000.0_f64..30_000.0, moneyness in 0.9_f64..1.1, volatility in 0.05_f64..0.8, years in 0.001_f64..1.0) {
            let strike = future * moneyness;
            let call = black_76(future, strike, volatility, years, true);
            let put = black_76(future, strike, volatility, years, false);
            prop_assert!((call - put - (future - strike)).abs() < 1e-2, "{call} {put}");
        }

        #[test]
        fn a_call_is_worth_less_at_a_higher_strike(future in 10_000.0_f64..30_000.0, volatility in 0.05_f64..0.8, years in 0.001_f64..1.0) {
            let at = |moneyness: f64| black_76(future, future * moneyness, volatility, years, true);
            prop_assert!(at(0.99) >= at(1.0) && at(1.0) >= at(1.01));
        }
    }
}
