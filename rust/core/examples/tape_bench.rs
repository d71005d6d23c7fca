//! The tape's append beside its floor, a copy into warm memory and one CRC32C, in turn; one JSON object a line.
//!
//!     cargo run --release -q -p kitev3-core --example tape_bench -- DIRECTORY

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kitev3_core::tape::{Day, Kind, Options, Writer};

const ROUNDS: usize = 11;
const SEGMENT_BYTES: usize = 16 << 20;
/// What a record of the tape takes beside its content: head, CRC, padding.
const OVERHEAD_BYTES: usize = 24;
/// A full frame of 98 instruments: 2 + 98 × 186 bytes.
const FRAME_BYTES: usize = 18_230;

fn main() {
    let dir: PathBuf = std::env::args()
        .nth(1)
        .expect("a directory for the tape")
        .into();
    batch("append_200", &dir.join("200"), 200);
    batch("append_18k", &dir.join("18k"), FRAME_BYTES);
    paced(&dir.join("paced"), 200);
    durable(&dir.join("durable"));
}

fn open(dir: &Path) -> Writer {
    let day: Day = "2026-11-19".parse().expect("a day");
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        ..Options::default()
    };
    Writer::open(dir, day, &options).expect("an empty folder").0
}

/// Three quarters of a fresh segment at full speed, the next one made already: a segment is made at the disk's speed, beside the
/// loop. The best round of each side counts, since a round lasts a few milliseconds and others have the core now and then.
fn batch(name: &str, dir: &Path, content_bytes: usize) {
    let content = content(content_bytes);
    let count = SEGMENT_BYTES / 4 * 3 / (content_bytes + OVERHEAD_BYTES);
    let mut writer = open(dir);
    let mut warm = vec![1; SEGMENT_BYTES];
    let (mut ours, mut floor) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        turn_segment(&mut writer);
        let began = Instant::now();
        for i in 0..count {
            writer
                .append(Kind::Ext, i as i64, &[&content])
                .expect("room");
        }
        ours = ours.min(each_ns(began.elapsed(), count));
        let began = Instant::now();
        black_box(copy_and_crc(&mut warm, &content, count));
        floor = floor.min(each_ns(began.elapsed(), count));
    }
    let ratio = ours / floor;
    println!(
        r#"{{"name": "{name}", "bytes": {content_bytes}, "ns": {ours:.1}, "floor_ns": {floor:.1}, "ratio": {ratio:.4}}}"#
    );
}

fn turn_segment(writer: &mut Writer) {
    let (segment, filler) = (writer.position().segment, vec![0; 1 << 20]);
    while writer.position().segment == segment {
        writer.append(Kind::Ext, 0, &[&filler]).expect("room");
    }
    writer.wait_for_spare();
}

/// The least that a chained record in memory can cost.
fn copy_and_crc(memory: &mut [u8], content: &[u8], count: usize) -> u32 {
    let mut crc = 0;
    let places = memory.chunks_exact_mut(content.len() + OVERHEAD_BYTES);
    for place in places.take(count) {
        let place = &mut place[..content.len()];
        place.copy_from_slice(content);
        crc = crc32c::crc32c_append(crc, black_box(place));
    }
    crc
}

/// One append every 100 µs for four seconds, each timed, with the periodic syncs going on: what the loop feels.
fn paced(dir: &Path, content_bytes: usize) {
    let content = content(content_bytes);
    let mut writer = open(dir);
    let began = Instant::now();
    let mut each: Vec<f64> = Vec::new();
    for i in 0..40_000u32 {
        while began.elapsed() < Duration::from_micros(100) * i {
            std::thread::sleep(Duration::from_micros(30));
        }
        let one = Instant::now();
        writer
            .append(Kind::Ext, i64::from(i), &[&content])
            .expect("room");
        each.push(one.elapsed().as_nanos() as f64);
    }
    let p50 = quantile(&mut each, 0.5);
    let (p99, p999, max) = (
        quantile(&mut each, 0.99),
        quantile(&mut each, 0.999),
        quantile(&mut each, 1.0),
    );
    println!(
        r#"{{"name": "paced_200", "bytes": {content_bytes}, "ns": {p50:.1}, "p99_ns": {p99:.1}, "p999_ns": {p999:.1}, "max_ns": {max:.1}}}"#
    );
}

/// An append and its sync beside one fdatasync of a page that is overwritten in place.
fn durable(dir: &Path) {
    use std::os::unix::fs::FileExt;

    let content = content(600);
    let mut writer = open(dir);
    let file = std::fs::File::create(dir.join("floor")).expect("a file");
    file.write_all_at(&[1; 1 << 20], 0)
        .and_then(|()| file.sync_all())
        .expect("room");
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for i in 0..400u64 {
        let began = Instant::now();
        let position = writer
            .append(Kind::Out, i as i64, &[&content])
            .expect("room");
        writer.sync_handle().wait_synced(position).expect("a disk");
        ours.push(began.elapsed().as_nanos() as f64);
        let began = Instant::now();
        file.write_all_at(&content, i * 640)
            .and_then(|()| file.sync_data())
            .expect("a disk");
        floors.push(began.elapsed().as_nanos() as f64);
    }
    let p99 = quantile(&mut ours, 0.99);
    let (ours, floor) = (median(&mut ours), median(&mut floors));
    let ratio = ours / floor;
    println!(
        r#"{{"name": "durable_600", "bytes": 600, "ns": {ours:.1}, "floor_ns": {floor:.1}, "ratio": {ratio:.4}, "p99_ns": {p99:.1}}}"#
    );
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31) as u8).collect()
}

fn each_ns(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}

fn median(figures: &mut [f64]) -> f64 {
    quantile(figures, 0.5)
}

fn quantile(figures: &mut [f64], q: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * q).round() as usize]
}
