//! Days on which contracts end: a rule names a day of the week or the month, and a day without trading moves it back.
use super::day::Day;
use super::sessions::Segment;
use super::table::{BadRow, Dated, Row};
use super::trading_days::TradingDays;

/// An expiry, and whether it is its month's last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub day: Day,
    pub monthly: bool,
}

/// Which days contracts end on, before trading days are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Each week, on a weekday; Monday is 0.
    Weekly(i32),
    /// The last such weekday of a month.
    LastOfMonth(i32),
    /// So many trading days before the month's last.
    BeforeLast(u32),
    DayOfMonth(u32),
    Date(Day),
}

const WEEKDAYS: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];
const WANTED: &str = "tuesday, last tuesday, 2 before last, day 19 or a date";

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let weekday = |word: &str| {
            let at = WEEKDAYS.iter().position(|known| *known == word)?;
            Some(at as i32)
        };
        let within = |text: &str, most| text.parse().ok().filter(|n| (1..=most).contains(n));
        if let Some(before) = text.strip_suffix(" before last") {
            return within(before, 10).map(Self::BeforeLast);
        }
        match text.split_once(' ') {
            Some(("last", word)) => weekday(word).map(Self::LastOfMonth),
            // Every month has a 28th.
            Some(("day", number)) => within(number, 28).map(Self::DayOfMonth),
            Some(_) => None,
            None => weekday(text)
                .map(Self::Weekly)
                .or_else(|| Day::parse(text).map(Self::Date)),
        }
    }

    fn names(self, days: &TradingDays, day: Day) -> bool {
        match self {
            Self::Weekly(weekday) => day.weekday() == weekday,
            Self::LastOfMonth(weekday) => day.weekday() == weekday && last_of_its_kind(day),
            Self::BeforeLast(count) => before_last(days, day, count) == Some(day),
            Self::DayOfMonth(number) => day.civil().2 == number,
            Self::Date(date) => day == date,
        }
    }

    /// Whether a day that it names is the last of its month.
    fn monthly(self, day: Day) -> bool {
        !matches!(self, Self::Weekly(_)) || last_of_its_kind(day)
    }
}

fn last_of_its_kind(day: Day) -> bool {
    Day(day.0 + 7).civil().1 != day.civil().1
}

fn before_last(days: &TradingDays, of_month: Day, count: u32) -> Option<Day> {
    let (year, month, _) = of_month.civil();
    let next = if month == 12 {
        Day::of(year + 1, 1, 1)
    } else {
        Day::of(year, month + 1, 1)
    };
    let last = trading_day(days, Day(next.0 - 1))?;
    (0..count).try_fold(last, |day, _| trading_day(days, Day(day.0 - 1)))
}

/// Contracts of every exchange end on days on which NSE's trade: the others' own holidays are not in the tables.
fn trading_day(days: &TradingDays, day: Day) -> Option<Day> {
    days.back(day, Segment::Future)
}

/// By name and date.
#[derive(Clone, Debug)]
pub struct ExpiryRules(Dated<Rule>);

impl ExpiryRules {
    pub fn read(rows: &[&Row]) -> Result<Self, BadRow> {
        let value = |row: &Row| Rule::parse(&row.value).ok_or_else(|| row.bad(WANTED));
        Dated::read(rows, value).map(Self)
    }

    /// The expiries from a day on, until the tables end.
    pub fn from<'a>(
        &'a self,
        days: &'a TradingDays,
        key: &str,
        from: Day,
    ) -> impl Iterator<Item = Expiry> + use<'a> {
        let rules = self.0.of_key(key);
        (from.0..)
            .map(Day)
            .take_while(|day| days.covers(*day))
            .filter_map(move |nominal| {
                let (_, rule) = rules.iter().find(|(held, _)| held.contains(&nominal))?;
                rule.names(days, nominal).then_some(())?;
                let expiry = Expiry {
                    day: trading_day(days, nominal)?,
                    monthly: rule.monthly(nominal),
                };
                // A holiday moves one back, perhaps to before `from`: then it is over.
                (expiry.day >= from).then_some(expiry)
            })
    }
}
