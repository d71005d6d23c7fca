//! Trades, and what was carried into the day; holdings and funds.
use super::orders::Update;
use crate::day::Day;
use crate::portfolio::{Key, Trade};
use crate::risk::gate::{Funds, Gate, OUT_OF_RANGE};
use crate::terms::{Exchange, Product, Side};

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
        self.instruments
            .iter_mut()
            .for_each(|instrument| instrument.holding = 0);
        for (exchange, tradingsymbol, token, quantity) in rows {
            let at = self.instruments.find_or_add(token, exchange, tradingsymbol);
            self.instruments.get_mut(at).holding = quantity;
        }
    }

    /// A trade, once: the same (exchange, trade id) again is no news.
    pub fn on_fill(&mut self, fill: &Fill<'_>, now_ns: i64) {
        let key = format!("{}:{}", fill.exchange, fill.trade_id).into_boxed_str();
        if self.trades.insert(key, ()).is_some() {
            return;
        }
        let instrument =
            self.instruments
                .find_or_add(fill.token, fill.exchange, fill.tradingsymbol);
        self.book_trade(fill, instrument, Day::at(now_ns));
        self.fill_order(fill);
        self.watch_loss(Day::at(now_ns));
    }

    /// What the order of a trade holds back from now on. What a person has adjusted is of none.
    fn fill_order(&mut self, fill: &Fill<'_>) {
        if fill.order_id.is_empty() {
            return;
        }
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

    fn book_trade(&mut self, fill: &Fill<'_>, instrument_at: usize, day: Day) {
        let instrument = self.instruments.get_mut(instrument_at);
        if instrument.mark_e4 == 0 {
            instrument.mark_e4 = fill.price_e4;
        }
        let trade = Trade {
            order_id: fill.order_id,
            exchange: fill.exchange,
            tradingsymbol: fill.tradingsymbol,
            product: fill.product,
            kind: instrument.row.kind,
            side: fill.side,
            quantity: fill.quantity,
            price_e4: fill.price_e4,
            day,
        };
        let mark_e4 = instrument.mark_e4;
        match self.portfolio.fill(&trade, &self.calendar) {
            Ok(at) => {
                self.hold(instrument_at, fill.product, at);
                let fits = self
                    .portfolio
                    .mark(at, mark_e4)
                    .and_then(|()| self.instruments.reckon(instrument_at));
                self.check(fits);
            }
            Err(_) => self.authority.fail(OUT_OF_RANGE),
        }
    }

    /// Notes at the instrument what the portfolio holds.
    fn hold(&mut self, instrument_at: usize, product: Product, at: usize) {
        let instrument = self.instruments.get_mut(instrument_at);
        instrument.positions[product as usize] = Some(at as u32);
        instrument.held[product as usize].quantity =
            self.portfolio.positions()[at].position.quantity();
        self.position_instruments
            .resize(self.portfolio.positions().len(), 0);
        self.position_instruments[at] = instrument_at as u32;
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
        let instrument_at =
            self.instruments
                .find_or_add(row.token, row.exchange, row.tradingsymbol);
        let at = self.portfolio.open(Key {
            exchange: row.exchange,
            tradingsymbol: row.tradingsymbol.into(),
            product: row.product,
        });
        let instrument = self.instruments.get_mut(instrument_at);
        let close_e4 = match instrument.row.previous_close_e4 {
            0 => row.average_e4,
            close_e4 => close_e4,
        };
        if instrument.mark_e4 == 0 {
            instrument.mark_e4 = close_e4;
        }
        let mark_e4 = instrument.mark_e4;
        let opened = self.portfolio.positions()[at].position.opened_with(
            row.quantity,
            row.average_e4,
            close_e4,
        );
        let fits = opened
            .and_then(|position| self.portfolio.set(at, position))
            .and_then(|()| self.portfolio.mark(at, mark_e4));
        self.check(fits);
        self.hold(instrument_at, row.product, at);
        let fits = self.instruments.reckon(instrument_at);
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
