//! What comes next in a stepped run: deliveries, heartbeats and timers, in one order that depends on nothing else.
//!
//! What is on its way is ordered by (delivery time, order of publishing). At each moment of machine time all first say their heartbeats, if
//! those are due, and then look at what these show to be missing; then all look at their timers, if anybody's has run out. Within each
//! round the services take their turns as they were hung up, and after each all that is due is delivered.
use std::collections::{BTreeMap, VecDeque};

use crate::runtime::sequence::SequenceMode;

pub const HEARTBEAT_NS: i64 = 1_000_000_000;
/// On their way at once; more is a circle of services that answer each other.
pub const QUEUE_MAX: usize = 1_000_000;
/// No timer will ever run out.
pub const NEVER_NS: i64 = i64::MAX;

/// A service's place in the order in which they were hung up. One that comes back has its own again.
pub type Place = usize;

/// Whom a service hears, and who hears it.
#[derive(Clone, Debug)]
pub struct Links {
    /// With its shard.
    pub name: String,
    /// Names of services, without shard, and how each is counted.
    pub hears: Vec<(String, SequenceMode)>,
    /// Topic, whether dense (left out of `sparse_seq`), and the service that takes it as work.
    pub says: Vec<(String, bool, Option<String>)>,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Hand this to the service.
    Deliver(Place, T),
    /// Say its heartbeat.
    Beat(Place),
    /// Fill what its working sources said and no queue brought.
    Settle(Place),
    /// Look at its timers.
    Look(Place),
}

/// What becomes of a message on its way to one hearer. Delays are in machine time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Arrives(i64),
    Twice(i64, i64),
    Lost,
}

/// What all do in their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Beat,
    Settle,
    Look,
}

struct Slot<T> {
    links: Links,
    is_up: bool,
    is_paused: bool,
    /// Machine time at which its next timer runs out.
    due_ns: i64,
    /// Which of its lives this is: what was on its way to an earlier one is gone.
    life: u64,
    /// What came while it was paused.
    held: VecDeque<T>,
}

/// See the module. `T` is what is on its way.
pub struct Schedule<T> {
    now_ns: i64,
    beat_ns: i64,
    slots: Vec<Slot<T>>,
    /// Due, in order.
    ready: VecDeque<(Place, u64, T)>,
    /// By delivery time and order of publishing.
    later: BTreeMap<(i64, u64), (Place, u64, T)>,
    published: u64,
    round: Option<Round>,
    turns: VecDeque<Place>,
    /// By speaker and publication; the last is the heartbeat.
    routes: Vec<Vec<Vec<Place>>>,
}

impl<T: Clone> Schedule<T> {
    pub fn new(now_ns: i64) -> Schedule<T> {
        Schedule {
            now_ns,
            beat_ns: now_ns.saturating_add(HEARTBEAT_NS),
            slots: Vec::new(),
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            published: 0,
            round: None,
            turns: VecDeque::new(),
            routes: Vec::new(),
        }
    }

    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    pub fn place_of(&self, name: &str) -> Option<Place> {
        self.slots.iter().position(|slot| slot.links.name == name)
    }

    pub fn name_of(&self, place: Place) -> &str {
        &self.slots[place].links.name
    }

    pub fn is_paused(&self, place: Place) -> bool {
        self.slots[place].is_paused
    }

    /// Hangs a service up, behind those that are; or again, at its old place.
    pub fn hang_up(&mut self, links: Links) -> Place {
        let known = self.place_of(&links.name);
        let place = known.unwrap_or(self.slots.len());
        let slot = Slot {
            links,
            is_up: true,
            is_paused: false,
            due_ns: NEVER_NS,
            life: known.map_or(0, |place| self.slots[place].life + 1),
            held: VecDeque::new(),
        };
        match known {
            Some(place) => self.slots[place] = slot,
            None => self.slots.push(slot),
        }
        self.route();
        place
    }

    /// The service is gone, and all that was on its way to it.
    pub fn take_down(&mut self, place: Place) {
        let slot = &mut self.slots[place];
        (slot.is_up, slot.is_paused, slot.due_ns) = (false, false, NEVER_NS);
        slot.life += 1;
        slot.held.clear();
        self.route();
    }

    /// The service stands still: it hears and says nothing, no timer of its runs out, and what comes waits for it.
    pub fn pause(&mut self, place: Place) {
        self.slots[place].is_paused = true;
    }

    /// It goes on with what has come meanwhile.
    pub fn resume(&mut self, place: Place) {
        let slot = &mut self.slots[place];
        slot.is_paused = false;
        let life = slot.life;
        for item in std::mem::take(&mut slot.held).into_iter().rev() {
            self.ready.push_front((place, life, item));
        }
    }

    /// When its next timer runs out.
    pub fn set_due(&mut self, place: Place, due_ns: i64) {
        self.slots[place].due_ns = due_ns;
    }

    /// The place among what `from` says of a topic, as `send` wants it.
    pub fn publication_of(&self, from: Place, topic: &[u8]) -> Option<usize> {
        let says = &self.slots[from].links.says;
        says.iter()
            .position(|(known, ..)| known.as_bytes() == topic)
    }

    /// What a service has said goes to all who hear it.
    pub fn send(
        &mut self,
        from: Place,
        publication: usize,
        item: &T,
        fate: impl FnMut(&str, &T) -> Fate,
    ) {
        self.send_along(from, publication, item, fate);
    }

    /// A service's heartbeat goes to all who hear anything of it.
    pub fn send_beat(&mut self, from: Place, item: &T, fate: impl FnMut(&str, &T) -> Fate) {
        self.send_along(from, self.slots[from].links.says.len(), item, fate);
    }

    fn send_along(
        &mut self,
        from: Place,
        route: usize,
        item: &T,
        mut fate: impl FnMut(&str, &T) -> Fate,
    ) {
        for i in 0..self.routes[from][route].len() {
            let place = self.routes[from][route][i];
            match fate(&self.slots[place].links.name, item) {
                Fate::Lost => {}
                Fate::Arrives(delay_ns) => self.put_after(place, delay_ns, item.clone()),
                Fate::Twice(first_ns, second_ns) => {
                    self.put_after(place, first_ns, item.clone());
                    self.put_after(place, second_ns, item.clone());
                }
            }
        }
    }

    /// Something comes to the service at a machine time, which may not be past.
    pub fn put(&mut self, place: Place, at_ns: i64, item: T) {
        let life = self.slots[place].life;
        self.published += 1;
        if at_ns <= self.now_ns {
            self.ready.push_back((place, life, item));
        } else {
            let key = (at_ns, self.published);
            self.later.insert(key, (place, life, item));
        }
        let queued = self.ready.len() + self.later.len();
        assert!(
            queued <= QUEUE_MAX,
            "{queued} messages on their way: who answers whom?"
        );
    }

    fn put_after(&mut self, place: Place, delay_ns: i64, item: T) {
        assert!(delay_ns >= 0, "a message does not arrive before it is sent");
        self.put(place, self.now_ns.saturating_add(delay_ns), item);
    }

    /// Has all say their heartbeats now. What follows comes from `next`.
    pub fn beat(&mut self) {
        self.begin(Round::Beat);
    }

    /// The next delivery or turn of this moment; none if there is none.
    pub fn next_now(&mut self) -> Option<Step<T>> {
        loop {
            if let Some(round) = self.round
                && let Some(place) = self.turns.pop_front()
            {
                let slot = &self.slots[place];
                if !slot.is_up || slot.is_paused {
                    continue;
                }
                return Some(match round {
                    Round::Beat => Step::Beat(place),
                    Round::Settle => Step::Settle(place),
                    Round::Look => Step::Look(place),
                });
            }
            if let Some((place, life, item)) = self.ready.pop_front() {
                let slot = &mut self.slots[place];
                if slot.life != life {
                    continue;
                }
                if slot.is_paused {
                    slot.held.push_back(item);
                    continue;
                }
                return Some(Step::Deliver(place, item));
            }
            match self.round.take() {
                Some(Round::Beat) => self.begin(Round::Settle),
                Some(Round::Settle | Round::Look) | None => return None,
            }
        }
    }

    /// The next of all, with machine time moved to it; none, and machine time at `until_ns`, if there is none up to there.
    pub fn next(&mut self, until_ns: i64) -> Option<Step<T>> {
        loop {
            let settles = self.round == Some(Round::Settle);
            if let Some(step) = self.next_now() {
                return Some(step);
            }
            if settles {
                self.begin(Round::Look); // a heartbeat is also a moment to look at the rest
                continue;
            }
            let due_ns = self.due_ns();
            let later_ns = self
                .later
                .keys()
                .next()
                .map_or(NEVER_NS, |(at_ns, _)| *at_ns);
            let at_ns = due_ns.min(self.beat_ns).min(later_ns);
            if at_ns > until_ns {
                self.now_ns = self.now_ns.max(until_ns);
                return None;
            }
            self.now_ns = self.now_ns.max(at_ns);
            while let Some(entry) = self.later.first_entry()
                && entry.key().0 <= self.now_ns
            {
                self.ready.push_back(entry.remove());
            }
            if self.beat_ns <= self.now_ns {
                self.beat_ns += HEARTBEAT_NS;
                self.begin(Round::Beat);
            } else if due_ns <= self.now_ns {
                self.begin(Round::Look);
            }
        }
    }

    fn begin(&mut self, round: Round) {
        self.round = Some(round);
        self.turns = (0..self.slots.len()).collect();
    }

    fn due_ns(&self) -> i64 {
        let awake = self
            .slots
            .iter()
            .filter(|slot| slot.is_up && !slot.is_paused);
        awake.map(|slot| slot.due_ns).min().unwrap_or(NEVER_NS)
    }

    /// Reads off who hears what.
    fn route(&mut self) {
        let hearers = |from: &Slot<T>, said: Option<&(String, bool, Option<String>)>| {
            let hears = |slot: &Slot<T>| {
                let source = base(&from.links.name);
                let mode = slot.links.hears.iter().find(|(known, _)| known == source);
                let works = said.is_some_and(|(_, _, worker)| {
                    worker.as_deref() == Some(base(&slot.links.name))
                });
                let receives = match (mode, said) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some((_, SequenceMode::All)), _) => true,
                    (Some((_, SequenceMode::Sparse)), Some((_, is_dense, _))) => !is_dense,
                    (Some((_, SequenceMode::Work)), _) => false,
                };
                slot.is_up && (works || receives)
            };
            let places = self
                .slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| hears(slot));
            places.map(|(place, _)| place).collect()
        };
        let routes_of = |from: &Slot<T>| {
            let said = from.links.says.iter().map(Some).chain([None]);
            said.map(|said| hearers(from, said)).collect()
        };
        self.routes = self.slots.iter().map(routes_of).collect();
    }
}

/// A source's service: `strategy.2` is a shard of `strategy`.
fn base(source: &str) -> &str {
    source.split_once('.').map_or(source, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(name: &str, hears: &[(&str, SequenceMode)], worker: Option<&str>) -> Links {
        Links {
            name: name.to_owned(),
            hears: hears
                .iter()
                .map(|(name, mode)| ((*name).to_owned(), *mode))
                .collect(),
            says: vec![
                (format!("{name}.word"), false, worker.map(str::to_owned)),
                (format!("{name}.tick"), true, None),
            ],
        }
    }

    /// A speaker, one who hears all of it, one who hears all but ticks, and one who works for it.
    fn house() -> Schedule<u32> {
        let mut schedule = Schedule::new(0);
        schedule.hang_up(links("speaker", &[], Some("worker")));
        schedule.hang_up(links("all", &[("speaker", SequenceMode::All)], None));
        schedule.hang_up(links("sparse", &[("speaker", SequenceMode::Sparse)], None));
        schedule.hang_up(links("worker", &[("speaker", SequenceMode::Work)], None));
        schedule
    }

    fn arrives(_: &str, _: &u32) -> Fate {
        Fate::Arrives(0)
    }

    fn rest(schedule: &mut Schedule<u32>, until_ns: i64) -> Vec<(i64, Step<u32>)> {
        let mut steps = Vec::new();
        while let Some(step) = schedule.next(until_ns) {
            steps.push((schedule.now_ns(), step));
        }
        steps
    }

    #[test]
    fn a_message_goes_to_who_hears_its_topic_in_their_order() {
        let mut schedule = house();

        schedule.send(0, 0, &7, arrives);
        schedule.send(0, 1, &8, arrives);
        schedule.send_beat(0, &9, arrives);

        let delivered = [(1, 7), (2, 7), (3, 7), (1, 8), (1, 9), (2, 9), (3, 9)];
        let delivered = delivered.map(|(place, item)| (0, Step::Deliver(place, item)));
        assert_eq!(rest(&mut schedule, 0), delivered);
    }

    #[test]
    fn each_second_all_beat_then_settle_then_look_and_in_between_all_is_delivered() {
        let mut schedule = house();

        let first = schedule.next(HEARTBEAT_NS);
        schedule.send_beat(0, &1, arrives);

        let mut expected = vec![Step::Beat(1), Step::Beat(2), Step::Beat(3)];
        expected.extend((1..4).map(|place| Step::Deliver(place, 1)));
        expected.extend((0..4).map(Step::Settle));
        expected.extend((0..4).map(Step::Look));
        assert_eq!(first, Some(Step::Beat(0)));
        let steps = rest(&mut schedule, HEARTBEAT_NS);
        assert_eq!(
            steps.into_iter().map(|(_, step)| step).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(schedule.now_ns(), HEARTBEAT_NS);
    }

    #[test]
    fn when_a_timer_runs_out_all_look() {
        let mut schedule = house();
        schedule.set_due(2, 500);

        assert_eq!(schedule.next(499), None);
        assert_eq!(schedule.next(10_000), Some(Step::Look(0)));
        assert_eq!(schedule.now_ns(), 500);
        schedule.set_due(2, 20_000);
        assert_eq!(rest(&mut schedule, 10_000).len(), 3);
    }

    #[test]
    fn what_was_on_its_way_to_one_that_died_is_gone_and_he_comes_back_at_his_place() {
        let mut schedule = house();
        schedule.send(0, 0, &7, arrives);

        schedule.take_down(2);
        schedule.send(0, 0, &8, arrives);
        let place = schedule.hang_up(links("sparse", &[("speaker", SequenceMode::Sparse)], None));
        schedule.send(0, 0, &9, arrives);

        let steps = rest(&mut schedule, 0);
        let heard = steps
            .iter()
            .filter(|(_, step)| matches!(step, Step::Deliver(2, _)));
        assert_eq!(place, 2);
        assert_eq!(heard.collect::<Vec<_>>(), [&(0, Step::Deliver(2, 9))]);
    }

    #[test]
    fn one_that_stands_still_takes_no_turn_and_hears_afterwards_what_came_in_order() {
        let mut schedule = house();
        schedule.set_due(2, 1);
        schedule.pause(2);
        for item in [1, 2, 3] {
            schedule.send(0, 1, &item, arrives);
            schedule.send(0, 0, &item, arrives);
        }
        assert!(
            rest(&mut schedule, 5)
                .iter()
                .all(|(_, step)| *step != Step::Look(2))
        );
        schedule.send(0, 0, &4, arrives);
        schedule.set_due(2, NEVER_NS);
        schedule.resume(2);

        let steps = rest(&mut schedule, 5);

        let heard = steps
            .into_iter()
            .filter(|(_, step)| matches!(step, Step::Deliver(2, _)));
        assert_eq!(
            heard.collect::<Vec<_>>(),
            [1, 2, 3, 4].map(|item| (5, Step::Deliver(2, item)))
        );
    }

    proptest! {
        #[test]
        fn things_arrive_by_delivery_time_and_then_in_the_order_of_publishing(
            things in proptest::collection::vec((0..50i64, 0..3u8), 1..60),
        ) {
            let mut schedule = house();
            let mut expected = Vec::new();
            for (item, (delay_ns, copies)) in things.iter().enumerate() {
                let item = item as u32;
                schedule.send(0, 0, &item, |hearer, _| match (hearer, copies) {
                    ("sparse", 0) => Fate::Lost,
                    ("sparse", 1) => Fate::Arrives(*delay_ns),
                    ("sparse", _) => Fate::Twice(*delay_ns, 2 * delay_ns),
                    _ => Fate::Lost,
                });
                expected.extend((0..*copies).map(|copy| (delay_ns * (1 + i64::from(copy)), item)));
                expected.sort_by_key(|(at_ns, _)| *at_ns); // stable
            }

            let steps = rest(&mut schedule, HEARTBEAT_NS - 1);

            let delivered: Vec<_> = steps.into_iter().map(|(at_ns, step)| match step {
                Step::Deliver(2, item) => (at_ns, item),
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(delivered, expected);
        }
    }
}
