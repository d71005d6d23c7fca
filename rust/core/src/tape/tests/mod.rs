mod broken;
mod chain;
mod live;
mod power_loss;
mod round_trip;
mod simulated;

use std::path::Path;
use std::time::Duration;

use super::{Day, Folder, Kind, Options, Position, Reader, TapeError, Writer};

/// A record as a test keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub kind: Kind,
    pub mono_ns: i64,
    pub content: Vec<u8>,
}

/// In memory where the system has such a place: most of these tests are about bytes and orders, and would wait for the disk.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}

pub fn day() -> Day {
    "2026-11-19".parse().unwrap()
}

/// Segments of a page, so that a few records cross one, and no sync but those that the test asks for.
pub fn small() -> Options {
    Options {
        segment_bytes: 4096,
        spare_segments: 1,
        sync_every: Duration::from_secs(3600),
    }
}

pub fn open(dir: &Path) -> Writer {
    Writer::open(dir, day(), &small()).unwrap().0
}

pub fn append(writer: &mut Writer, said: &Said) -> Position {
    let half = said.content.len() / 2;
    writer
        .append(
            said.kind,
            said.mono_ns,
            &[&said.content[..half], &said.content[half..]],
        )
        .unwrap()
}

/// `count` records whose content tells them apart; some are empty, some nearly fill a segment of a page.
pub fn some(count: usize) -> Vec<Said> {
    let kinds = [
        Kind::Epoch,
        Kind::In,
        Kind::InRef,
        Kind::Ext,
        Kind::Out,
        Kind::OutRef,
        Kind::Snapshot,
    ];
    (0..count)
        .map(|i| Said {
            kind: kinds[i % kinds.len()],
            mono_ns: i as i64 * 1_000 - 5_000,
            content: (0..[0, 1, 200, 3, 900, 4, 3_000][i * 5 % 7])
                .map(|j| (i * 31 + j) as u8)
                .collect(),
        })
        .collect()
}

pub fn read_on(reader: &mut Reader) -> Result<Vec<Said>, TapeError> {
    let mut all = Vec::new();
    while let Some(record) = reader.read()? {
        all.push(Said {
            kind: record.kind,
            mono_ns: record.mono_ns,
            content: record.content.to_vec(),
        });
    }
    Ok(all)
}

pub fn read_all(dir: &Path) -> Result<Vec<Said>, TapeError> {
    read_on(&mut Reader::open(dir, day()))
}

pub fn append_all(writer: &mut Writer, records: &[Said]) -> Vec<Position> {
    records.iter().map(|said| append(writer, said)).collect()
}

/// The folder as it is while its writer lives, which is how a kill leaves it.
pub fn copy_dir(from: &Path) -> tempfile::TempDir {
    let to = folder();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}
