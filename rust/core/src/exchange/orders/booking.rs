//! What becomes of an order is written down: fills with their positions, ends, and the word to its owner.

use crate::exchange::matching::book::{MARKET_MAKER, Trade};
use crate::exchange::orders::order::{OrderStatus, book_id, order_index};
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::state::{Exchange, Execution, OrderFrame};
use crate::exchange::views::orders;
use crate::terms::{Product, Side};

impl Exchange {
    /// Books a trade of a shared book for the users who have a part in it.
    pub(in crate::exchange) fn book_trade(&mut self, trade: &Trade) {
        let trade_id = self.ids.trade();
        for (owner, id) in [
            (trade.resting_owner, trade.resting),
            (trade.incoming_owner, trade.incoming),
        ] {
            if owner != MARKET_MAKER {
                self.fill(order_index(id), trade_id, trade.price_e4, trade.quantity);
            }
        }
    }

    pub(in crate::exchange) fn fill(
        &mut self,
        index: usize,
        trade_id: u64,
        price_e4: i64,
        quantity: i64,
    ) {
        let now_ns = self.now_ns;
        self.executions.push(Execution {
            trade_id,
            order: index,
            price_e4,
            quantity,
            at_ns: now_ns,
        });
        let order = &mut self.orders[index];
        order.now.filled += quantity;
        order.now.value_e4 += quantity * price_e4;
        order.acknowledge(now_ns);
        let (account, listing, held, side) =
            (order.account, order.listing, order.held(), order.side);
        let complete = order.now.left() == 0;
        let multiplier = self.market.listings[listing].instrument.multiplier;
        let account = &mut self.accounts[account];
        let from_holdings = match (held, side) {
            (PositionProduct::As(Product::Cnc), Side::Sell) => {
                let position = account.position(listing, held, multiplier);
                let bought_today = position.open.quantity.max(0);
                (quantity - bought_today).max(0)
            }
            _ => 0,
        };
        account
            .position(listing, held, multiplier)
            .trade(side, quantity, price_e4)
            .expect("the funds check keeps every sum of money far below 64 bits");
        for holding in account
            .holdings
            .iter_mut()
            .filter(|holding| holding.listing == listing)
        {
            holding.used += from_holdings.min(holding.quantity - holding.used);
        }
        self.charge(index);
        if complete {
            if self.orders[index].now.status == OrderStatus::CancelPending {
                self.orders[index].becomes(OrderStatus::NotCancelled);
            }
            self.end(index, OrderStatus::Complete, None);
        } else {
            self.orders[index].becomes(OrderStatus::Open);
            self.say(index, Some("UPDATE"));
        }
    }

    /// An order is over.
    pub(in crate::exchange) fn end(
        &mut self,
        index: usize,
        status: OrderStatus,
        message: Option<String>,
    ) {
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        if matches!(status, OrderStatus::Cancelled | OrderStatus::CancelledAmo) {
            order.now.cancelled = order.now.left();
        }
        if order.now.exchange_order_id.is_some() {
            order.acknowledge(now_ns);
        }
        order.now.message = message;
        order.becomes(status);
        self.accounts[order.account]
            .open
            .retain(|&open| open != index);
        self.stops.retain(|&stop| stop != index);
        self.ended.push_back(index);
        self.say(index, None);
    }

    /// An order is over: it was not taken.
    pub(in crate::exchange) fn reject(&mut self, index: usize, why: impl Into<String>) {
        self.end(index, OrderStatus::Rejected, Some(why.into()));
    }

    /// Takes an order out of the book for good.
    pub(in crate::exchange) fn withdraw(&mut self, index: usize, message: Option<String>) {
        self.market.listings[self.orders[index].listing].withdraw(book_id(index));
        self.end(index, OrderStatus::Cancelled, message);
    }

    pub(in crate::exchange) fn expire(&mut self) {
        let now_ns = self.now_ns;
        for index in self.open_orders_where(|order| order.expires_ns.is_some_and(|at| at <= now_ns))
        {
            self.withdraw(index, None);
        }
    }

    /// Tells the user's sockets. `status` is said in place of the order's own.
    pub(in crate::exchange) fn say(&mut self, index: usize, status: Option<&'static str>) {
        let user = self.accounts[self.orders[index].account].user.clone();
        let data = orders::order_frame(self, index, status);
        self.frames.push(OrderFrame { user, data });
    }
}
