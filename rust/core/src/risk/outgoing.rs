//! What the gate answers, as payloads.
use super::gate::Gate;
use super::verdict::{Approved as Approval, Judgement, Reservation, Verdict, Why};
use crate::orders::approval::ApprovalKey;
use crate::payload::risk::{self, Approved, Blocked, PortfolioSnapshot, Position};
use crate::payload::strategy::Signal;
use crate::payload::{Payload, Whole, encode};
use crate::runtime::handler::Status;

/// The answer to a signal, which it carries as it came: the topic and its payload. An approval bears the check of the key.
pub fn answer(
    intent: u128,
    signal: Whole<'_, Signal<'_>>,
    judgement: &Judgement,
    key: Option<&ApprovalKey>,
) -> (&'static str, Vec<u8>) {
    let intent_id = format!("{intent:032x}");
    let intent_id = &*intent_id;
    let (rule, why) = match &judgement.verdict().first {
        None => Default::default(),
        Some((rule, why)) => (format!("R{rule:02}"), why.to_string()),
    };
    let Verdict {
        evaluated, refused, ..
    } = *judgement.verdict();
    let verdict = risk::Verdict {
        evaluated: evaluated as i64, // rules end at R54, so the sign is free
        refused: refused as i64,
        rule: &rule,
        why: &why,
    };
    match judgement {
        Judgement::Approved(approved) => {
            let approved = Approved {
                intent_id,
                signal,
                verdict,
                reservation: *approved.reservation(),
                check: "",
            };
            let message = encode(&approved);
            let sealed = match key {
                Some(key) => key.seal(message),
                None => message,
            };
            (Approved::TOPIC, sealed)
        }
        Judgement::Blocked(_) => {
            let blocked = Blocked {
                intent_id,
                signal,
                verdict,
            };
            (Blocked::TOPIC, encode(&blocked))
        }
    }
}

/// An answer that was given before.
pub fn recalled(verdict: &risk::Verdict<'_>, reservation: Option<&Reservation>) -> Judgement {
    let rule = verdict.rule.get(1..).and_then(|rule| rule.parse().ok());
    let verdict = Verdict {
        evaluated: verdict.evaluated as u64,
        refused: verdict.refused as u64,
        first: rule.map(|rule| (rule, Why::Quoted(verdict.why.into()))),
    };
    match reservation {
        None => Judgement::Blocked(verdict),
        Some(held) => Judgement::Approved(Approval::new(verdict, *held)),
    }
}

/// A position as people are shown it.
pub fn shown(row: &Position<'_>) -> Status {
    let mut shown = Status::default();
    shown
        .set("exchange", row.exchange)
        .set("tradingsymbol", row.tradingsymbol)
        .set("instrument_token", row.instrument_token)
        .set("product", row.product)
        .set("quantity", row.quantity)
        .set("average_price_e4", row.average_price_e4)
        .set("last_price_e4", row.last_price_e4)
        .set("realised_e4", row.realised_e4)
        .set("unrealised_e4", row.unrealised_e4)
        .set("charges_e4", row.charges_e4);
    shown
}

/// Positions and profit and loss as they stand.
pub fn portfolio(gate: &Gate, now_ns: i64) -> PortfolioSnapshot<'_> {
    let positions = gate.portfolio().positions().iter().enumerate();
    let positions = positions.map(|(at, booked)| {
        let (token, mark_e4) = gate.quote_of(at);
        Position {
            exchange: booked.key.exchange.name(),
            tradingsymbol: &booked.key.tradingsymbol,
            instrument_token: token.into(),
            product: booked.key.product.name(),
            quantity: booked.position.quantity(),
            average_price_e4: booked.position.average_e4(),
            last_price_e4: mark_e4,
            realised_e4: booked.position.realised_e4,
            unrealised_e4: booked.position.unrealised_e4().unwrap_or(0),
            charges_e4: booked.charges_e4(),
        }
    });
    let summary = gate.summary(now_ns);
    PortfolioSnapshot {
        positions: positions.collect(),
        gross_pnl_e4: summary.gross_e4,
        charges_e4: summary.charges_e4,
        net_pnl_e4: summary.gross_e4.saturating_sub(summary.charges_e4),
        capital_e4: gate.limits().capital_e4.unwrap_or(0),
        reserved_e4: summary.reserved_e4,
        open_orders: summary.open_orders,
        state: summary.trading_state.name(),
        missing: gate.limits().missing(),
        tripped: gate.tripped(now_ns).unwrap_or(""),
    }
}
