//! The column batch of ticks, and its wire form.
//!
//! One aligned allocation holds a header of 16 bytes and the columns one after the other, each padded with zeros to
//! 8 bytes. That memory is the wire form (little-endian), so sending is one copy and receiving is one copy after the
//! lengths are checked. Columns come in sections; a section is there iff a tick of the batch needs it.
use std::fmt;

use bytemuck::Pod;

use super::kind::TickKind;
use super::tick::{DEPTH_LEVELS, Tick};

#[cfg(target_endian = "big")]
compile_error!("a batch's memory is its wire form, which is little-endian");

/// Most ticks of a batch: what one Kite connection may subscribe.
pub const BATCH_TICKS_MAX: usize = 3000;
/// Most bytes of a batch on the bus, and so of a frame's payload.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// The layout's version.
pub const BATCH_VERSION: u16 = 1;

const HEADER_WORDS: usize = 2;
const WORD_BYTES: usize = size_of::<u64>();

// A batch at its largest always fits one frame.
const _: () = assert!(
    HEADER_WORDS * WORD_BYTES + columns_bytes(BATCH_TICKS_MAX, Sections::ALL) <= FRAME_BYTES_MAX
);

/// Which columns a batch has beyond the base, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sections(pub u16);

impl Sections {
    pub const BASE: Self = Self(0);
    pub const QUOTE: Self = Self(1);
    pub const FULL: Self = Self(2);
    pub const DEPTH: Self = Self(4);
    pub const ALL: Self = Self(7);

    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What a tick of this kind needs.
    pub const fn of(kind: TickKind) -> Self {
        match kind {
            TickKind::Ltp => Self::BASE,
            TickKind::IndexQuote | TickKind::IndexFull | TickKind::Quote => Self::QUOTE,
            TickKind::Full => Self::ALL,
        }
    }
}

/// Defines the columns once: their order in memory, their slices, and how many bytes they take.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $width:expr, $section:ident;)*) => {
        #[allow(non_camel_case_types)]
        enum Column { $($name),* }

        const COLUMNS: usize = [$(stringify!($name)),*].len();

        /// Where each column begins, in words of the allocation, and where the last one ends.
        fn column_starts(count: usize, sections: Sections) -> ([u32; COLUMNS], usize) {
            let mut starts = [0; COLUMNS];
            let mut next = HEADER_WORDS;
            $(
                starts[Column::$name as usize] = next as u32;
                next += column_words::<$type>(count, $width, sections, Sections::$section);
            )*
            (starts, next)
        }

        const fn columns_bytes(count: usize, sections: Sections) -> usize {
            WORD_BYTES * (0 $(+ column_words::<$type>(count, $width, sections, Sections::$section))*)
        }

        /// All columns of a batch under construction; those of an absent section are empty.
        pub(super) struct ColumnsMut<'a> { $(pub $name: &'a mut [$type]),* }

        impl<'a> ColumnsMut<'a> {
            fn split(words: &'a mut [u64], count: usize, sections: Sections) -> Self {
                let (_, rest) = words.split_at_mut(HEADER_WORDS);
                $(
                    let length = if sections.contains(Sections::$section) { count * $width } else { 0 };
                    let taken = column_words::<$type>(count, $width, sections, Sections::$section);
                    let ($name, rest) = rest.split_at_mut(taken);
                    let $name = &mut bytemuck::cast_slice_mut($name)[..length];
                )*
                debug_assert!(rest.is_empty());
                Self { $($name),* }
            }
        }

        impl TickBatch {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&self) -> &[$type] {
                    self.column(Column::$name, $width, Sections::$section)
                }
            )*
        }
    };
}

const fn column_words<T>(
    count: usize,
    width: usize,
    sections: Sections,
    section: Sections,
) -> usize {
    if sections.contains(section) {
        (count * width * size_of::<T>()).div_ceil(WORD_BYTES)
    } else {
        0
    }
}

columns! {
    /// Exchange time, ns UTC; 0 where the packet carries none.
    exchange_ns: i64, 1, BASE;
    last_price_e4: i64, 1, BASE;
    token: u32, 1, BASE;
    /// [`super::TickFlags`] bits; 0 is a clean tick.
    flags: u16, 1, BASE;
    /// [`TickKind`] numbers.
    kind: u8, 1, BASE;
    open_e4: i64, 1, QUOTE;
    high_e4: i64, 1, QUOTE;
    low_e4: i64, 1, QUOTE;
    /// The previous session's close while the market is open.
    close_e4: i64, 1, QUOTE;
    average_price_e4: i64, 1, QUOTE;
    last_quantity: u32, 1, QUOTE;
    /// Traded since the day began.
    volume: u32, 1, QUOTE;
    buy_quantity: u32, 1, QUOTE;
    sell_quantity: u32, 1, QUOTE;
    /// Time of the last trade, ns UTC; 0 when there was none.
    last_trade_ns: i64, 1, FULL;
    oi: u32, 1, FULL;
    oi_high: u32, 1, FULL;
    oi_low: u32, 1, FULL;
    /// Ten a tick: 0–4 buys, 5–9 sells, best first.
    depth_price_e4: i64, DEPTH_LEVELS, DEPTH;
    depth_quantity: u32, DEPTH_LEVELS, DEPTH;
    depth_orders: u16, DEPTH_LEVELS, DEPTH;
}

/// Ticks in columns. The slice of a column whose section is absent is empty; [`TickBatch::tick`] reads it as 0.
#[derive(Clone)]
pub struct TickBatch {
    words: Vec<u64>,
    starts: [u32; COLUMNS],
    count: u32,
    sections: Sections,
}

impl TickBatch {
    /// A batch of zeros to be filled. Its `kind` column says ltp until the caller writes it.
    ///
    /// # Panics
    /// When `count` is above [`BATCH_TICKS_MAX`]: the caller cuts first.
    pub(super) fn zeros(count: usize, sections: Sections) -> Self {
        assert!(
            count <= BATCH_TICKS_MAX,
            "{count} ticks in a batch of at most {BATCH_TICKS_MAX}"
        );
        let (starts, words_len) = column_starts(count, sections);
        let mut words = vec![0; words_len];
        words[0] = header_word(count as u32, sections);
        Self {
            words,
            starts,
            count: count as u32,
            sections,
        }
    }

    /// Packs ticks; a field that the tick's kind does not carry is left 0.
    ///
    /// # Errors
    /// [`BatchError::Count`] for more than [`BATCH_TICKS_MAX`] ticks.
    pub fn from_ticks(ticks: &[Tick]) -> Result<Self, BatchError> {
        if ticks.len() > BATCH_TICKS_MAX {
            return Err(BatchError::Count { count: ticks.len() });
        }
        let sections = ticks.iter().fold(Sections::BASE, |all, tick| {
            all.union(Sections::of(tick.kind))
        });
        let mut batch = Self::zeros(ticks.len(), sections);
        let mut columns = batch.columns_mut();
        for (index, tick) in ticks.iter().enumerate() {
            columns.put(index, tick);
        }
        Ok(batch)
    }

    /// Takes a received payload, wherever it lies in memory, by one copy.
    ///
    /// # Errors
    /// Any bytes that [`TickBatch::as_bytes`] cannot have given in their form: see [`BatchError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some((header, _)) = bytes.split_first_chunk::<{ HEADER_WORDS * WORD_BYTES }>() else {
            return Err(BatchError::Short { bytes: bytes.len() });
        };
        let header = u128::from_le_bytes(*header);
        let (count, sections, version) =
            (header as u32, (header >> 32) as u16, (header >> 48) as u16);
        if version != BATCH_VERSION {
            return Err(BatchError::Version { version });
        }
        if count as usize > BATCH_TICKS_MAX {
            return Err(BatchError::Count {
                count: count as usize,
            });
        }
        if !Sections::ALL.contains(Sections(sections)) || header >> 64 != 0 {
            return Err(BatchError::Sections { sections });
        }
        let sections = Sections(sections);
        let (starts, words_len) = column_starts(count as usize, sections);
        if bytes.len() != words_len * WORD_BYTES {
            return Err(BatchError::Length {
                expected: words_len * WORD_BYTES,
                bytes: bytes.len(),
            });
        }
        let words = bytes
            .as_chunks::<WORD_BYTES>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect();
        let batch = Self {
            words,
            starts,
            count,
            sections,
        };
        batch.check_kinds()?;
        Ok(batch)
    }

    /// The wire form.
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn sections(&self) -> Sections {
        self.sections
    }

    /// The tick at `index`, if there is one.
    pub fn tick(&self, index: usize) -> Option<Tick> {
        let kind = TickKind::from_number(*self.kind().get(index)?)?;
        let mut tick = Tick {
            kind,
            flags: self.flags()[index],
            exchange_ns: self.exchange_ns()[index],
            ..Tick::new(self.token()[index], self.last_price_e4()[index])
        };
        if Sections::of(kind).contains(Sections::QUOTE) {
            tick.open_e4 = self.open_e4()[index];
            tick.high_e4 = self.high_e4()[index];
            tick.low_e4 = self.low_e4()[index];
            tick.close_e4 = self.close_e4()[index];
            tick.average_price_e4 = self.average_price_e4()[index];
            tick.last_quantity = self.last_quantity()[index];
            tick.volume = self.volume()[index];
            tick.buy_quantity = self.buy_quantity()[index];
            tick.sell_quantity = self.sell_quantity()[index];
        }
        if kind == TickKind::Full {
            tick.last_trade_ns = self.last_trade_ns()[index];
            tick.oi = self.oi()[index];
            tick.oi_high = self.oi_high()[index];
            tick.oi_low = self.oi_low()[index];
            tick.depth_price_e4 = self.depth_price_e4().as_chunks().0[index];
            tick.depth_quantity = self.depth_quantity().as_chunks().0[index];
            tick.depth_orders = self.depth_orders().as_chunks().0[index];
        }
        Some(tick)
    }

    pub fn ticks(&self) -> impl ExactSizeIterator<Item = Tick> + '_ {
        (0..self.len()).map(|index| {
            self.tick(index)
                .expect("a batch's kinds are checked when it is made")
        })
    }

    /// The ticks that are not clean, as (index, flags): what a tape records beside the frame.
    pub fn flagged(&self) -> Vec<(u32, u16)> {
        let flags = self.flags().iter().zip(0..);
        flags
            .filter(|&(&flags, _)| flags != 0)
            .map(|(&flags, index)| (index, flags))
            .collect()
    }

    /// Puts a recorded list of flags on a batch that was decoded again.
    ///
    /// # Errors
    /// [`BatchError::Index`] for an index beyond the batch; nothing is changed then.
    pub fn apply_flags(&mut self, flagged: &[(u32, u16)]) -> Result<(), BatchError> {
        if let Some(&(index, _)) = flagged.iter().find(|(index, _)| *index >= self.count) {
            return Err(BatchError::Index {
                index,
                count: self.count,
            });
        }
        let flags = self.columns_mut().flags;
        for &(index, bits) in flagged {
            flags[index as usize] |= bits;
        }
        Ok(())
    }

    pub(super) fn columns_mut(&mut self) -> ColumnsMut<'_> {
        ColumnsMut::split(&mut self.words, self.count as usize, self.sections)
    }

    #[inline]
    fn column<T: Pod>(&self, column: Column, width: usize, section: Sections) -> &[T] {
        let length = if self.sections.contains(section) {
            self.count as usize * width
        } else {
            0
        };
        let start = self.starts[column as usize] as usize;
        let words = (length * size_of::<T>()).div_ceil(WORD_BYTES);
        &bytemuck::cast_slice(&self.words[start..start + words])[..length]
    }

    /// Readers index sections by kind, so kinds must be known and their sections there, and no others.
    fn check_kinds(&self) -> Result<(), BatchError> {
        let mut needed = Sections::BASE;
        for (index, &number) in self.kind().iter().enumerate() {
            let kind = TickKind::from_number(number).ok_or(BatchError::Kind { index, number })?;
            needed = needed.union(Sections::of(kind));
        }
        if needed == self.sections {
            Ok(())
        } else {
            Err(BatchError::Sections {
                sections: self.sections.0,
            })
        }
    }
}

impl ColumnsMut<'_> {
    fn put(&mut self, index: usize, tick: &Tick) {
        self.exchange_ns[index] = tick.exchange_ns;
        self.last_price_e4[index] = tick.last_price_e4;
        self.token[index] = tick.token;
        self.flags[index] = tick.flags;
        self.kind[index] = tick.kind as u8;
        if Sections::of(tick.kind).contains(Sections::QUOTE) {
            self.open_e4[index] = tick.open_e4;
            self.high_e4[index] = tick.high_e4;
            self.low_e4[index] = tick.low_e4;
            self.close_e4[index] = tick.close_e4;
            self.average_price_e4[index] = tick.average_price_e4;
            self.last_quantity[index] = tick.last_quantity;
            self.volume[index] = tick.volume;
            self.buy_quantity[index] = tick.buy_quantity;
            self.sell_quantity[index] = tick.sell_quantity;
        }
        if tick.kind == TickKind::Full {
            self.last_trade_ns[index] = tick.last_trade_ns;
            self.oi[index] = tick.oi;
            self.oi_high[index] = tick.oi_high;
            self.oi_low[index] = tick.oi_low;
            self.depth_price_e4.as_chunks_mut().0[index] = tick.depth_price_e4;
            self.depth_quantity.as_chunks_mut().0[index] = tick.depth_quantity;
            self.depth_orders.as_chunks_mut().0[index] = tick.depth_orders;
        }
    }
}

/// Batches are equal when their wire forms are.
impl PartialEq for TickBatch {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for TickBatch {}

impl fmt::Debug for TickBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ticks()).finish()
    }
}

const fn header_word(count: u32, sections: Sections) -> u64 {
    count as u64 | (sections.0 as u64) << 32 | (BATCH_VERSION as u64) << 48
}

/// Why bytes or ticks are not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("{bytes} bytes are shorter than a tick batch's header")]
    Short { bytes: usize },
    #[error("tick batch of version {version}, known is {BATCH_VERSION}")]
    Version { version: u16 },
    #[error("{count} ticks, a batch holds at most {BATCH_TICKS_MAX}")]
    Count { count: usize },
    #[error("sections {sections:#x} are not those its ticks need")]
    Sections { sections: u16 },
    #[error("{bytes} bytes where the header says {expected}")]
    Length { expected: usize, bytes: usize },
    #[error("tick {index} is of the unknown kind {number}")]
    Kind { index: usize, number: u8 },
    #[error("flags for tick {index} of a batch of {count}")]
    Index { index: u32, count: u32 },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kite::strategies;

    proptest! {
        #[test]
        fn the_wire_form_gives_the_same_batch(ticks in strategies::ticks(0..40)) {
            let batch = TickBatch::from_ticks(&ticks).unwrap();

            let mut shifted = vec![0; 3];
            shifted.extend_from_slice(batch.as_bytes());
            let received = TickBatch::from_bytes(&shifted[3..]).unwrap();

            prop_assert_eq!(&received, &batch);
            prop_assert_eq!(received.ticks().collect::<Vec<_>>(), ticks);
        }

        #[test]
        fn any_bytes_give_a_batch_or_an_error(ticks in strategies::ticks(0..9), at: usize, byte: u8, cut: usize) {
            let mut bytes = TickBatch::from_ticks(&ticks).unwrap().as_bytes().to_vec();
            let at = at % bytes.len().min(64);
            bytes[at] = byte;
            bytes.truncate(bytes.len() - if cut % 4 == 0 { cut % bytes.len() } else { 0 });

            if let Ok(batch) = TickBatch::from_bytes(&bytes) {
                prop_assert_eq!(batch.ticks().count(), batch.len());
                prop_assert_eq!(batch.as_bytes(), bytes);
            }
        }
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        let tick = Tick {
            kind: TickKind::Ltp,
            ..Tick::new(408_065, 15_731_500)
        };
        let bytes = TickBatch::from_ticks(&[tick]).unwrap().as_bytes().to_vec();
        let refused = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut changed = bytes.clone();
            change(&mut changed);
            TickBatch::from_bytes(&changed).unwrap_err()
        };

        assert_eq!(
            refused(&|b| b.truncate(15)),
            BatchError::Short { bytes: 15 }
        );
        assert_eq!(refused(&|b| b[6] = 2), BatchError::Version { version: 2 });
        assert_eq!(refused(&|b| b[1] = 0x10), BatchError::Count { count: 4097 });
        assert_eq!(refused(&|b| b[4] = 8), BatchError::Sections { sections: 8 });
        assert_eq!(
            refused(&|b| b[15] = 1),
            BatchError::Sections { sections: 0 }
        );
        assert_eq!(
            refused(&|b| b.push(0)),
            BatchError::Length {
                expected: 56,
                bytes: 57
            }
        );
        assert_eq!(
            refused(&|b| b[48] = 5),
            BatchError::Kind {
                index: 0,
                number: 5
            }
        );
        // A kind whose section is missing would be read beyond the columns.
        assert_eq!(
            refused(&|b| b[48] = 4),
            BatchError::Sections { sections: 0 }
        );
    }

    #[test]
    fn recorded_flags_go_back_on_and_only_on_ticks_that_are_there() {
        let ticks = [1, 2, 3].map(|token| Tick {
            kind: TickKind::Ltp,
            ..Tick::new(token, 100)
        });
        let mut batch = TickBatch::from_ticks(&ticks).unwrap();

        batch.apply_flags(&[(1, 4)]).unwrap();

        assert_eq!(batch.flagged(), [(1, 4)]);
        assert_eq!(
            batch.apply_flags(&[(0, 1), (3, 1)]),
            Err(BatchError::Index { index: 3, count: 3 })
        );
        assert_eq!(batch.flagged(), [(1, 4)]);
    }
}
