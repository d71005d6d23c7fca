//! One service of a stepped run: its runtime, handler, driver and timers.
use std::collections::VecDeque;

use super::driver::{Answer, Driver, World};
use super::fuse::{Fuse, MortalTape};
use super::schedule::{Links, NEVER_NS};
use crate::payload::Payload;
use crate::payload::world::{Epoch, Timer};
use crate::runtime::error::RuntimeError;
use crate::runtime::handler::Handler;
use crate::runtime::header::Source;
use crate::runtime::outbox::Outgoing;
use crate::runtime::own_tape::OwnTape;
use crate::runtime::recover::Recovered;
use crate::runtime::runtime::Runtime;
use crate::runtime::setup::Setup;
use crate::tape::Options;

/// What is hung up.
pub struct Service {
    pub setup: Setup,
    /// By publication: the service that takes it as work.
    pub workers: Vec<Option<String>>,
    /// What its EPOCH says of build and settings.
    pub about: Vec<u8>,
    /// Name and machine time between two.
    pub timers: Vec<(String, i64)>,
    pub options: Options,
    pub handler: Box<dyn Handler>,
    pub driver: Box<dyn Driver>,
    /// The first of a run, and not one process come back into it.
    pub begins_run: bool,
    /// It dies after so many records and messages, recovery's included.
    pub dies_after: Option<u64>,
}

impl Service {
    pub(super) fn links(&self) -> Links {
        let says = self.setup.publications.iter().zip(&self.workers);
        Links {
            name: self.setup.service.as_str().to_owned(),
            hears: self.setup.sequence_modes.clone(),
            says: says
                .map(|(said, worker)| (said.topic.clone(), said.dense, worker.clone()))
                .collect(),
        }
    }
}

/// A timer of machine time.
struct Rhythm {
    name: String,
    every_ns: i64,
    due_ns: i64,
}

/// A service at work. What it says waits in its runtime until it is taken.
pub struct Node {
    pub runtime: Runtime,
    pub handler: Box<dyn Handler>,
    pub driver: Box<dyn Driver>,
    pub recovered: Recovered,
    pub(super) fuse: Fuse,
    rhythms: Vec<Rhythm>,
    tape: OwnTape,
    /// What the world said while an event was in hand, to be heard next.
    pub(super) inbox: VecDeque<Answer>,
    /// What it will say later.
    pub(super) answers: Vec<(i64, Answer)>,
    takes_threads: bool,
}

impl Node {
    /// Opens its tape, comes back to where that ends, and begins an epoch. Nothing of what recovery had to append is sent: hearers
    /// find it on the tape.
    pub(super) fn open(service: Service, now_ns: i64) -> Result<Node, RuntimeError> {
        let Service {
            setup,
            about,
            timers,
            options,
            mut handler,
            driver,
            begins_run,
            dies_after,
            ..
        } = service;
        let fuse = Fuse::new(dies_after);
        let mortal = |writer| {
            let fuse = fuse.clone();
            Box::new(MortalTape { writer, fuse })
        };
        let takes_threads = setup.tapes.disk.takes_threads();
        let dir = setup.tapes.join(setup.service.as_str());
        let (mut tape, writer) = OwnTape::open(dir, setup.day, options)?;
        let mut runtime = Runtime::new(setup, &*handler, mortal(writer));
        let recovered = runtime.recover(&about, &mut *handler)?;
        drop(runtime.take_said());
        if let Some(writer) = tape.turn()? {
            runtime.turn_tape(mortal(writer)).close()?;
        }
        let is_new_day = tape.is_fresh();
        runtime.begin(
            &about,
            recovered,
            is_new_day,
            begins_run,
            now_ns,
            &mut *handler,
        )?;
        tape.sync_handle().sync()?;
        let numbers = runtime.outbox().numbers();
        let epoch = Epoch {
            epoch: numbers.epoch.into(),
            after_seq: numbers.seq as i64,
            begins_run,
        };
        let hears_epoch = handler.topics().contains(&Epoch::TOPIC);
        let inbox = hears_epoch.then(|| Answer {
            topic: Epoch::TOPIC.to_owned(),
            payload: epoch.encode(),
        });
        let rhythms = timers.into_iter().map(|(name, every_ns)| Rhythm {
            name,
            every_ns,
            due_ns: now_ns + every_ns,
        });
        Ok(Node {
            runtime,
            handler,
            driver,
            recovered,
            fuse,
            rhythms: rhythms.collect(),
            tape,
            inbox: inbox.into_iter().collect(),
            answers: Vec::new(),
            takes_threads,
        })
    }

    pub(super) fn open_driver(&mut self, now_ns: i64) {
        let mut world = World::at(now_ns);
        self.driver.open(&mut world);
        self.keep(world);
    }

    pub(super) fn hear(&mut self, frame: &[u8], now_ns: i64) -> Result<(), RuntimeError> {
        self.runtime.hear(frame, now_ns, &mut *self.handler)
    }

    pub(super) fn world(&mut self, answer: &Answer, now_ns: i64) -> Result<(), RuntimeError> {
        let subscription = self.subscription_of(&answer.topic)?;
        let payload = &answer.payload;
        self.runtime
            .world(subscription, payload, now_ns, &mut *self.handler)
    }

    pub(super) fn control(
        &mut self,
        topic: &str,
        payload: &[u8],
        now_ns: i64,
    ) -> Result<(), RuntimeError> {
        let subscription = self.subscription_of(topic)?;
        self.runtime
            .control(subscription, payload, now_ns, &mut *self.handler)
    }

    pub(super) fn join(&mut self, source: &str, now_ns: i64) -> Result<(), RuntimeError> {
        let source = Source::new(source).expect("the name of a service");
        self.runtime.join(source, now_ns, &mut *self.handler)
    }

    pub(super) fn settle(&mut self, now_ns: i64) -> Result<(), RuntimeError> {
        self.runtime.settle(now_ns, &mut *self.handler)
    }

    /// Timers that have run out. After a pause the missed ones are not made up for: a timer is a rhythm, not a count.
    pub(super) fn look(&mut self, now_ns: i64) {
        for rhythm in &mut self.rhythms {
            if rhythm.due_ns <= now_ns {
                rhythm.due_ns = (rhythm.due_ns + rhythm.every_ns).max(now_ns + 1);
                let timer = Timer { name: &rhythm.name };
                self.inbox.push_back(Answer {
                    topic: Timer::TOPIC.to_owned(),
                    payload: timer.encode(),
                });
            }
        }
    }

    pub(super) fn due_ns(&self) -> i64 {
        let dues = self.rhythms.iter().map(|rhythm| rhythm.due_ns);
        dues.min().unwrap_or(NEVER_NS)
    }

    /// What was said since, in order, each heard by the driver.
    pub(super) fn take_said(&mut self, now_ns: i64) -> Vec<Outgoing> {
        let said: Vec<Outgoing> = self.runtime.take_said().collect();
        let mut world = World::at(now_ns);
        for one in &said {
            let topic = &self.runtime.outbox().publications()[one.publication].topic;
            self.driver.said(topic, one, &mut world);
        }
        self.keep(world);
        said
    }

    /// What a thread of its own does once a second where there are threads. An error is the next append's.
    pub(super) fn sync(&self) {
        if !self.takes_threads {
            let _ = self.tape.sync_handle().sync_all();
        }
    }

    pub(super) fn close(self) -> Result<(), RuntimeError> {
        Ok(self.runtime.into_tape().close()?)
    }

    fn keep(&mut self, world: World) {
        let now_ns = world.now_ns();
        for (at_ns, answer) in world.answers {
            if at_ns <= now_ns {
                self.inbox.push_back(answer);
            } else {
                self.answers.push((at_ns, answer));
            }
        }
    }

    fn subscription_of(&self, topic: &str) -> Result<usize, RuntimeError> {
        let subscriptions = self.runtime.subscriptions();
        let known = subscriptions.iter().position(|one| one.topic == topic);
        known.ok_or_else(|| {
            RuntimeError::Handler(format!("{topic} is nothing that this service hears").into())
        })
    }
}
