use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::tape::Days;

fn said() -> impl Strategy<Value = Said> {
    let kind = prop::sample::select(vec![
        Kind::Epoch,
        Kind::In,
        Kind::InRef,
        Kind::Ext,
        Kind::Out,
        Kind::OutRef,
        Kind::Snapshot,
    ]);
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 0..4_000),
        (0..4_000usize).prop_map(|bytes| vec![0; bytes]),
    ];
    (kind, any::<i64>(), content).prop_map(|(kind, mono_ns, content)| Said {
        kind,
        mono_ns,
        content,
    })
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.ends_with(".tape"))
        .map(|name| (name.clone(), fs::read(dir.join(&name)).unwrap()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_appended_is_read_across_segments_and_writers(parts in prop::collection::vec(prop::collection::vec(said(), 0..12), 1..4)) {
        let dir = folder();
        let mut all = Vec::new();
        let mut live = Reader::open(dir.path(), day());
        let mut heard = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let (mut writer, recovered) = Writer::open(dir.path(), day(), &small()).unwrap();
            prop_assert_eq!(recovered.position.number, all.len() as u64);
            prop_assert_eq!(recovered.dropped_bytes, 0);
            for said in part {
                let position = append(&mut writer, said);
                prop_assert_eq!(position.number, all.len() as u64);
                all.push(said.clone());
            }
            heard.extend(read_on(&mut live).unwrap());
            prop_assert_eq!(&heard, &all);
            if i % 2 == 0 { writer.close().unwrap() } // else dropped, as a kill does
        }

        prop_assert_eq!(read_all(dir.path()).unwrap(), all);
    }

    #[test]
    fn the_same_appends_give_the_same_bytes_however_they_are_synced(records in prop::collection::vec(said(), 0..30), sync_after in any::<u32>()) {
        let (one, other) = (folder(), folder());
        let (mut a, mut b) = (open(one.path()), Writer::open(other.path(), day(), &Options { spare_segments: 3, ..small() }).unwrap().0);
        for (i, said) in records.iter().enumerate() {
            append(&mut a, said);
            append(&mut b, said);
            if sync_after >> (i % 32) & 1 == 1 { b.sync().unwrap() }
        }
        a.close().unwrap();
        b.close().unwrap();

        prop_assert_eq!(files(one.path()), files(other.path()));
    }

    #[test]
    fn reading_can_begin_at_every_position(records in prop::collection::vec(said(), 1..20)) {
        let dir = folder();
        let mut writer = open(dir.path());
        let positions = append_all(&mut writer, &records);
        for (i, position) in positions.iter().enumerate() {
            let mut reader = Reader::open_at(dir.path(), day(), *position).unwrap();
            prop_assert_eq!(reader.read().unwrap().unwrap().position, *position);
            prop_assert_eq!(read_on(&mut reader).unwrap(), &records[i + 1..]);
        }
        let mut at_end = Reader::open_at(dir.path(), day(), writer.position()).unwrap();
        prop_assert_eq!(read_on(&mut at_end).unwrap(), []);
    }
}

#[test]
fn a_record_is_laid_out_as_the_page_says() {
    let dir = folder();
    let mut writer = open(dir.path());
    writer.append(Kind::Ext, -2, &[b"tick", b"", b"!"]).unwrap();
    writer.close().unwrap();

    let bytes = fs::read(dir.path().join("2026-11-19.000.tape")).unwrap();
    let seed = crc32c::crc32c(b"2026-11-19");
    let mut expected = Vec::from(*b"KITETAP1\0\0\0\0");
    expected.extend(seed.to_le_bytes());
    let mut record = Vec::from([21, 0, 0, 0, 4, 0, 0, 0]);
    record.extend((-2i64).to_le_bytes());
    record.extend(b"tick!\0\0\0\0\0\0\0");
    let crc = crc32c::crc32c_append(seed, &record);
    expected.extend(record);
    expected.extend(crc.to_le_bytes());
    expected.resize(4096, 0);
    assert_eq!(bytes, expected);
}

#[test]
fn a_full_segment_keeps_its_size_and_the_last_is_trimmed_to_a_page_with_room_for_a_word() {
    let dir = folder();
    let options = Options {
        segment_bytes: 16_384,
        ..small()
    };
    let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
    writer.append(Kind::Out, 0, &[&[7; 16_000]]).unwrap();
    let second = writer
        .append(Kind::Out, 0, &[&[7; 4096 - 16 - 24]])
        .unwrap();
    assert_eq!((second.segment, writer.position().offset), (1, 4096));
    writer.close().unwrap();

    let sizes: Vec<usize> = files(dir.path()).values().map(Vec::len).collect();
    assert_eq!(sizes, [16_384, 8192]);
}

#[test]
fn a_record_that_is_too_long_is_refused_and_the_tape_goes_on() {
    let dir = folder();
    let mut writer = open(dir.path());
    let most = writer.content_bytes_max();
    let fits = Said {
        kind: Kind::Snapshot,
        mono_ns: 1,
        content: vec![1; most],
    };
    append(&mut writer, &fits);
    for bytes in [most + 1, 5_000, 1 << 20] {
        let refused = writer.append(Kind::Snapshot, 1, &[&vec![1; bytes]]);
        assert!(
            matches!(refused, Err(TapeError::TooLong { bytes: b, bytes_max }) if b == bytes && bytes_max == most)
        );
    }
    append(&mut writer, &fits);

    assert_eq!(read_all(dir.path()).unwrap(), [fits.clone(), fits]);
    assert_eq!(
        writer.position(),
        Position {
            segment: 1,
            offset: 4096 - 24,
            number: 2
        }
    );
}

#[test]
fn a_megabyte_fits_a_segment_of_16_mib() {
    let dir = folder();
    let mut writer = Writer::open(dir.path(), day(), &Options::default())
        .unwrap()
        .0;
    let record = Said {
        kind: Kind::Ext,
        mono_ns: 1,
        content: vec![9; 1 << 20],
    };
    for _ in 0..17 {
        append(&mut writer, &record);
    }
    assert_eq!(writer.position().segment, 1);
    assert_eq!(read_all(dir.path()).unwrap(), vec![record; 17]);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone_even_if_its_handle_is_not() {
    let dir = folder();
    let mut writer = open(dir.path());
    assert!(matches!(
        Writer::open(dir.path(), day(), &small()),
        Err(TapeError::Busy(_))
    ));
    let other: Day = "2026-11-20".parse().unwrap();
    Writer::open(dir.path(), other, &small()).unwrap();

    let handle = writer.sync_handle();
    let said = append(&mut writer, &some(1)[0]);
    drop(writer);
    open(dir.path());
    assert!(matches!(
        handle.wait_synced(said),
        Err(TapeError::SyncFailed(_))
    ));
}

#[test]
fn a_segment_size_that_no_map_can_have_is_refused() {
    let dir = folder();
    for segment_bytes in [0, 100, 4097, 1 << 31] {
        let refused = Writer::open(
            dir.path(),
            day(),
            &Options {
                segment_bytes,
                ..small()
            },
        );
        assert!(matches!(refused, Err(TapeError::BadSegmentBytes(b)) if b == segment_bytes));
    }
}

#[test]
fn another_segment_size_at_the_next_opening_changes_nothing_for_what_is_there() {
    let dir = folder();
    let records = some(30);
    for (i, part) in records.chunks(6).enumerate() {
        let options = Options {
            segment_bytes: 4096 << (i % 3),
            ..small()
        };
        let (mut writer, _) = Writer::open(dir.path(), day(), &options).unwrap();
        append_all(&mut writer, part);
        writer.close().unwrap();
    }
    assert_eq!(read_all(dir.path()).unwrap(), records);
}

#[test]
fn days_are_read_in_order_and_the_last_one_live() {
    let dir = folder();
    let mut days = Days::open(dir.path());
    assert!(days.read().unwrap().is_none());
    let names = ["2026-11-18", "2026-11-19", "2026-11-23"];
    let mut heard = Vec::new();
    for name in names {
        let day = name.parse().unwrap();
        let mut writer = Writer::open(dir.path(), day, &small()).unwrap().0;
        for said in some(9) {
            append(&mut writer, &said);
            while let Some((day, record)) = days.read().unwrap() {
                heard.push((day.to_string(), record.position.number));
            }
        }
    }
    let expected: Vec<_> = names
        .iter()
        .flat_map(|name| (0..9).map(|number| (name.to_string(), number)))
        .collect();
    assert_eq!(heard, expected);

    let mut from_second = Days::open_from(dir.path(), names[1].parse().unwrap());
    assert_eq!(from_second.read().unwrap().unwrap().0.as_str(), names[1]);
}

#[test]
fn reading_can_begin_behind_an_end_mark_before_its_successor_is_there() {
    let dir = folder();
    let mut writer = open(dir.path());
    let records = some(12);
    let positions = append_all(&mut writer, &records);
    let copy = copy_dir(dir.path());
    let last = writer.position().segment;
    let first = positions
        .iter()
        .position(|position| position.segment == last)
        .unwrap();
    let file = day().segment_path(copy.path(), last);
    let content = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let mut reader = Reader::open(copy.path(), day());
    assert_eq!(read_on(&mut reader).unwrap(), &records[..first]);
    assert_eq!(
        reader.position(),
        Position {
            segment: last,
            offset: 0,
            number: first as u64
        }
    );

    let mut again = Reader::open_at(copy.path(), day(), reader.position()).unwrap();

    assert_eq!(read_on(&mut again).unwrap(), []);
    fs::write(&file, content).unwrap();
    assert_eq!(read_on(&mut again).unwrap(), &records[first..]);
    assert_eq!(read_on(&mut reader).unwrap(), &records[first..]);
    let beyond = Position {
        segment: last + 1,
        offset: 0,
        number: 12,
    };
    assert!(matches!(
        Reader::open_at(copy.path(), day(), beyond),
        Err(TapeError::Corrupt(_))
    ));
}
