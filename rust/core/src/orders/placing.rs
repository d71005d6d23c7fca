//! A new order from its approval's message: what must hold before it gets a tag, and the two words that go on the tape before it
//! is sent.
use crate::msgpack::Writer;
use crate::payload::Payload;
use crate::payload::risk::Approved;
use crate::payload::strategy::IntentKind;
use crate::risk::RULES;
use crate::terms::Validity;

/// Who alone may approve.
pub const GATE: &str = "risk_portfolio";

/// The approval of a new order that nothing can be said against, without knowing how we stand ourselves.
///
/// `None` for a modify, a cancel, and whatever is to be refused: then who decodes messages in full has to say what and why.
pub fn plain<'a>(source: &str, message: &'a [u8], mono_ns: i64) -> Option<Approved<'a>> {
    let approval = Approved::decode(message).ok()?;
    let signal = &approval.signal;
    let needed = RULES
        .iter()
        .fold(0i64, |bits, rule| bits | 1 << rule.number);
    let is_plain = source == GATE
        && approval.verdict.refused == 0
        && approval.verdict.rule.is_empty()
        && approval.verdict.evaluated & needed == needed
        && signal.action.side().is_some()
        && matches!(signal.intent, IntentKind::Enter | IntentKind::Exit)
        && mono_ns < signal.deadline_ns
        && signal.quantity > 0
        && signal.validity != Validity::Ttl;
    is_plain.then_some(approval)
}

/// The message of `execution.intent` for an order with this approval.
pub fn write_intent(tag: &str, epoch: i64, approved: &[u8]) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(approved.len() + tag.len() + 16));
    writer.array(3).text(tag).int(epoch).raw(approved);
    writer.0
}

/// The message of `execution.sending` for its first attempt.
pub fn write_sending(tag: &str, epoch: i64, deadline_ns: i64) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(tag.len() + 32));
    writer.array(6).text(tag).int(1).int(epoch);
    writer.text("place").text("").int(deadline_ns);
    writer.0
}
