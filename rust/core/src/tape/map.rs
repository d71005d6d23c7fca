//! The few lines that map a segment. A tape that is written with a system call per record costs 1–2 µs each; stores to mapped memory
//! cost nothing beyond the copy, and the kernel keeps them when the process dies.
//!
//! Why this is sound: a byte of a segment is written once, by the one `WriteMap` of the one writer (the sidecar's lock sees to that, between
//! processes too), and turns visible by the release store of its record's head word. A `ReadMap` makes slices only of bytes behind a
//! head word that it has loaded with acquire order, and those never change again. Files only grow while anybody can have them
//! mapped, except when a writer trims zeros that lie more than a word behind the last record, where no reader looks. A segment of a disk in
//! memory is an anonymous map that writer and readers share; those that use it belong to one thread.
#![allow(unsafe_code)] // mapped memory has no safe form: another process may write to the file

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use super::record::{record_bytes, split_word};

/// Where the pages of a mapped segment go.
pub trait Pages: Send + Sync {
    /// What fdatasync does, for these pages only: zeros ahead are not written over and over.
    fn flush(&self, range: Range<usize>) -> io::Result<()>;
    /// Makes the pages writable before the appender comes to them.
    fn prefault(&self, range: Range<usize>);
}

/// To the file that is mapped.
struct FilePages(Arc<MmapRaw>);

impl Pages for FilePages {
    fn flush(&self, range: Range<usize>) -> io::Result<()> {
        self.0.flush_range(range.start, range.len())
    }

    /// A fault may wait for the file system's journal. (Measured without it: 88–133 ns an append of 200 bytes in place of 41–46, p99.9
    /// 22 µs in place of 2.)
    fn prefault(&self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        if !range.is_empty() {
            // An old kernel (before 5.14) refuses; then the appender takes the faults itself.
            let _ = self
                .0
                .advise_range(memmap2::Advice::PopulateWrite, range.start, range.len());
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }
}

/// What a file in memory holds: bytes that maps of it share. All that use one belong to one thread.
pub struct Memory(Arc<MmapRaw>);

impl Memory {
    /// Zeros; those that nobody touches cost nothing.
    pub fn zeros(bytes: usize) -> io::Result<Memory> {
        let map = MmapOptions::new().len(bytes).map_anon()?;
        Ok(Memory(Arc::new(map.into())))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset <= self.len() && bytes.len() <= self.len() - offset);
        // SAFETY: in bounds by the line above; the map stays while `self` does, and `bytes` is borrowed from elsewhere.
        unsafe {
            ptr::copy_nonoverlapping(self.0.as_ptr().add(offset), bytes.as_mut_ptr(), bytes.len());
        }
    }

    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset <= self.len() && bytes.len() <= self.len() - offset);
        // SAFETY: in bounds by the line above; all users belong to one thread, and none lends a slice of bytes that may still be
        // written, as in a file.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.as_mut_ptr().add(offset), bytes.len());
        }
    }

    pub fn write_map(&self, bytes: usize, pages: Arc<dyn Pages>) -> WriteMap {
        assert!(bytes <= self.len(), "within the memory");
        WriteMap {
            map: Arc::clone(&self.0),
            len: bytes,
            pages,
        }
    }

    pub fn read_map(&self, bytes: usize) -> ReadMap {
        assert!(bytes <= self.len(), "within the memory");
        ReadMap {
            map: Arc::clone(&self.0),
            len: bytes,
        }
    }
}

/// A segment as its writer sees it. There is one per segment.
pub struct WriteMap {
    map: Arc<MmapRaw>,
    len: usize,
    pages: Arc<dyn Pages>,
}

impl WriteMap {
    /// The first `bytes` of `file`, which must be that long and open for reading and writing.
    pub fn of_file(file: &File, bytes: usize) -> io::Result<WriteMap> {
        assert!(
            file.metadata()?.len() >= bytes as u64,
            "a map beyond the end of its file would fault"
        );
        let map = Arc::new(MmapOptions::new().len(bytes).map_raw(file)?);
        Ok(WriteMap {
            map: Arc::clone(&map),
            len: bytes,
            pages: Arc::new(FilePages(map)),
        })
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
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
            len: self.len,
            pages: Arc::clone(&self.pages),
        }
    }
}

/// Brings a mapped segment's pages to the disk and back into the page tables; it cannot change a byte.
pub struct Flusher {
    map: Arc<MmapRaw>,
    len: usize,
    pages: Arc<dyn Pages>,
}

impl Flusher {
    pub fn flush(&self, range: Range<usize>) -> io::Result<()> {
        self.pages.flush(range)
    }

    pub fn prefault(&self, range: Range<usize>) {
        self.pages.prefault(range.start..range.end.min(self.len));
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The CRC that ends right before `offset`, which must be behind a published record.
    pub fn crc_before(&self, offset: usize) -> u32 {
        crc_before(&self.map, offset)
    }
}

/// A segment as a reader sees it, perhaps in another process, perhaps while it is being written.
pub struct ReadMap {
    map: Arc<MmapRaw>,
    len: usize,
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
    pub fn of_file(file: &File) -> io::Result<ReadMap> {
        let map = MmapOptions::new().map_raw_read_only(file)?;
        Ok(ReadMap {
            len: map.len(),
            map: Arc::new(map),
        })
    }

    pub fn len(&self) -> usize {
        self.len
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
