//! One instrument's bars of one spec: at most one is open.
use super::bar::{Bar, OpenBar, Print};
use super::spec::BarSpec;
use crate::calendar::clock::SECOND_NS;

/// One day's session, ns UTC, without its close; empty where there is none.
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

/// Where closed bars go.
pub struct Closed<'a> {
    pub token: u32,
    pub bars: &'a mut Vec<Bar>,
    pub value_overflow: &'a mut u64,
}

#[derive(Clone, Debug)]
pub struct Series {
    pub spec: BarSpec,
    /// A whole time bar's length, a day's by its session; 0 for others.
    length_ns: i64,
    bar: Option<OpenBar>,
}

impl Series {
    pub fn new(spec: BarSpec) -> Self {
        let length_ns = match spec {
            BarSpec::Seconds(seconds) => i64::from(seconds) * SECOND_NS,
            BarSpec::Day | BarSpec::Ticks(_) | BarSpec::Volume(_) | BarSpec::Value(_) => 0,
        };
        Self {
            spec,
            length_ns,
            bar: None,
        }
    }

    /// A session begins; the bars of the one before are closed.
    pub fn begin(&mut self, span: Span) {
        if self.spec == BarSpec::Day {
            self.length_ns = span.close_ns - span.open_ns;
        }
    }

    /// Takes a tick of the session; the bars that it closes are those before it and, by its weight, its own.
    ///
    /// A bar that began before `heard_from_ns` lacks what came until then.
    #[inline]
    pub fn enter(&mut self, print: Print, span: Span, heard_from_ns: i64, closed: &mut Closed<'_>) {
        if self
            .bar
            .as_ref()
            .is_some_and(|bar| bar.end_ns() <= print.time_ns)
        {
            self.close(print.time_ns, closed);
        }
        let bar = match &mut self.bar {
            Some(bar) => {
                bar.add(print);
                bar
            }
            none => {
                let (start_ns, end_ns) = place(self.length_ns, print.time_ns, span);
                let bar = none.insert(OpenBar::new(start_ns, end_ns, print));
                if start_ns < heard_from_ns {
                    bar.mark_gapped();
                }
                bar
            }
        };
        if bar.is_full(self.spec) {
            self.close(print.time_ns, closed);
        }
    }

    /// Ticks may be missing up to a time: the open bar lacks them if it began before.
    pub fn gap(&mut self, until_ns: i64) {
        if let Some(bar) = &mut self.bar
            && bar.start_ns() < until_ns
        {
            bar.mark_gapped();
        }
    }

    /// Closes the open bar, if there is one, when the session has come to `at_ns`.
    pub fn close(&mut self, at_ns: i64, closed: &mut Closed<'_>) {
        let Some(bar) = self.bar.take() else { return };
        let (end_ns, short) = if self.length_ns > 0 {
            let end_ns = bar.end_ns().min(at_ns);
            (end_ns, end_ns - bar.start_ns() < self.length_ns)
        } else {
            (bar.last_ns(), !bar.is_full(self.spec))
        };
        let (bar, value_fits) = bar.close(closed.token, self.spec, end_ns, short);
        *closed.value_overflow += u64::from(!value_fits);
        closed.bars.push(bar);
    }
}

/// Where a bar begins that a tick opens, and where it ends by time: its place on the session's grid, cut by the close.
/// Bars that are not of time end by what they hold.
fn place(length_ns: i64, time_ns: i64, span: Span) -> (i64, i64) {
    if length_ns == 0 {
        return (time_ns, i64::MAX);
    }
    let start_ns = time_ns - (time_ns - span.open_ns) % length_ns;
    (start_ns, (start_ns + length_ns).min(span.close_ns))
}
