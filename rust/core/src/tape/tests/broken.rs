//! Tapes with a changed bit or a cut, below the synced offset and above it.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::tape::{Corrupt, TapeError};

/// A tape of some records, the first of which are synced, and all places on it: of records, end marks and headers.
struct Tape {
    dir: tempfile::TempDir,
    records: Vec<Said>,
    synced: Position,
    places: Vec<Place>,
}

/// What stands where: `number` records are before it.
#[derive(Debug, Clone, Copy)]
struct Place {
    segment: u32,
    start: usize,
    end: usize,
    number: u64,
}

impl Tape {
    fn new(synced_count: usize, unsynced_count: usize) -> Tape {
        let dir = folder();
        let records = some(synced_count + unsynced_count);
        let mut writer = open(dir.path());
        let mut positions = append_all(&mut writer, &records[..synced_count]);
        writer.sync().unwrap();
        let synced = writer.position();
        positions.extend(append_all(&mut writer, &records[synced_count..]));
        let end = writer.position();
        writer.wait_for_spare();
        Tape {
            dir: copy_dir(dir.path()),
            records,
            synced,
            places: places(&positions, end),
        }
    }

    fn is_synced(&self, place: &Place) -> bool {
        (place.segment, place.start) < (self.synced.segment, self.synced.offset as usize)
    }

    /// Opens the tape for writing: what is wrong at `place` is refused with its place, or dropped with all after it.
    fn check(&self, place: &Place) -> Result<(), TestCaseError> {
        let file = day().segment_path(self.dir.path(), place.segment);
        if self.is_synced(place) {
            for refused in [
                read_all(self.dir.path()).err(),
                Writer::open(self.dir.path(), day(), &small()).err(),
            ] {
                let Some(TapeError::Corrupt(Corrupt {
                    file: f,
                    offset,
                    number,
                    ..
                })) = refused
                else {
                    return Err(TestCaseError::fail(format!(
                        "not refused: {place:?} {refused:?}"
                    )));
                };
                prop_assert_eq!(
                    (f, offset, number),
                    (file.clone(), place.start as u64, place.number)
                );
            }
            return Ok(());
        }
        let kept = &self.records[..place.number as usize];
        prop_assert_eq!(read_all(self.dir.path()).unwrap(), kept);
        let (mut writer, recovered) = Writer::open(self.dir.path(), day(), &small()).unwrap();
        prop_assert_eq!(recovered.position.number, place.number);
        let more = some(9);
        append_all(&mut writer, &more);
        writer.close().unwrap();
        prop_assert_eq!(read_all(self.dir.path()).unwrap(), [kept, &more].concat());
        Ok(())
    }
}

/// Headers, records and end marks in order, from where the records are.
fn places(positions: &[Position], end: Position) -> Vec<Place> {
    let mut places = vec![Place {
        segment: 0,
        start: 0,
        end: 16,
        number: 0,
    }];
    for (i, position) in positions.iter().enumerate() {
        let next = positions.get(i + 1).unwrap_or(&end);
        let start = position.offset as usize;
        let bytes = crate::tape::record::record_bytes(some(i + 1)[i].content.len());
        places.push(Place {
            segment: position.segment,
            start,
            end: start + bytes,
            number: i as u64,
        });
        let number = i as u64 + 1;
        if next.segment > position.segment {
            places.push(Place {
                segment: position.segment,
                start: start + bytes,
                end: start + bytes + 24,
                number,
            });
            places.push(Place {
                segment: next.segment,
                start: 0,
                end: 16,
                number,
            });
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_bit_is_refused_below_the_synced_offset_and_dropped_above(
        synced_count in 0..16usize,
        unsynced_count in 1..16usize,
        which in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let tape = Tape::new(synced_count, unsynced_count);
        let place = which.get(&tape.places);
        let at = place.start + byte.index(place.end - place.start);
        // Another version's header is not a torn one: it is refused wherever it stands (see below).
        prop_assume!(!(place.start == 0 && at == 7));
        let file = day().segment_path(tape.dir.path(), place.segment);
        let mut bytes = fs::read(&file).unwrap();
        bytes[at] ^= 1u8 << bit;
        fs::write(&file, bytes).unwrap();

        tape.check(place)?;
    }

    #[test]
    fn a_cut_is_refused_below_the_synced_offset_and_dropped_above(
        synced_count in 0..16usize,
        unsynced_count in 1..16usize,
        which in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
    ) {
        let tape = Tape::new(synced_count, unsynced_count);
        let place = which.get(&tape.places);
        let length = place.start + byte.index(place.end - place.start);
        let file = day().segment_path(tape.dir.path(), place.segment);
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length as u64).unwrap();

        tape.check(place)?;
    }
}

fn refusal(tape: &Tape) -> Corrupt {
    match Writer::open(tape.dir.path(), day(), &small()) {
        Err(TapeError::Corrupt(corrupt)) => corrupt,
        other => panic!("not refused: {:?}", other.map(|(_, recovered)| recovered)),
    }
}

#[test]
fn another_version_and_an_unknown_kind_are_refused_even_where_a_torn_tail_is_dropped() {
    let tape = Tape::new(0, 3);
    let file = day().segment_path(tape.dir.path(), 0);
    let good = fs::read(&file).unwrap();

    let mut other_version = good.clone();
    other_version[7] = b'2';
    fs::write(&file, other_version).unwrap();
    assert_eq!(
        refusal(&tape).what,
        "written in another version of the format"
    );

    let mut other_kind = good;
    other_kind[16 + 4] = 9;
    let crc = crc32c::crc32c_append(day().seed(), &other_kind[16..16 + 20]);
    other_kind[36..40].copy_from_slice(&crc.to_le_bytes());
    fs::write(&file, other_kind).unwrap();
    assert_eq!(
        refusal(&tape).what,
        "a kind of record that this build does not know"
    );
}

#[test]
fn a_tape_under_another_days_name_and_a_missing_segment_are_refused() {
    let tape = Tape::new(12, 0);
    let first = day().segment_path(tape.dir.path(), 0);
    let other: Day = "2026-11-20".parse().unwrap();
    fs::copy(&first, other.segment_path(tape.dir.path(), 0)).unwrap();
    fs::copy(
        day().note_path(tape.dir.path()),
        other.note_path(tape.dir.path()),
    )
    .unwrap();
    assert!(matches!(
        Writer::open(tape.dir.path(), other, &small()),
        Err(TapeError::Corrupt(Corrupt { number: 0, .. }))
    ));

    fs::remove_file(first).unwrap();
    assert_eq!(refusal(&tape).what, "the segment is missing");
}

#[test]
fn a_valid_tape_that_is_not_the_synced_one_is_refused() {
    let tape = Tape::new(3, 3);
    let other = folder();
    let mut writer = open(other.path());
    append_all(
        &mut writer,
        &some(6)
            .into_iter()
            .map(|said| Said {
                mono_ns: 77,
                ..said
            })
            .collect::<Vec<_>>(),
    );
    writer.close().unwrap();
    for number in Folder::from(other.path()).segments(day()).unwrap() {
        fs::copy(
            day().segment_path(other.path(), number),
            day().segment_path(tape.dir.path(), number),
        )
        .unwrap();
    }

    let refused = refusal(&tape);

    assert_eq!(
        (refused.offset, refused.number),
        (u64::from(tape.synced.offset), 3)
    );
    assert_eq!(refused.what, "not the record that was synced here");
}
