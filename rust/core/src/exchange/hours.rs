//! When what is traded: the sessions of a date, or a simpler day.

use crate::calendar::clock::{DAY_NS, MINUTE_NS, OPEN_NS, SECOND_NS, time_of_day_ns};
use crate::calendar::{Calendar, Day, PhaseStart};
pub use crate::calendar::{Phase, Segment};
use crate::exchange::market::breaker::Halt;
use crate::exchange::rules::BySegment;
use crate::random::Stream;
use crate::terms::words;

words! {
    /// Which day the exchange keeps.
    #[derive(Default)]
    Hours {
        /// Everything trades from 09:15 on, and the day is over when the index's path is: then the market stands where
        /// it is, and orders still meet what was quoted last.
        #[default]
        Plain = "plain",
        /// The sessions of the date: pre-open, continuous, closing auction, each segment's own. Nothing on a holiday.
        Dated = "dated",
        /// Everything trades at any time, weekends too; the day never ends.
        Always = "always-open",
    }
}

impl<T: Copy> BySegment<T> {
    pub fn of(&self, segment: Segment) -> T {
        match segment {
            Segment::Index | Segment::ShareWithDerivatives | Segment::OtherShare => self.shares,
            Segment::Future | Segment::Option => self.derivatives,
            Segment::Currency | Segment::CurrencyEnding => self.currency,
            Segment::Commodity => self.commodity,
        }
    }
}

/// A day's phases of one segment: each begins at a time of the day and lasts until the next. Before the first:
/// closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    phases: Vec<(i64, Phase)>,
    /// The call auction before continuous trading, from its beginning on.
    pre_open: Vec<PhaseStart>,
}

impl Timetable {
    /// The phase at a time in nanoseconds UTC.
    pub fn phase(&self, time_ns: i64) -> Phase {
        let time_of_day_ns = time_of_day_ns(time_ns);
        let past = self
            .phases
            .iter()
            .rev()
            .find(|(from, _)| *from <= time_of_day_ns);
        past.map_or(Phase::Closed, |(_, phase)| *phase)
    }

    /// From the first phase to the last, as times of the day; none on a day without trading.
    pub fn span_ns(&self) -> Option<(i64, i64)> {
        Some((self.phases.first()?.0, self.phases.last()?.0))
    }

    /// The times of the day at which a phase begins.
    pub fn turns(&self) -> impl Iterator<Item = i64> + '_ {
        self.phases.iter().map(|(from, _)| *from)
    }

    /// Continuous trading, as times of the day: from its beginning to its last end.
    pub fn continuous_ns(&self) -> Option<(i64, i64)> {
        let continuous = |(_, phase): &(i64, Phase)| *phase == Phase::Continuous;
        let first = self.phases.iter().position(continuous)?;
        let last = self.phases.iter().rposition(continuous)?;
        let end = self.phases.get(last + 1).map_or(DAY_NS, |(from, _)| *from);
        Some((self.phases[first].0, end))
    }

    /// The same day with a halt from a time on, for so long and a call auction as the one before the open is, or for the
    /// rest of it. Currencies and commodities go on.
    pub fn halted(&self, segment: Segment, day: Day, seed: u64, from_ns: i64, halt: Halt) -> Self {
        let length_ns = match (segment, halt) {
            (Segment::Currency | Segment::CurrencyEnding | Segment::Commodity, _)
            | (_, Halt::None) => {
                return self.clone();
            }
            (_, Halt::For(length_ns)) => Some(length_ns),
            (_, Halt::RestOfDay) => None,
        };
        let before = self.phases.iter().copied().filter(|(at, _)| *at < from_ns);
        let mut phases: Vec<(i64, Phase)> = before.collect();
        if let Some(length_ns) = length_ns {
            let call_ns = from_ns + length_ns;
            let open_ns = call_ns + CALL_NS;
            phases.push((from_ns, Phase::Halt));
            phases.extend(moments(&self.pre_open, call_ns, day, seed, "call auction"));
            phases.push((open_ns, Phase::Continuous));
            phases.extend(self.phases.iter().filter(|(at, _)| *at > open_ns));
        } else {
            phases.push((from_ns, Phase::Closed));
        }
        Self {
            phases,
            pre_open: self.pre_open.clone(),
        }
    }
}

/// A closing price that no auction makes is the mean price of the trades of the last half hour.
const CLOSING_WINDOW_NS: i64 = 30 * MINUTE_NS;

/// When the trades of a segment's closing price begin, as a time of the day; none where an auction makes it, or where
/// nothing closes.
pub fn closing_window_ns(
    calendar: &Calendar,
    hours: Hours,
    segment: Segment,
    day: Day,
) -> Option<i64> {
    if hours != Hours::Dated || segment == Segment::Index {
        return None;
    }
    let table = timetable(calendar, hours, segment, day, 0);
    let (_, close_ns) = table.continuous_ns()?;
    let auction =
        |&(at, phase): &(i64, Phase)| at >= close_ns && matches!(phase, Phase::Gathering { .. });
    let by_auction = table.phases.iter().any(auction);
    (!by_auction).then_some(close_ns - CLOSING_WINDOW_NS)
}

/// A call auction and the pause after it, before the open or after a halt.
const CALL_NS: i64 = 15 * MINUTE_NS;

/// The timetable of a segment on a day. `seed` draws the moments at which auctions close.
pub fn timetable(
    calendar: &Calendar,
    hours: Hours,
    segment: Segment,
    day: Day,
    seed: u64,
) -> Timetable {
    let starts = match hours {
        Hours::Dated => calendar.phases(day, segment).unwrap_or_default(),
        Hours::Plain | Hours::Always => {
            let open_ns = if hours == Hours::Plain { OPEN_NS } else { 0 };
            return Timetable {
                phases: vec![(open_ns, Phase::Continuous)],
                pre_open: Vec::new(),
            };
        }
    };
    let continuous = |start: &PhaseStart| start.phase == Phase::Continuous;
    let (pre_open, session) = starts.split_at(starts.iter().position(continuous).unwrap_or(0));
    let begin_ns = |starts: &[PhaseStart]| starts.first().map_or(0, |start| start.from_ns);
    let mut phases = moments(pre_open, begin_ns(pre_open), day, seed, "pre-open");
    phases.extend(moments(
        session,
        begin_ns(session),
        day,
        seed,
        "closing auction",
    ));
    Timetable {
        phases,
        pre_open: pre_open.to_vec(),
    }
}

/// Phases that follow each other from `begin_ns` on instead of from where the calendar has the first; an auction ends
/// at a moment that is drawn for the day.
fn moments(
    starts: &[PhaseStart],
    begin_ns: i64,
    day: Day,
    seed: u64,
    auction: &str,
) -> Vec<(i64, Phase)> {
    let later_ns = begin_ns - starts.first().map_or(0, |start| start.from_ns);
    let moment = |start: &PhaseStart| {
        let chance_ns = match start.to_ns - start.from_ns {
            0 => 0,
            // Two minutes are drawn in whole seconds, one in halves.
            width_ns => chance_ns(day, seed, auction) * (width_ns / MINUTE_NS) / 2,
        };
        (start.from_ns + later_ns + chance_ns, start.phase)
    };
    starts.iter().map(moment).collect()
}

/// A moment within two minutes, whole seconds, drawn for the day.
fn chance_ns(day: Day, seed: u64, name: &str) -> i64 {
    let mut stream = Stream::at(crate::random::key(seed, name), i64::from(day.0));
    stream.between(0, 119) * SECOND_NS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::{HOUR_NS, at_ns};

    const ALL_ORDERS: Phase = Phase::Gathering {
        market_orders: true,
    };
    const LIMITS_ONLY: Phase = Phase::Gathering {
        market_orders: false,
    };

    const fn at(hour: i64, minute: i64) -> i64 {
        hour * HOUR_NS + minute * MINUTE_NS
    }

    fn table(hours: Hours, segment: Segment, day: Day, seed: u64) -> Timetable {
        timetable(&Calendar::with_guesses(), hours, segment, day, seed)
    }

    fn phases(segment: Segment, day: Day, times: &[(i64, i64)]) -> Vec<Phase> {
        let table = table(Hours::Dated, segment, day, 1);
        times
            .iter()
            .map(|&(hour, minute)| table.phase(at_ns(day, at(hour, minute))))
            .collect()
    }

    #[test]
    fn a_share_of_late_2026_opens_and_closes_by_auction() {
        let day = Day::of(2026, 11, 19);
        let times = [
            (8, 59),
            (9, 4),
            (9, 6),
            (9, 12),
            (9, 15),
            (15, 14),
            (15, 16),
            (15, 21),
            (15, 26),
            (15, 31),
            (15, 49),
            (15, 51),
            (16, 0),
        ];

        assert_eq!(
            phases(Segment::ShareWithDerivatives, day, &times),
            [
                Phase::Closed,
                ALL_ORDERS,
                LIMITS_ONLY,
                Phase::Pause,
                Phase::Continuous,
                Phase::Continuous,
                Phase::Pause,
                ALL_ORDERS,
                LIMITS_ONLY,
                Phase::Closed,
                Phase::Closed,
                Phase::PostClose,
                Phase::Closed,
            ]
        );
    }

    #[test]
    fn the_last_half_hour_makes_a_closing_price_unless_an_auction_does() {
        let window =
            |segment, day| closing_window_ns(&Calendar::with_guesses(), Hours::Dated, segment, day);
        let (before, since) = (Day::of(2026, 7, 31), Day::of(2026, 8, 3));

        let share = Segment::ShareWithDerivatives;
        assert_eq!(
            (window(share, before), window(share, since)),
            (Some(at(15, 0)), None)
        );
        for segment in [Segment::Future, Segment::Option] {
            assert_eq!(window(segment, before), Some(at(15, 0)));
            assert_eq!(window(segment, since), Some(at(15, 10)));
        }
        assert_eq!(window(Segment::Currency, since), Some(at(16, 30)));
        assert_eq!(window(Segment::CurrencyEnding, since), Some(at(12, 0)));
        assert_eq!(window(Segment::Index, since), None);
        assert_eq!(
            closing_window_ns(
                &Calendar::with_guesses(),
                Hours::Always,
                Segment::Future,
                since
            ),
            None
        );
    }

    #[test]
    fn before_august_2026_there_was_no_closing_auction() {
        let times = [(9, 6), (15, 20), (15, 31), (15, 41), (16, 0)];
        let open = [
            ALL_ORDERS,
            Phase::Continuous,
            Phase::Closed,
            Phase::PostClose,
            Phase::Closed,
        ];

        let day = Day::of(2026, 7, 31);
        assert_eq!(phases(Segment::ShareWithDerivatives, day, &times), open);
        assert_eq!(
            phases(Segment::Option, day, &[(15, 29), (15, 35)]),
            [Phase::Continuous, Phase::Closed]
        );
        let later = Day::of(2026, 8, 3);
        assert_eq!(
            phases(Segment::Option, later, &[(9, 14), (15, 35), (15, 40)]),
            [Phase::Closed, Phase::Continuous, Phase::Closed]
        );
    }

    #[test]
    fn commodities_close_later_in_americas_winter() {
        let close = |day| {
            table(Hours::Dated, Segment::Commodity, day, 1)
                .span_ns()
                .map(|(_, close)| close)
        };
        assert_eq!(close(Day::of(2026, 10, 30)), Some(at(23, 30)));
        assert_eq!(close(Day::of(2026, 11, 19)), Some(at(23, 55)));
        assert_eq!(close(Day::of(2026, 3, 9)), Some(at(23, 30)));
    }

    #[test]
    fn nothing_trades_on_a_holiday_unless_the_exchange_is_always_open() {
        let holiday = Day::of(2026, 11, 24);
        for segment in [Segment::ShareWithDerivatives, Segment::Commodity] {
            assert_eq!(table(Hours::Dated, segment, holiday, 1).span_ns(), None);
            let always = table(Hours::Always, segment, holiday, 1);
            assert_eq!(always.phase(at_ns(holiday, at(3, 0))), Phase::Continuous);
        }
    }

    #[test]
    fn an_auctions_end_is_drawn_within_its_last_two_minutes() {
        let day = Day::of(2026, 11, 19);
        let ends: Vec<i64> = (0..50)
            .map(|seed| table(Hours::Dated, Segment::ShareWithDerivatives, day, seed).phases[2].0)
            .collect();

        assert!(ends.iter().all(|end| (at(9, 8)..at(9, 10)).contains(end)));
        assert!(ends.iter().any(|end| end != &ends[0]));
    }
}
