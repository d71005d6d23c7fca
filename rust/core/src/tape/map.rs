//! The few lines that map a segment. A tape that is written with a system call per record costs 1–2 µs each; stores to mapped memory
//! cost nothing beyond the copy, and the kernel keeps them when the process dies.
//!
//! Why this is sound: a byte of a segment is written once, by the one `WriteMap` of the one writer (the sidecar's lock sees to that, between
//! processes too), and turns visible by the release store of its record's head word. A `ReadMap` makes slices only of bytes behind a
//! head word that it has loaded with acquire order, and those never change again. Files only grow while anybody can have them
//! mapped, except when a writer trims zeros that lie more than a word behind the last record, where no reader looks.
#![allow(unsafe_code)] // mapped memory has no safe form: another process may write to the file

use std::fs::File;
use std::io;
use std::ops::Range;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use super::record::{record_bytes, split_word};

/// A segment as its writer sees it. There is one per segment.
pub struct WriteMap {
    map: Arc<MmapRaw>,
}

impl WriteMap {
    /// The first `bytes` of `file`, which must be that long and open for reading and writing.
    pub fn new(file: &File, bytes: usize) -> io::Result<WriteMap> {
        assert!(
            file.metadata()?.len() >= bytes as u64,
            "a map beyond the end of its file would fault"
        );
        Ok(WriteMap {
            map: Arc::new(MmapOptions::new().len(bytes).map_raw(file)?),
        })
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies `bytes` to `offset`. They are not visible before `publish`.
    #[inline]
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        assert!(
            bytes.len() <= self.len() && offset <= self.len() - bytes.len(),
            "within the segment"
        );
        // SAFETY: in bounds by the line above; `bytes` cannot overlap, since no `&mut` or `&` of the unpublished part is lent while
        // `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.map.as_mut_ptr().add(offset), bytes.len()) }
            .copy_from_slice(bytes);
    }

    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "within the segment"
        );
        // SAFETY: in bounds by the line above; only `self` writes here, and it is borrowed.
        unsafe { slice::from_raw_parts(self.map.as_ptr().add(range.start), range.len()) }
    }

    /// Stores a head word: all that was put before is visible to whoever sees it.
    #[inline]
    pub fn publish(&mut self, offset: usize, word: u64) {
        word_at(&self.map, offset).store(word.to_le(), Ordering::Release);
    }

    /// What another thread needs to bring this segment to the disk.
    pub fn flusher(&self) -> Flusher {
        Flusher {
            map: Arc::clone(&self.map),
        }
    }
}

/// Brings a mapped segment's pages to the disk and back into the page tables; it cannot change a byte.
pub struct Flusher {
    map: Arc<MmapRaw>,
}

impl Flusher {
    /// What fdatasync does, for these pages only: zeros ahead are not written over and over.
    pub fn flush(&self, range: Range<usize>) -> io::Result<()> {
        self.map.flush_range(range.start, range.len())
    }

    /// Makes the pages writable before the appender comes to them: a fault there may wait for the file system's journal. (Measured without it:
    /// 88–133 ns an append of 200 bytes in place of 41–46, p99.9 22 µs in place of 2.)
    pub fn prefault(&self, range: Range<usize>) {
        let range = range.start..range.end.min(self.map.len());
        #[cfg(target_os = "linux")]
        if !range.is_empty() {
            // An old kernel (before 5.14) refuses; then the appender takes the faults itself.
            let _ = self
                .map
                .advise_range(memmap2::Advice::PopulateWrite, range.start, range.len());
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// The CRC that ends right before `offset`, which must be behind a published record.
    pub fn crc_before(&self, offset: usize) -> u32 {
        crc_before(&self.map, offset)
    }
}

/// A segment as a reader sees it, perhaps in another process, perhaps while it is being written.
pub struct ReadMap {
    map: MmapRaw,
}

/// What a reader finds at an offset.
pub enum Look<'a> {
    /// No head word yet.
    Nothing,
    /// A record that claims to end behind the map.
    Beyond,
    /// A head word that no writer stores.
    Absurd,
    /// All bytes of a record, head and CRC included; how many are content; its kind.
    Whole(&'a [u8], usize, u8),
}

impl ReadMap {
    pub fn new(file: &File) -> io::Result<ReadMap> {
        Ok(ReadMap {
            map: MmapOptions::new().map_raw_read_only(file)?,
        })
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    #[inline]
    pub fn word(&self, offset: usize) -> u64 {
        u64::from_le(word_at(&self.map, offset).load(Ordering::Acquire))
    }

    pub fn crc_before(&self, offset: usize) -> u32 {
        crc_before(&self.map, offset)
    }

    #[inline]
    pub fn look(&self, offset: usize) -> Look<'_> {
        if offset + 8 > self.len() {
            return Look::Beyond;
        }
        let word = self.word(offset);
        if word == 0 {
            return Look::Nothing;
        }
        let Some((content, kind)) = split_word(word) else {
            return Look::Absurd;
        };
        let bytes = record_bytes(content);
        if bytes > self.len() - offset {
            return Look::Beyond;
        }
        // SAFETY: in bounds by the lines above, and behind a head word loaded with acquire order, so written once and for all.
        // (A record torn by a power cut may still be zeroed by a recovering writer; its bytes fail the CRC before and after.)
        Look::Whole(
            unsafe { slice::from_raw_parts(self.map.as_ptr().add(offset), bytes) },
            content,
            kind,
        )
    }
}

fn word_at(map: &MmapRaw, offset: usize) -> &AtomicU64 {
    assert!(
        offset.is_multiple_of(8) && offset + 8 <= map.len(),
        "a whole word of the segment"
    );
    // SAFETY: in bounds and aligned by the line above (a map starts at a page); all access to head words is atomic, and a load
    // of a word is allowed on memory mapped for reading.
    unsafe { AtomicU64::from_ptr(map.as_mut_ptr().add(offset).cast()) }
}

/// A CRC is the upper half of the word before `offset`.
fn crc_before(map: &MmapRaw, offset: usize) -> u32 {
    (u64::from_le(word_at(map, offset - 8).load(Ordering::Acquire)) >> 32) as u32
}
