//! How the gate learns: prices, rows, funds, and what became of orders. Execution's events alone change reservations.
use super::gate::{Allowed, First, Funds, Gate};
use super::instrument::Instrument;
use super::orders::{Bound, Order, Terms};
use crate::day::Day;
use crate::kite::TickBatch;
use crate::payload::execution::Verb;
use crate::payload::world::LatchState;
use crate::portfolio::{Key, Trade};
use crate::terms::{Exchange, Overflow, Product, Side};

const NS_PER_SECOND: i64 = 1_000_000_000;
const OUT_OF_RANGE: &str = "a position, price or trade left the range of exact numbers";

/// An order as the book shows it. `tag` is empty for one that is not ours.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    pub tag: &'a str,
    pub order_id: &'a str,
    pub exchange: Exchange,
    pub tradingsymbol: &'a str,
    pub token: u32,
    pub side: Side,
    pub product: Product,
    pub quantity: i64,
    pub filled: i64,
    pub price_e4: i64,
    pub is_final: bool,
    pub strategy: &'a str,
}

/// One trade of the broker's.
#[derive(Clone, Copy, Debug)]
pub struct Fill<'a> {
    pub tag: &'a str,
    pub order_id: &'a str,
    pub trade_id: &'a str,
    pub exchange: Exchange,
    pub tradingsymbol: &'a str,
    pub token: u32,
    pub side: Side,
    pub product: Product,
    pub quantity: i64,
    pub price_e4: i64,
    pub strategy: &'a str,
}

/// What was brought into the day of one position. The day's trades are not in it.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    pub exchange: Exchange,
    pub tradingsymbol: &'a str,
    pub token: u32,
    pub product: Product,
    pub quantity: i64,
    pub average_e4: i64,
}

/// The market.
impl Gate {
    /// Takes a batch of ticks at the market and the machine time at which it came. A flagged tick never trades, so it
    /// is no price either.
    pub fn on_ticks(&mut self, batch: &TickBatch, now_ns: i64, mono_ns: i64) {
        let (tokens, prices) = (batch.token(), batch.last_price_e4());
        let (times, flags) = (batch.exchange_ns(), batch.flags());
        let mut exposed = false;
        for (((token, last_e4), exchange_ns), flags) in
            tokens.iter().zip(prices).zip(times).zip(flags)
        {
            if *flags == 0 {
                let time_ns = if *exchange_ns > 0 {
                    *exchange_ns
                } else {
                    now_ns
                };
                exposed |= self.tick(*token, *last_e4, time_ns, mono_ns);
            }
        }
        if exposed {
            self.watch_loss(Day::at(now_ns));
        }
    }

    /// One tick; whether it moved the worth of anything held.
    #[inline]
    fn tick(&mut self, token: u32, last_e4: i64, time_ns: i64, mono_ns: i64) -> bool {
        let Some(at) = self.lines.by_token(token) else {
            return false;
        };
        if last_e4 <= 0 {
            return false;
        }
        let line = self.lines.get_mut(at);
        line.last_e4 = last_e4;
        line.heard_mono_ns = mono_ns;
        line.mean.add(time_ns.div_euclid(NS_PER_SECOND), last_e4);
        let moved = line.mark_e4 != last_e4;
        line.mark_e4 = last_e4;
        let exposed = line.exposed && moved;
        if exposed {
            self.revalue(at);
        }
        exposed
    }

    fn revalue(&mut self, at: usize) {
        let line = self.lines.get(at);
        let (mark_e4, positions) = (line.mark_e4, line.positions);
        let mut fits = self.lines.reckon(at);
        for position in positions.into_iter().flatten() {
            fits = fits.and(self.portfolio.mark(position as usize, mark_e4));
        }
        self.check(fits);
    }

    fn check(&mut self, fits: Result<(), Overflow>) {
        if fits.is_err() {
            self.permit.fail(OUT_OF_RANGE);
        }
    }

    /// Today's row of the instruments file.
    pub fn on_instrument(&mut self, mut instrument: Instrument) {
        let outside = &self.allowed.outside_closing_auction;
        instrument.closing_auction = !instrument.is_one_of(outside);
        self.lines.learn(instrument);
    }

    /// Today's band, read again.
    pub fn on_quote(&mut self, token: u32, lower_e4: i64, upper_e4: i64) {
        if let Some(at) = self.lines.by_token(token) {
            let row = &mut self.lines.get_mut(at).instrument;
            (row.lower_e4, row.upper_e4) = (lower_e4, upper_e4);
        }
    }

    /// The state of the broker's socket.
    pub fn on_feed(&mut self, up: bool) {
        self.feed_up = up;
    }

    /// Ticks are missing: means start anew. Of all instruments when none is named.
    pub fn on_gap(&mut self, tokens: &[u32]) {
        if tokens.is_empty() {
            self.lines.iter_mut().for_each(|line| line.mean.forget());
        }
        for token in tokens {
            if let Some(at) = self.lines.by_token(*token) {
                self.lines.get_mut(at).mean.forget();
            }
        }
    }
}

/// Who may.
impl Gate {
    /// The account's latch as it was read.
    pub fn on_latch(&mut self, latch: LatchState, now_ns: i64) {
        self.permit.read_latch(latch, Day::at(now_ns));
    }

    /// HALTED at once, until the latch is raised again.
    pub fn on_kill(&mut self) {
        self.permit.kill();
    }

    /// Somebody armed. The latch itself, raised before this is said, is what counts.
    pub fn on_arm(&mut self, now_ns: i64) {
        self.permit.arm(Day::at(now_ns));
    }

    /// What the owner allows from now on. What was judged stays judged.
    pub fn on_limits(&mut self, allowed: Allowed) {
        self.allowed = allowed;
        let outside = &self.allowed.outside_closing_auction;
        for line in self.lines.iter_mut() {
            line.instrument.closing_auction = !line.instrument.is_one_of(outside);
        }
    }

    /// A source's messages are missing, or have been mended. Only execution's hold up entries.
    pub fn on_hole(&mut self, source: &str, open: bool) {
        if source == "execution" || source.starts_with("execution.") {
            self.permit.hole(source, open);
        }
    }

    /// Execution lives.
    pub fn on_execution_beat(&mut self, mono_ns: i64) {
        self.execution_beat_ns = Some(mono_ns);
    }

    /// Book and tape agree, or do not.
    pub fn on_reconciled(&mut self, agree: bool) {
        self.permit.reconcile(agree);
    }

    /// Execution starts anew, or came back knowing less than it had said: RECONCILING until it has compared again.
    pub fn on_execution_restarted(&mut self) {
        self.permit.forget_books();
    }
}

/// The account.
impl Gate {
    pub fn on_funds(&mut self, available_e4: i64, utilised_e4: i64) {
        let spent_before_e4 = self.funds.map_or(0, |funds| funds.spent_e4);
        self.funds = Some(Funds {
            available_e4,
            utilised_e4,
            spent_e4: 0,
            spent_before_e4,
        });
    }

    /// Shares in the account: (exchange, symbol, token, quantity that may be delivered today). What is not named is gone.
    pub fn on_holdings<'a>(
        &mut self,
        rows: impl IntoIterator<Item = (Exchange, &'a str, u32, i64)>,
    ) {
        self.lines.iter_mut().for_each(|line| line.holding = 0);
        for (exchange, tradingsymbol, token, quantity) in rows {
            let at = self.lines.find_or_add(token, exchange, tradingsymbol);
            self.lines.get_mut(at).holding = quantity;
        }
    }

    /// Execution has given an approved order its tag.
    pub fn on_intent(&mut self, tag: &str, intent: u128) {
        self.recall_modify(tag, intent);
        if let Some(First {
            order: Some(at), ..
        }) = self.firsts.get(&intent)
        {
            self.orders.name(*at as usize, tag, "");
        }
    }

    /// The broker has given it an id.
    pub fn on_placed(&mut self, tag: &str, order_id: &str) {
        if let Some(at) = self.orders.find(tag, "") {
            self.orders.name(at, "", order_id);
            self.know(at);
        }
    }

    /// Definitely not an order, or not changed.
    pub fn on_reject(&mut self, tag: &str, order_id: &str, intent: u128, verb: Verb) {
        let named = self
            .firsts
            .get(&intent)
            .and_then(|first| first.order)
            .map(|at| at as usize);
        let Some(at) = named.or_else(|| self.orders.find(tag, order_id)) else {
            return;
        };
        self.know(at);
        let order = self.orders.get_mut(at);
        match verb {
            Verb::Place => {
                order.settled.get_or_insert(order.filled);
                order.pending = None;
            }
            Verb::Modify => order.pending = None,
            Verb::Cancel => return,
        }
        self.rebind(at);
    }

    /// Nobody knows. What it holds back stays held back. While it is not known whether an order is there at all, no
    /// entry in the same instrument passes.
    pub fn on_unknown(&mut self, tag: &str, verb: Verb) {
        if verb == Verb::Place
            && let Some(at) = self.orders.find(tag, "")
        {
            let order = self.orders.get_mut(at);
            if !order.unknown && order.settled.is_none() {
                order.unknown = true;
                self.lines.get_mut(order.line as usize).unknown += 1;
            }
        }
    }

    fn know(&mut self, at: usize) {
        let order = self.orders.get_mut(at);
        if std::mem::take(&mut order.unknown) {
            self.lines.get_mut(order.line as usize).unknown -= 1;
        }
    }

    /// An order as the book shows it, ours or not: all of them count.
    pub fn on_update(&mut self, update: &Update<'_>) {
        let at = match self.orders.find(update.tag, update.order_id) {
            Some(at) => at,
            None if update.is_final && update.filled == 0 => return,
            None => self.adopt(update),
        };
        self.orders.name(at, update.tag, update.order_id);
        self.know(at);
        let order = self.orders.get_mut(at);
        if !update.is_final {
            // The book knows better: a trade came before its order, or one that was given up for absent is there after all.
            order.settled = None;
        }
        match &order.pending {
            Some(new) if update.quantity == new.quantity && update.price_e4 == new.limit_e4 => {
                order.terms = *new;
                order.pending = None;
            }
            // Somebody may have changed it elsewhere: its size is what the book says.
            None => order.terms.quantity = update.quantity,
            Some(_) => {}
        }
        if update.is_final {
            order.settled = Some(update.filled);
            order.pending = None;
        }
        self.rebind(at);
    }

    /// An order that was not asked for here.
    fn adopt(&mut self, update: &Update<'_>) -> usize {
        let line = self
            .lines
            .find_or_add(update.token, update.exchange, update.tradingsymbol);
        let mark_e4 = self.lines.get(line).mark_e4;
        let price_e4 = if update.price_e4 > 0 {
            update.price_e4
        } else {
            mark_e4
        };
        let strategy = self.strategy(update.strategy);
        self.orders.add(Order {
            strategy,
            line: line as u32,
            product: update.product,
            side: update.side,
            // The broker has blocked its margin, which shows in the funds.
            terms: Terms {
                quantity: update.quantity,
                limit_e4: update.price_e4,
                price_e4,
                margin_e4: 0,
            },
            pending: None,
            filled: 0,
            settled: None,
            unknown: false,
            own: false,
            bound: Bound::default(),
        })
    }

    /// A trade, once: the same (exchange, trade id) again is no news.
    pub fn on_fill(&mut self, fill: &Fill<'_>, now_ns: i64) {
        let key = format!("{}:{}", fill.exchange, fill.trade_id).into_boxed_str();
        if self.trades.insert(key, ()).is_some() {
            return;
        }
        let line = self
            .lines
            .find_or_add(fill.token, fill.exchange, fill.tradingsymbol);
        self.book_trade(fill, line, Day::at(now_ns));
        let at = self
            .orders
            .find(fill.tag, fill.order_id)
            .unwrap_or_else(|| self.adopt_traded(fill));
        let order = self.orders.get_mut(at);
        order.filled = order.filled.saturating_add(fill.quantity);
        let before_e4 = order.bound.margin_e4;
        self.rebind(at);
        let spent_e4 = before_e4 - self.orders.get(at).bound.margin_e4;
        if let Some(funds) = &mut self.funds {
            funds.spent_e4 = funds.spent_e4.saturating_add(spent_e4.max(0));
        }
        self.watch_loss(Day::at(now_ns));
    }

    /// An order of which only a trade is known: what else it may do, an update will tell.
    fn adopt_traded(&mut self, fill: &Fill<'_>) -> usize {
        let at = self.adopt(&Update {
            tag: fill.tag,
            order_id: fill.order_id,
            exchange: fill.exchange,
            tradingsymbol: fill.tradingsymbol,
            token: fill.token,
            side: fill.side,
            product: fill.product,
            quantity: fill.quantity,
            filled: fill.quantity,
            price_e4: fill.price_e4,
            is_final: true,
            strategy: fill.strategy,
        });
        self.orders.get_mut(at).settled = Some(0);
        self.orders.name(at, fill.tag, fill.order_id);
        at
    }

    fn book_trade(&mut self, fill: &Fill<'_>, line_at: usize, day: Day) {
        let line = self.lines.get_mut(line_at);
        if line.mark_e4 == 0 {
            line.mark_e4 = fill.price_e4;
        }
        let trade = Trade {
            order_id: fill.order_id,
            exchange: fill.exchange,
            tradingsymbol: fill.tradingsymbol,
            product: fill.product,
            kind: line.instrument.kind,
            side: fill.side,
            quantity: fill.quantity,
            price_e4: fill.price_e4,
            day,
        };
        let mark_e4 = line.mark_e4;
        match self.portfolio.fill(&trade) {
            Ok(at) => {
                self.hold(line_at, fill.product, at);
                let fits = self
                    .portfolio
                    .mark(at, mark_e4)
                    .and_then(|()| self.lines.reckon(line_at));
                self.check(fits);
            }
            Err(_) => self.permit.fail(OUT_OF_RANGE),
        }
    }

    /// Notes on the line what the portfolio holds.
    fn hold(&mut self, line_at: usize, product: Product, at: usize) {
        let line = self.lines.get_mut(line_at);
        line.positions[product as usize] = Some(at as u32);
        line.held[product as usize].quantity = self.portfolio.positions()[at].position.quantity();
        self.position_lines
            .resize(self.portfolio.positions().len(), 0);
        self.position_lines[at] = line_at as u32;
    }

    /// The whole book: what was brought into the day, and what became of the day's orders. A position is its opening and
    /// its trades and nothing else, so no order in which they are heard, and no read that is older than a trade, changes it.
    /// What is not named was not brought in.
    pub fn on_book(
        &mut self,
        updates: &[Update<'_>],
        trades: &[Fill<'_>],
        carried: &[Carried<'_>],
        now_ns: i64,
    ) {
        let mut named = vec![false; self.portfolio.positions().len() + carried.len()];
        for row in carried {
            let at = self.open_with(row);
            named[at] = true;
        }
        for at in (0..self.portfolio.positions().len()).filter(|at| !named[*at]) {
            self.open_flat(at);
        }
        updates.iter().for_each(|update| self.on_update(update));
        trades.iter().for_each(|trade| self.on_fill(trade, now_ns));
        self.watch_loss(Day::at(now_ns));
    }

    fn open_with(&mut self, row: &Carried<'_>) -> usize {
        let line_at = self
            .lines
            .find_or_add(row.token, row.exchange, row.tradingsymbol);
        let at = self.portfolio.open(Key {
            exchange: row.exchange,
            tradingsymbol: row.tradingsymbol.into(),
            product: row.product,
        });
        let line = self.lines.get_mut(line_at);
        let close_e4 = match line.instrument.previous_close_e4 {
            0 => row.average_e4,
            close_e4 => close_e4,
        };
        if line.mark_e4 == 0 {
            line.mark_e4 = close_e4;
        }
        let mark_e4 = line.mark_e4;
        let opened = self.portfolio.positions()[at].position.opened_with(
            row.quantity,
            row.average_e4,
            close_e4,
        );
        let fits = opened
            .and_then(|position| self.portfolio.set(at, position))
            .and_then(|()| self.portfolio.mark(at, mark_e4));
        self.check(fits);
        self.hold(line_at, row.product, at);
        let fits = self.lines.reckon(line_at);
        self.check(fits);
        at
    }

    fn open_flat(&mut self, at: usize) {
        let booked = &self.portfolio.positions()[at];
        if booked.position.overnight.quantity == 0 {
            return;
        }
        let key = booked.key.clone();
        let (token, _) = self.quote_of(at);
        self.open_with(&Carried {
            exchange: key.exchange,
            tradingsymbol: &key.tradingsymbol,
            token,
            product: key.product,
            quantity: 0,
            average_e4: 0,
        });
    }
}
