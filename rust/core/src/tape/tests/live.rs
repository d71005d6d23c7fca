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
