//! Closed bars in columns: what marketdata says of a frame that closes three thousand of them, in one message.
//!
//! The memory is the wire form, as a tick batch's is: a header of 16 bytes (`u32 count, u16 0, u16 version, u64 0`), then the
//! columns one after the other, each padded with zeros to 8 bytes, all little-endian.
use std::collections::HashSet;
use std::fmt;
use std::hash::BuildHasherDefault;

use bytemuck::Pod;

use super::bar::Bar;
use super::spec::BarSpec;
use crate::kite::sanity::TokenHasher;

/// Most bars of a batch: one of each instrument of a Kite connection.
pub const BATCH_BARS_MAX: usize = 3000;
/// The layout's version.
pub const BAR_BATCH_VERSION: u16 = 1;

const HEADER_WORDS: usize = 2;
const WORD_BYTES: usize = size_of::<u64>();
const SHORT: u8 = 1;
const GAPPED: u8 = 2;

/// Defines the columns once: their order in memory and their slices.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        /// Where each column begins, in words, and where the last ends.
        fn starts(count: usize) -> ([usize; [$(stringify!($name)),*].len()], usize) {
            let mut next = HEADER_WORDS;
            let starts = [$({
                let start = next;
                next += words_of::<$type>(count);
                start
            }),*];
            (starts, next)
        }

        #[allow(non_camel_case_types)]
        enum Column { $($name),* }

        impl BarBatch {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&self) -> &[$type] {
                    self.column(Column::$name)
                }
            )*
        }
    };
}

columns! {
    start_ns: i64;
    end_ns: i64;
    open_e4: i64;
    high_e4: i64;
    low_e4: i64;
    close_e4: i64;
    volume: i64;
    value_e4: i64;
    ticks: i64;
    /// How many of the spec's unit.
    size: i64;
    token: u32;
    /// Of the spec, as [`BarSpec::to_parts`] numbers it.
    unit: u8;
    /// Bits: [`SHORT`], [`GAPPED`].
    marks: u8;
}

const fn words_of<T>(count: usize) -> usize {
    (count * size_of::<T>()).div_ceil(WORD_BYTES)
}

/// Bars of different instruments, in the order in which they closed.
#[derive(Clone, PartialEq, Eq)]
pub struct BarBatch {
    words: Vec<u64>,
    count: usize,
}

impl BarBatch {
    /// Cuts bars into batches, none of which has two of one instrument: the second begins the next, so that whoever takes a
    /// batch whole has each instrument as it was with its own bar.
    pub fn of(bars: &[Bar]) -> Vec<BarBatch> {
        let mut batches = Vec::new();
        let mut seen: HashSet<u32, BuildHasherDefault<TokenHasher>> = HashSet::default();
        let mut first = 0;
        for (at, bar) in bars.iter().enumerate() {
            if at - first == BATCH_BARS_MAX || !seen.insert(bar.token) {
                batches.push(Self::pack(&bars[first..at]));
                first = at;
                seen.clear();
                seen.insert(bar.token);
            }
        }
        if first < bars.len() {
            batches.push(Self::pack(&bars[first..]));
        }
        batches
    }

    fn pack(bars: &[Bar]) -> Self {
        let count = bars.len();
        let mut words = vec![0; starts(count).1];
        words[0] = count as u64 | u64::from(BAR_BATCH_VERSION) << 48;
        let mut batch = Self { words, count };
        // Within a day nothing of a bar comes near the bounds of an i64 but its value, which is cut when it closes.
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        batch.fill(Column::start_ns, bars, |bar| bar.start_ns);
        batch.fill(Column::end_ns, bars, |bar| bar.end_ns);
        batch.fill(Column::open_e4, bars, |bar| bar.open_e4);
        batch.fill(Column::high_e4, bars, |bar| bar.high_e4);
        batch.fill(Column::low_e4, bars, |bar| bar.low_e4);
        batch.fill(Column::close_e4, bars, |bar| bar.close_e4);
        batch.fill(Column::volume, bars, |bar| whole(bar.volume));
        batch.fill(Column::value_e4, bars, |bar| bar.value_e4);
        batch.fill(Column::ticks, bars, |bar| whole(bar.ticks));
        batch.fill(Column::size, bars, |bar| bar.spec.to_parts().1);
        batch.fill(Column::token, bars, |bar| bar.token);
        batch.fill(Column::unit, bars, |bar| bar.spec.to_parts().0);
        batch.fill(Column::marks, bars, |bar| {
            u8::from(bar.short) * SHORT + u8::from(bar.gapped) * GAPPED
        });
        batch
    }

    /// Takes a received payload, wherever it lies in memory, by one copy.
    ///
    /// # Errors
    /// Any bytes that [`BarBatch::as_bytes`] cannot have given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BarBatchError> {
        let (header, _) = bytes
            .split_first_chunk::<{ HEADER_WORDS * WORD_BYTES }>()
            .ok_or(BarBatchError("shorter than its header"))?;
        let header = u128::from_le_bytes(*header);
        let count = header as u32 as usize;
        if header >> 32 != u128::from(BAR_BATCH_VERSION) << 16 {
            return Err(BarBatchError("of another version"));
        }
        if count > BATCH_BARS_MAX || bytes.len() != starts(count).1 * WORD_BYTES {
            return Err(BarBatchError("of another length than its header says"));
        }
        let words = bytes.as_chunks::<WORD_BYTES>().0.iter();
        let batch = Self {
            words: words.map(|word| u64::from_le_bytes(*word)).collect(),
            count,
        };
        let specs = batch.unit().iter().zip(batch.size());
        if !specs
            .into_iter()
            .all(|(&unit, &size)| BarSpec::from_parts(unit, size).is_some())
            || batch
                .marks()
                .iter()
                .any(|marks| marks & !(SHORT | GAPPED) != 0)
        {
            return Err(BarBatchError("with a bar that is none"));
        }
        Ok(batch)
    }

    /// The wire form.
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn spec(&self, index: usize) -> Option<BarSpec> {
        BarSpec::from_parts(*self.unit().get(index)?, *self.size().get(index)?)
    }

    pub fn is_short(&self, index: usize) -> bool {
        self.marks()[index] & SHORT != 0
    }

    pub fn is_gapped(&self, index: usize) -> bool {
        self.marks()[index] & GAPPED != 0
    }

    /// The bar at `index`, if there is one.
    pub fn bar(&self, index: usize) -> Option<Bar> {
        Some(Bar {
            token: *self.token().get(index)?,
            spec: self.spec(index)?,
            start_ns: self.start_ns()[index],
            end_ns: self.end_ns()[index],
            open_e4: self.open_e4()[index],
            high_e4: self.high_e4()[index],
            low_e4: self.low_e4()[index],
            close_e4: self.close_e4()[index],
            volume: self.volume()[index] as u64,
            value_e4: self.value_e4()[index],
            ticks: self.ticks()[index] as u64,
            short: self.is_short(index),
            gapped: self.is_gapped(index),
        })
    }

    pub fn bars(&self) -> impl Iterator<Item = Bar> {
        (0..self.count).filter_map(|index| self.bar(index))
    }

    #[inline]
    fn column<T: Pod>(&self, column: Column) -> &[T] {
        let start = starts(self.count).0[column as usize];
        &bytemuck::cast_slice(&self.words[start..start + words_of::<T>(self.count)])[..self.count]
    }

    fn fill<T: Pod>(&mut self, column: Column, bars: &[Bar], value: impl Fn(&Bar) -> T) {
        let start = starts(self.count).0[column as usize];
        let words = &mut self.words[start..start + words_of::<T>(self.count)];
        for (place, bar) in bytemuck::cast_slice_mut(words).iter_mut().zip(bars) {
            *place = value(bar);
        }
    }
}

impl fmt::Debug for BarBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bars()).finish()
    }
}

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no bar batch: {0}")]
pub struct BarBatchError(&'static str);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bars() -> impl Strategy<Value = Vec<Bar>> {
        let specs = ["5s", "1m", "1d", "500t", "7v", "3r"].map(|text| text.parse().unwrap());
        let bar = (
            0u32..6,
            prop::sample::select(specs.to_vec()),
            any::<[i64; 7]>(),
            any::<[u32; 2]>(),
            any::<(bool, bool)>(),
        );
        let bar = bar.prop_map(|(token, spec, n, [volume, ticks], (short, gapped))| Bar {
            token,
            spec,
            start_ns: n[0],
            end_ns: n[1],
            open_e4: n[2],
            high_e4: n[3],
            low_e4: n[4],
            close_e4: n[5],
            volume: u64::from(volume),
            value_e4: n[6],
            ticks: u64::from(ticks),
            short,
            gapped,
        });
        prop::collection::vec(bar, 0..20)
    }

    proptest! {
        #[test]
        fn batches_hold_all_bars_in_their_order_and_no_instrument_twice(bars in bars()) {
            let batches = BarBatch::of(&bars);

            prop_assert_eq!(batches.iter().flat_map(BarBatch::bars).collect::<Vec<_>>(), bars);
            for (batch, next) in batches.iter().zip(batches.iter().skip(1).map(Some).chain([None])) {
                let tokens: HashSet<_> = batch.token().iter().collect();
                prop_assert_eq!(tokens.len(), batch.len());
                prop_assert!(!batch.is_empty());
                // Cut no earlier than it had to be.
                prop_assert!(next.is_none_or(|next| tokens.contains(&next.token()[0])));
            }
        }

        #[test]
        fn the_wire_form_gives_the_same_batch_wherever_it_lies(bars in bars()) {
            for batch in BarBatch::of(&bars) {
                let mut shifted = vec![0; 3];
                shifted.extend_from_slice(batch.as_bytes());

                prop_assert_eq!(BarBatch::from_bytes(&shifted[3..]).unwrap(), batch);
            }
        }

        #[test]
        fn any_bytes_give_a_batch_or_an_error(bars in bars(), at: usize, byte: u8, cut in 0usize..9) {
            for batch in BarBatch::of(&bars) {
                let mut bytes = batch.as_bytes().to_vec();
                let at = at % bytes.len();
                bytes[at] = byte;
                bytes.truncate(bytes.len() - cut % bytes.len());

                if let Ok(read) = BarBatch::from_bytes(&bytes) {
                    prop_assert_eq!(read.bars().count(), read.len());
                    prop_assert_eq!(read.as_bytes(), bytes);
                }
            }
        }
    }

    #[test]
    fn as_many_bars_as_a_batch_takes_fit_a_message() {
        assert!(starts(BATCH_BARS_MAX).1 * WORD_BYTES <= crate::kite::FRAME_BYTES_MAX);
    }
}
