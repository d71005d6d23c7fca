//! What executed orders cost their account: by the order, as the contract note has it, and taken while it trades.

use crate::exchange::market::simulated::Market;
use crate::exchange::orders::order::Order;
use crate::exchange::state::Exchange;
use crate::portfolio::{Executed, charges, square_off_e15, to_e4};

impl Exchange {
    /// Takes what an order costs beyond what it has been charged: rates are of the order and not of each trade, so its
    /// second trade may cost less than its first.
    pub(in crate::exchange) fn charge(&mut self, index: usize) {
        let cost_e4 = cost_e4(&self.orders[index], &self.market);
        let order = &mut self.orders[index];
        let before_e4 = std::mem::replace(&mut order.charges_e4, cost_e4);
        self.accounts[order.account].charges_e4 += cost_e4 - before_e4;
    }
}

/// What has been executed of an order costs; nothing on a day that no table covers. An order that the broker sends
/// to close a position has its fee on top.
fn cost_e4(order: &Order, market: &Market) -> i64 {
    let (calendar, day) = (&market.calendar, market.day);
    let instrument = &market.listings[order.listing].instrument;
    let executed = Executed {
        exchange: instrument.exchange,
        kind: instrument.kind,
        product: order.product,
        side: order.side,
        turnover_e4: order.now.value_e4 * instrument.multiplier,
    };
    let cost_e15 = charges(&executed, calendar, day).map_or(0, |cost| cost.total_e15());
    let fee_e15 = if order.squares_off && order.now.filled > 0 {
        square_off_e15(calendar, day)
    } else {
        0
    };
    to_e4(cost_e15 + fee_e15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::SECOND_NS;
    use crate::exchange::account::CASH_E4;
    use crate::exchange::rules::Rules;
    use crate::exchange::tests::exchanges::{filled, moving, still};
    use crate::terms::{self, InstrumentKind, Product, Side};

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let rest = [
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("quantity", "10"),
            ("product", "MIS"),
            ("order_type", "MARKET"),
            ("market_protection", "5"),
        ];
        filled(pairs, &rest)
    }

    fn trade(exchange: &mut Exchange, pairs: &[(&str, &str)]) -> usize {
        let now_ns = exchange.now_ns();
        let id = exchange.place_form(0, "regular", &form(pairs), now_ns);
        let index = exchange.find(0, &id.expect("taken")).expect("in the book");
        assert_eq!(exchange.orders[index].now.left(), 0, "traded");
        index
    }

    /// As the tables have it, for shares of the NSE traded within the day.
    fn intraday_e4(side: Side, turnover_e4: i64, exchange: &Exchange) -> i64 {
        let executed = Executed {
            exchange: terms::Exchange::Nse,
            kind: InstrumentKind::Cash,
            product: Product::Mis,
            side,
            turnover_e4,
        };
        let cost = charges(&executed, &exchange.market.calendar, exchange.market.day);
        cost.expect("in the tables").total_e4()
    }

    #[test]
    fn an_executed_order_costs_its_account_what_the_calculator_says() {
        let mut exchange = still(Rules::strict_2026());
        assert_eq!(exchange.accounts[0].funds_e4(), CASH_E4);
        let bought = trade(&mut exchange, &[("transaction_type", "BUY")]);
        let value_e4 = exchange.orders[bought].now.value_e4;
        let buying_e4 = intraday_e4(Side::Buy, value_e4, &exchange);

        assert!(buying_e4 > 0);
        assert_eq!(exchange.accounts[0].charges_e4, buying_e4);
        assert_eq!(exchange.accounts[0].funds_e4(), CASH_E4 - buying_e4);
        let sold = trade(&mut exchange, &[("transaction_type", "SELL")]);
        let selling_e4 = intraday_e4(Side::Sell, exchange.orders[sold].now.value_e4, &exchange);

        assert_eq!(exchange.accounts[0].charges_e4, buying_e4 + selling_e4);
        let gained_e4 = exchange.orders[sold].now.value_e4 - value_e4;
        assert_eq!(
            exchange.accounts[0].funds_e4(),
            CASH_E4 + gained_e4 - buying_e4 - selling_e4
        );
        assert_eq!(exchange.accounts[1].charges_e4, 0, "each for himself");
    }

    #[test]
    fn an_order_that_trades_in_parts_is_charged_as_one() {
        let mut exchange = moving(1);
        let listing = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
        let listing = listing.expect("listed");
        exchange.advance(exchange.now_ns() + 5 * SECOND_NS);
        let index = trade(
            &mut exchange,
            &[("transaction_type", "BUY"), ("quantity", "3000")],
        );
        let parts = exchange.executions.len();
        assert!(parts > 1, "it went through several levels");

        let value_e4 = exchange.orders[index].now.value_e4;
        let charged_e4 = exchange.accounts[0].charges_e4;

        assert_eq!(charged_e4, intraday_e4(Side::Buy, value_e4, &exchange));
        let apart = exchange.executions.iter();
        let apart_e4: i64 = apart
            .map(|e| intraday_e4(Side::Buy, e.quantity * e.price_e4, &exchange))
            .sum();
        assert!(charged_e4 <= apart_e4, "twenty rupees at most, and once");
        assert_eq!(exchange.orders[index].listing, listing);
    }

    #[test]
    fn what_does_not_trade_costs_nothing() {
        let mut exchange = still(Rules::strict_2026());
        let last_e4 = exchange.market.listings[exchange
            .market
            .by_symbol(terms::Exchange::Nse, "INFY")
            .expect("listed")]
        .day
        .last_e4;
        let low = format!("{}", last_e4 / 10_000 - 50);
        let now_ns = exchange.now_ns();
        let order = form(&[
            ("transaction_type", "BUY"),
            ("order_type", "LIMIT"),
            ("price", &low),
        ]);
        let id = exchange
            .place_form(0, "regular", &order, now_ns)
            .expect("taken");
        exchange.cancel_it(0, &id, now_ns).expect("cancelled");

        assert_eq!(
            (
                exchange.accounts[0].charges_e4,
                exchange.accounts[0].funds_e4()
            ),
            (0, CASH_E4)
        );
    }
}
