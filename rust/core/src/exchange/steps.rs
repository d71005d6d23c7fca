//! Time goes on: the market's steps, and what comes due between them.

use crate::exchange::market::listing::Hit;
use crate::exchange::orders::order::{Order, order_index};
use crate::exchange::orders::stops::reached;
use crate::exchange::orders::variety::Variety;
use crate::exchange::state::Exchange;

impl Exchange {
    /// Steps the market over every cut up to this time; how many there were. What is under way arrives in between.
    pub fn advance(&mut self, to_ns: i64) -> usize {
        let mut steps = 0;
        // Whoever asked for it looks at the last step, and an order of his at what was paid a while before.
        let looked_at_ns = to_ns - self.rules.looked_back_ns();
        while self.market.next_cut_ns() <= to_ns {
            self.end_transits(self.market.next_cut_ns() - 1);
            if self.nobody_waits() {
                self.market.leap(looked_at_ns);
            }
            if self.market.next_cut_ns() < looked_at_ns && self.only_orders_wait() {
                self.step_watched();
            } else {
                self.step();
            }
            steps += 1;
        }
        self.market.catch_up();
        self.end_transits(to_ns);
        steps
    }

    /// Whether no order, trigger or square-off of anybody waits: then a stretch of the market can be passed without
    /// looking at its steps.
    fn nobody_waits(&self) -> bool {
        self.order_faults.is_empty()
            && self.under_way.is_empty()
            && !self.awaits_square_off()
            && self.accounts.iter().all(|account| account.open.is_empty())
            && self.gtts.active().next().is_none()
    }

    /// Whether nothing is due at the next cut whatever the market does: then orders and triggers wait for their own
    /// instruments alone.
    fn only_orders_wait(&self) -> bool {
        let cut_ns = self.market.next_cut_ns();
        self.order_faults.is_empty()
            && self.under_way.is_empty()
            && !self.squares_off_by(cut_ns)
            && self.waiting_orders().all(|order| {
                !matches!(order.variety, Variety::Auction { .. })
                    && order
                        .expires_ns
                        .is_none_or(|expires_ns| expires_ns > cut_ns)
            })
    }

    /// The open orders of all accounts that are such, by index.
    pub(in crate::exchange) fn open_orders_where(
        &self,
        such: impl Fn(&Order) -> bool,
    ) -> Vec<usize> {
        let open = self.accounts.iter().flat_map(|account| &account.open);
        open.copied()
            .filter(|&index| such(&self.orders[index]))
            .collect()
    }

    fn waiting_orders(&self) -> impl Iterator<Item = &Order> {
        let open = self.accounts.iter().flat_map(|account| &account.open);
        open.map(|&index| &self.orders[index])
    }

    /// A step at which only the instruments of waiting orders and triggers are looked at, unless something comes of it.
    fn step_watched(&mut self) {
        let triggers = self.gtts.active();
        let waited_for: Vec<usize> = self
            .waiting_orders()
            .map(|order| order.listing)
            .chain(triggers.map(|gtt| gtt.listing))
            .collect();
        self.market.watch(&waited_for);
        let mut hits = Vec::new();
        self.market.step_watched(&mut hits);
        if !hits.is_empty()
            || !reached(&self.stops, &self.orders, &self.market).is_empty()
            || self.gtts.fire(&self.market)
        {
            self.market.catch_up();
        }
        self.after_step(hits);
    }

    pub(in crate::exchange) fn step(&mut self) {
        let mut hits = Vec::new();
        self.market.step(&mut hits);
        self.after_step(hits);
    }

    fn after_step(&mut self, hits: Vec<Hit>) {
        self.now_ns = self.market.now_ns();
        for hit in hits {
            match hit {
                Hit::Trade(trade) => self.book_trade(&trade),
                Hit::Prevented(id) => self.prevent(order_index(id)),
            }
        }
        for turn in self.market.take_phase_changes() {
            self.turn(turn);
        }
        self.square_off();
        self.hold_auctions();
        self.trigger_stops();
        self.fire_gtts();
        self.expire();
        self.end_order_faults();
        self.follow();
    }

    /// Time goes on to a request's, but never past a cut that has not been made: a request that comes while the
    /// market is late is as late as the market.
    pub(in crate::exchange) fn hear(&mut self, at_ns: i64) {
        self.claimed_ns = at_ns.max(self.claimed_ns);
        let now_ns = at_ns.min(self.market.next_cut_ns() - 1).max(self.now_ns);
        self.end_transits(now_ns);
        self.now_ns = now_ns;
    }

    /// Halts the market, saying why, or lets it go on. While it is halted nothing trades, new orders are rejected with
    /// those words, none is modified, and cancelling works.
    pub fn halt(&mut self, why: Option<String>) {
        self.market.halted = why.is_some();
        self.halted = why;
    }
}
