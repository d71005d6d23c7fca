//! An order becomes another on its owner's wish.

use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::order::{OrderStatus, book_id};
use crate::exchange::orders::order_latency::Transit;
use crate::exchange::orders::request::{ModifyOrder, normalised};
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::terms::Validity;

impl Exchange {
    /// What the order would be with the change.
    pub(in crate::exchange) fn changed(
        &self,
        index: usize,
        change: &ModifyOrder,
    ) -> Result<Asked, Refusal> {
        let order = &self.orders[index];
        if matches!(order.variety, Variety::Auction { .. }) {
            return Err(Refusal::order(
                "Auction orders cannot be modified. Cancel the order and place another.",
            ));
        }
        let before = order.asked();
        let order_type = change.order_type.unwrap_or(before.order_type);
        let (price_e4, trigger_e4) = normalised(
            order_type,
            change.price_e4.unwrap_or(before.price_e4),
            change.trigger_e4.unwrap_or(before.trigger_e4),
        );
        let asked = Asked {
            order_type,
            quantity: change.quantity.unwrap_or(before.quantity),
            price_e4,
            // A stop that has been triggered shows at what.
            trigger_e4: if order.triggered() {
                before.trigger_e4
            } else {
                trigger_e4
            },
            disclosed_quantity: change
                .disclosed_quantity
                .unwrap_or(before.disclosed_quantity),
            protection: change.protection.unwrap_or(before.protection),
            ..before
        };
        Refusal::invalid_if(asked.quantity <= order.now.filled, "quantity")?;
        Refusal::invalid_if(
            matches!(order.variety, Variety::Iceberg(_)) && asked.quantity != before.quantity,
            "quantity",
        )?;
        let rests = !order.waits() && !order.kept();
        Refusal::invalid_if(
            asked.triggered() && rests && (order.triggered() || !self.rules.modify_to_stop),
            "order_type",
        )?;
        Refusal::invalid_if(
            change.validity == Some(Validity::Ttl) && order.expires_ns.is_none(),
            "validity",
        )?;
        Ok(asked)
    }

    /// What the broker has found good becomes so, at the broker's at once and at the exchange when it arrives there.
    pub(in crate::exchange) fn carry_out(
        &mut self,
        index: usize,
        asked: Asked,
        change: ModifyOrder,
    ) {
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.modifications += 1;
        order.now.asked_ns = now_ns;
        if order.kept() {
            order.becomes(OrderStatus::ModifyAmoReqReceived);
            order.change(&asked, &change);
            order.becomes(OrderStatus::AmoReqReceived);
            self.say(index, Some("UPDATE"));
            return;
        }
        order.becomes(OrderStatus::ModifyValidationPending);
        self.begin_transit(index, Transit::Modification { asked, change });
    }

    /// The exchange takes a modification. `waits`: the order still waits for its trigger.
    pub(in crate::exchange) fn become_modified(
        &mut self,
        index: usize,
        asked: Asked,
        change: ModifyOrder,
        waits: bool,
    ) {
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        let before = order.now.clone();
        order.change(&asked, &change);
        self.price(index, &asked);
        let order = &mut self.orders[index];
        order.acknowledge(now_ns);
        order.becomes(OrderStatus::Modified);

        if asked.triggered() {
            if !waits {
                let listing = self.orders[index].listing;
                self.market.listings[listing].withdraw(book_id(index));
                self.stops.push(index);
            }
            self.orders[index].becomes(OrderStatus::TriggerPending);
            self.say(index, Some("UPDATE"));
            return;
        }
        if self.stands_outside(index) {
            self.opens(index);
            self.say(index, Some("UPDATE"));
            return;
        }
        let order = &self.orders[index];
        let only_smaller = !waits
            && order.now.quantity <= before.quantity
            && (order.now.price_e4, order.now.order_type) == (before.price_e4, before.order_type)
            && order.now.validity != Validity::Ioc;
        let left = order.now.left();
        let listing = &mut self.market.listings[order.listing];
        if only_smaller {
            listing.reduce(book_id(index), left);
            self.orders[index].becomes(OrderStatus::Open);
            self.say(index, Some("UPDATE"));
        } else {
            listing.withdraw(book_id(index));
            self.stops.retain(|&stop| stop != index);
            self.enter(index, Some("UPDATE"));
        }
    }
}
