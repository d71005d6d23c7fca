//! When each segment trades, as offsets of the IST day.
use std::collections::BTreeMap;

pub const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;
pub const DAY_NS: i64 = 24 * HOUR_NS;
/// India's clock is ahead of UTC by this, all year.
const IST_NS: i64 = 5 * HOUR_NS + 30 * MINUTE_NS;

/// From the opening on, up to but not including the close; ns of the IST day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    open_ns: i64,
    close_ns: i64,
}

impl Session {
    /// Equity and its derivatives, on a plain day.
    pub const EQUITY: Self = Self {
        open_ns: 9 * HOUR_NS + 15 * MINUTE_NS,
        close_ns: 15 * HOUR_NS + 30 * MINUTE_NS,
    };
    pub const CURRENCY: Self = Self {
        open_ns: 9 * HOUR_NS,
        close_ns: 17 * HOUR_NS,
    };
    /// To the later, winter close.
    pub const COMMODITY: Self = Self {
        open_ns: 9 * HOUR_NS,
        close_ns: 23 * HOUR_NS + 55 * MINUTE_NS,
    };

    /// `None` unless it opens before it closes, within one day.
    pub fn new(open_ns: i64, close_ns: i64) -> Option<Self> {
        (0 <= open_ns && open_ns < close_ns && close_ns <= DAY_NS)
            .then_some(Self { open_ns, close_ns })
    }

    /// The session of an IST day.
    pub fn on(&self, day: i64) -> Span {
        let midnight_ns = day * DAY_NS - IST_NS;
        Span {
            open_ns: midnight_ns + self.open_ns,
            close_ns: midnight_ns + self.close_ns,
        }
    }

    pub fn length_ns(&self) -> i64 {
        self.close_ns - self.open_ns
    }
}

/// One day's session, ns UTC; empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub open_ns: i64,
    pub close_ns: i64,
}

impl Span {
    #[inline]
    pub fn contains(&self, time_ns: i64) -> bool {
        self.open_ns <= time_ns && time_ns < self.close_ns
    }
}

/// The IST day of a time, counted from 1970-01-01.
#[inline]
pub fn ist_day(time_ns: i64) -> i64 {
    time_ns.saturating_add(IST_NS).div_euclid(DAY_NS)
}

/// Sessions by segment (`token & 0xff`). Exchanges move them, so they are data: a dated calendar passes its own in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions(BTreeMap<u8, Session>);

impl Default for Sessions {
    fn default() -> Self {
        // CDS and BCD; MCX and NCO.
        let currency = [3, 6].map(|segment| (segment, Session::CURRENCY));
        let commodity = [7, 12].map(|segment| (segment, Session::COMMODITY));
        Self(currency.into_iter().chain(commodity).collect())
    }
}

impl Sessions {
    /// The defaults with some replaced.
    pub fn with(sessions: impl IntoIterator<Item = (u8, Session)>) -> Self {
        let mut all = Self::default();
        all.0.extend(sessions);
        all
    }

    pub fn of(&self, token: u32) -> Session {
        let segment = (token & 0xff) as u8;
        self.0.get(&segment).copied().unwrap_or(Session::EQUITY)
    }
}

/// The midnight of India that ends the day of a time.
pub fn day_end_ns(time_ns: i64) -> i64 {
    ((ist_day(time_ns) + 1) * DAY_NS).saturating_sub(IST_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2022-11-24 09:15:00 IST.
    const OPEN_NS: i64 = 1_669_261_500 * SECOND_NS;

    #[test]
    fn a_session_stands_on_the_clock_of_india() {
        let day = ist_day(OPEN_NS);

        assert_eq!(
            Session::EQUITY.on(day),
            Span {
                open_ns: OPEN_NS,
                close_ns: OPEN_NS + 6 * HOUR_NS + 15 * MINUTE_NS
            }
        );
        let midnight_ns = OPEN_NS - 9 * HOUR_NS - 15 * MINUTE_NS;
        assert_eq!(day_end_ns(OPEN_NS), midnight_ns + DAY_NS);
        assert_eq!(day_end_ns(midnight_ns - 1), midnight_ns);
        assert_eq!(ist_day(OPEN_NS - 9 * HOUR_NS - 15 * MINUTE_NS), day);
        assert_eq!(ist_day(OPEN_NS - 9 * HOUR_NS - 15 * MINUTE_NS - 1), day - 1);
    }

    #[test]
    fn a_session_opens_before_it_closes_and_within_a_day() {
        assert!(Session::new(0, DAY_NS).is_some());
        assert_eq!(
            [
                Session::new(5, 5),
                Session::new(-1, 5),
                Session::new(5, DAY_NS + 1)
            ],
            [None; 3]
        );
    }

    #[test]
    fn a_segment_has_its_own_session() {
        let sessions = Sessions::with([(1, Session::new(1, 2).unwrap())]);

        assert_eq!(
            sessions.of(1594 << 8 | 1),
            Session {
                open_ns: 1,
                close_ns: 2
            }
        );
        assert_eq!(sessions.of(208_970 << 8 | 7), Session::COMMODITY);
        assert_eq!(sessions.of(1001 << 8 | 9), Session::EQUITY);
    }
}
