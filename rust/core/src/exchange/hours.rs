//! When what is traded: the sessions of a date, or a simpler day.

use super::dates::{
    CLOSE_NS, DAY_NS, HOUR_NS, IST_NS, MINUTE_NS, OPEN_NS, SECOND_NS, trades, weekday,
};
use crate::day::Day;
use crate::exchange::market::breaker::Halt;
use crate::exchange::market::rng::Stream;
use crate::terms::{Exchange, Kind};

/// Which day the exchange keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// Everything trades from 09:15 on, and the day is over when the index's path is: then the market stands where it
    /// is, and orders still meet what was quoted last.
    #[default]
    Plain,
    /// The sessions of the date: pre-open, continuous, closing auction, each segment's own. Nothing on a holiday.
    Dated,
    /// Everything trades at any time, weekends too; the day never ends.
    Always,
}

impl Hours {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "plain" => Some(Self::Plain),
            "dated" => Some(Self::Dated),
            "always-open" => Some(Self::Always),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Dated => "dated",
            Self::Always => "always-open",
        }
    }
}

/// What may be done with an instrument at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is taken, nothing trades.
    Closed,
    /// Before an auction or between it and what follows: orders stand and may be cancelled, none is taken.
    Pause,
    /// Orders are gathered for one price; without `market_orders`, limit orders alone.
    Gathering {
        market_orders: bool,
    },
    Continuous,
    /// After the close, at the closing price alone.
    PostClose,
    /// The market-wide circuit breaker has stopped trading.
    Halt,
}

impl Phase {
    /// In a word, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Pause => "pause",
            Self::Gathering { .. } => "auction",
            Self::Continuous => "open",
            Self::PostClose => "post-close",
            Self::Halt => "halted",
        }
    }

    /// Whether an auction's orders are at rest.
    pub fn auction(self) -> bool {
        matches!(self, Self::Gathering { .. } | Self::Pause | Self::Halt)
    }
}

/// Instruments that keep the same hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    Index,
    /// Shares with derivatives: they close by auction.
    ShareWithDerivatives,
    Future,
    Option,
    Currency,
    /// A contract on a currency that ends today.
    CurrencyEnding,
    Commodity,
}

impl Segment {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "indices",
            Self::ShareWithDerivatives => "shares",
            Self::Future => "futures",
            Self::Option => "options",
            Self::Currency => "currency",
            Self::CurrencyEnding => "currency on its last day",
            Self::Commodity => "commodity",
        }
    }

    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Index,
        Self::ShareWithDerivatives,
        Self::Future,
        Self::Option,
        Self::Currency,
        Self::CurrencyEnding,
        Self::Commodity,
    ];

    /// Every share that is listed here has derivatives. `last_day`: a contract ends today.
    pub fn of(kind: Kind, exchange: Exchange, last_day: bool) -> Self {
        match (kind, exchange) {
            (_, Exchange::Cds | Exchange::Bcd) if last_day => Self::CurrencyEnding,
            (_, Exchange::Cds | Exchange::Bcd) => Self::Currency,
            (_, Exchange::Mcx | Exchange::Nco) => Self::Commodity,
            (Kind::Index, _) => Self::Index,
            (Kind::Cash, _) => Self::ShareWithDerivatives,
            (Kind::Future, _) => Self::Future,
            (Kind::Call | Kind::Put, _) => Self::Option,
        }
    }
}

/// A day's phases of one segment: each begins at a time of the day and lasts until the next. Before the first:
/// closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable(Vec<(i64, Phase)>);

impl Timetable {
    /// The phase at a time in nanoseconds UTC.
    pub fn phase(&self, time_ns: i64) -> Phase {
        let time_of_day_ns = (time_ns + IST_NS).rem_euclid(DAY_NS);
        let past = self
            .0
            .iter()
            .rev()
            .find(|(from, _)| *from <= time_of_day_ns);
        past.map_or(Phase::Closed, |(_, phase)| *phase)
    }

    /// From the first phase to the last, as times of the day; none on a day without trading.
    pub fn span_ns(&self) -> Option<(i64, i64)> {
        Some((self.0.first()?.0, self.0.last()?.0))
    }

    /// The times of the day at which a phase begins.
    pub fn turns(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(|(from, _)| *from)
    }

    /// Continuous trading, as times of the day: from its beginning to its last end.
    pub fn continuous_ns(&self) -> Option<(i64, i64)> {
        let continuous = |(_, phase): &(i64, Phase)| *phase == Phase::Continuous;
        let first = self.0.iter().position(continuous)?;
        let last = self.0.iter().rposition(continuous)?;
        let end = self.0.get(last + 1).map_or(DAY_NS, |(from, _)| *from);
        Some((self.0[first].0, end))
    }

    /// The same day of a segment with a halt from a time on, for so long and a call auction, or for the rest of it.
    pub fn halted(&self, segment: Segment, day: Day, seed: u64, from_ns: i64, halt: Halt) -> Self {
        let length_ns = match (segment, halt) {
            (Segment::Currency | Segment::CurrencyEnding | Segment::Commodity, _)
            | (_, Halt::None) => {
                return self.clone();
            }
            (_, Halt::For(length_ns)) => Some(length_ns),
            (_, Halt::RestOfDay) => None,
        };
        let before = self.0.iter().copied().filter(|(at, _)| *at < from_ns);
        let mut phases: Vec<(i64, Phase)> = before.collect();
        let Some(length_ns) = length_ns else {
            phases.push((from_ns, Phase::Closed));
            return Self(phases);
        };
        phases.push((from_ns, Phase::Halt));
        let call_ns = from_ns + length_ns;
        let open_ns = call_ns + CALL_NS;
        let gathers = match segment {
            Segment::ShareWithDerivatives => true,
            Segment::Future => day >= FUTURES_PRE_OPEN,
            _ => false,
        };
        if gathers {
            phases.extend(call_auction(day, seed, call_ns, "call auction"));
        }
        phases.push((open_ns, Phase::Continuous));
        phases.extend(self.0.iter().filter(|(at, _)| *at > open_ns));
        Self(phases)
    }
}

const LIMITS_ONLY: Phase = Phase::Gathering {
    market_orders: false,
};
const ALL_ORDERS: Phase = Phase::Gathering {
    market_orders: true,
};

/// A closing price that no auction makes is the mean price of the trades of the last half hour.
const CLOSING_WINDOW_NS: i64 = 30 * MINUTE_NS;

/// When the trades of a segment's closing price begin, as a time of the day; none where an auction makes it, or where
/// nothing closes.
pub fn closing_window_ns(hours: Hours, segment: Segment, day: Day) -> Option<i64> {
    let by_auction = segment == Segment::ShareWithDerivatives && day >= CLOSING_AUCTION;
    if hours != Hours::Dated || segment == Segment::Index || by_auction {
        return None;
    }
    let (_, close_ns) = timetable(hours, segment, day, 0).continuous_ns()?;
    Some(close_ns - CLOSING_WINDOW_NS)
}

/// A call auction and the pause after it, before the open or after a halt.
const CALL_NS: i64 = 15 * MINUTE_NS;
/// NSE's pre-open in two parts.
const PRE_OPEN_IN_PARTS: Day = Day::of(2026, 9, 7);
/// NSE's closing auction, and derivatives that trade until 15:40.
const CLOSING_AUCTION: Day = Day::of(2026, 8, 3);
/// The pre-open of futures.
const FUTURES_PRE_OPEN: Day = Day::of(2025, 12, 8);

/// The timetable of a segment on a day. `seed` draws the moments at which auctions close.
pub fn timetable(hours: Hours, segment: Segment, day: Day, seed: u64) -> Timetable {
    let plain = |open_ns: i64, close_ns: i64| {
        Timetable(vec![
            (open_ns, Phase::Continuous),
            (close_ns, Phase::Closed),
        ])
    };
    match (hours, segment) {
        (Hours::Always, _) => Timetable(vec![(0, Phase::Continuous)]),
        (Hours::Plain, _) => Timetable(vec![(OPEN_NS, Phase::Continuous)]),
        (Hours::Dated, _) if !trades(day) => Timetable(Vec::new()),
        (Hours::Dated, Segment::Index) => plain(OPEN_NS, CLOSE_NS),
        (Hours::Dated, Segment::Option) => plain(OPEN_NS, derivatives_close_ns(day)),
        (Hours::Dated, Segment::Currency) => plain(at(9, 0), at(17, 0)),
        (Hours::Dated, Segment::CurrencyEnding) => plain(at(9, 0), at(12, 30)),
        (Hours::Dated, Segment::Commodity) => plain(at(9, 0), commodity_close_ns(day)),
        (Hours::Dated, Segment::Future) => {
            let mut phases = if day >= FUTURES_PRE_OPEN {
                pre_open(day, seed)
            } else {
                Vec::new()
            };
            phases.push((OPEN_NS, Phase::Continuous));
            phases.push((derivatives_close_ns(day), Phase::Closed));
            Timetable(phases)
        }
        (Hours::Dated, Segment::ShareWithDerivatives) => {
            let mut phases = pre_open(day, seed);
            phases.push((OPEN_NS, Phase::Continuous));
            if day >= CLOSING_AUCTION {
                phases.extend([
                    (at(15, 15), Phase::Pause),
                    (at(15, 20), ALL_ORDERS),
                    (at(15, 25), LIMITS_ONLY),
                    (
                        at(15, 28) + chance_ns(day, seed, "closing auction"),
                        Phase::Pause,
                    ),
                ]);
            }
            let post_close_ns = if day >= CLOSING_AUCTION {
                at(15, 50)
            } else {
                at(15, 40)
            };
            phases.extend([
                (CLOSE_NS, Phase::Closed),
                (post_close_ns, Phase::PostClose),
                (at(16, 0), Phase::Closed),
            ]);
            Timetable(phases)
        }
    }
}

fn pre_open(day: Day, seed: u64) -> Vec<(i64, Phase)> {
    call_auction(day, seed, at(9, 0), "pre-open")
}

/// From a time on orders until a random moment in the last one or two minutes, then the match and a pause.
fn call_auction(day: Day, seed: u64, from_ns: i64, name: &str) -> Vec<(i64, Phase)> {
    let chance_ns = chance_ns(day, seed, name);
    if day >= PRE_OPEN_IN_PARTS {
        vec![
            (from_ns, ALL_ORDERS),
            (from_ns + 5 * MINUTE_NS, LIMITS_ONLY),
            (from_ns + 8 * MINUTE_NS + chance_ns, Phase::Pause),
        ]
    } else {
        let end_ns = from_ns + 7 * MINUTE_NS + chance_ns / 2;
        vec![(from_ns, ALL_ORDERS), (end_ns, Phase::Pause)]
    }
}

/// A moment within two minutes, whole seconds, drawn for the day.
fn chance_ns(day: Day, seed: u64, name: &str) -> i64 {
    let mut stream = Stream::at(
        crate::exchange::market::rng::key(seed, name),
        i64::from(day.0),
    );
    stream.between(0, 119) * SECOND_NS
}

fn derivatives_close_ns(day: Day) -> i64 {
    if day >= CLOSING_AUCTION {
        at(15, 40)
    } else {
        CLOSE_NS
    }
}

/// MCX trades until 23:30, and until 23:55 while America keeps winter time: from the first Sunday of November to the
/// second Sunday of March.
fn commodity_close_ns(day: Day) -> i64 {
    let (year, ..) = day.civil();
    let sunday = |month, nth: i32| {
        let first = Day::of(year, month, 1);
        let to_sunday = (6 - weekday(first) as i32).rem_euclid(7);
        Day(first.0 + to_sunday + 7 * (nth - 1))
    };
    if (sunday(3, 2)..sunday(11, 1)).contains(&day) {
        at(23, 30)
    } else {
        at(23, 55)
    }
}

const fn at(hour: i64, minute: i64) -> i64 {
    hour * HOUR_NS + minute * MINUTE_NS
}

#[cfg(test)]
mod tests {
    use super::super::dates::at_ns;
    use super::*;

    fn phases(segment: Segment, day: Day, times: &[(i64, i64)]) -> Vec<Phase> {
        let table = timetable(Hours::Dated, segment, day, 1);
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
        let window = |segment, day| closing_window_ns(Hours::Dated, segment, day);
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
            closing_window_ns(Hours::Always, Segment::Future, since),
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
            timetable(Hours::Dated, Segment::Commodity, day, 1)
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
            assert_eq!(timetable(Hours::Dated, segment, holiday, 1).span_ns(), None);
            let always = timetable(Hours::Always, segment, holiday, 1);
            assert_eq!(always.phase(at_ns(holiday, at(3, 0))), Phase::Continuous);
        }
    }

    #[test]
    fn an_auctions_end_is_drawn_within_its_last_two_minutes() {
        let day = Day::of(2026, 11, 19);
        let ends: Vec<i64> = (0..50)
            .map(|seed| {
                let table = timetable(Hours::Dated, Segment::ShareWithDerivatives, day, seed);
                table.0[2].0
            })
            .collect();

        assert!(ends.iter().all(|end| (at(9, 8)..at(9, 10)).contains(end)));
        assert!(ends.iter().any(|end| end != &ends[0]));
    }
}
