//! The reference price of the collar and of the exchange's price protection: the mean of the last 30 seconds.

const SECONDS: usize = 30;

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    sum_e4: i64,
    count: u32,
}

/// Mean of last traded prices over the 30 s of market time up to the newest tick, kept by whole seconds, as exchange
/// times come. It is warm once its ticks reach back 30 s without a gap in the feed.
#[derive(Clone, Debug, Default)]
pub struct ReferencePrice {
    buckets: [Bucket; SECONDS],
    sum_e4: i64,
    count: u32,
    /// Seconds of market time; meaningful once `count` is above zero.
    first_s: i64,
    newest_s: i64,
}

impl ReferencePrice {
    /// Takes a tick. One older than the newest counts with the newest: its price is what is known now.
    #[inline]
    pub fn add(&mut self, second: i64, price_e4: i64) {
        if self.count == 0 {
            (self.first_s, self.newest_s) = (second, second);
        } else if second > self.newest_s {
            self.advance(second);
        }
        let bucket = &mut self.buckets[self.newest_s.rem_euclid(SECONDS as i64) as usize];
        let (Some(sum_e4), Some(count)) =
            (self.sum_e4.checked_add(price_e4), self.count.checked_add(1))
        else {
            return self.forget(); // no mean is better than a wrong one
        };
        bucket.sum_e4 += price_e4; // a part of the whole sum, which fits
        bucket.count += 1;
        (self.sum_e4, self.count) = (sum_e4, count);
    }

    fn advance(&mut self, second: i64) {
        if second - self.newest_s >= SECONDS as i64 {
            self.buckets = [Bucket::default(); SECONDS];
            (self.sum_e4, self.count) = (0, 0);
        } else {
            for passed in self.newest_s + 1..=second {
                let gone =
                    std::mem::take(&mut self.buckets[passed.rem_euclid(SECONDS as i64) as usize]);
                self.sum_e4 -= gone.sum_e4;
                self.count -= gone.count;
            }
        }
        self.newest_s = second;
    }

    /// Starts anew, after a gap.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// (sum, count) once warm. Their quotient is the mean; nothing is rounded before it is compared.
    pub fn sum_and_count(&self) -> Option<(i64, u32)> {
        let warm = self.count > 0 && self.newest_s - self.first_s >= SECONDS as i64;
        warm.then_some((self.sum_e4, self.count))
    }
}

fields! {
    Bucket { sum_e4, count }
    ReferencePrice { buckets, sum_e4, count, first_s, newest_s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_warm_after_thirty_seconds_and_not_before() {
        let mut mean = ReferencePrice::default();
        mean.add(1000, 100);
        mean.add(1029, 200);
        assert_eq!(mean.sum_and_count(), None);

        mean.add(1030, 300);

        assert_eq!(mean.sum_and_count(), Some((500, 2))); // the tick at 1000 is 30 s old and out
        mean.forget();
        assert_eq!(mean.sum_and_count(), None);
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_what_lies_in_the_window(steps in prop::collection::vec((0i64..45, 1i64..1_000_000), 1..200)) {
            let (mut mean, mut seen, mut now) = (ReferencePrice::default(), Vec::new(), 50_000);
            for (step, price_e4) in steps {
                now += step / 3 * i64::from(step % 3 == 0);
                mean.add(now, price_e4);
                seen.push((now, price_e4));
            }

            let inside: Vec<i64> = seen.iter().filter(|(s, _)| *s > now - 30).map(|(_, p)| *p).collect();
            let expected = (now - seen[0].0 >= 30).then(|| (inside.iter().sum(), inside.len() as u32));
            prop_assert_eq!(mean.sum_and_count(), expected);
        }
    }
}
