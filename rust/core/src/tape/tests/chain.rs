//! The SHA-256 chain over tapes that are written on, cut, changed and made anew.

use std::fs;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::tape::{Anchor, Chain, ChainBroken};

/// Segments of two and a half blocks, so that the last block of each is a short one.
fn options() -> Options {
    Options {
        segment_bytes: 160 * 1024,
        ..small()
    }
}

/// `count` records that fill about a quarter of a block each.
fn large(count: usize) -> Vec<Said> {
    (0..count)
        .map(|i| Said {
            kind: Kind::Ext,
            mono_ns: i as i64,
            content: vec![i as u8 + 1; 15_000],
        })
        .collect()
}

/// The chain as its page defines it, from the files alone.
fn by_definition(dir: &Path, synced: Position) -> Vec<[u8; 32]> {
    let mut hash: [u8; 32] = Sha256::digest(b"kitev3 tape 2026-11-19").into();
    let mut hashes = vec![];
    for number in 0..=synced.segment {
        let mut bytes = fs::read(day().segment_path(dir, number)).unwrap();
        if number == synced.segment {
            bytes.truncate(synced.offset as usize / 65_536 * 65_536);
        }
        for block in bytes.chunks(65_536) {
            hash = Sha256::digest([&hash[..], block].concat()).into();
            hashes.push(hash);
        }
    }
    hashes
}

/// A tape of some segments, its chain, and the anchor that was taken in the middle, sealed.
fn anchored() -> (tempfile::TempDir, Chain, Anchor) {
    let dir = folder();
    let mut chain = Chain::open(dir.path(), day(), dir.path()).unwrap();
    let mut writer = Writer::open(dir.path(), day(), &options()).unwrap().0;
    append_all(&mut writer, &large(15));
    writer.sync().unwrap();
    let anchor = chain.seal().unwrap();
    append_all(&mut writer, &large(15));
    writer.close().unwrap();
    chain.advance().unwrap();
    chain.verify(Some(&anchor)).unwrap();
    assert!(anchor.blocks > 3 && anchor.tail_bytes > 0 && chain.head().blocks > anchor.blocks + 3);
    (dir, chain, anchor)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_chain_is_its_definition_however_often_it_is_advanced_or_opened(steps in prop::collection::vec((0..9usize, any::<bool>(), any::<bool>()), 1..6)) {
        let dir = folder();
        let side = folder();
        let mut chain = Chain::open(dir.path(), day(), side.path()).unwrap();
        let mut writer = Writer::open(dir.path(), day(), &options()).unwrap().0;
        let mut synced = writer.position();
        for (count, sync, reopen) in steps {
            append_all(&mut writer, &large(count));
            if sync {
                writer.sync().unwrap();
                synced = writer.position();
            }
            let head = chain.advance().unwrap();
            let expected = by_definition(dir.path(), synced);
            prop_assert_eq!(head.blocks as usize, expected.len());
            prop_assert_eq!(fs::read(side.path().join("2026-11-19.chain")).unwrap(), expected.concat());
            prop_assert_eq!(chain.verify(Some(&head)).unwrap(), head);
            if reopen { chain = Chain::open(dir.path(), day(), side.path()).unwrap() }
        }
    }

    #[test]
    fn a_changed_byte_anywhere_that_is_hashed_is_found_at_its_block(which in any::<prop::sample::Index>(), bit in 0..8u32) {
        let (dir, chain, anchor) = anchored();
        let blocks = chain.head().blocks;
        let mut files = Folder::from(dir.path()).segments(day()).unwrap();
        files.pop(); // of the last segment only whole blocks are hashed
        let number = *which.get(&files);
        let path = day().segment_path(dir.path(), number);
        let mut bytes = fs::read(&path).unwrap();
        let at = which.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        fs::write(&path, bytes).unwrap();

        let found = chain.verify(None);
        let expected = u64::from(number) * 3 + (at / 65_536) as u64;
        prop_assert!(expected < blocks);
        prop_assert!(
            matches!(&found, Err(ChainBroken::Altered { file, offset, block }) if *file == path && *offset == at as u64 / 65_536 * 65_536 && *block == expected),
            "{:?}", found
        );
        prop_assert!(chain.verify(Some(&anchor)).is_err());
    }
}

#[test]
fn a_seal_covers_the_last_record_too() {
    let dir = folder();
    let mut writer = Writer::open(dir.path(), day(), &options()).unwrap().0;
    append_all(&mut writer, &some(3));
    let end = writer.position().offset;
    writer.close().unwrap();
    let mut chain = Chain::open(dir.path(), day(), dir.path()).unwrap();
    let anchor = chain.seal().unwrap();
    assert_eq!((anchor.blocks, anchor.tail_bytes), (0, end));

    let path = day().segment_path(dir.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[end as usize - 1] ^= 1;
    fs::write(&path, bytes).unwrap();

    chain.verify(None).unwrap(); // no whole block is hashed yet, so only the anchor can tell
    assert!(matches!(
        chain.verify(Some(&anchor)),
        Err(ChainBroken::NotAsAnchored { blocks: 0 })
    ));
}

#[test]
fn a_cut_tail_is_found_by_the_side_file_and_a_cut_of_both_by_the_anchor() {
    let (dir, chain, anchor) = anchored();
    let last = *Folder::from(dir.path())
        .segments(day())
        .unwrap()
        .last()
        .unwrap();
    fs::remove_file(day().segment_path(dir.path(), last - 1)).unwrap();
    assert!(matches!(
        chain.verify(None),
        Err(ChainBroken::Truncated { .. })
    ));

    let side = dir.path().join("2026-11-19.chain");
    fs::OpenOptions::new()
        .write(true)
        .open(side)
        .unwrap()
        .set_len((anchor.blocks - 1) * 32)
        .unwrap();
    chain.verify(None).unwrap();
    assert!(matches!(
        chain.verify(Some(&anchor)),
        Err(ChainBroken::Truncated { .. })
    ));
}

#[test]
fn a_tape_made_anew_with_its_chain_is_found_by_the_anchor_alone() {
    let (_, _, anchor) = anchored();
    let dir = folder();
    let mut writer = Writer::open(dir.path(), day(), &options()).unwrap().0;
    let mut forged = large(30);
    forged[2].content[77] ^= 1;
    append_all(&mut writer, &forged);
    writer.close().unwrap();
    let mut chain = Chain::open(dir.path(), day(), dir.path()).unwrap();
    chain.advance().unwrap();

    chain.verify(None).unwrap();
    assert!(matches!(
        chain.verify(Some(&anchor)),
        Err(ChainBroken::NotAsAnchored { .. })
    ));
}

#[test]
fn what_is_not_synced_is_not_hashed() {
    let dir = folder();
    let mut chain = Chain::open(dir.path(), day(), dir.path()).unwrap();
    let mut writer = Writer::open(dir.path(), day(), &options()).unwrap().0;
    append_all(&mut writer, &large(6));
    writer.sync().unwrap();
    append_all(&mut writer, &large(9));
    let head = chain.advance().unwrap();
    assert_eq!(head.blocks, 1);
}
