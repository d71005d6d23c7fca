//! Columns of numbers: taking rows from them, writing rows to them, and telling clean ones from others.
use super::LARGEST;

/// How many inputs are checked and worked on at a time: a few columns of this many stay in the first-level cache.
pub(super) const CHUNK: usize = 32;

/// The same where what is worked on is kept in between.
pub(super) const PIECE: usize = 256;

/// Indicators run in blocks of this many steps, counted from the end of the warm-up. Inside a block nothing waits for
/// the value before it, only for the block's start, so a processor can work on several steps at once.
pub(super) const LANES: usize = 4;

// A chunk that starts at a block's start ends at one.
const _: () = assert!(CHUNK.is_multiple_of(LANES));

/// The bits of a number without its sign: of two of them the greater number has the greater.
const MAGNITUDE: u64 = u64::MAX >> 1;

/// Whether bits are those of no number: not finite, or out of bounds.
#[inline(always)]
fn is_fault(bits: u64) -> bool {
    bits & MAGNITUDE > LARGEST.to_bits()
}

/// Whether every number of one input is one: finite and within bounds.
#[inline(always)]
pub(super) fn clean<const M: usize>(input: [f64; M]) -> bool {
    input.iter().all(|number| !is_fault(number.to_bits()))
}

/// Whether all numbers of the columns are.
#[inline(always)]
pub(super) fn clean_columns<const M: usize>(columns: &[&[[f64; LANES]]; M]) -> bool {
    // All bits of all numbers together are at least those of any: one operation a number, and nearly always enough.
    // Lane by lane, so that it is one on vectors.
    let mut bits = [0; LANES];
    for column in columns {
        for block in *column {
            for lane in 0..LANES {
                bits[lane] |= block[lane].to_bits();
            }
        }
    }
    !is_fault(bits.iter().fold(0, |all, &bits| all | bits)) || clean_one_by_one(columns)
}

// Numbers on either side of 2.0 have such different bits that together they look like none.
#[inline(never)]
fn clean_one_by_one<const M: usize>(columns: &[&[[f64; LANES]]; M]) -> bool {
    let mut faults = [false; LANES];
    for column in columns {
        for block in *column {
            for lane in 0..LANES {
                faults[lane] |= is_fault(block[lane].to_bits());
            }
        }
    }
    faults == [false; LANES]
}

/// Whether all numbers of the columns between `from` and `to` are.
pub(super) fn clean_rows<const M: usize>(columns: &[&[f64]; M], from: usize, to: usize) -> bool {
    let count = (to - from) / LANES;
    let mut rest = from + LANES * count..to;
    clean_columns(&blocks(columns, from, count)) && rest.all(|at| clean(row(columns, at)))
}

/// One row.
#[inline(always)]
pub(super) fn row<const M: usize>(columns: &[&[f64]; M], at: usize) -> [f64; M] {
    std::array::from_fn(|m| columns[m][at])
}

/// Writes one row.
#[inline(always)]
pub(super) fn put<const K: usize>(columns: &mut [&mut [f64]; K], at: usize, values: [f64; K]) {
    for k in 0..K {
        columns[k][at] = values[k];
    }
}

/// `count` whole blocks of the columns from `from` on.
#[inline(always)]
pub(super) fn blocks<'a, const M: usize>(
    columns: &[&'a [f64]; M],
    from: usize,
    count: usize,
) -> [&'a [[f64; LANES]]; M] {
    columns.map(|column| column[from..from + LANES * count].as_chunks().0)
}

/// The same, to be written.
#[inline(always)]
pub(super) fn blocks_mut<'a, const K: usize>(
    columns: &'a mut [&mut [f64]; K],
    from: usize,
    count: usize,
) -> [&'a mut [[f64; LANES]]; K] {
    columns
        .each_mut()
        .map(|column| column[from..from + LANES * count].as_chunks_mut().0)
}

/// The columns' common length.
pub(super) fn length<const M: usize, const K: usize>(
    inputs: &[&[f64]; M],
    outputs: &[&mut [f64]; K],
) -> usize {
    let length = inputs[0].len();
    assert!(
        inputs.iter().all(|column| column.len() == length),
        "input columns of different lengths"
    );
    assert!(
        outputs.iter().all(|column| column.len() == length),
        "output columns of another length than the input"
    );
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_clean_when_all_of_its_numbers_are() {
        for bad in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.01 * LARGEST,
            -1.01 * LARGEST,
        ] {
            for at in 0..20 {
                let mut column = [LARGEST; 20];
                assert!(clean_columns(&[column.as_chunks().0]));
                column[at] = bad;
                assert!(!clean_columns(&[column.as_chunks().0]));
                assert!(!clean([0.0, bad]));
            }
        }
    }
}
