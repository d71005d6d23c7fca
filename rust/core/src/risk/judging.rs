//! How the gate judges an order, and holds back its worst case.
use super::fingerprint::fingerprint;
use super::gate::{CachedVerdict, Gate, INTENTS_MAX};
use super::order_context::{OrderContext, OrderRequest, Target};
use super::orders::{Bound, Order, Terms};
use super::rules::{EVALUATED_OF_A_CANCEL, RULES, Rule};
use super::verdict::{Approved, Judgement, Outcome, Reservation, Verdict, Why};
use crate::day::Day;
use crate::payload::strategy::{IntentKind, Signal};

/// R07 of an id that came before with another signal in it.
const ANOTHER_SIGNAL: Verdict = Verdict {
    evaluated: 1 << 7,
    refused: 1 << 7,
    first: Some((
        7,
        Why::Said("its intent id came before with another signal"),
    )),
};

impl Gate {
    /// Judges one signal and, if it passes, reserves its worst case. The same intent again gets the first answer again;
    /// its id with another signal in it is refused.
    pub fn judge(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> Judgement {
        self.judge_by(RULES.iter(), signal, intent, now_ns, mono_ns)
    }

    /// Judges by rules in an order of the caller's: for the proof that the order changes nothing but the reason.
    pub(super) fn judge_by<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r Rule>,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> Judgement {
        let fingerprint = fingerprint(signal);
        if let Some(cached) = self.verdicts.get(&intent) {
            return if cached.fingerprint == fingerprint {
                cached.judgement.clone()
            } else {
                Judgement::Blocked(ANOTHER_SIGNAL)
            };
        }
        let day = Day::at(now_ns);
        let (judgement, order) = if signal.intent == IntentKind::Cancel {
            self.pace.take(false, day, mono_ns);
            let verdict = Verdict {
                evaluated: EVALUATED_OF_A_CANCEL,
                ..Verdict::default()
            };
            (
                Judgement::Approved(Approved::new(verdict, Reservation::default())),
                None,
            )
        } else {
            self.watch_loss(day);
            self.judge_order(rules, signal, intent, now_ns, mono_ns)
        };
        if intent != 0 && self.verdicts.len() < INTENTS_MAX {
            self.verdicts.insert(
                intent,
                CachedVerdict {
                    fingerprint,
                    judgement: judgement.clone(),
                    order,
                },
            );
        }
        judgement
    }

    /// The answer, and the order that was reserved.
    fn judge_order<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r Rule>,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> (Judgement, Option<u32>) {
        let context = OrderContext::new(self, signal, intent, now_ns, mono_ns);
        let mut verdict = Verdict::default();
        let (mut asked, mut all) = (0u64, 0u64);
        for rule in rules {
            verdict.note(rule.number, rule.judge(&context));
            asked += 1;
            all |= 1 << rule.number;
        }
        let passes =
            verdict.refused == 0 && verdict.evaluated == all && asked == RULES.len() as u64;
        let approved = match &context.order {
            Some(order) if passes => context
                .terms(order)
                .ok()
                .map(|terms| (Accepted::new(&context, order, terms), context.day)),
            _ => None,
        };
        let Some((accepted, day)) = approved else {
            return (Judgement::Blocked(verdict), None);
        };
        self.reserve(accepted, day, mono_ns, signal.strategy, verdict)
    }

    fn reserve(
        &mut self,
        accepted: Accepted,
        day: Day,
        mono_ns: i64,
        strategy: &str,
        mut verdict: Verdict,
    ) -> (Judgement, Option<u32>) {
        let Accepted {
            entry,
            terms,
            target,
            order,
        } = accepted;
        self.pace.take(entry, day, mono_ns);
        let at = match target {
            Some(at) => {
                self.orders.get_mut(at).pending = Some(terms);
                at
            }
            None => {
                let strategy = self.strategy(strategy);
                self.orders.add(Order { strategy, ..order })
            }
        };
        self.rebind(at);
        if let Some(fault) = self.authority.fault() {
            // It could not be added up after all: nothing leaves any more.
            verdict.note(54, Outcome::Refuse(Why::Quoted(fault.into())));
            return (Judgement::Blocked(verdict), None);
        }
        let Bound {
            quantity,
            value_e4,
            margin_e4,
            ..
        } = self.orders.get(at).bound;
        let approved = Approved::new(
            verdict,
            Reservation {
                quantity,
                value_e4,
                margin_e4,
            },
        );
        (Judgement::Approved(approved), Some(at as u32))
    }
}

/// What is to be reserved, once nothing borrows the gate any more.
struct Accepted {
    entry: bool,
    terms: Terms,
    /// The order that a modify names.
    target: Option<usize>,
    order: Order,
}

impl Accepted {
    fn new(context: &OrderContext<'_>, order: &OrderRequest<'_>, terms: Terms) -> Self {
        let instrument = context
            .gate
            .instruments
            .by_token(order.row.token)
            .expect("it was found by its token");
        let target = match context.target {
            Target::Order(_) => context.gate.orders.find(context.signal.order, ""),
            Target::None | Target::Missing => None,
        };
        Self {
            entry: !context.reduces,
            terms,
            target,
            order: Order::new((0, instrument), order.product, order.side, terms, true),
        }
    }
}
