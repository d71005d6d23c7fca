//! The kernel: runtimes of one machine driven stepped, under a virtual clock.
//!
//! The same services with the same inputs and the same seeds leave the same tapes, byte for byte: it has no clock, thread, socket or random
//! number of its own, and no order that depends on an address or a hash. A service dies here as a process does: what it had put on its
//! tape stays, what was on its way to it is gone. Where its tape lies is the setup's affair; on a `SimulatedDisk` it may lose its tail.
use std::sync::Arc;

use super::error::RuntimeError;

/// The world's side.
pub mod driver;
/// Death at a chosen point.
pub mod fuse;
/// One service.
pub mod node;
/// What a tape tells of its service.
pub mod recording;
/// The order of all things.
pub mod schedule;

use driver::Answer;
use node::{Node, Service};
use schedule::{Fate, Place, Schedule, Step};

/// What becomes of a message on its way to the hearer of this name.
pub type Delivery = Box<dyn FnMut(&str, &[u8]) -> Fate + Send>;

/// What is on its way.
#[derive(Clone)]
enum Item {
    Message(Arc<Vec<u8>>),
    World(Answer),
    Control(Answer),
}

/// A service has stopped, and not because it was told to.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {error}")]
pub struct Fallen {
    pub name: String,
    pub error: RuntimeError,
}

/// See the module.
pub struct Kernel {
    schedule: Schedule<Item>,
    nodes: Vec<Option<Node>>,
    delivery: Delivery,
}

impl Kernel {
    /// Machine time begins at `now_ns`; every message arrives at once.
    pub fn new(now_ns: i64) -> Kernel {
        Kernel::disturbed(now_ns, Box::new(|_, _| Fate::Arrives(0)))
    }

    /// Messages arrive as `delivery` says.
    pub fn disturbed(now_ns: i64, delivery: Delivery) -> Kernel {
        Kernel {
            schedule: Schedule::new(now_ns),
            nodes: Vec::new(),
            delivery,
        }
    }

    pub fn now_ns(&self) -> i64 {
        self.schedule.now_ns()
    }

    /// The place of the service of this name, up or not.
    pub fn place_of(&self, name: &str) -> Option<Place> {
        self.schedule.place_of(name)
    }

    /// Hangs a service up, or again after its death: it comes back to where its tape ends and begins an epoch. A service whose end
    /// comes while it does so is not up.
    pub fn hang_up(&mut self, service: Service) -> Result<Place, Fallen> {
        let now_ns = self.now_ns();
        let links = service.links();
        let dies = service.dies_after.is_some();
        let name = links.name.clone();
        assert!(
            !self.is_up(&name),
            "{name} is up: a second of it would write its tape"
        );
        let place = self.schedule.hang_up(links);
        if place == self.nodes.len() {
            self.nodes.push(None);
        }
        match Node::open(service, now_ns) {
            Ok(node) => self.nodes[place] = Some(node),
            Err(error) => {
                self.schedule.take_down(place);
                return if dies {
                    Ok(place)
                } else {
                    Err(Fallen { name, error })
                };
            }
        }
        self.work(place, |_, _| Ok(()))?;
        Ok(place)
    }

    /// The drivers begin; then every service takes up those it hears.
    pub fn open(&mut self) -> Result<(), Fallen> {
        for place in 0..self.nodes.len() {
            self.open_driver(place)?;
        }
        for place in 0..self.nodes.len() {
            self.join(place)?;
        }
        self.run()
    }

    /// One that has come back does so by itself.
    pub fn reopen(&mut self, place: Place) -> Result<(), Fallen> {
        self.open_driver(place)?;
        self.join(place)
    }

    fn open_driver(&mut self, place: Place) -> Result<(), Fallen> {
        self.work(place, |node, now_ns| {
            node.open_driver(now_ns);
            Ok(())
        })
    }

    fn join(&mut self, place: Place) -> Result<(), Fallen> {
        for source in 0..self.nodes.len() {
            let name = self.schedule.name_of(source).to_owned();
            self.work(place, |node, now_ns| node.join(&name, now_ns))?;
        }
        Ok(())
    }

    /// Takes a service away as a kill does.
    pub fn kill(&mut self, place: Place) {
        self.nodes[place] = None;
        self.schedule.take_down(place);
    }

    /// Has a service die after so many records and messages more; none: it lives on.
    pub fn doom(&mut self, place: Place, left: Option<u64>) {
        if let Some(node) = &self.nodes[place] {
            node.fuse.set(left);
        }
    }

    /// A service stands still until it is resumed, as by SIGSTOP.
    pub fn pause(&mut self, place: Place) {
        self.schedule.pause(place);
    }

    pub fn resume(&mut self, place: Place) {
        self.schedule.resume(place);
    }

    /// The services that are up.
    pub fn nodes(&self) -> impl Iterator<Item = (Place, &Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(place, node)| node.as_ref().map(|node| (place, node)))
    }

    pub fn node(&self, place: Place) -> Option<&Node> {
        self.nodes[place].as_ref()
    }

    pub fn is_up(&self, name: &str) -> bool {
        let place = self.schedule.place_of(name);
        place.is_some_and(|place| self.nodes[place].is_some())
    }

    /// Delivers until nothing is on its way that is due.
    pub fn run(&mut self) -> Result<(), Fallen> {
        while let Some(step) = self.schedule.next_now() {
            self.take(step)?;
        }
        Ok(())
    }

    /// Lets machine time pass up to `until_ns`.
    pub fn advance_to(&mut self, until_ns: i64) -> Result<(), Fallen> {
        while let Some(step) = self.schedule.next(until_ns) {
            self.take(step)?;
        }
        Ok(())
    }

    /// All say their heartbeats, and what these show to be missing is filled.
    pub fn beat(&mut self) -> Result<(), Fallen> {
        self.schedule.beat();
        self.run()
    }

    /// Gives a command to a service: it is on its tape, and handled, when this returns; unless the service stands still, for then it
    /// waits with all else.
    pub fn control(&mut self, place: Place, topic: &str, payload: Vec<u8>) -> Result<(), Fallen> {
        let topic = topic.to_owned();
        self.give(place, Item::Control(Answer { topic, payload }))
    }

    /// The world says something to a service now.
    pub fn world(&mut self, place: Place, topic: &str, payload: Vec<u8>) -> Result<(), Fallen> {
        let topic = topic.to_owned();
        self.give(place, Item::World(Answer { topic, payload }))
    }

    fn give(&mut self, place: Place, item: Item) -> Result<(), Fallen> {
        if self.schedule.is_paused(place) {
            self.schedule.put(place, self.now_ns(), item);
            return Ok(());
        }
        self.take(Step::Deliver(place, item))
    }

    /// Finishes what is on its way, then closes the tapes.
    pub fn close(mut self) -> Result<(), Fallen> {
        self.run()?;
        for (place, node) in self.nodes.into_iter().enumerate() {
            let closed = node.map_or(Ok(()), Node::close);
            closed.map_err(|error| Fallen {
                name: self.schedule.name_of(place).to_owned(),
                error,
            })?;
        }
        Ok(())
    }

    fn take(&mut self, step: Step<Item>) -> Result<(), Fallen> {
        match step {
            Step::Deliver(place, Item::Message(frame)) => {
                self.watch(place)?;
                self.work(place, |node, now_ns| node.hear(&frame, now_ns))
            }
            Step::Deliver(place, Item::World(answer)) => {
                self.work(place, |node, now_ns| node.world(&answer, now_ns))
            }
            Step::Deliver(place, Item::Control(Answer { topic, payload })) => {
                self.work(place, |node, now_ns| node.control(&topic, &payload, now_ns))
            }
            Step::Beat(place) => {
                self.beat_of(place);
                Ok(())
            }
            Step::Settle(place) => self.work(place, Node::settle),
            Step::Look(place) => {
                self.watch(place)?;
                self.work(place, |node, now_ns| {
                    node.look(now_ns);
                    Ok(())
                })
            }
        }
    }

    /// What the driver's watch sees is heard before anything else.
    fn watch(&mut self, place: Place) -> Result<(), Fallen> {
        let now_ns = self.now_ns();
        let node = self.nodes[place].as_mut();
        match node.and_then(|node| node.driver.watch(now_ns)) {
            Some(seen) => self.work(place, |node, now_ns| node.world(&seen, now_ns)),
            None => Ok(()),
        }
    }

    fn beat_of(&mut self, place: Place) {
        let now_ns = self.now_ns();
        let Some(node) = &self.nodes[place] else {
            return;
        };
        node.sync();
        let beat = Item::Message(Arc::new(node.runtime.heartbeat(now_ns)));
        let Kernel {
            schedule, delivery, ..
        } = self;
        schedule.send_beat(place, &beat, |hearer, item| fate(delivery, hearer, item));
    }

    /// Has a service do something, and all that follows of it within itself. One that is not up does nothing.
    fn work(
        &mut self,
        place: Place,
        deed: impl FnOnce(&mut Node, i64) -> Result<(), RuntimeError>,
    ) -> Result<(), Fallen> {
        let now_ns = self.now_ns();
        let Kernel {
            schedule,
            nodes,
            delivery,
        } = self;
        let Some(node) = &mut nodes[place] else {
            return Ok(());
        };
        let done = || -> Result<(), RuntimeError> {
            deed(node, now_ns)?;
            loop {
                for said in node.take_said(now_ns) {
                    node.fuse.burn()?;
                    let item = Item::Message(Arc::new(said.frame));
                    let fate = |hearer: &str, item: &Item| fate(delivery, hearer, item);
                    schedule.send(place, said.publication, &item, fate);
                }
                for (at_ns, answer) in node.answers.drain(..) {
                    schedule.put(place, at_ns, Item::World(answer));
                }
                let Some(answer) = node.inbox.pop_front() else {
                    return Ok(());
                };
                node.world(&answer, now_ns)?;
            }
        };
        match done() {
            Ok(()) => {
                schedule.set_due(place, node.due_ns());
                Ok(())
            }
            Err(error) => {
                let was_doomed = node.fuse.is_burnt();
                self.kill(place);
                if was_doomed {
                    return Ok(());
                }
                let name = self.schedule.name_of(place).to_owned();
                Err(Fallen { name, error })
            }
        }
    }
}

fn fate(delivery: &mut Delivery, hearer: &str, item: &Item) -> Fate {
    match item {
        Item::Message(frame) => delivery(hearer, frame),
        Item::World(_) | Item::Control(_) => Fate::Arrives(0),
    }
}
