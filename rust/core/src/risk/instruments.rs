//! Per instrument: its row, its price, what is held of it and what is on its way.
use super::instrument::Instrument;
use super::quick_hash::QuickMap;
use super::reference_price::ReferencePrice;
use crate::terms::{Exchange, Overflow, Product, Side};

/// What is held of one instrument as one product, and what its orders may still buy and sell: not yet filled,
/// on its way and unknown alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub quantity: i64,
    pub buys: i64,
    pub sells: i64,
}

impl Held {
    /// Everything bought that may be bought, and the reverse: where the position may end.
    pub fn ends(&self) -> Result<(i64, i64), Overflow> {
        let long = self.quantity.checked_add(self.buys).ok_or(Overflow)?;
        let short = self.quantity.checked_sub(self.sells).ok_or(Overflow)?;
        Ok((long, short))
    }

    /// The largest position that any order of fills and cancels can lead to.
    pub fn worst(&self) -> Result<i64, Overflow> {
        let (long, short) = self.ends()?;
        Ok(long
            .checked_abs()
            .ok_or(Overflow)?
            .max(short.checked_abs().ok_or(Overflow)?))
    }

    pub fn on_its_way(&mut self, side: Side) -> &mut i64 {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// With *quantity* more (or less) on its way.
    pub fn with(mut self, side: Side, quantity: i64) -> Result<Self, Overflow> {
        let waiting = self.on_its_way(side);
        *waiting = waiting.checked_add(quantity).ok_or(Overflow)?;
        Ok(self)
    }

    /// Whether an order of that side and quantity can only make the position smaller, whatever fills first.
    pub fn reduces(&self, side: Side, quantity: i64) -> bool {
        let (against, waiting) = match side {
            Side::Buy => (self.quantity < 0, self.buys),
            Side::Sell => (self.quantity > 0, self.sells),
        };
        let total = i128::from(waiting) + i128::from(quantity);
        against && quantity > 0 && total <= i128::from(self.quantity).abs()
    }
}

/// What an instrument adds to the account's exposure, in 1/10,000 rupee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Largest position at the mark, products added up.
    pub gross_e4: i128,
    /// The two ends of the net position at the mark.
    pub long_e4: i128,
    pub short_e4: i128,
}

impl Exposure {
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        let sum = |a: i128, b: i128| a.checked_add(b).ok_or(Overflow);
        Ok(Self {
            gross_e4: sum(self.gross_e4, other.gross_e4)?,
            long_e4: sum(self.long_e4, other.long_e4)?,
            short_e4: sum(self.short_e4, other.short_e4)?,
        })
    }

    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        let negative = Self {
            gross_e4: -other.gross_e4,
            long_e4: -other.long_e4,
            short_e4: -other.short_e4,
        };
        self.plus(negative)
    }
}

#[derive(Clone, Debug)]
pub struct InstrumentState {
    /// Today's row of the instruments file.
    pub row: Instrument,
    /// Of the newest tick; 0: none yet.
    pub last_e4: i64,
    pub heard_mono_ns: i64,
    pub reference_price: ReferencePrice,
    /// What positions are valued at: the newest tick, else a fill or the book; 0: nothing known.
    pub mark_e4: i64,
    pub held: [Held; Product::ALL.len()],
    /// Index in the portfolio, per product.
    pub positions: [Option<u32>; Product::ALL.len()],
    pub open_orders: i64,
    /// Orders whose outcome nobody knows.
    pub unknown: i64,
    /// Shares in the demat account.
    pub holding: i64,
    /// What it now adds to the sums.
    pub exposure: Exposure,
    pub exposed: bool,
}

impl InstrumentState {
    pub fn new(row: Instrument) -> Self {
        Self {
            row,
            last_e4: 0,
            heard_mono_ns: 0,
            reference_price: ReferencePrice::default(),
            mark_e4: 0,
            held: [Held::default(); Product::ALL.len()],
            positions: [None; Product::ALL.len()],
            open_orders: 0,
            unknown: 0,
            holding: 0,
            exposure: Exposure::default(),
            exposed: false,
        }
    }

    pub fn multiplier(&self) -> i64 {
        self.row.exchange.multiplier().unwrap_or(1)
    }

    pub fn of(&self, product: Product) -> &Held {
        &self.held[product as usize]
    }

    /// Largest position of all products added up, with one of them replaced: a hedge in another product is no excuse.
    pub fn worst_with(&self, product: Product, held: &Held) -> Result<i64, Overflow> {
        self.each_with(product, held).try_fold(0i64, |sum, held| {
            sum.checked_add(held.worst()?).ok_or(Overflow)
        })
    }

    /// Its exposure with one product replaced, at a price.
    pub fn exposure_with(
        &self,
        product: Product,
        held: &Held,
        mark_e4: i64,
    ) -> Result<Exposure, Overflow> {
        let unit = i128::from(mark_e4) * i128::from(self.multiplier());
        let value = |quantity: i64| i128::from(quantity).checked_mul(unit).ok_or(Overflow);
        self.each_with(product, held)
            .try_fold(Exposure::default(), |sum, held| {
                let (long, short) = held.ends()?;
                sum.plus(Exposure {
                    gross_e4: value(held.worst()?)?,
                    long_e4: value(long)?,
                    short_e4: value(short)?,
                })
            })
    }

    fn each_with<'a>(&'a self, product: Product, held: &'a Held) -> impl Iterator<Item = &'a Held> {
        self.held
            .iter()
            .enumerate()
            .map(move |(n, own)| if n == product as usize { held } else { own })
    }
}

/// All instruments, and what they add up to.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    all: Vec<InstrumentState>,
    by_token: QuickMap<u32, u32>,
    by_symbol: QuickMap<(Exchange, Box<str>), u32>,
    pub total: Exposure,
    /// Instruments with a position or an order and no price at all.
    pub unmarked: i64,
}

impl Instruments {
    #[inline]
    pub fn by_token(&self, token: u32) -> Option<usize> {
        self.by_token.get(&token).map(|at| *at as usize)
    }

    pub fn get(&self, at: usize) -> &InstrumentState {
        &self.all[at]
    }

    pub fn get_mut(&mut self, at: usize) -> &mut InstrumentState {
        &mut self.all[at]
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut InstrumentState> {
        self.all.iter_mut()
    }

    /// Another trading day: nothing is on its way, and no position is known yet. Rows, prices and shares stay until they are
    /// said again.
    pub fn begin_day(&mut self) {
        for instrument in &mut self.all {
            *instrument = InstrumentState {
                last_e4: instrument.last_e4,
                heard_mono_ns: instrument.heard_mono_ns,
                mark_e4: instrument.mark_e4,
                holding: instrument.holding,
                ..InstrumentState::new(instrument.row.clone())
            };
        }
        (self.total, self.unmarked) = Default::default();
    }

    /// Takes today's row. What is known of the instrument stays.
    pub fn learn(&mut self, row: Instrument) {
        let at = self.find_or_add(row.token, row.exchange, &row.tradingsymbol);
        self.all[at].row = row;
    }

    /// The place of a symbol; new, and refused by R12, when no row has told of it.
    pub fn find_or_add(&mut self, token: u32, exchange: Exchange, tradingsymbol: &str) -> usize {
        let key = (exchange, Box::from(tradingsymbol));
        let at = match self.by_symbol.get(&key) {
            Some(at) => *at,
            None => {
                let at = self.all.len() as u32;
                self.all.push(InstrumentState::new(Instrument::unknown(
                    token,
                    exchange,
                    tradingsymbol,
                )));
                self.by_symbol.insert(key, at);
                at
            }
        };
        if token != 0 {
            // Tokens of derivatives are used again after expiry: the newest row has it.
            self.by_token.insert(token, at);
        }
        at as usize
    }

    /// Reckons anew what one instrument adds to the sums, after anything of it has changed.
    pub fn reckon(&mut self, at: usize) -> Result<(), Overflow> {
        let instrument = &self.all[at];
        let now = instrument.exposure_with(
            Product::Cnc,
            instrument.of(Product::Cnc),
            instrument.mark_e4,
        )?;
        let exposed = instrument.held.iter().any(|held| *held != Held::default());
        let (was_bare, is_bare) = (
            instrument.exposed && instrument.exposure == Exposure::default(),
            exposed && instrument.mark_e4 == 0,
        );
        self.total = self.total.minus(instrument.exposure)?.plus(now)?;
        self.unmarked += i64::from(is_bare) - i64::from(was_bare);
        let instrument = &mut self.all[at];
        (instrument.exposure, instrument.exposed) = (now, exposed);
        Ok(())
    }
}

fields! {
    Held { quantity, buys, sells }
    Exposure { gross_e4, long_e4, short_e4 }
    InstrumentState {
        row, last_e4, heard_mono_ns, reference_price, mark_e4, held, positions, open_orders, unknown, holding, exposure,
        exposed,
    }
    Instruments { all, by_token, by_symbol, total, unmarked }
}
