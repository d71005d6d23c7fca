//! The highest and lowest of a sliding window, at the same cost whatever its length and whatever the prices do.
use super::greater;

/// The extremes of the last `period` pairs (what to find the highest of, what to find the lowest of).
///
/// The stream is cut into blocks of `period` inputs. A window is the end of one block and the beginning of the next:
/// of a finished block we keep the extreme from each place to its end, of the current one the extreme so far. That is
/// three comparisons an input; the lowest is the highest of the negated, so both go through one pair of registers.
#[derive(Clone, Debug)]
pub(super) struct Extrema {
    /// From `at` on, the finished block's extremes to its end; before `at`, the current block's inputs.
    block: Vec<[f64; 2]>,
    at: usize,
    so_far: [f64; 2],
    /// Whether a block has been finished.
    full: bool,
}

const NONE: [f64; 2] = [f64::NEG_INFINITY; 2];

#[inline(always)]
fn both(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [greater(a[0], b[0]), greater(a[1], b[1])]
}

impl Extrema {
    pub fn new(period: usize) -> Self {
        Self {
            block: vec![NONE; period],
            at: 0,
            so_far: NONE,
            full: false,
        }
    }

    pub fn reset(&mut self) {
        self.at = 0;
        self.so_far = NONE;
        self.full = false;
    }

    /// Whether every further input has a whole window.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The highest and the lowest with this input; `None` until there are `period` inputs.
    #[inline(always)]
    pub fn update(&mut self, high: f64, low: f64) -> Option<(f64, f64)> {
        let mut extremes = None;
        self.run(
            1,
            |_| (high, low),
            |_, highest, lowest| extremes = Some((highest, lowest)),
        );
        extremes
    }

    /// Takes `count` inputs and gives the extremes with each, for as many of them as have a whole window.
    #[inline(always)]
    pub fn run(
        &mut self,
        count: usize,
        input: impl Fn(usize) -> (f64, f64),
        mut give: impl FnMut(usize, f64, f64),
    ) {
        let period = self.block.len();
        let mut taken = 0;
        while taken < count {
            let here = (count - taken).min(period - self.at);
            let mut so_far = self.so_far;
            // The last place of a block has no later one; it gets its own turn below.
            let inside = here.min(period - 1 - self.at);
            let places = &mut self.block[self.at..=self.at + inside];
            for place in 0..inside {
                let (high, low) = input(taken + place);
                let pair = [high, -low];
                so_far = both(pair, so_far);
                places[place] = pair;
                if self.full {
                    let [highest, lowest] = both(so_far, places[place + 1]);
                    give(taken + place, highest, -lowest);
                }
            }
            if inside < here {
                let (high, low) = input(taken + inside);
                places[inside] = [high, -low];
                so_far = both([high, -low], so_far);
                give(taken + inside, so_far[0], -so_far[1]);
                self.finish();
                so_far = NONE;
            } else {
                self.at += here;
            }
            self.so_far = so_far;
            taken += here;
        }
    }

    fn finish(&mut self) {
        let mut to_end = NONE;
        for place in self.block.iter_mut().rev() {
            to_end = both(*place, to_end);
            *place = to_end;
        }
        self.at = 0;
        self.full = true;
    }
}
