//! Events a second through the kernel beside its floor, the same runtimes called by hand; one JSON object a line.
//!
//!     cargo run --release -q -p kitev3-core --example kernel_bench

use std::sync::Arc;
use std::time::Instant;

use kitev3_core::runtime::error::HandlerError;
use kitev3_core::runtime::handler::{Arrival, Handler};
use kitev3_core::runtime::header::{Mode, Source};
use kitev3_core::runtime::kernel::Kernel;
use kitev3_core::runtime::kernel::driver::NoDriver;
use kitev3_core::runtime::kernel::node::Service;
use kitev3_core::runtime::outbox::{Outbox, Publication};
use kitev3_core::runtime::own_tape::OwnTape;
use kitev3_core::runtime::recover::Recovered;
use kitev3_core::runtime::runtime::Runtime;
use kitev3_core::runtime::sequence::SequenceMode;
use kitev3_core::runtime::setup::{Join, Setup, Subscription};
use kitev3_core::tape::simulated::SimulatedDisk;
use kitev3_core::tape::{Folder, Options};

const ROUNDS: usize = 7;
const TEXTS: usize = 100_000;
const SEGMENT_BYTES: usize = 64 << 20;
const PAYLOAD: [u8; 100] = [7; 100];

/// Says what it hears on: the speaker the world's words, the relay the speaker's.
struct Repeats(&'static str, &'static str);

impl Handler for Repeats {
    fn topics(&self) -> Vec<&str> {
        vec![self.0]
    }

    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        out.say(self.1, event.payload)
    }
}

fn setup(tapes: &Folder, name: &str, hears: &str, says: &str, source: Option<&str>) -> Setup {
    let mode = |source: &str| (source.to_owned(), SequenceMode::Sparse);
    Setup {
        service: Source::new(name).expect("a name"),
        account: "kitesim-KS0001".to_owned(),
        mode: Mode::Sim,
        day: "2026-11-19".parse().expect("a day"),
        start_ns: 0,
        subscriptions: vec![Subscription {
            topic: hears.to_owned(),
            schemas: vec![1],
            bulk: false,
            join: Join::Now,
            after: None,
        }],
        publications: vec![Publication {
            topic: says.to_owned(),
            schema: 1,
            dense: false,
            after: None,
        }],
        sequence_modes: source.map(mode).into_iter().collect(),
        tapes: tapes.clone(),
        ask: None,
    }
}

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES,
        ..Options::default()
    }
}

fn parts(tapes: &Folder) -> [(Setup, Repeats); 3] {
    [
        (
            setup(tapes, "speaker", "world.text", "speaker.word", None),
            Repeats("world.text", "speaker.word"),
        ),
        (
            setup(
                tapes,
                "relay",
                "speaker.word",
                "relay.word",
                Some("speaker"),
            ),
            Repeats("speaker.word", "relay.word"),
        ),
        (
            setup(tapes, "last", "relay.word", "last.word", Some("relay")),
            Repeats("relay.word", "last.word"),
        ),
    ]
}

fn tapes() -> Folder {
    Folder::on(Arc::new(SimulatedDisk::new(SEGMENT_BYTES)), "/tape")
}

/// Nanoseconds an event handled, of three services in a row.
fn on_kernel() -> f64 {
    let tapes = tapes();
    let mut kernel = Kernel::new(0);
    for (setup, handler) in parts(&tapes) {
        let service = Service {
            setup,
            workers: vec![None],
            about: vec![],
            timers: vec![],
            options: options(),
            handler: Box::new(handler),
            driver: Box::new(NoDriver),
            begins_run: true,
            dies_after: None,
        };
        kernel.hang_up(service).expect("a fresh tape");
    }
    kernel.open().expect("nobody fails");
    let began = Instant::now();
    for _ in 0..TEXTS {
        kernel
            .world(0, "world.text", PAYLOAD.to_vec())
            .expect("nobody fails");
        kernel.run().expect("nobody fails");
    }
    began.elapsed().as_nanos() as f64 / (3 * TEXTS) as f64
}

fn by_hand() -> f64 {
    let tapes = tapes();
    let mut all: Vec<(Runtime, Repeats)> = Vec::new();
    for (setup, mut handler) in parts(&tapes) {
        let dir = tapes.join(setup.service.as_str());
        let (_, writer) = OwnTape::open(dir, setup.day, options()).expect("a fresh tape");
        let mut runtime = Runtime::new(setup, &handler, Box::new(writer));
        let begun = runtime.begin(&[], Recovered::default(), true, true, 0, &mut handler);
        begun.expect("a fresh tape");
        all.push((runtime, handler));
    }
    let began = Instant::now();
    for _ in 0..TEXTS {
        let (runtime, handler) = &mut all[0];
        runtime
            .world(0, &PAYLOAD, 0, handler)
            .expect("nobody fails");
        for hearer in 1..3 {
            let frame = all[hearer - 1]
                .0
                .take_said()
                .next()
                .expect("it was said")
                .frame;
            let (runtime, handler) = &mut all[hearer];
            runtime.hear(&frame, 0, handler).expect("nobody fails");
        }
        drop(all[2].0.take_said());
    }
    began.elapsed().as_nanos() as f64 / (3 * TEXTS) as f64
}

fn main() {
    let (mut ours, mut floor) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        ours = ours.min(on_kernel());
        floor = floor.min(by_hand());
    }
    let (ratio, per_s) = (ours / floor, 1e9 / ours);
    println!(
        r#"{{"name": "kernel", "ns": {ours:.0}, "floor_ns": {floor:.0}, "ratio": {ratio:.3}, "events_per_s": {per_s:.0}}}"#
    );
}
