//! The market goes on from cut to cut, minutes pass, and the day ends.

use crate::calendar::clock::{CLOSE_NS, MINUTE_NS, OPEN_NS, at_ns};
use crate::exchange::hours::{Hours, Phase, Segment};
use crate::exchange::market::day_statistics::Moment;
use crate::exchange::market::listing::Hit;
use crate::exchange::market::path::{Point, liveliness_within};
use crate::exchange::market::pricing::published_e4;
use crate::exchange::market::simulated::{Market, PhaseChange, minute_of};

impl Market {
    /// Goes on to the next cut; trades that users have a part in are appended to `hits`.
    pub fn step(&mut self, hits: &mut Vec<Hit>) {
        self.catch_up();
        self.now_ns = self.next_cut_ns;
        self.next_cut_ns += self.step_ns;
        if self.halted {
            self.print_nothing();
            return;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        if self.still || self.ended {
            self.stand_still(hits);
            return;
        }

        self.follow_path(self.now_ns + 1);
        self.pass_minutes(self.now_ns);
        let moment = Moment {
            now_ns: self.now_ns,
            step_ns: self.step_ns,
            minute_ns: self.minute_ns,
        };
        let phases = self.phases(self.now_ns);
        for index in 0..self.listings.len() {
            let (parents, rest) = self.listings.split_at_mut(index);
            let listing = &mut rest[0];
            let phase = phase_of(&phases, listing.segment);
            if phase != listing.phase {
                self.phase_changes.push(PhaseChange {
                    listing: index,
                    before: listing.phase,
                    after: phase,
                });
                listing.turn(phase, &moment, &self.spot, hits);
            }
            listing.step(&moment, &self.spot, parents, hits);
        }
        self.look_at_breaker();
        self.look_at_end(first);
    }

    pub(super) fn look_at_end(&mut self, first: bool) {
        match self.hours {
            Hours::Plain if self.path.peek().is_none() => {
                // One point alone is a frozen market; a path that ran and is over is a day's end.
                (self.still, self.ended) = (first, !first);
            }
            Hours::Always if first && self.path.peek().is_none() => self.still = true,
            Hours::Dated => {
                let spans = self
                    .timetables
                    .iter()
                    .filter_map(|(_, table)| table.span_ns());
                let end = spans.map(|(_, end)| at_ns(self.day, end)).max();
                self.ended = end.is_none_or(|end_ns| self.now_ns >= end_ns);
            }
            _ => {}
        }
    }

    /// Passes minutes whole up to about `to_ns`, if nobody waits for anything: what follows is the same as after
    /// every step of them. The steps around a change of phase are left to `step`.
    pub fn leap(&mut self, to_ns: i64) {
        if !self.begun || self.still || self.ended || self.halted {
            return;
        }
        let next_turn_ns = self
            .turns_ns
            .iter()
            .find(|&&turn_ns| turn_ns >= self.next_cut_ns);
        let until_ns = next_turn_ns.map_or(to_ns, |turn_ns| to_ns.min(turn_ns - 1));
        let mut target_ns = minute_of(until_ns);
        if minute_of(self.next_cut_ns) >= target_ns {
            return;
        }
        // The points of the minute that is being read: those of the path's last one are left to the steps, since the
        // step that meets its end ends the day; so are those of one in which the breaker may trip.
        let mut read: Vec<Point> = Vec::new();
        let mut trips = false;
        while let Some(point) = self.path.next_if(|point| point.time_ns < target_ns) {
            let another = |last: &Point| minute_of(last.time_ns) != minute_of(point.time_ns);
            if read.last().is_some_and(another) {
                read.drain(..).for_each(|point| self.meet(point));
            }
            read.push(point);
            if self.levels_at(published_e4(point.value)) > self.levels_reached {
                trips = true;
                break;
            }
        }
        match read.first() {
            Some(first) if trips || self.path.peek().is_none() => {
                target_ns = minute_of(first.time_ns).max(minute_of(self.next_cut_ns));
                self.path.put_back(read);
            }
            _ => read.into_iter().for_each(|point| self.meet(point)),
        }
        let steps = (target_ns - self.next_cut_ns + self.step_ns - 1) / self.step_ns;
        self.next_cut_ns += steps.max(0) * self.step_ns;
    }

    /// Takes the path's points before this time.
    pub(super) fn follow_path(&mut self, before_ns: i64) {
        while let Some(point) = self.path.next_if(|point| point.time_ns < before_ns) {
            self.meet(point);
        }
    }

    pub(super) fn meet(&mut self, point: Point) {
        self.pass_minutes(point.time_ns);
        self.spot.meet(point.value);
    }

    /// Ends the minutes before a time's own, one after the other.
    pub(super) fn pass_minutes(&mut self, time_ns: i64) {
        let wanted = minute_of(time_ns);
        if self.minute_ns == i64::MIN {
            self.begin_minute(minute_of(self.open_ns));
        }
        while self.minute_ns < wanted {
            self.deferred.steps.clear();
            for index in 0..self.listings.len() {
                let (parents, rest) = self.listings.split_at_mut(index);
                rest[0].end_minute(self.minute_ns, &self.spot, parents);
            }
            self.begin_minute(self.minute_ns + MINUTE_NS);
        }
    }

    pub(super) fn begin_minute(&mut self, minute_ns: i64) {
        self.minute_ns = minute_ns;
        self.spot.begin_minute();
        let phases = self.phases(minute_ns);
        let lively: Vec<(Segment, f64)> = self
            .timetables
            .iter()
            .map(|(segment, table)| {
                let hours = match self.hours {
                    Hours::Dated => table.continuous_ns(),
                    Hours::Plain | Hours::Always => None,
                };
                let (open_ns, close_ns) = hours.unwrap_or((OPEN_NS, CLOSE_NS));
                (*segment, liveliness_within(minute_ns, open_ns, close_ns))
            })
            .collect();
        for index in 0..self.listings.len() {
            let (parents, rest) = self.listings.split_at_mut(index);
            let segment = rest[0].segment;
            let lively = lively.iter().find(|(of, _)| *of == segment);
            let lively = lively.map_or(1.0, |(_, lively)| *lively);
            let trades = phase_of(&phases, segment) == Phase::Continuous;
            rest[0].begin_minute(minute_ns, trades, lively, &self.spot, parents);
        }
    }

    /// The path goes on meanwhile, so that the first step after a halt shows the world's new price.
    pub(super) fn print_nothing(&mut self) {
        for listing in &mut self.listings {
            listing.prints_e4 = (i64::MAX, i64::MIN);
        }
    }

    pub(super) fn phases(&self, time_ns: i64) -> Vec<(Segment, Phase)> {
        self.timetables
            .iter()
            .map(|(segment, table)| (*segment, table.phase(time_ns)))
            .collect()
    }

    /// The market maker's own flow is over; it only fills up again what users took.
    pub(super) fn stand_still(&mut self, hits: &mut Vec<Hit>) {
        for listing in &mut self.listings {
            listing.stand_still(hits);
        }
    }
}

fn phase_of(phases: &[(Segment, Phase)], segment: Segment) -> Phase {
    let of = phases.iter().find(|(of, _)| *of == segment);
    of.map_or(Phase::Closed, |(_, phase)| *phase)
}
