//! `PUT /portfolio/positions`: a part of a position goes on under another product, at what it cost.

use crate::exchange::margin::funds_check::check_margin;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::portfolio::Position;
use crate::terms::{self, InstrumentKind, Product, Side};

/// What is to be converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub exchange: terms::Exchange,
    pub tradingsymbol: String,
    pub side: Side,
    /// Of what was brought from the day before; else of what was traded today.
    pub overnight: bool,
    pub quantity: i64,
    pub from: Product,
    pub to: Product,
}

impl Exchange {
    /// Converts. Refused when there is not so much of it, when the product does not go with the instrument, and when
    /// there is no money for the margin that the new product takes.
    pub fn convert(
        &mut self,
        account: usize,
        wish: &Conversion,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        self.hear(at_ns);
        let listing = wish.listing(&self.market)?;
        let key = (listing, PositionProduct::As(wish.from));
        let position = self.accounts[account].positions.get(&key).copied();
        let position = position
            .filter(|position| wish.fits(position))
            .ok_or_else(|| {
                Refusal::input("There is no such position, or not so much of it, to convert.")
            })?;
        let (rest, moved) = position
            .parted(wish.quantity, wish.overnight)
            .expect("a part of a position is smaller than it");
        let target = (listing, PositionProduct::As(wish.to));
        let before = self.accounts[account].positions.clone();
        let blocked_before_e4 = self.blocked_now(account).total_e4();
        let there = before.get(&target).copied();
        let there = there.unwrap_or_else(|| Position::new(position.multiplier));
        if there.quantity().signum() * moved.quantity().signum() < 0 {
            return Err(Refusal::input(
                "The position under the new product is on the other side.",
            ));
        }
        let joined = there
            .joined(&moved)
            .map_err(|_| Refusal::invalid("quantity"))?;
        let positions = &mut self.accounts[account].positions;
        positions.insert(target, joined);
        positions.insert(key, rest);
        let required_e4 = self.blocked_now(account).total_e4() - blocked_before_e4;
        let available_e4 = self.accounts[account].funds_e4() - blocked_before_e4;
        check_margin(required_e4, available_e4).inspect_err(|_| {
            self.accounts[account].positions = before;
        })
    }
}

impl Conversion {
    /// The instrument of a conversion that goes.
    fn listing(&self, market: &Market) -> Result<usize, Refusal> {
        let listing = market
            .by_symbol(self.exchange, &self.tradingsymbol)
            .ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
        let instrument = &market.listings[listing].instrument;
        let share = instrument.kind == InstrumentKind::Cash;
        let goes = match self.to {
            // Delivery is of shares, and of shares that were bought.
            Product::Cnc | Product::Mtf => share && self.side == Side::Buy,
            Product::Nrml => !share,
            Product::Mis => true,
        };
        Refusal::invalid_if(self.from == self.to || !goes, "new_product")?;
        Refusal::invalid_if(self.quantity % instrument.lot.max(1) != 0, "quantity")?;
        Ok(listing)
    }
    /// Whether a position is on this side and there is so much of it.
    fn fits(&self, position: &Position) -> bool {
        let sign = self.side.sign();
        let brought = position.overnight.quantity * sign;
        let open = position.open.quantity * sign;
        let there = if self.overnight {
            open.min(brought)
        } else {
            open - brought.max(0).min(open)
        };
        self.quantity <= there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::{OPEN_NS, SECOND_NS, at_ns};
    use crate::day::Day;
    use crate::exchange::market::path::Synthetic;
    use crate::exchange::market::simulated::Market;
    use crate::exchange::rules::Rules;

    fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, text)| (String::from(*name), String::from(*text)))
            .collect()
    }

    /// Ten INFY, bought intraday.
    fn bought() -> Exchange {
        let day = Day::of(2026, 11, 19);
        let (close, path) = Synthetic::new(1, day, SECOND_NS);
        let market = Market::new(day, close, Box::new(path), 1, SECOND_NS);
        let mut exchange = Exchange::new(market, Rules::legacy(), &["U".into()]);
        exchange.advance(at_ns(day, OPEN_NS) + 300 * SECOND_NS);
        let order = form(&[
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("transaction_type", "BUY"),
            ("quantity", "10"),
            ("product", "MIS"),
            ("order_type", "MARKET"),
        ]);
        let now_ns = exchange.now_ns();
        exchange
            .place_form(0, "regular", &order, now_ns)
            .expect("bought");
        exchange
    }

    fn convert(exchange: &mut Exchange, changes: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut fields = form(changes);
        fields.extend(form(&[
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("transaction_type", "BUY"),
            ("position_type", "day"),
            ("quantity", "4"),
            ("old_product", "MIS"),
            ("new_product", "CNC"),
        ]));
        let now_ns = exchange.now_ns();
        exchange.convert_form(0, &fields, now_ns)
    }

    fn quantities(exchange: &Exchange) -> Vec<(Product, i64)> {
        let positions = &exchange.accounts[0].positions;
        positions
            .iter()
            .map(|(&(_, held), position)| (held.product(), position.quantity()))
            .collect()
    }

    #[test]
    fn a_part_goes_on_under_another_product_at_what_it_cost() {
        let mut exchange = bought();
        let before: i64 = exchange.accounts[0]
            .positions
            .values()
            .map(|p| p.open.value_e4)
            .sum();
        let blocked_e4 = exchange.blocked_now(0).total_e4();

        convert(&mut exchange, &[]).expect("there are ten");

        assert_eq!(
            quantities(&exchange),
            [(Product::Cnc, 4), (Product::Mis, 6)]
        );
        let after: i64 = exchange.accounts[0]
            .positions
            .values()
            .map(|p| p.open.value_e4)
            .sum();
        assert_eq!(after, before);
        assert!(
            exchange.blocked_now(0).total_e4() > blocked_e4,
            "delivery is paid in full"
        );
        convert(
            &mut exchange,
            &[("old_product", "CNC"), ("new_product", "MIS")],
        )
        .expect("and back");
        assert_eq!(
            quantities(&exchange),
            [(Product::Cnc, 0), (Product::Mis, 10)]
        );
    }

    #[test]
    fn what_cannot_be_converted_is_left_as_it_is() {
        let mut exchange = bought();
        for changes in [
            &[("quantity", "11")][..],
            &[("quantity", "0")],
            &[("quantity", "")],
            &[("transaction_type", "SELL")],
            &[("position_type", "overnight")],
            &[("position_type", "night")],
            &[("new_product", "MIS")],
            &[("new_product", "NRML")],
            &[("old_product", "NRML")],
            &[("tradingsymbol", "TCS")],
            &[("tradingsymbol", "NOPE")],
            &[("exchange", "NFO")],
        ] {
            let refusal = convert(&mut exchange, changes).expect_err("refused");
            assert_eq!(
                (refusal.status, refusal.error_type),
                (400, "InputException")
            );
            assert_eq!(quantities(&exchange), [(Product::Mis, 10)], "{changes:?}");
        }
        exchange.accounts[0].cash_e4 = 40_000_000;
        let refusal = convert(&mut exchange, &[("quantity", "10")]).expect_err("no money");
        assert_eq!(refusal.error_type, "MarginException");
        assert_eq!(quantities(&exchange), [(Product::Mis, 10)]);
    }
}
