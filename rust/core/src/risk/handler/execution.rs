//! What execution says: what became of orders, the account, and whether its book agrees.
use super::GateHandler;
use crate::payload::execution::{
    Book, Fill, Funds, Holdings, Intent, OrderPlaced, OrderUpdate, Reconciled, Reject,
    UnknownOutcome,
};
use crate::payload::{Payload, PayloadError};
use crate::risk::incoming;
use crate::runtime::handler::Arrival;
use crate::terms::Exchange;

impl GateHandler {
    /// What execution says. A new epoch of it has not compared its book with its tape yet.
    pub(super) fn execution(&mut self, event: &Arrival<'_>) -> Result<(), PayloadError> {
        self.on_executions_day(event.header.ts_ns);
        let (gate, bytes, topic) = (&mut self.state.gate, event.payload, event.topic);
        if event.header.epoch != self.state.execution_epoch {
            self.state.execution_epoch = event.header.epoch;
            gate.on_execution_restarted();
        }
        match topic {
            Intent::TOPIC => {
                let intent = Intent::decode(bytes)?;
                gate.on_intent(intent.tag, incoming::intent_id(intent.approved.intent_id));
            }
            OrderPlaced::TOPIC => {
                let placed = OrderPlaced::decode(bytes)?;
                gate.on_placed(placed.tag, placed.order_id);
            }
            OrderUpdate::TOPIC => {
                gate.on_update(&incoming::update(topic, &OrderUpdate::decode(bytes)?)?);
            }
            Fill::TOPIC => {
                let fill = incoming::fill(topic, &Fill::decode(bytes)?)?;
                gate.on_fill(&fill, event.now_ns);
            }
            Reject::TOPIC => {
                let reject = Reject::decode(bytes)?;
                let intent = incoming::intent_id(reject.intent_id);
                gate.on_reject(reject.tag, reject.order_id, intent, reject.verb);
            }
            UnknownOutcome::TOPIC => {
                let unknown = UnknownOutcome::decode(bytes)?;
                gate.on_unknown(unknown.tag, unknown.verb);
            }
            Book::TOPIC => return self.book(event),
            Holdings::TOPIC => {
                let holdings = Holdings::decode(bytes)?;
                // Shares on an exchange that is not known cannot be sold there either.
                let rows = holdings.rows.iter().filter_map(|row| {
                    let exchange = Exchange::parse(row.exchange)?;
                    let token = row.instrument_token.try_into().ok()?;
                    Some((exchange, row.tradingsymbol, token, row.quantity))
                });
                gate.on_holdings(rows);
            }
            Funds::TOPIC => {
                let funds = Funds::decode(bytes)?;
                gate.on_funds(funds.available_e4, funds.utilised_e4);
            }
            Reconciled::TOPIC => {
                gate.on_reconciled(Reconciled::decode(bytes)?.mismatches.is_empty());
            }
            _ => {}
        }
        Ok(())
    }

    fn book(&mut self, event: &Arrival<'_>) -> Result<(), PayloadError> {
        let (topic, book) = (event.topic, Book::decode(event.payload)?);
        let mut wrong = None;
        let updates = incoming::each(&book.orders, &mut wrong, |row| incoming::update(topic, row));
        let fills = incoming::each(&book.trades, &mut wrong, |row| incoming::fill(topic, row));
        let carried = incoming::each(&book.carried, &mut wrong, |row| {
            incoming::carried(topic, row)
        });
        self.state
            .gate
            .on_book(&updates, &fills, &carried, event.now_ns);
        if let Some(error) = wrong {
            self.state.rows_refused += 1;
            self.state.row_refused_last = error.to_string().into();
        }
        Ok(())
    }
}
