//! What an earlier process had judged, taken over from what it said: nothing can judge it again.
use super::fingerprint::fingerprint;
use super::gate::{CachedVerdict, Gate};
use super::orders::{Order, Terms};
use super::verdict::{Judgement, Reservation};
use crate::day::Day;
use crate::payload::strategy::{IntentKind, Signal};
use crate::terms::Exchange;

impl Gate {
    /// Takes over a verdict of an earlier process, which nothing can judge again: it stands, its order holds back what it
    /// held back, and it counts in the pace. What became of the order, execution's events will tell.
    pub(super) fn recall(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        judgement: Judgement,
        now_ns: i64,
        mono_ns: i64,
    ) {
        if self.verdicts.contains_key(&intent) {
            return;
        }
        let order = match &judgement {
            Judgement::Blocked(_) => None,
            Judgement::Approved(approved) => {
                // An entry that made a position smaller counts as an entry: the pace may be a little tight.
                let entry = matches!(signal.intent, IntentKind::Enter | IntentKind::Modify);
                self.pace.take(entry, Day::at(now_ns), mono_ns);
                self.recall_order(signal, intent, approved.reservation())
            }
        };
        let cached = CachedVerdict {
            fingerprint: fingerprint(signal),
            judgement,
            order,
        };
        self.verdicts.insert(intent, cached);
    }

    fn recall_order(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        held: &Reservation,
    ) -> Option<u32> {
        let exchange = Exchange::parse(signal.exchange)?;
        let units = held
            .quantity
            .checked_mul(exchange.multiplier().unwrap_or(1))
            .filter(|units| *units > 0)?;
        let terms = Terms {
            quantity: signal.quantity,
            limit_e4: signal.price_e4,
            price_e4: (held.value_e4 / units).saturating_add(i64::from(held.value_e4 % units != 0)),
            margin_e4: held.margin_e4,
        };
        if signal.intent == IntentKind::Modify {
            // Which order it changes is known by its tag, and tags by execution's events alone.
            self.recalled.insert(intent, terms);
            return None;
        }
        let token = u32::try_from(signal.instrument_token).ok()?;
        let instrument = self
            .instruments
            .find_or_add(token, exchange, signal.tradingsymbol);
        let strategy = self.strategy(signal.strategy);
        let side = signal.action.side()?;
        let order = Order::new((strategy, instrument), signal.product, side, terms, true);
        let at = self.orders.add(order);
        self.rebind(at);
        Some(at as u32)
    }

    /// Execution has begun with a modify that an earlier process passed.
    pub(super) fn recall_modify(&mut self, tag: &str, intent: u128) {
        let Some(terms) = self.recalled.remove(&intent) else {
            return;
        };
        if let Some(at) = self.orders.find(tag, "") {
            self.orders.get_mut(at).pending = Some(terms);
            self.rebind(at);
            if let Some(cached) = self.verdicts.get_mut(&intent) {
                cached.order = Some(at as u32);
            }
        }
    }

    /// The day's loss limit was reached, as an earlier process has said.
    pub(super) fn recall_loss(&mut self, now_ns: i64) {
        self.authority.lose(Day::at(now_ns));
    }
}
