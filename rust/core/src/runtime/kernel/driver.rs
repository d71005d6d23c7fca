//! The world of a stepped service: what it says is done here, and what comes of it is an event, when it comes.

use crate::runtime::outbox::Outgoing;

/// Something that the world says to one service: a payload of `topic`, encoded as its newest schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub topic: String,
    pub payload: Vec<u8>,
}

/// How a driver brings what happened into the run.
pub struct World {
    now_ns: i64,
    pub(super) answers: Vec<(i64, Answer)>,
}

impl World {
    pub(super) fn at(now_ns: i64) -> World {
        World {
            now_ns,
            answers: Vec::new(),
        }
    }

    /// Machine time.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// Right after the event in hand, before anything else is heard.
    pub fn put(&mut self, topic: &str, payload: Vec<u8>) {
        self.put_at(self.now_ns, topic, payload);
    }

    /// At a machine time, in its turn. A service that has died by then never hears of it.
    pub fn put_at(&mut self, at_ns: i64, topic: &str, payload: Vec<u8>) {
        let answer = Answer {
            topic: topic.to_owned(),
            payload,
        };
        self.answers.push((at_ns, answer));
    }
}

/// Does to a world what a service says; decides nothing. It has no clock, socket or file either: the world is what it was made with.
pub trait Driver: Send {
    /// The service has been hung up; called once.
    fn open(&mut self, world: &mut World) {
        let _ = world;
    }

    /// The service has said this, and it is on the tape. It has not been sent yet.
    fn said(&mut self, topic: &str, said: &Outgoing, world: &mut World) {
        let _ = (topic, said, world);
    }

    /// Looked at before each message and at each timer: what is to be heard first.
    fn watch(&mut self, now_ns: i64) -> Option<Answer> {
        let _ = now_ns;
        None
    }
}

/// Nothing is done and nothing answered.
pub struct NoDriver;

impl Driver for NoDriver {}
