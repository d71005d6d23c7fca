//! What the socket shows of the market: a subscriber's instruments, each in its mode, as Kite's frames.

use std::collections::BTreeMap;

use crate::exchange::market::listing::Listing;
use crate::exchange::market::market_maker::LEVELS;
use crate::exchange::market::simulated::Market;
use crate::exchange::matching::book::Level;
use crate::exchange::rules::TOKENS_MAX;
use crate::kite::{Divisors, EncodeError, Mode, Tick, encode_frame};
use crate::terms::Side;

/// A connection's instruments and their modes. Frames list them by token, in whatever order they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    modes: BTreeMap<u32, Mode>,
    tokens_max: usize,
    /// What the reader takes a price on the wire for.
    divisors: Divisors,
}

impl Default for Subscription {
    fn default() -> Self {
        Self::new(TOKENS_MAX, Divisors::default())
    }
}

impl Subscription {
    /// One of so many instruments at most, whose reader divides prices so.
    pub fn new(tokens_max: usize, divisors: Divisors) -> Self {
        Self {
            modes: BTreeMap::new(),
            tokens_max,
            divisors,
        }
    }

    pub fn has(&self, token: u32) -> bool {
        self.modes.contains_key(&token)
    }

    /// Adds instruments in quote mode; those it has already keep theirs. False if some did not fit.
    pub fn subscribe(&mut self, tokens: &[u32]) -> bool {
        self.add(tokens, None)
    }

    /// Sets the mode of instruments, and adds those it does not have. False if some did not fit.
    pub fn set_mode(&mut self, mode: Mode, tokens: &[u32]) -> bool {
        self.add(tokens, Some(mode))
    }

    pub fn unsubscribe(&mut self, tokens: &[u32]) {
        for token in tokens {
            self.modes.remove(token);
        }
    }

    pub fn modes(&self) -> impl Iterator<Item = (u32, Mode)> + '_ {
        self.modes.iter().map(|(&token, &mode)| (token, mode))
    }

    fn add(&mut self, tokens: &[u32], mode: Option<Mode>) -> bool {
        let mut fits = true;
        for &token in tokens {
            if let Some(present) = self.modes.get_mut(&token) {
                *present = mode.unwrap_or(*present);
            } else if self.modes.len() < self.tokens_max {
                self.modes.insert(token, mode.unwrap_or(Mode::Quote));
            } else {
                fits = false;
            }
        }
        fits
    }
}

/// The frame of one cut: what of what is subscribed changed after `since_ns`, as it stands now. Of several cuts it
/// shows the last state only. None when nothing changed.
pub fn frame(
    market: &Market,
    subscription: &Subscription,
    since_ns: i64,
) -> Result<Option<Vec<u8>>, EncodeError> {
    encode(
        market,
        subscription.modes(),
        &subscription.divisors,
        |listing| listing.changed_ns > since_ns,
    )
}

/// What a subscriber is sent at once, though nothing may trade: these of its instruments as they stand.
pub fn snapshot(
    market: &Market,
    subscription: &Subscription,
    tokens: &[u32],
) -> Result<Option<Vec<u8>>, EncodeError> {
    let mut wanted: Vec<u32> = tokens.to_vec();
    wanted.sort_unstable();
    let modes = subscription
        .modes()
        .filter(|(token, _)| wanted.binary_search(token).is_ok());
    encode(market, modes, &subscription.divisors, |listing| {
        listing.changed_ns > 0
    })
}

fn encode(
    market: &Market,
    modes: impl Iterator<Item = (u32, Mode)>,
    divisors: &Divisors,
    wanted: impl Fn(&Listing) -> bool,
) -> Result<Option<Vec<u8>>, EncodeError> {
    let ticks: Vec<(Tick, Mode)> = modes
        .filter_map(|(token, mode)| Some((&market.listings[market.by_token(token)?], mode)))
        .filter(|(listing, _)| wanted(listing))
        .map(|(listing, mode)| (tick(listing, market.now_ns()), mode))
        .collect();
    if ticks.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    encode_frame(ticks, divisors, &mut bytes)?;
    Ok(Some(bytes))
}

/// A listing as its fullest packet.
pub fn tick(listing: &Listing, now_ns: i64) -> Tick {
    let (instrument, day) = (&listing.instrument, &listing.day);
    let mut tick = Tick::new(instrument.token, day.last_e4);
    tick.exchange_ns = now_ns;
    (tick.open_e4, tick.high_e4, tick.low_e4) = (day.open_e4, day.high_e4, day.low_e4);
    tick.close_e4 = instrument.previous_close_e4;
    if !instrument.tradable() {
        return tick;
    }
    tick.average_price_e4 = day.average_e4();
    tick.last_quantity = wire(day.last_quantity);
    tick.volume = wire(day.volume);
    tick.buy_quantity = wire(listing.total(Side::Buy));
    tick.sell_quantity = wire(listing.total(Side::Sell));
    tick.last_trade_ns = day.last_trade_ns;
    (tick.oi, tick.oi_high, tick.oi_low) = (wire(day.oi), wire(day.oi_high), wire(day.oi_low));
    for (side, first) in [(Side::Buy, 0), (Side::Sell, LEVELS)] {
        for (
            place,
            Level {
                price_e4,
                quantity,
                orders,
            },
        ) in listing.depth(side).into_iter().enumerate()
        {
            tick.depth_price_e4[first + place] = price_e4;
            tick.depth_quantity[first + place] = wire(quantity);
            tick.depth_orders[first + place] = u16::try_from(orders).unwrap_or(u16::MAX);
        }
    }
    tick
}

/// The wire has 32 bits: a larger count begins anew, as Kite's does.
fn wire(quantity: i64) -> u32 {
    quantity.max(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::SECOND_NS;
    use crate::day::Day;
    use crate::exchange::market::path::Synthetic;
    use crate::exchange::market::universe::NIFTY_TOKEN;
    use crate::kite::{Divisors, decode};

    const INFY: u32 = 408_065;

    fn market() -> Market {
        let day = Day::of(2026, 11, 19);
        let (previous_close, path) = Synthetic::new(1, day, SECOND_NS);
        let mut market = Market::new(day, previous_close, Box::new(path), 1, SECOND_NS);
        for _ in 0..10 {
            market.step(&mut Vec::new());
        }
        market
    }

    fn last_cut(market: &Market) -> i64 {
        market.now_ns() - SECOND_NS
    }

    #[test]
    fn who_missed_cuts_gets_what_changed_since_as_it_stands() {
        let mut market = market();
        let missed_ns = market.now_ns();
        let mut subscription = Subscription::default();
        subscription.set_mode(Mode::Full, &[INFY]);
        market.step(&mut Vec::new());
        let first = frame(&market, &subscription, missed_ns);
        market.step(&mut Vec::new());

        let late = frame(&market, &subscription, missed_ns);

        assert_eq!(late, frame(&market, &subscription, last_cut(&market)));
        assert_ne!(late, first);
        assert_eq!(frame(&market, &subscription, market.now_ns()), Ok(None));
    }

    #[test]
    fn a_frame_decodes_to_what_the_market_shows() {
        let market = market();
        let mut subscription = Subscription::default();
        subscription.set_mode(Mode::Full, &[INFY, NIFTY_TOKEN]);
        subscription.subscribe(&[128_028_676]);

        let bytes = frame(&market, &subscription, last_cut(&market))
            .expect("it fits")
            .expect("all changed");

        let ticks: Vec<Tick> = decode(&bytes, &Divisors::default()).batch.ticks().collect();
        let shown = |token| {
            tick(
                &market.listings[market.by_token(token).expect("listed")],
                market.now_ns(),
            )
        };
        assert_eq!(
            ticks.iter().map(|tick| tick.token).collect::<Vec<_>>(),
            [NIFTY_TOKEN, INFY, 128_028_676]
        );
        let mut wanted = shown(INFY);
        // The mean of the day's trades is a fraction of a paisa; the wire has paise.
        wanted.average_price_e4 = (wanted.average_price_e4 + 50) / 100 * 100;
        assert_eq!(ticks[1], wanted);
        assert_eq!(ticks[0].last_price_e4, shown(NIFTY_TOKEN).last_price_e4);
        assert_eq!(ticks[2].depth_price_e4, [0; 10], "quote mode has no depth");
    }

    #[test]
    fn a_count_beyond_32_bits_begins_anew_and_none_is_negative() {
        let mut market = market();
        let index = market.by_token(INFY).expect("listed");
        market.listings[index].day.volume = (1 << 32) + 7;
        market.listings[index].day.oi = -1;

        let shown = tick(&market.listings[index], market.now_ns());

        assert_eq!((shown.volume, shown.oi), (7, 0));
    }

    #[test]
    fn the_order_of_subscribing_changes_no_byte() {
        let market = market();
        let (mut one, mut other) = (Subscription::default(), Subscription::default());
        one.subscribe(&[INFY, NIFTY_TOKEN]);
        other.subscribe(&[NIFTY_TOKEN]);
        other.subscribe(&[INFY, INFY]);

        let since_ns = last_cut(&market);
        assert_eq!(
            frame(&market, &one, since_ns),
            frame(&market, &other, since_ns)
        );
        other.unsubscribe(&[INFY, NIFTY_TOKEN]);
        assert_eq!(frame(&market, &other, since_ns), Ok(None));
    }

    #[test]
    fn the_3001st_instrument_does_not_fit_and_the_others_stay() {
        let mut subscription = Subscription::default();
        let tokens: Vec<u32> = (0..3001).map(|number| number * 256 + 1).collect();

        assert!(!subscription.subscribe(&tokens));

        assert_eq!(subscription.modes().count(), TOKENS_MAX);
        assert!(
            subscription.set_mode(Mode::Full, &tokens[..3000]),
            "known ones always fit"
        );
    }
}
