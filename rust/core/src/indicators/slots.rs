//! From an instrument's token to its row: a hash table of its own, because one lookup a tick is all there is time for.

const EMPTY: u32 = u32::MAX;

/// Dense rows by token, in the order of first sight. Open addressing, linear probing, at most half full.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// (token, row); a row of `EMPTY` is a free place.
    places: Vec<(u32, u32)>,
    /// How far to shift a 32-bit hash so that it is a place.
    shift: u32,
    tokens: Vec<u32>,
}

const PLACES_MIN_LOG2: u32 = 6;

impl Slots {
    pub fn new() -> Self {
        Self {
            places: vec![(0, EMPTY); 1 << PLACES_MIN_LOG2],
            shift: 32 - PLACES_MIN_LOG2,
            tokens: Vec::new(),
        }
    }

    /// The tokens by row.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    #[inline(always)]
    fn place(&self, token: u32) -> usize {
        // Fibonacci hashing: Kite's tokens share their low byte within a segment, so the place is taken from the
        // product's upper bits, to which all of the token contributes.
        let mask = self.places.len() - 1;
        let mut place = (token.wrapping_mul(0x9E37_79B9) >> self.shift) as usize & mask;
        while self.places[place].1 != EMPTY && self.places[place].0 != token {
            place = (place + 1) & mask;
        }
        place
    }

    /// The row of a token that has been seen.
    #[inline(always)]
    pub fn get(&self, token: u32) -> Option<usize> {
        let (_, row) = self.places[self.place(token)];
        (row != EMPTY).then_some(row as usize)
    }

    /// The row of a token, and whether it is a new one.
    #[inline(always)]
    pub fn get_or_add(&mut self, token: u32) -> (usize, bool) {
        let place = self.place(token);
        let (_, row) = self.places[place];
        if row != EMPTY {
            (row as usize, false)
        } else {
            (self.add(token, place), true)
        }
    }

    #[cold]
    fn add(&mut self, token: u32, place: usize) -> usize {
        let row = self.tokens.len();
        self.tokens.push(token);
        self.places[place] = (token, row as u32);
        if 2 * self.tokens.len() > self.places.len() {
            self.grow();
        }
        row
    }

    fn grow(&mut self) {
        self.places = vec![(0, EMPTY); 2 * self.places.len()];
        self.shift -= 1;
        for row in 0..self.tokens.len() {
            let token = self.tokens[row];
            let place = self.place(token);
            self.places[place] = (token, row as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_token_keeps_the_row_of_its_first_sight(tokens in prop::collection::vec(prop_oneof![0u32..300, any::<u32>()], 0..600)) {
            let (mut slots, mut rows) = (Slots::new(), HashMap::new());
            for token in tokens {
                let expected = rows.len();
                let is_new = !rows.contains_key(&token);
                prop_assert_eq!(slots.get(token).is_none(), is_new);
                let row = *rows.entry(token).or_insert(expected);
                prop_assert_eq!(slots.get_or_add(token), (row, is_new));
                prop_assert_eq!(slots.tokens()[row], token);
            }
        }
    }
}
