use std::thread;

use super::*;

#[test]
fn a_reader_beside_a_writer_sees_whole_records_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 1 << 16,
        sync_every: Duration::from_millis(1),
        ..small()
    };
    let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
    let records = some(3_000);

    let heard = thread::scope(|scope| {
        let mut reader = Reader::open(dir.path(), day());
        let hearing = scope.spawn(move || {
            let mut heard = Vec::new();
            while heard.len() < 3_000 {
                heard.extend(read_on(&mut reader).unwrap());
                thread::yield_now();
            }
            heard
        });
        append_all(&mut writer, &records);
        hearing.join().unwrap()
    });

    assert!(heard == records);
}

#[test]
fn a_reader_follows_a_tape_that_is_trimmed_and_taken_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Reader::open(dir.path(), day());
    let options = Options {
        segment_bytes: 1 << 16,
        ..small()
    };
    for round in 0..4 {
        let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
        // The first record of each round ends the page that the trim has left, so that the next lies behind the reader's map.
        let until_page = 4096 - (writer.position().offset as usize % 4096);
        writer
            .append(Kind::Out, round, &[&vec![1; until_page + 2000]])
            .unwrap();
        writer.close().unwrap();
        assert_eq!(read_on(&mut reader).unwrap().len(), 1);
        assert_eq!(reader.position().number, round as u64 + 1);
    }
}

#[test]
fn waiting_for_a_record_makes_it_durable_and_an_older_one_does_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path());
    let positions = append_all(&mut writer, &some(20));
    let handle = writer.sync_handle();

    thread::scope(|scope| {
        for position in &positions {
            let handle = handle.clone();
            scope.spawn(move || handle.wait_synced(*position).unwrap());
        }
    });

    handle.fail("the disk is gone");
    positions
        .iter()
        .for_each(|position| handle.wait_synced(*position).unwrap());
}

#[test]
fn the_thread_syncs_what_nobody_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        sync_every: Duration::from_millis(1),
        ..small()
    };
    let mut writer = Writer::open(dir.path(), day(), &options).unwrap().0;
    let note = || std::fs::read(dir.path().join("2026-11-19.synced")).unwrap();
    let before = note();
    append(&mut writer, &some(1)[0]);
    while note() == before {
        thread::yield_now();
    }
}

#[test]
fn a_failed_sync_ends_the_writer_for_good_and_what_was_said_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let records = some(5);
    let mut writer = open(dir.path());
    append_all(&mut writer, &records);

    writer.sync_handle().fail("input/output error");

    for _ in 0..3 {
        assert!(matches!(
            writer.append(Kind::Out, 0, &[b"x"]),
            Err(TapeError::SyncFailed(_))
        ));
        assert!(matches!(writer.sync(), Err(TapeError::SyncFailed(_))));
    }
    assert!(matches!(writer.close(), Err(TapeError::SyncFailed(_))));
    assert_eq!(read_all(dir.path()).unwrap(), records);
    open(dir.path());
}

#[test]
fn when_no_segment_can_be_made_appends_fail_without_a_trace_and_go_on_when_one_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path());
    writer.wait_for_spare();
    let blocked = day().segment_path(dir.path(), 2);
    std::fs::create_dir(&blocked).unwrap();
    let large = Said {
        kind: Kind::Out,
        mono_ns: 1,
        content: vec![1; 3_000],
    };
    append_all(&mut writer, &[large.clone(), large.clone()]);
    let position = writer.position();

    for _ in 0..2 {
        assert!(
            matches!(writer.append(Kind::Out, 1, &[&large.content]), Err(TapeError::Io { file, .. }) if file == blocked)
        );
        assert_eq!(writer.position(), position);
    }
    let short = Said {
        content: vec![2; 100],
        ..large.clone()
    };
    append(&mut writer, &short); // the segment in use has room for it
    std::fs::remove_dir(&blocked).unwrap();
    append(&mut writer, &large);

    assert_eq!(
        read_all(dir.path()).unwrap(),
        [large.clone(), large.clone(), short, large]
    );
}

#[test]
fn as_many_segments_are_kept_ready_as_asked_and_none_is_left_at_the_close() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::open(
        dir.path(),
        day(),
        &Options {
            spare_segments: 4,
            ..small()
        },
    )
    .unwrap()
    .0;
    while Folder::from(dir.path()).segments(day()).unwrap() != [0, 1, 2, 3, 4] {
        thread::yield_now();
    }
    writer.close().unwrap();
    assert_eq!(Folder::from(dir.path()).segments(day()).unwrap(), [0]);
}
