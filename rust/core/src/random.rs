//! Seeded randomness in plain IEEE arithmetic, so that a seed gives the same market on every machine.

/// One stream of random numbers (xoshiro256++). Streams of one seed with different names are independent,
/// so a new instrument never changes the path of another.
#[derive(Clone, Debug)]
pub struct Stream {
    state: [u64; 4],
}

/// What `name` of a seed draws from: FNV-1a of the name, mixed with the seed.
pub fn key(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Stream {
    /// The stream called `name` of a seed.
    pub fn new(seed: u64, name: &str) -> Self {
        Self::from_key(key(seed, name))
    }

    /// The stream of one moment: what is drawn at it depends on no other moment, so that any can be looked at alone.
    pub fn at(key: u64, moment: i64) -> Self {
        Self::from_key(key ^ (moment as u64).wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn from_key(mut mix: u64) -> Self {
        // SplitMix64 spreads the key over the four words.
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number in `low..=high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        assert!(low <= high, "an empty range has no number");
        let span = high.abs_diff(low) as u128 + 1;
        low + ((u128::from(self.bits()) * span) >> 64) as i64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A standard normal number, as the sum of twelve uniform ones (Irwin–Hall): no call into the machine's own
    /// `ln` and `cos`, which differ in the last bit between machines. Its tails end at ±6.
    pub fn normal(&mut self) -> f64 {
        let mut sum = 0_u64;
        for _ in 0..3 {
            let bits = self.bits();
            sum +=
                (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
        }
        // Twelve uniform numbers of 0..=65535 have the mean 32767.5 each.
        (sum as f64 - 12.0 * 32767.5) / 65536.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_seed_and_a_name_give_one_stream() {
        let draw = |seed, name| {
            let mut stream = Stream::new(seed, name);
            (0..5).map(|_| stream.bits()).collect::<Vec<_>>()
        };

        assert_eq!(draw(1, "INFY"), draw(1, "INFY"));
        assert_ne!(draw(1, "INFY"), draw(1, "TCS"));
        assert_ne!(draw(1, "INFY"), draw(2, "INFY"));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut stream = Stream::new(7, "normal");
        let numbers: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance =
            numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / numbers.len() as f64;

        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    proptest! {
        #[test]
        fn between_stays_between(seed: u64, low in -1_000_000_i64..1_000_000, span in 0_i64..1_000_000) {
            let mut stream = Stream::new(seed, "between");
            for _ in 0..20 {
                let number = stream.between(low, low + span);
                prop_assert!((low..=low + span).contains(&number));
            }
        }
    }
}
