//! One instrument on the market: what the day has brought it, what it is worth, who quotes it.

use crate::calendar::clock::{OPEN_NS, at_ns};
use crate::calendar::{Calendar, Day};
use crate::exchange::hours::{Hours, Phase, Segment, closing_window_ns};
use crate::exchange::market::candles::Minutes;
use crate::exchange::market::day_statistics::{DayStatistics, Spot};
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::listed::{Listed, Moves};
use crate::exchange::market::market_maker::{LEVELS, Levels, MakerParameters, Taker};
use crate::exchange::market::minute::Minute;
use crate::exchange::market::pricing::{forward, option_value};
use crate::exchange::market::synthetic_history::Nature;
use crate::exchange::matching::book::{Level, Limit, MARKET_MAKER, Rest, Trade};
use crate::exchange::matching::recent_trades::Recent;
use crate::exchange::matching::users_orders::UsersOrders;
use crate::random::key;
use crate::terms::{InstrumentKind, Side};

/// What a step did to users' orders.
#[derive(Clone, Copy, Debug)]
pub enum Hit {
    Trade(Trade),
    /// This one did not come into the book: next in line was an order of the same owner.
    Prevented(u64),
}

/// One instrument on the market.
#[derive(Debug)]
pub struct Listing {
    pub instrument: Instrument,
    pub day: DayStatistics,
    /// What was paid of late; none where nobody asks for it.
    pub recent: Option<Recent>,
    /// The lowest and highest print of the last step: what stop orders look at. Low above high: no print.
    pub prints_e4: (i64, i64),
    /// The step at which something of it last changed.
    pub changed_ns: i64,
    pub segment: Segment,
    /// A contract's last day is today.
    pub(super) last_day: bool,
    /// Where its day stands.
    pub phase: Phase,
    pub nature: Nature,
    /// The day so far as candles.
    pub minutes: Minutes,
    /// What of the day's volume they hold, but for the minute that is not over.
    pub(super) counted: i64,
    pub(super) moves: Moves,
    pub(super) parameters: MakerParameters,
    /// An option's, a year: the smile at the day's beginning, which stays with the strike. So a call never falls while
    /// its underlying rises.
    pub(super) volatility: f64,
    /// What moments draw from, and what minutes do. Shares of one company move as one, wherever they are listed, and
    /// so do the futures of something that is not listed.
    pub(super) moments: u64,
    pub(super) ways: u64,
    pub(super) minute: Minute,
    /// The day as it was when the minute began.
    pub(super) before: DayStatistics,
    pub(super) fair: f64,
    /// What it was worth when it closed: where the day left it, whatever the path does afterwards.
    pub(super) closed_at: Option<f64>,
    /// The price that the day ended with.
    pub(super) closing_e4: Option<i64>,
    /// When the trades that make it begin, and the day's volume and value until then.
    pub(super) closing_from_ns: Option<i64>,
    pub(super) until_then: (i64, i128),
    pub(super) levels: Levels,
    /// Users' orders, wherever they wait.
    pub(super) users: UsersOrders,
}

impl Listing {
    /// `parents` are the listings before it, its underlying among them.
    pub fn new(
        row: Listed,
        seed: u64,
        (calendar, day, hours): (&Calendar, Day, Hours),
        spot: &Spot,
        parents: &[Self],
    ) -> Self {
        let open_ns = at_ns(day, OPEN_NS);
        let Listed {
            mut instrument,
            moves,
            volume,
            oi,
        } = row;
        let last_day = instrument.expiry == Some(day);
        // Every share that is listed has derivatives.
        let segment = Segment::of(instrument.kind, instrument.exchange, true, last_day)
            .expect("what is listed has a segment");
        let closing_from_ns =
            closing_window_ns(calendar, hours, segment, day).map(|of| at_ns(day, of));
        let mut volatility = 0.0;
        if let Moves::Option { underlying, smile } = moves {
            // Previous close and band: the value at the underlying's previous close, and at its own band's far end.
            let close = parents[underlying].instrument.previous_close_e4 as f64 / RUPEE_E4 as f64;
            let strike = instrument.strike_e4 as f64 / RUPEE_E4 as f64;
            volatility = smile.volatility(forward(close, open_ns, &instrument), strike);
            let at = |underlying: f64| option_value(&instrument, volatility, underlying, open_ns);
            let far = if instrument.kind == InstrumentKind::Call {
                1.1
            } else {
                0.9
            };
            let (value, upper) = (at(close), at(close * far));
            instrument.previous_close_e4 = instrument.on_tick(value);
            instrument.lower_e4 = instrument.tick_e4;
            instrument.upper_e4 = instrument.on_tick(upper);
        }
        let way = match moves {
            Moves::Future {
                underlying: None, ..
            } => &instrument.name,
            _ => &instrument.tradingsymbol,
        };
        let name = format!("{}:{}", instrument.exchange, instrument.tradingsymbol);
        let day = DayStatistics {
            oi,
            oi_high: oi,
            oi_low: oi,
            last_e4: instrument.previous_close_e4,
            ..DayStatistics::default()
        };
        Self {
            parameters: MakerParameters::new(&instrument, volume),
            nature: Nature {
                beta: match moves {
                    Moves::Path => 1.0,
                    Moves::Beside { beta, .. } => beta,
                    _ => 0.0,
                },
                volatility: match moves {
                    Moves::Beside { volatility, .. } | Moves::Future { volatility, .. } => {
                        volatility
                    }
                    _ => 0.0,
                },
                volume,
                oi,
            },
            minutes: Minutes::default(),
            counted: 0,
            segment,
            last_day,
            phase: Phase::Closed,
            moments: key(seed, &name),
            ways: key(seed, &format!("{way} moves")),
            moves,
            volatility,
            minute: Minute::default(),
            before: day,
            day,
            recent: match moves {
                Moves::Future {
                    underlying: Some(_),
                    ..
                }
                | Moves::Option { .. } => Some(Recent::default()),
                _ => None,
            },
            prints_e4: (i64::MAX, i64::MIN),
            changed_ns: 0,
            fair: match moves {
                Moves::Path => spot.index,
                _ => instrument.previous_close_e4 as f64 / RUPEE_E4 as f64,
            },
            closed_at: None,
            closing_e4: None,
            closing_from_ns,
            until_then: (0, 0),
            levels: Levels::default(),
            users: UsersOrders::default(),
            instrument,
        }
    }

    /// The listing that its price is made from.
    pub fn underlying(&self) -> Option<usize> {
        match self.moves {
            Moves::Future { underlying, .. } => underlying,
            Moves::Option { underlying, .. } => Some(underlying),
            _ => None,
        }
    }

    /// An option's volatility, a year; 0 of anything else.
    pub fn volatility(&self) -> f64 {
        self.volatility
    }

    /// What an instrument like this one is worth when its underlying, or it itself, stands at a value in rupees.
    pub fn worth(&self, instrument: &Instrument, value: f64, time_ns: i64) -> f64 {
        match instrument.kind {
            InstrumentKind::Index | InstrumentKind::Cash => value,
            InstrumentKind::Future => forward(value, time_ns, instrument),
            InstrumentKind::Call | InstrumentKind::Put => {
                option_value(instrument, self.volatility, value, time_ns)
            }
        }
    }

    /// What it was worth at the last step.
    pub(in crate::exchange) fn fair(&self) -> f64 {
        self.fair
    }

    /// Back to an earlier step, for those that are priced by it and make theirs later.
    pub(super) fn set_fair(&mut self, fair: f64) {
        self.fair = fair;
    }

    /// Whether it is a contract that ends today.
    pub fn last_day(&self) -> bool {
        self.last_day
    }

    /// The price that the day ended with; until it has, the last one.
    pub fn closing_e4(&self) -> i64 {
        self.closing_e4.unwrap_or(self.day.last_e4)
    }

    /// The price that the day ended with, once it has.
    pub fn closed_e4(&self) -> Option<i64> {
        self.closing_e4
    }

    /// The price at which alone it trades now, if there is one.
    pub fn only_price_e4(&self) -> Option<i64> {
        self.closing_e4.filter(|_| self.phase == Phase::PostClose)
    }

    /// The five levels of a side as the world sees them; missing ones are zeros.
    pub fn depth(&self, side: Side) -> [Level; LEVELS] {
        self.levels[side as usize]
    }

    /// The whole quantity of a side as the world sees it.
    pub fn total(&self, side: Side) -> i64 {
        let levels = &self.levels[side as usize];
        levels.iter().map(|level| level.quantity).sum()
    }

    /// A user's order: into the book where it stands in line with the market maker's, or among those that wait for an
    /// auction.
    pub fn take(&mut self, order: Limit, immediate: bool, trades: &mut Vec<Trade>) -> Rest {
        if self.phase.auction() {
            self.users.gather(order);
            return Rest::Standing(order.quantity);
        }
        self.users.take(&self.levels, order, immediate, trades)
    }

    /// Takes a user's order out; the quantity that stood, or none.
    pub fn withdraw(&mut self, id: u64) -> Option<i64> {
        self.users.withdraw(id)
    }

    /// Makes a user's order smaller without losing its place in line.
    pub fn reduce(&mut self, id: u64, quantity: i64) {
        self.users.reduce(&self.levels, id, quantity);
    }

    /// The quantity of a user's order that stands, 0 if it does not.
    #[cfg(test)]
    pub fn standing(&self, id: u64) -> i64 {
        self.users.standing(id)
    }

    /// The orders that a user's order would meet, as they stand in line.
    #[cfg(test)]
    pub fn queue(&mut self, side: Side) -> Vec<Limit> {
        self.users.queue(&self.levels, side)
    }

    /// Lets the market maker go on in the book that users share.
    pub(super) fn share(&mut self, takers: &[Taker], hits: &mut Vec<Hit>) {
        let mut trades = Vec::new();
        self.users.go_on(&self.levels, takers, &mut trades);
        tell(trades, hits);
    }
}

/// Trades in which users have a part.
pub(super) fn tell(trades: Vec<Trade>, hits: &mut Vec<Hit>) {
    let users = trades.into_iter().filter(|trade| {
        trade.resting_owner != MARKET_MAKER || trade.incoming_owner != MARKET_MAKER
    });
    hits.extend(users.map(Hit::Trade));
}
