//! A service that dies at a chosen point: before the n-th record that it puts on its tape, or message that it sends.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::runtime::outbox::Tape;
use crate::tape::{Kind, Position, TapeError, Writer};

/// How many deeds are left.
#[derive(Clone, Debug)]
pub struct Fuse(Arc<AtomicU64>);

impl Fuse {
    /// None: it lives on.
    pub fn new(left: Option<u64>) -> Fuse {
        Fuse(Arc::new(AtomicU64::new(left.unwrap_or(u64::MAX))))
    }

    pub fn set(&self, left: Option<u64>) {
        self.0.store(left.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn is_burnt(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Before a deed; an error once none is left.
    pub fn burn(&self) -> Result<(), TapeError> {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Ok(()),
            0 => Err(TapeError::SyncFailed("killed".to_owned())),
            left => {
                self.0.store(left - 1, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// A tape that takes no more records than the fuse allows.
pub struct MortalTape {
    pub writer: Writer,
    pub fuse: Fuse,
}

impl Tape for MortalTape {
    #[inline]
    fn append(&mut self, kind: Kind, mono_ns: i64, parts: &[&[u8]]) -> Result<Position, TapeError> {
        self.fuse.burn()?;
        self.writer.append(kind, mono_ns, parts)
    }

    fn close(self: Box<Self>) -> Result<(), TapeError> {
        self.writer.close()
    }
}
