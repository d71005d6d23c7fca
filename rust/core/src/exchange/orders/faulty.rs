//! Orders that go wrong on purpose: they begin to, and end. What can go wrong is said in `order_fault`.

use crate::exchange::orders::order::{OrderStatus, book_id};
use crate::exchange::orders::order_fault::{Due, Ends, OrderFault};
use crate::exchange::state::Exchange;

impl Exchange {
    pub(in crate::exchange) fn begin_order_fault(&mut self, index: usize, order_fault: OrderFault) {
        let (after_ns, ends) = match order_fault {
            OrderFault::Stuck { for_ns } => (for_ns, Ends::Goes),
            OrderFault::Rejected { after_ns, message } => {
                self.acknowledge_only(index);
                (after_ns, Ends::Rejected(message))
            }
        };
        self.order_faults.push(Due {
            order: index,
            at_ns: self.now_ns + after_ns,
            ends,
        });
    }

    /// The exchange takes an order and lets it stand, but not in the book.
    fn acknowledge_only(&mut self, index: usize) {
        let exchange = self.instrument(self.orders[index].listing).0.exchange;
        let number = self.ids.exchange_order(exchange);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.becomes(OrderStatus::ValidationPending);
        order.becomes(OrderStatus::OpenPending);
        order.now.exchange_order_id = Some(number);
        order.acknowledge(now_ns);
        self.opens(index);
        if self.rules.open_frames {
            self.say(index, None);
        }
    }

    pub(in crate::exchange) fn end_order_faults(&mut self) {
        let now_ns = self.now_ns;
        let (over, rest) = std::mem::take(&mut self.order_faults)
            .into_iter()
            .partition(|due: &Due| due.at_ns <= now_ns);
        self.order_faults = rest;
        for due in over {
            self.end_order_fault(due);
        }
    }

    fn end_order_fault(&mut self, due: Due) {
        let order = &self.orders[due.order];
        if order.now.status.terminal() {
            return;
        }
        match due.ends {
            Ends::Goes => self.send(due.order),
            Ends::Rejected(message) => {
                self.market.listings[order.listing].withdraw(book_id(due.order));
                self.reject(due.order, message);
            }
        }
    }

    /// A fill of all that is left was under way when the cancellation came. Nobody knows at what price but the
    /// exchange; we take the worst one that its owner agreed to.
    pub(in crate::exchange) fn fill_in_spite(&mut self, index: usize) {
        self.orders[index].becomes(OrderStatus::NotCancelled);
        let (price_e4, left) = {
            let order = &self.orders[index];
            (self.market.worst_e4(order), order.now.left())
        };
        let trade_id = self.ids.trade();
        self.fill(index, trade_id, price_e4, left);
    }
}
