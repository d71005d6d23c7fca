//! `autoslice=true`: an order above the freeze quantity becomes several, each with a fate of its own.
//!
//! Kite answers with an id that no order in the book has, and a child for each slice: its order's id, or why it was
//! refused. That some are refused does not make the answer an error.

use crate::exchange::orders::request::PlaceOrder;
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;

/// What became of a placement that may be sliced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sliced {
    /// The id that the whole is answered with; an unsliced order's own.
    pub order_id: String,
    /// Of each slice its order's id, or its refusal; empty when there was nothing to slice.
    pub slices: Vec<Result<String, Refusal>>,
}

impl Exchange {
    /// A placement with `autoslice`. Refused when it would be too many slices, and when every slice is refused: then
    /// with the first one's words. `failing`: from which slice on, counted from 0, all are refused, and in which words.
    pub fn place_sliced(
        &mut self,
        account: usize,
        whole: PlaceOrder,
        failing: Option<&(i64, String)>,
        at_ns: i64,
    ) -> Result<Sliced, Refusal> {
        let most = self
            .market
            .by_symbol(whole.exchange, &whole.tradingsymbol)
            .and_then(|listing| {
                self.market.listings[listing]
                    .instrument
                    .order_quantity_max()
            })
            // An iceberg is in legs already, and each of them has to fit.
            .filter(|_| !matches!(whole.variety, Variety::Iceberg(_)));
        let Some(most) = most.filter(|&most| most > 0 && whole.quantity > most) else {
            let order_id = self.place(account, whole, at_ns)?;
            let slices = Vec::new();
            return Ok(Sliced { order_id, slices });
        };
        let number = (whole.quantity + most - 1) / most;
        let slices_max = self.rules.slices_max;
        if number > slices_max {
            return Err(Refusal::input(format!(
                "Invalid `quantity`. An order is sliced into at most {slices_max}, of {most} each."
            )));
        }
        self.hear(at_ns);
        let parent = self.ids.order(self.now_ns);
        let slices: Vec<Result<String, Refusal>> = (0..number)
            .map(|slice| {
                if let Some((after, message)) = failing
                    && slice >= *after
                {
                    return Err(Refusal::margin(message.clone()));
                }
                // Of its owner's tag a slice shows nothing.
                let own = PlaceOrder {
                    quantity: most.min(whole.quantity - slice * most),
                    tag: None,
                    tags: tags(&parent),
                    ..whole.clone()
                };
                self.place(account, own, at_ns)
            })
            .collect();
        if let Some(Err(refusal)) = slices.first()
            && slices.iter().all(Result::is_err)
        {
            return Err(refusal.clone());
        }
        Ok(Sliced {
            order_id: parent,
            slices,
        })
    }
}

fn tags(parent: &str) -> Vec<String> {
    vec!["autoslice".into(), format!("autoslice:{parent}")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::rules::Rules;
    use crate::exchange::tests::exchanges::{filled, still};

    /// An option of NIFTY that costs little, and its lot and freeze.
    fn option(exchange: &Exchange) -> (String, i64, i64) {
        let row = exchange
            .market
            .listings
            .iter()
            .filter(|listing| listing.instrument.kind.is_option())
            .filter(|listing| listing.instrument.tradingsymbol.starts_with("NIFTY"))
            .min_by_key(|listing| listing.day.last_e4)
            .expect("listed");
        let most = row.instrument.order_quantity_max().expect("frozen above");
        (
            row.instrument.tradingsymbol.clone(),
            row.instrument.lot,
            most,
        )
    }

    fn form(symbol: &str, quantity: i64, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let quantity = quantity.to_string();
        let rest = [
            ("exchange", "NFO"),
            ("tradingsymbol", symbol),
            ("transaction_type", "BUY"),
            ("product", "NRML"),
            ("order_type", "LIMIT"),
            ("price", "0.05"),
            ("autoslice", "true"),
            ("tag", "mine"),
            ("quantity", &quantity),
        ];
        filled(more, &rest)
    }

    #[test]
    fn the_slices_are_orders_of_the_freeze_quantity_and_the_rest() {
        let mut exchange = still(Rules::legacy());
        let (symbol, lot, most) = option(&exchange);
        let now_ns = exchange.now_ns();

        let sliced = exchange
            .place_sliced_form(0, "regular", &form(&symbol, 2 * most + lot, &[]), now_ns)
            .expect("placed");

        let quantities: Vec<i64> = exchange.orders.iter().map(|o| o.now.quantity).collect();
        assert_eq!(quantities, [most, most, lot]);
        assert!(sliced.slices.iter().all(Result::is_ok));
        assert_eq!(exchange.find(0, &sliced.order_id), None);
        for order in &exchange.orders {
            assert_eq!((&order.tag, &order.tags), (&None, &tags(&sliced.order_id)));
        }
    }

    #[test]
    fn what_needs_no_slicing_is_an_order_like_any_other() {
        let mut exchange = still(Rules::legacy());
        let (symbol, lot, _) = option(&exchange);
        let now_ns = exchange.now_ns();

        let sliced = exchange
            .place_sliced_form(0, "regular", &form(&symbol, lot, &[]), now_ns)
            .expect("placed");

        assert!(sliced.slices.is_empty());
        let index = exchange.find(0, &sliced.order_id).expect("in the book");
        assert_eq!(exchange.orders[index].tag.as_deref(), Some("mine"));
    }

    #[test]
    fn eleven_slices_are_too_many_and_nothing_is_placed() {
        let mut exchange = still(Rules::legacy());
        let (symbol, lot, most) = option(&exchange);
        let now_ns = exchange.now_ns();

        let refused =
            exchange.place_sliced_form(0, "regular", &form(&symbol, 10 * most + lot, &[]), now_ns);

        assert_eq!(refused.expect_err("too many").status, 400);
        assert!(exchange.orders.is_empty());
    }

    #[test]
    fn slices_that_fail_were_never_placed_and_all_failing_is_a_refusal() {
        let mut exchange = still(Rules::legacy());
        let (symbol, _, most) = option(&exchange);
        let now_ns = exchange.now_ns();
        let failing = |after| {
            [
                ("order_fault", "slices"),
                ("order_fault_slices", after),
                ("order_fault_message", "No"),
            ]
        };

        let sliced = exchange
            .place_sliced_form(
                0,
                "regular",
                &form(&symbol, 3 * most, &failing("1")),
                now_ns,
            )
            .expect("one of them");
        assert_eq!(
            sliced.slices[1..],
            [Err(Refusal::margin("No")), Err(Refusal::margin("No"))]
        );
        assert_eq!(exchange.orders.len(), 1);

        let none = exchange.place_sliced_form(
            0,
            "regular",
            &form(&symbol, 3 * most, &failing("0")),
            now_ns,
        );
        assert_eq!(none, Err(Refusal::margin("No")));
        assert_eq!(exchange.orders.len(), 1);
    }
}
