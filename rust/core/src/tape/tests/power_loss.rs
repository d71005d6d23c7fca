//! What a power cut leaves: of each disk sector that was not synced either the old bytes or the new, in any combination.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

const SECTOR_BYTES: usize = 512;

fn segment(dir: &Path, number: u32) -> std::path::PathBuf {
    day().segment_path(dir, number)
}

/// Takes from `dir`, sector by sector, what `loses` says was not written yet, back to what it was when `synced` was synced.
fn cut_power(dir: &Path, synced: Position, mut loses: impl FnMut() -> bool) {
    for number in Folder::from(dir).segments(day()).unwrap() {
        let path = segment(dir, number);
        let mut bytes = fs::read(&path).unwrap();
        let kept = match number.cmp(&synced.segment) {
            std::cmp::Ordering::Less => continue,
            std::cmp::Ordering::Equal => synced.offset as usize,
            std::cmp::Ordering::Greater => 0,
        };
        for (i, sector) in bytes.chunks_mut(SECTOR_BYTES).enumerate() {
            let unsynced = kept.saturating_sub(i * SECTOR_BYTES).min(sector.len());
            if unsynced < sector.len() && loses() {
                sector[unsynced..].fill(0);
            }
        }
        fs::write(&path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_power_cut_takes_a_tail_that_was_not_synced_and_nothing_else(
        synced_count in 0..12usize,
        unsynced_count in 0..12usize,
        pages in 1..5usize,
        lost in prop::collection::vec(any::<bool>(), 64),
        note_lost in any::<bool>(),
    ) {
        let dir = folder();
        let options = Options { segment_bytes: 4096 * pages, ..small() };
        let records = some(synced_count + unsynced_count);
        let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
        let note_before = fs::read(day().note_path(dir.path())).unwrap();
        append_all(&mut writer, &records[..synced_count]);
        writer.sync().unwrap();
        let synced = writer.position();
        append_all(&mut writer, &records[synced_count..]);
        writer.wait_for_spare();

        let after = copy_dir(dir.path());
        let mut fate = lost.iter().cycle();
        cut_power(after.path(), synced, || *fate.next().unwrap());
        if note_lost {
            fs::write(day().note_path(after.path()), note_before).unwrap(); // the note itself is synced later
        }

        let before_opening = read_all(after.path()).unwrap();
        let (mut writer, recovered) = Writer::open(after.path(), day(), &options).unwrap();
        let kept = recovered.position.number as usize;
        prop_assert!(kept >= synced_count);
        prop_assert_eq!(&before_opening, &records[..kept]);
        prop_assert_eq!(read_all(after.path()).unwrap(), &records[..kept]);

        writer.wait_for_spare();
        let segments: Vec<u32> = (0..=recovered.position.segment + 1).collect();
        prop_assert_eq!(Folder::from(after.path()).segments(day()).unwrap(), segments, "no segment of the lost tail is left");

        // The tape goes on, and nothing of the lost tail comes back, at no opening.
        let more = some(20).split_off(8);
        append_all(&mut writer, &more);
        drop(writer);
        let all = [&records[..kept], &more].concat();
        prop_assert_eq!(read_all(after.path()).unwrap(), all.clone());
        let (_, again) = Writer::open(after.path(), day(), &options).unwrap();
        prop_assert_eq!((again.position.number as usize, again.dropped_bytes), (all.len(), 0));
    }
}

#[test]
fn of_a_tail_whose_first_page_is_lost_nothing_is_kept_and_the_bytes_are_counted() {
    let dir = folder();
    let options = Options {
        segment_bytes: 16_384,
        ..small()
    };
    let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
    let record = Said {
        kind: Kind::Out,
        mono_ns: 1,
        content: vec![1; 1000],
    };
    append_all(&mut writer, &[record.clone(), record.clone()]);
    writer.sync().unwrap();
    let synced = writer.position();
    append_all(&mut writer, &vec![record.clone(); 20]);
    let end = writer.position();
    writer.wait_for_spare();
    let after = copy_dir(dir.path());
    let mut first = true;
    cut_power(after.path(), synced, || std::mem::take(&mut first));

    let (_, recovered) = Writer::open(after.path(), day(), &options).unwrap();

    assert_eq!(recovered.position, synced);
    assert_eq!(end.segment, 1);
    // All of the first segment from the synced place to its end mark, and all of the second.
    let lengths: [u64; 2] = [16_384 - 4, u64::from(end.offset)];
    let torn = lengths[0] - u64::from(synced.offset);
    assert!((torn - 1100..=torn).contains(&(recovered.dropped_bytes - lengths[1])));
    assert_eq!(read_all(after.path()).unwrap(), vec![record; 2]);
}

#[test]
fn pages_that_a_failed_sync_has_marked_clean_are_written_again() {
    let dir = folder();
    let mut writer = open(dir.path());
    append_all(&mut writer, &some(9));
    let end = writer.position();
    writer.sync_handle().fail("input/output error");
    drop(writer);
    let first = fs::File::options()
        .write(true)
        .open(segment(dir.path(), 0))
        .unwrap();
    first.set_modified(std::time::UNIX_EPOCH).unwrap();

    let (writer, recovered) = Writer::open(dir.path(), day(), &small()).unwrap();

    assert_eq!((recovered.position, recovered.dropped_bytes), (end, 0));
    assert!(
        end.segment > 0,
        "the first segment is written for no other reason"
    );
    assert!(first.metadata().unwrap().modified().unwrap() > std::time::UNIX_EPOCH);
    drop(writer);
}
