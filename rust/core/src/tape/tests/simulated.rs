//! The disk in memory: like the real one while nothing fails, and what its power cuts and errors leave is recovered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::random::Stream;
use crate::tape::simulated::{Call, Fault, SimulatedDisk};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const SEGMENT_BYTES: usize = 4 * 4096;

/// What happens to a tape.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A record of so many bytes.
    Append(usize),
    Sync,
    WriteBack,
    /// The process dies and comes again.
    Kill,
    Close,
    CutPower,
}

fn steps(may_fail: bool) -> impl Strategy<Value = Vec<Step>> {
    let rare = u32::from(may_fail);
    let step = prop_oneof![
        12 => prop_oneof![0..40usize, 100..900usize, 3_000..9_000usize].prop_map(Step::Append),
        2 => Just(Step::Sync),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        2 * rare => Just(Step::WriteBack),
        2 * rare => Just(Step::CutPower),
    ];
    prop::collection::vec(step, 1..40)
}

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES,
        ..small()
    }
}

fn record(number: usize, bytes: usize) -> Said {
    Said {
        kind: Kind::Out,
        mono_ns: number as i64,
        content: (0..bytes).map(|i| (i + 7 * number) as u8).collect(),
    }
}

fn folder_of(disk: &SimulatedDisk) -> Folder {
    Folder::on(Arc::new(disk.clone()), "/tape/service")
}

fn all_of(folder: &Folder) -> Vec<Said> {
    read_on(&mut Reader::open(folder, day())).unwrap()
}

fn files_of(disk: &SimulatedDisk) -> BTreeMap<String, Vec<u8>> {
    disk.files(Path::new("/tape/service"))
}

/// A tape and what a correct one must hold.
struct Tape {
    folder: Folder,
    writer: Option<Writer>,
    appended: Vec<Said>,
    /// So many of them are on the disk for certain.
    synced: usize,
}

impl Tape {
    fn new(folder: Folder) -> Tape {
        Tape {
            folder,
            writer: None,
            appended: Vec::new(),
            synced: 0,
        }
    }

    fn writer(&mut self) -> Result<&mut Writer, TapeError> {
        if self.writer.is_none() {
            let (writer, recovered) = Writer::open(&self.folder, day(), &options())?;
            let kept = recovered.position.number as usize;
            assert!(
                (self.synced..=self.appended.len()).contains(&kept),
                "{kept} kept of {}, {} synced",
                self.appended.len(),
                self.synced
            );
            self.appended.truncate(kept);
            self.synced = kept;
            self.writer = Some(writer);
        }
        Ok(self.writer.as_mut().unwrap())
    }

    fn step(&mut self, step: Step) -> Result<(), TapeError> {
        let said = self.appended.len();
        match step {
            Step::Append(bytes) => {
                let record = record(said, bytes);
                let writer = self.writer()?;
                writer.append(record.kind, record.mono_ns, &[&record.content])?;
                // Recovery may have kept fewer than were said before: the number is what stands on the tape now.
                self.appended.push(record);
            }
            Step::Sync => {
                self.writer()?.sync()?;
                self.synced = self.appended.len();
            }
            Step::Kill => self.writer = None,
            Step::Close => {
                if let Some(writer) = self.writer.take() {
                    writer.close()?;
                    self.synced = self.appended.len();
                }
            }
            Step::WriteBack | Step::CutPower => unreachable!("the disk's affair"),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn while_nothing_fails_it_leaves_what_files_leave(steps in steps(false)) {
        let (dir, disk) = (folder_real(), SimulatedDisk::new(SEGMENT_BYTES));
        let mut real = Tape::new(dir.path().into());
        let mut simulated = Tape::new(folder_of(&disk));
        for step in steps {
            // The spare segment of files is made by a thread; to let it finish makes no difference but to the names that lie there.
            real.step(step).unwrap();
            simulated.step(step).unwrap();
            if let Some(writer) = &real.writer {
                writer.wait_for_spare();
            }
        }
        let real_files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
            .collect();

        prop_assert_eq!(real.appended.len(), simulated.appended.len());
        prop_assert!(real_files == files_of(&disk));
    }

    #[test]
    fn a_power_cut_at_any_point_leaves_a_prefix_with_all_that_was_synced(steps in steps(true), seed: u64) {
        let disk = SimulatedDisk::new(SEGMENT_BYTES);
        let mut random = Stream::new(seed, "power");
        let mut tape = Tape::new(folder_of(&disk));
        for step in steps.into_iter().chain([Step::CutPower]) {
            match step {
                Step::WriteBack => disk.write_back(&mut random),
                Step::CutPower => {
                    disk.cut_power(&mut random);
                    tape.writer = None;
                    let before_opening = all_of(&tape.folder);
                    let (said, synced) = (tape.appended.clone(), tape.synced);
                    tape.writer().unwrap();
                    prop_assert!(tape.appended.len() >= synced);
                    prop_assert!(before_opening == said[..tape.appended.len()]);

                    // What recovery has made of it is on the disk: a second cut takes nothing, and a second recovery changes nothing.
                    let after_first = files_of(&disk);
                    disk.cut_power(&mut random);
                    tape.writer = None;
                    tape.writer().unwrap();
                    prop_assert!(after_first == files_of(&disk));
                }
                step => tape.step(step).unwrap(),
            }
            if tape.writer.is_some() {
                prop_assert!(all_of(&tape.folder) == tape.appended);
            }
        }
    }

    #[test]
    fn after_any_error_the_tape_holds_what_was_appended_and_after_a_power_cut_what_was_synced(
        steps in steps(false),
        of in prop::sample::select(vec![None, Some(Call::Open), Some(Call::Write), Some(Call::Grow), Some(Call::Resize), Some(Call::Map),
                                        Some(Call::Sync), Some(Call::SyncDir), Some(Call::Remove)]),
        after in 0..60u64,
        errno in prop::sample::select(vec![ENOSPC, EIO]),
        lasts: bool,
        cuts_power: bool,
        seed: u64,
    ) {
        let disk = SimulatedDisk::new(SEGMENT_BYTES);
        let mut tape = Tape::new(folder_of(&disk));
        disk.fail(Fault { of, after, errno, lasts });
        let failed = steps.into_iter().find_map(|step| tape.step(step).err());
        if let Some(error) = &failed {
            prop_assert!(matches!(error, TapeError::Io { .. } | TapeError::SyncFailed(_)), "{}", error);
        }

        // Once a sync has failed nothing may be appended, however well the disk does by now.
        disk.heal();
        if let (Some(TapeError::SyncFailed(_)), Some(writer)) = (&failed, &mut tape.writer) {
            prop_assert!(matches!(writer.append(Kind::Out, 0, &[b"x"]), Err(TapeError::SyncFailed(_))));
        }
        tape.writer = None;
        let said = tape.appended.clone();
        if cuts_power {
            disk.cut_power(&mut Stream::new(seed, "power"));
        }
        tape.writer().unwrap();
        prop_assert!(cuts_power || tape.appended.len() == said.len());
        prop_assert!(all_of(&tape.folder) == said[..tape.appended.len()]);

        // It is on the disk now, also what a failed sync had marked clean.
        disk.cut_power(&mut Stream::new(seed, "again"));
        tape.writer = None;
        let kept = tape.appended.len();
        tape.writer().unwrap();
        prop_assert_eq!(tape.appended.len(), kept);
    }
}

fn folder_real() -> tempfile::TempDir {
    super::folder()
}

/// A tape whose disk is asked for a segment in vain.
#[test]
fn a_full_disk_refuses_what_needs_a_segment_and_takes_it_when_there_is_room_again() {
    let disk = SimulatedDisk::new(SEGMENT_BYTES);
    let (mut writer, _) = Writer::open(folder_of(&disk), day(), &options()).unwrap();
    disk.fail(Fault {
        of: Some(Call::Grow),
        after: 0,
        errno: ENOSPC,
        lasts: true,
    });
    let record = [0; 4_000];
    let mut taken = 0;
    let refused = loop {
        match writer.append(Kind::Out, taken, &[&record]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };

    assert!(
        matches!(&refused, TapeError::Io { source, .. } if source.raw_os_error() == Some(ENOSPC))
    );
    assert_eq!(taken, 8, "the segment in use and the one kept ready");
    writer
        .append(Kind::Out, taken, &[b"a shorter one"])
        .unwrap();
    writer.sync().unwrap();
    disk.heal();
    writer.append(Kind::Out, taken + 1, &[&record]).unwrap();
    writer.sync().unwrap();
    drop(writer);
    assert_eq!(all_of(&folder_of(&disk)).len() as i64, taken + 2);
}

#[test]
fn what_a_failed_sync_has_marked_clean_is_lost_unless_it_is_written_again() {
    let disk = SimulatedDisk::new(SEGMENT_BYTES);
    let (mut writer, _) = Writer::open(folder_of(&disk), day(), &options()).unwrap();
    writer.append(Kind::Out, 1, &[b"said"]).unwrap();
    disk.fail(Fault {
        of: Some(Call::Sync),
        after: 0,
        errno: EIO,
        lasts: false,
    });
    assert!(matches!(writer.sync(), Err(TapeError::SyncFailed(_))));
    assert!(matches!(writer.sync(), Err(TapeError::SyncFailed(_))));
    let file = PathBuf::from("/tape/service/2026-11-19.000.tape");
    let folder = folder_of(&disk);
    folder.disk.open(&file).unwrap().sync_all().unwrap();

    // A sync that succeeds has written nothing: of many cuts none that takes the page for lost leaves the record.
    let kept: Vec<usize> = (0..20)
        .map(|seed| {
            let disk = disk.copy();
            disk.cut_power(&mut Stream::new(seed, "power"));
            all_of(&folder_of(&disk)).len()
        })
        .collect();
    assert!(kept.contains(&0), "{kept:?}");

    drop(writer);
    drop(Writer::open(&folder, day(), &options()).unwrap());
    for seed in 0..20 {
        let disk = disk.copy();
        disk.cut_power(&mut Stream::new(seed, "power"));
        assert_eq!(all_of(&folder_of(&disk)).len(), 1);
    }
}
