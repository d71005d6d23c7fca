//! What a bar is made of: `5s`, `500t`, `10000v`, `5000000r`.
use std::fmt;
use std::str::FromStr;

const DAY_SECONDS: u64 = 86_400;
const RUPEE_E4: i64 = 10_000;

/// When a bar is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarSpec {
    /// So many seconds from the session's opening on, below a day.
    Seconds(u32),
    /// The whole session.
    Day,
    /// So many ticks.
    Ticks(u32),
    /// At least so many traded; the tick that reaches it belongs to the bar as a whole.
    Volume(u64),
    /// At least so much turned over, in 1/10,000 rupee; the tick that reaches it belongs to the bar as a whole.
    Value(i64),
}

impl FromStr for BarSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        parse(text).ok_or_else(|| SpecError {
            text: text.to_owned(),
        })
    }
}

impl BarSpec {
    /// A unit and how many of it, as a batch keeps them.
    pub fn to_parts(self) -> (u8, i64) {
        match self {
            Self::Seconds(seconds) => (0, i64::from(seconds)),
            Self::Day => (1, 1),
            Self::Ticks(ticks) => (2, i64::from(ticks)),
            Self::Volume(volume) => (3, volume as i64),
            Self::Value(value_e4) => (4, value_e4),
        }
    }

    /// `None` for what no spec gives.
    pub fn from_parts(unit: u8, size: i64) -> Option<Self> {
        let spec = match unit {
            0 => u32::try_from(size).ok().map(Self::Seconds),
            1 => Some(Self::Day),
            2 => u32::try_from(size).ok().map(Self::Ticks),
            3 => Some(Self::Volume(size as u64)),
            4 => Some(Self::Value(size)),
            _ => None,
        };
        spec.filter(|spec| size > 0 && spec.to_parts() == (unit, size))
    }
}

fn parse(text: &str) -> Option<BarSpec> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok().filter(|number| *number > 0)?;
    match unit {
        's' => seconds(number),
        'm' => seconds(number.checked_mul(60)?),
        'h' => seconds(number.checked_mul(3600)?),
        'd' => seconds(number.checked_mul(DAY_SECONDS)?),
        't' => u32::try_from(number).ok().map(BarSpec::Ticks),
        'v' => i64::try_from(number).ok().map(|_| BarSpec::Volume(number)),
        'r' => i64::try_from(number)
            .ok()?
            .checked_mul(RUPEE_E4)
            .map(BarSpec::Value),
        _ => None,
    }
}

fn seconds(number: u64) -> Option<BarSpec> {
    match number {
        DAY_SECONDS => Some(BarSpec::Day),
        1..DAY_SECONDS => Some(BarSpec::Seconds(number as u32)),
        _ => None,
    }
}

/// The one name of a spec, in its largest whole unit: `60s` is `1m`.
impl fmt::Display for BarSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Seconds(seconds) if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            Self::Seconds(seconds) if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
            Self::Day => f.write_str("1d"),
            Self::Ticks(ticks) => write!(f, "{ticks}t"),
            Self::Volume(volume) => write!(f, "{volume}v"),
            Self::Value(value_e4) => write!(f, "{}r", value_e4 / RUPEE_E4),
        }
    }
}

/// Words that are no bar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no bar: time from 1s to 1d (5s, 1m, 1h, 1d), ticks (500t), volume (10000v), rupees (5000000r)"
)]
pub struct SpecError {
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_has_one_name() {
        let named = [
            "5s", "60s", "90s", "1m", "120m", "24h", "1d", "500t", "10000v", "007r",
        ]
        .map(|text| text.parse::<BarSpec>().unwrap().to_string());

        assert_eq!(
            named,
            [
                "5s", "1m", "90s", "1m", "2h", "1d", "1d", "500t", "10000v", "7r"
            ]
        );
    }

    #[test]
    fn what_is_no_bar_is_refused_with_the_forms_that_are() {
        let no_bars = [
            "",
            "s",
            "5",
            "0s",
            "-5s",
            "+5s",
            "5 s",
            "5S",
            "1.5m",
            "86401s",
            "25h",
            "2d",
            "1w",
            "4294967296t",
            "18446744073709551616v",
            "922337203685478r",
            "5é",
        ];
        for text in no_bars {
            let error = text.parse::<BarSpec>().unwrap_err();

            assert!(error.to_string().contains("1s to 1d"), "{error}");
        }
    }
}
