//! The request for candles.

use crate::calendar::clock::{DAY_NS, SECOND_NS};
use crate::day::Day;
use crate::exchange::forms::form::{Fields, Form};
use crate::exchange::market::candles::Interval;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::views::history::{Moment, Wish};

/// `from` and `to` are dates, with or without a time; a date alone means all of it.
pub fn wish(interval: &str, fields: &Fields, rules: &Rules) -> Result<Wish, Refusal> {
    let known = Interval::parse(interval).filter(|_| interval != "hour" || rules.spans.hour_too);
    let interval = known.ok_or_else(|| Refusal::input("invalid interval"))?;
    let form = Form(fields);
    let from = form.text("from").and_then(|text| moment(text, 0));
    // A date alone means all of it.
    let to = form.text("to").and_then(|text| moment(text, DAY_NS - 1));
    let from = from.ok_or_else(|| Refusal::input("invalid from date"))?;
    let to = to.ok_or_else(|| Refusal::input("invalid to date"))?;
    if from > to {
        return Err(Refusal::input("from date cannot be after to date"));
    }
    let most = rules.spans.days(interval);
    if to.0.0 - from.0.0 > most {
        return Err(Refusal::input(format!(
            "interval exceeds max limit: {most} days"
        )));
    }
    Ok(Wish {
        interval,
        from,
        to,
        continuous: form.flag("continuous")?,
        oi: form.flag("oi")?,
    })
}

fn moment(text: &str, otherwise_ns: i64) -> Option<Moment> {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let of_day_ns = time.map_or(Some(otherwise_ns), |time| {
        let parts: Vec<i64> = time
            .split(':')
            .map(|part| part.parse().ok().filter(|_| part.len() == 2))
            .collect::<Option<_>>()?;
        let [hours @ 0..24, minutes @ 0..60, seconds @ 0..60] = parts[..] else {
            return None;
        };
        Some((hours * 3600 + minutes * 60 + seconds) * SECOND_NS)
    })?;
    Some((Day::parse(day)?, of_day_ns))
}
