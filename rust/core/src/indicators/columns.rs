//! Columns of numbers: taking rows from them, writing rows to them, and telling clean ones from others.
use super::LARGEST;

/// How many inputs are checked and worked on at a time: a few columns of this many stay in the first-level cache.
pub(super) const CHUNK: usize = 256;

/// Indicators run in blocks of this many steps, counted from the end of the warm-up. Inside a block nothing waits for
/// the value before it, only for the block's start, so a processor can work on several steps at once.
pub(super) const LANES: usize = 4;

// A chunk that starts at a block's start ends at one.
const _: () = assert!(CHUNK.is_multiple_of(LANES));

/// Whether every number of one input is one: finite and within bounds.
#[inline(always)]
pub(super) fn clean<const M: usize>(input: [f64; M]) -> bool {
    let mut ok = true;
    for number in input {
        ok &= number.abs() <= LARGEST;
    }
    ok
}

/// Whether all numbers of a column are.
#[inline(always)]
fn clean_column(column: &[f64]) -> bool {
    const WIDTH: usize = 8;
    let (blocks, rest) = column.as_chunks::<WIDTH>();
    // One flag a lane and no early way out: this is what compiles to vector comparisons.
    let mut ok = [true; WIDTH];
    for block in blocks {
        for lane in 0..WIDTH {
            ok[lane] &= block[lane].abs() <= LARGEST;
        }
    }
    ok.iter().all(|&lane| lane) && rest.iter().all(|number| number.abs() <= LARGEST)
}

/// Whether all numbers of all columns are, between `from` and `to`.
pub(super) fn clean_columns<const M: usize>(columns: &[&[f64]; M], from: usize, to: usize) -> bool {
    columns.iter().all(|column| clean_column(&column[from..to]))
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

/// A block of rows.
#[inline(always)]
pub(super) fn block<const M: usize>(columns: &[&[f64]; M], at: usize) -> [[f64; LANES]; M] {
    std::array::from_fn(|m| {
        *columns[m][at..]
            .first_chunk::<LANES>()
            .expect("a whole block")
    })
}

/// Writes a block of rows.
#[inline(always)]
pub(super) fn put_block<const K: usize>(
    columns: &mut [&mut [f64]; K],
    at: usize,
    values: &[[f64; LANES]; K],
) {
    for k in 0..K {
        columns[k][at..at + LANES].copy_from_slice(&values[k]);
    }
}

/// Writes the first `count` rows of a block.
pub(super) fn put_first<const K: usize>(
    columns: &mut [&mut [f64]; K],
    at: usize,
    values: &[[f64; LANES]; K],
    count: usize,
) {
    for (column, values) in columns.iter_mut().zip(values) {
        column[at..at + count].copy_from_slice(&values[..count]);
    }
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
            for at in 0..19 {
                let mut column = [LARGEST; 19];
                assert!(clean_columns(&[&column], 0, 19));
                column[at] = bad;
                assert!(!clean_columns(&[&column], 0, 19));
                assert!(!clean([0.0, bad]));
            }
        }
    }
}
