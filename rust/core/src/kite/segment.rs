//! The price divisor of each exchange segment, `token & 0xff`.

pub const SEGMENT_CDS: u32 = 3;
pub const SEGMENT_BCD: u32 = 6;
pub const SEGMENT_INDICES: u32 = 9;
pub const SEGMENT_NCO: u32 = 12;

/// What one unit of a wire price is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 1/100 rupee: nearly everything.
    Hundredth,
    /// 1/10,000 rupee: our own unit.
    TenThousandth,
    /// 1/10,000,000 rupee: currency on NSE, finer than our unit.
    TenMillionth,
}

/// Divisors by segment. What NCO's is depends on whom you ask: the official Python client says 10,000 since 5.2.2,
/// its elder versions and the Go and JS clients say 100; so it is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisors {
    pub nco: Scale,
}

impl Default for Divisors {
    fn default() -> Self {
        Self {
            nco: Scale::TenThousandth,
        }
    }
}

impl Divisors {
    #[inline]
    pub fn scale(&self, token: u32) -> Scale {
        match token & 0xff {
            SEGMENT_CDS => Scale::TenMillionth,
            SEGMENT_BCD => Scale::TenThousandth,
            SEGMENT_NCO => self.nco,
            _ => Scale::Hundredth,
        }
    }
}

impl Scale {
    /// The wire price of a price in 1/10,000 rupee, rounded half-even to the wire's unit; `None` when it does not fit.
    pub fn wire(self, e4: i64) -> Option<u32> {
        let wire = match self {
            Self::Hundredth => divide_half_even(e4, 100),
            Self::TenThousandth => e4,
            Self::TenMillionth => e4.checked_mul(1000)?,
        };
        u32::try_from(wire).ok()
    }
}

/// A wire price of 1/10,000,000 rupee in 1/10,000, rounded half-even.
#[inline]
pub fn tenmillionth_e4(wire: u32) -> i64 {
    divide_half_even(i64::from(wire), 1000)
}

#[inline]
fn divide_half_even(value: i64, divisor: i64) -> i64 {
    let (quotient, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    let up = 2 * rest > divisor || (2 * rest == divisor && quotient & 1 == 1);
    quotient + i64::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_goes_to_the_even_neighbour() {
        let rounded = [1_499, 1_500, 1_501, 2_499, 2_500, 2_501].map(tenmillionth_e4);

        assert_eq!(rounded, [1, 2, 2, 2, 2, 3]);
    }

    #[test]
    fn a_price_that_no_packet_can_carry_has_no_wire_form() {
        assert_eq!(Scale::Hundredth.wire(-51), None);
        assert_eq!(
            Scale::Hundredth.wire(i64::from(u32::MAX) * 100),
            Some(u32::MAX)
        );
        assert_eq!(Scale::Hundredth.wire(i64::from(u32::MAX) * 100 + 50), None);
        assert_eq!(Scale::TenThousandth.wire(i64::from(u32::MAX) + 1), None);
        assert_eq!(Scale::TenMillionth.wire(i64::MAX), None);
    }

    #[test]
    fn nco_is_what_the_setting_says() {
        let token = 5 * 256 + SEGMENT_NCO;

        assert_eq!(Divisors::default().scale(token), Scale::TenThousandth);
        assert_eq!(
            Divisors {
                nco: Scale::Hundredth
            }
            .scale(token),
            Scale::Hundredth
        );
    }
}
