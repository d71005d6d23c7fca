//! Where users' orders for one instrument are: among those that wait for an auction, or in a book that they share with
//! the market maker.

use crate::exchange::market::market_maker::{Levels, Maker, Taker, quotes_of};
use crate::exchange::matching::book::{Book, Limit, Rest, Trade};
#[cfg(test)]
use crate::terms::Side;

/// A book and the market maker's part in it.
#[derive(Clone, Debug, Default)]
struct SharedBook {
    book: Book,
    maker: Maker,
}

/// Orders of users, and the book they share.
#[derive(Debug, Default)]
pub struct UsersOrders {
    /// Made when a user's order comes, out of the market maker's quotes: until then both would be the same.
    shared: Option<SharedBook>,
    /// Those that wait for an auction, in order of arrival.
    gathered: Vec<Limit>,
}

impl UsersOrders {
    /// Whether some wait for an auction.
    pub fn wait(&self) -> bool {
        !self.gathered.is_empty()
    }

    /// Whether there is a book that the market maker has to be brought into.
    pub fn share_a_book(&self) -> bool {
        self.shared.is_some()
    }

    /// One more waits for an auction.
    pub fn gather(&mut self, order: Limit) {
        self.gathered.push(order);
    }

    /// Those that wait for an auction: they go to it.
    pub fn take_gathered(&mut self) -> Vec<Limit> {
        std::mem::take(&mut self.gathered)
    }

    /// The book is closed; what stands in it waits for the auction.
    pub fn gather_all(&mut self) {
        if let Some(shared) = self.shared.take() {
            self.gathered.extend(shared.book.users());
        }
    }

    /// The book is closed, and what stood in it is gone.
    pub fn close(&mut self) {
        self.shared = None;
    }

    /// An order comes into the book, where it stands in line with those of the market maker's levels.
    pub fn take(
        &mut self,
        levels: &Levels,
        order: Limit,
        immediate: bool,
        trades: &mut Vec<Trade>,
    ) -> Rest {
        self.shared(levels).take(order, immediate, trades)
    }

    /// Takes an order out; the quantity that stood, or none.
    pub fn withdraw(&mut self, id: u64) -> Option<i64> {
        if let Some(at) = self.gathered.iter().position(|order| order.id == id) {
            return Some(self.gathered.remove(at).quantity);
        }
        self.shared.as_mut()?.book.cancel(id)
    }

    /// Makes an order smaller without losing its place in line.
    pub fn reduce(&mut self, levels: &Levels, id: u64, quantity: i64) {
        match self.gathered.iter_mut().find(|order| order.id == id) {
            Some(order) => order.quantity = quantity,
            None => self.shared(levels).reduce(id, quantity),
        }
    }

    /// The quantity of an order that stands, 0 if it does not.
    pub fn standing(&self, id: u64) -> i64 {
        let gathered = self.gathered.iter().find(|order| order.id == id);
        gathered.map_or_else(
            || {
                self.shared
                    .as_ref()
                    .map_or(0, |shared| shared.book.standing(id))
            },
            |order| order.quantity,
        )
    }

    /// The orders that a user's order would meet, the market maker's among them, as they stand in line.
    #[cfg(test)]
    pub fn queue(&mut self, levels: &Levels, side: Side) -> Vec<Limit> {
        self.shared(levels).queue(side)
    }

    /// Lets the market maker and the takers go on in the shared book; without a user's order in it, there is none.
    pub fn go_on(&mut self, levels: &Levels, takers: &[Taker], trades: &mut Vec<Trade>) {
        let users = |shared: &SharedBook| shared.book.has_users();
        if !self.shared.as_ref().is_some_and(users) {
            self.shared = None;
        }
        if let Some(shared) = &mut self.shared {
            let quotes = quotes_of(levels);
            shared.maker.quote(&mut shared.book, &quotes, trades);
            shared.maker.trade(&mut shared.book, takers, trades);
        }
    }

    fn shared(&mut self, levels: &Levels) -> &mut Book {
        let shared = self.shared.get_or_insert_with(|| {
            let mut shared = SharedBook::default();
            let quotes = quotes_of(levels);
            shared
                .maker
                .quote(&mut shared.book, &quotes, &mut Vec::new());
            shared
        });
        &mut shared.book
    }
}
