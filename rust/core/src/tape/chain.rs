use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::day::Day;
use super::disk::{DiskFile, Folder};
use super::error::TapeError;
use super::note::{Note, NoteFile};

/// A block is this much of a segment file; the last one of a segment may be shorter. A segment of 16 MiB has 256.
pub const BLOCK_BYTES: usize = 64 * 1024;
const HASH_BYTES: usize = 32;

/// What is kept in a second place: whoever has it can tell whether the tape up to there is still what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The finished blocks that are hashed.
    pub blocks: u64,
    /// The bytes of the unfinished block behind them that are hashed too; none unless sealed.
    pub tail_bytes: u32,
    pub hash: [u8; HASH_BYTES],
}

/// A tape or its side file is not what it was when it was hashed.
#[derive(Debug, thiserror::Error)]
pub enum ChainBroken {
    /// A block's bytes were changed, or the side file's entry for it.
    #[error("{}: block {block}, at offset {offset}, is not what was hashed", file.display())]
    Altered {
        file: PathBuf,
        offset: u64,
        block: u64,
    },
    /// The tape, or the side file, ends after so many blocks, before what was hashed or anchored.
    #[error("cut off after {blocks} blocks")]
    Truncated { blocks: u64 },
    /// All is there and in agreement, and it is not what was anchored: both files were made anew.
    #[error("the first {blocks} blocks are not those that were anchored")]
    NotAsAnchored { blocks: u64 },
    /// It could not be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
}

/// The SHA-256 chain over a day's tape: `h(i) = SHA-256(h(i-1) ‖ block(i))`, kept as a side file `<day>.chain` of 32 bytes per block.
///
/// A CRC finds what a disk does; anyone can compute it. This finds what a person does, if an anchor is kept where that person
/// cannot write: neither a change nor a cut of the tail goes unseen. Only synced blocks are hashed, since a power cut may
/// rightly take others.
pub struct Chain {
    tape_dir: Folder,
    day: Day,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// The next block to hash.
    at: Place,
    hash: [u8; HASH_BYTES],
}

/// A block's number and where it lies.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    block: u64,
    segment: u32,
    offset: u64,
}

impl Chain {
    /// The chain of the day's tape in `tape_dir`, with its side file in `side_dir`, made if missing.
    pub fn open(
        tape_dir: impl Into<Folder>,
        day: Day,
        side_dir: impl Into<Folder>,
    ) -> Result<Chain, ChainBroken> {
        let side_dir = side_dir.into();
        side_dir.make()?;
        let path = side_dir.path.join(format!("{day}.chain"));
        let file = side_dir.disk.open(&path).map_err(TapeError::io(&path))?;
        let mut chain = Chain {
            tape_dir: tape_dir.into(),
            day,
            path,
            file,
            at: Place::default(),
            hash: genesis(day),
        };
        let blocks = chain.hashed_blocks()?;
        if blocks > 0 {
            chain.at = chain.place_of(blocks)?;
            chain.hash = chain.entry(blocks - 1)?;
        }
        Ok(chain)
    }

    /// The blocks hashed so far and the last one's hash.
    pub fn head(&self) -> Anchor {
        Anchor {
            blocks: self.at.block,
            tail_bytes: 0,
            hash: self.hash,
        }
    }

    /// Hashes what has been finished and synced since, and gives the new head.
    pub fn advance(&mut self) -> Result<Anchor, ChainBroken> {
        let synced = self.synced()?;
        let before = self.at.block;
        while let Some((block, next)) = self.finished_block(self.at, &synced)? {
            self.hash = link(&self.hash, &block);
            self.file
                .write_all_at(&self.hash, self.at.block * HASH_BYTES as u64)
                .map_err(TapeError::io(&self.path))?;
            self.at = next;
        }
        if self.at.block > before {
            self.file.sync_data().map_err(TapeError::io(&self.path))?;
        }
        Ok(self.head())
    }

    /// The head with the unfinished block: at the day's end it covers all that is synced. The chain goes on as if not asked.
    pub fn seal(&mut self) -> Result<Anchor, ChainBroken> {
        let head = self.advance()?;
        let synced = self.synced()?;
        if synced.segment != self.at.segment || u64::from(synced.offset) <= self.at.offset {
            return Ok(head);
        }
        let tail = self.read(
            self.at,
            (u64::from(synced.offset) - self.at.offset) as usize,
        )?;
        Ok(Anchor {
            blocks: head.blocks,
            tail_bytes: tail.len() as u32,
            hash: link(&head.hash, &tail),
        })
    }

    /// Hashes the tape from its start and compares with the side file, and with an anchor if one is given.
    pub fn verify(&self, anchor: Option<&Anchor>) -> Result<Anchor, ChainBroken> {
        let synced = self.synced()?;
        let blocks = self.hashed_blocks()?;
        if anchor.is_some_and(|anchor| anchor.blocks > blocks) {
            return Err(ChainBroken::Truncated { blocks });
        }
        let mut hash = genesis(self.day);
        let mut at = Place::default();
        while at.block < blocks {
            self.check_anchor(anchor, at, &hash)?;
            let Some((block, next)) = self.finished_block(at, &synced)? else {
                return Err(ChainBroken::Truncated { blocks: at.block });
            };
            hash = link(&hash, &block);
            if hash != self.entry(at.block)? {
                let file = self.day.segment_path(&self.tape_dir.path, at.segment);
                return Err(ChainBroken::Altered {
                    file,
                    offset: at.offset,
                    block: at.block,
                });
            }
            at = next;
        }
        self.check_anchor(anchor, at, &hash)?;
        Ok(Anchor {
            blocks,
            tail_bytes: 0,
            hash,
        })
    }

    /// An error if `at` is where the anchor was taken and the bytes up to there are not the anchored ones.
    fn check_anchor(
        &self,
        anchor: Option<&Anchor>,
        at: Place,
        hash: &[u8; HASH_BYTES],
    ) -> Result<(), ChainBroken> {
        let Some(anchor) = anchor.filter(|anchor| anchor.blocks == at.block) else {
            return Ok(());
        };
        let found = match anchor.tail_bytes {
            0 => *hash,
            bytes if bytes as usize >= BLOCK_BYTES => {
                return Err(ChainBroken::NotAsAnchored { blocks: at.block });
            }
            bytes => link(hash, &self.read(at, bytes as usize)?),
        };
        if found == anchor.hash {
            Ok(())
        } else {
            Err(ChainBroken::NotAsAnchored { blocks: at.block })
        }
    }

    /// A block that will not change any more, and the place of the next; none if it may.
    fn finished_block(
        &self,
        at: Place,
        synced: &Note,
    ) -> Result<Option<(Vec<u8>, Place)>, ChainBroken> {
        let Some(bytes) = self.finished_bytes(at, synced)? else {
            return Ok(None);
        };
        let block = self.read(at, bytes)?;
        let next =
            if at.segment < synced.segment && at.offset + bytes as u64 == self.segment_bytes(at)? {
                Place {
                    block: at.block + 1,
                    segment: at.segment + 1,
                    offset: 0,
                }
            } else {
                Place {
                    block: at.block + 1,
                    offset: at.offset + bytes as u64,
                    ..at
                }
            };
        Ok(Some((block, next)))
    }

    /// How long the block at a place is, if it is finished: all of it synced, or its segment full.
    fn finished_bytes(&self, at: Place, synced: &Note) -> Result<Option<usize>, ChainBroken> {
        let end = match at.segment.cmp(&synced.segment) {
            std::cmp::Ordering::Greater => return Ok(None),
            std::cmp::Ordering::Less => self.segment_bytes(at)?,
            std::cmp::Ordering::Equal => u64::from(synced.offset),
        };
        let left = end.saturating_sub(at.offset);
        let finished = left >= BLOCK_BYTES as u64 || (at.segment < synced.segment && left > 0);
        Ok(finished.then_some(left.min(BLOCK_BYTES as u64) as usize))
    }

    /// Where a block lies: a full segment has a fixed number of them.
    fn place_of(&self, block: u64) -> Result<Place, ChainBroken> {
        let synced = self.synced()?;
        let mut at = Place::default();
        while at.segment < synced.segment {
            let blocks = self.segment_bytes(at)?.div_ceil(BLOCK_BYTES as u64);
            if block < at.block + blocks {
                break;
            }
            at = Place {
                block: at.block + blocks,
                segment: at.segment + 1,
                offset: 0,
            };
        }
        Ok(Place {
            block,
            offset: (block - at.block) * BLOCK_BYTES as u64,
            ..at
        })
    }

    fn segment_bytes(&self, at: Place) -> Result<u64, ChainBroken> {
        let path = self.day.segment_path(&self.tape_dir.path, at.segment);
        let file = self.tape_dir.disk.open_to_read(&path);
        file.and_then(|file| file.size())
            .map_err(unreadable(&path, at))
    }

    fn read(&self, at: Place, bytes: usize) -> Result<Vec<u8>, ChainBroken> {
        let path = self.day.segment_path(&self.tape_dir.path, at.segment);
        let mut block = vec![0; bytes];
        let file = self.tape_dir.disk.open_to_read(&path);
        let read = file.and_then(|file| file.read_exact_at(&mut block, at.offset));
        read.map(|()| block).map_err(unreadable(&path, at))
    }

    fn synced(&self) -> Result<Note, ChainBroken> {
        Ok(NoteFile::open(&self.tape_dir, self.day)?
            .map_or(Ok(Note::default()), |note| note.read())?)
    }

    /// How many blocks the side file holds; what a kill has left of an entry is not counted.
    fn hashed_blocks(&self) -> Result<u64, ChainBroken> {
        Ok(self.file.size().map_err(TapeError::io(&self.path))? / HASH_BYTES as u64)
    }

    fn entry(&self, block: u64) -> Result<[u8; HASH_BYTES], ChainBroken> {
        let mut hash = [0; HASH_BYTES];
        self.file
            .read_exact_at(&mut hash, block * HASH_BYTES as u64)
            .map_err(TapeError::io(&self.path))?;
        Ok(hash)
    }
}

fn genesis(day: Day) -> [u8; HASH_BYTES] {
    Sha256::digest(format!("kitev3 tape {day}")).into()
}

fn link(before: &[u8; HASH_BYTES], block: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::new()
        .chain_update(before)
        .chain_update(block)
        .finalize()
        .into()
}

/// A segment that is missing or too short has been cut off: nobody of ours removes what is synced.
fn unreadable(path: &Path, at: Place) -> impl FnOnce(io::Error) -> ChainBroken {
    move |error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => {
            ChainBroken::Truncated { blocks: at.block }
        }
        _ => ChainBroken::Tape(TapeError::io(path)(error)),
    }
}
