//! A signal read from its message, and the answer written as one, without anything made in between.
use super::orders::{Intent, Signal};
use super::verdict::{Judgement, Verdict};
use crate::msgpack::{Reader, Writer};
use crate::terms::{OrderType, Product, Side, Validity};

/// How many fields `strategy.signal` has in the schema that is read here.
const SIGNAL_FIELDS: usize = 20;

/// The order that a message of `strategy.signal` asks for.
///
/// `None` when it asks for none (HOLD), or is anything but a whole signal in which every word is known: then who decodes
/// messages in full has to say what it is.
pub fn read_signal(message: &[u8]) -> Option<Signal<'_>> {
    let mut reader = Reader(message);
    let signal = signal_in(&mut reader)?;
    reader.0.is_empty().then_some(signal)
}

fn signal_in<'a>(fields: &mut Reader<'a>) -> Option<Signal<'a>> {
    if fields.array()? != SIGNAL_FIELDS {
        return None;
    }
    let (strategy, exchange, tradingsymbol) = (fields.str()?, fields.str()?, fields.str()?);
    let token = fields.int()?;
    let side = Side::parse(fields.str()?)?;
    let intent = Intent::parse(fields.str()?)?;
    let quantity = fields.int()?;
    let order_type = OrderType::parse(fields.str()?)?;
    let (price_e4, trigger_price_e4) = (fields.int()?, fields.int()?);
    let product = Product::parse(fields.str()?)?;
    let validity = Validity::parse(fields.str()?)?;
    fields.number()?; // confidence
    let deadline_ns = fields.int()?;
    for _ in 0..fields.array()? {
        skip_range(fields)?;
    }
    fields.int()?; // data_ts_ns
    fields.str()?; // reason
    for _ in 0..fields.map()? {
        fields.str()?;
        fields.number()?;
    }
    let order = fields.str()?;
    let market_protection_bp = fields.int()?;
    Some(Signal {
        strategy,
        exchange,
        tradingsymbol,
        token,
        side: Some(side),
        intent: Some(intent),
        quantity,
        order_type: Some(order_type),
        price_e4,
        trigger_price_e4,
        product: Some(product),
        validity: Some(validity),
        deadline_ns,
        order,
        market_protection_bp,
    })
}

/// What a message of `risk.approved` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval<'a> {
    pub intent_id: &'a str,
    pub signal: Signal<'a>,
    /// Bit n stands for rule Rn.
    pub evaluated: u64,
    pub refused: u64,
    /// The first that refused; empty of what is an approval.
    pub rule: &'a str,
}

/// `None` when it is anything but a whole approval of an order.
pub fn read_approval(message: &[u8]) -> Option<Approval<'_>> {
    let mut reader = Reader(message);
    let fields = &mut reader;
    if fields.array()? != 4 {
        return None;
    }
    let intent_id = fields.str()?;
    let signal = signal_in(fields)?;
    if fields.array()? != 4 {
        return None;
    }
    let evaluated = u64::try_from(fields.int()?).ok()?;
    let refused = u64::try_from(fields.int()?).ok()?;
    let (rule, _why) = (fields.str()?, fields.str()?);
    if fields.array()? != 3 {
        return None;
    }
    for _ in 0..3 {
        fields.int()?;
    }
    reader.0.is_empty().then_some(Approval {
        intent_id,
        signal,
        evaluated,
        refused,
        rule,
    })
}

/// A `DataRange`: source, epoch, first, last, topic.
fn skip_range(fields: &mut Reader<'_>) -> Option<()> {
    if fields.array()? != 5 {
        return None;
    }
    fields.str()?;
    for _ in 0..3 {
        fields.int()?;
    }
    fields.str().map(|_| ())
}

/// The message of `risk.approved` or `risk.blocked` that answers the signal of this message.
pub fn write_judgement(intent_id: u128, signal: &[u8], judgement: &Judgement) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(signal.len() + 128));
    writer.array(if judgement.is_approved() { 4 } else { 3 });
    writer.text(&format!("{intent_id:032x}")).raw(signal);
    write_verdict(&mut writer, judgement.verdict());
    if let Judgement::Approved(approved) = judgement {
        let held = approved.reservation();
        writer.array(3);
        writer.int(held.quantity);
        writer.int(held.value_e4).int(held.margin_e4);
    }
    writer.0
}

fn write_verdict(writer: &mut Writer, verdict: &Verdict) {
    writer.array(4);
    writer.uint(verdict.evaluated).uint(verdict.refused);
    match &verdict.first {
        None => writer.text("").text(""),
        Some((rule, why)) => writer.text(&format!("R{rule:02}")).text(&why.to_string()),
    };
}

#[cfg(test)]
mod tests {
    use super::super::verdict::{Approved, Reservation};
    use super::*;
    use proptest::prelude::*;

    /// The message of an order for 75 at 100 rupees.
    fn message() -> Vec<u8> {
        let mut writer = Writer::default();
        writer.array(SIGNAL_FIELDS);
        writer.text("cross").text("NSE").text("INFY").int(408_065);
        writer.text("SELL").text("exit").int(75);
        writer.text("LIMIT").int(1_000_000).int(0);
        writer.text("MIS").text("DAY").raw(&[0xcb]);
        writer.raw(&0.5f64.to_be_bytes()).int(1 << 50);
        writer.array(1).array(5).text("marketdata");
        writer.int(1).int(2).int(3).text("marketdata.tick");
        writer.int(1 << 60).text("why not").map(1).text("ema");
        writer.raw(&[0xcb]).raw(&99.5f64.to_be_bytes());
        writer.text("").int(-1);
        writer.0
    }

    #[test]
    fn a_whole_signal_is_read() {
        let message = message();

        let signal = read_signal(&message).unwrap();

        assert_eq!(
            signal,
            Signal {
                strategy: "cross",
                exchange: "NSE",
                tradingsymbol: "INFY",
                token: 408_065,
                side: Some(Side::Sell),
                intent: Some(Intent::Exit),
                quantity: 75,
                order_type: Some(OrderType::Limit),
                price_e4: 1_000_000,
                trigger_price_e4: 0,
                product: Some(Product::Mis),
                validity: Some(Validity::Day),
                deadline_ns: 1 << 50,
                order: "",
                market_protection_bp: -1,
            }
        );
    }

    #[test]
    fn a_hold_and_an_unknown_word_are_not() {
        let text = |from: &[u8], to: &[u8]| {
            let mut message = message();
            let at = message.windows(from.len()).position(|w| w == from).unwrap();
            message[at..at + from.len()].copy_from_slice(to);
            message
        };

        assert_eq!(read_signal(&text(b"SELL", b"HOLD")), None);
        assert_eq!(read_signal(&text(b"exit", b"quit")), None);
        assert_eq!(read_signal(&text(b"LIMIT", b"LIMBO")), None);
    }

    #[test]
    fn what_the_gate_answers_is_read_as_it_was_written() {
        let message = message();
        let judgement = Judgement::Approved(Approved::new(
            Verdict {
                evaluated: 1 << 54 | 3,
                ..Verdict::default()
            },
            Reservation {
                quantity: 75,
                value_e4: 75_000_000,
                margin_e4: 1,
            },
        ));

        let written = write_judgement(0xfeed, &message, &judgement);

        assert_eq!(
            read_approval(&written),
            Some(Approval {
                intent_id: "0000000000000000000000000000feed",
                signal: read_signal(&message).unwrap(),
                evaluated: 1 << 54 | 3,
                refused: 0,
                rule: "",
            })
        );
        assert_eq!(read_approval(&written[..written.len() - 1]), None);
        let blocked = write_judgement(1, &message, &Judgement::Blocked(Verdict::default()));
        assert_eq!(read_approval(&blocked), None);
    }

    proptest! {
        #[test]
        fn a_signal_cut_short_or_with_more_behind_it_is_not_read(cut in 0usize..1000, more: u8) {
            let mut message = message();
            let whole = message.len();
            prop_assert_eq!(read_signal(&message[..cut % whole]), None);
            message.push(more);
            prop_assert_eq!(read_signal(&message), None);
        }

        #[test]
        fn any_bytes_are_a_signal_or_not(bytes: Vec<u8>, at in 0usize..1000, byte: u8) {
            let _ = read_signal(&bytes);
            let _ = read_approval(&bytes);
            let mut message = message();
            let whole = message.len();
            message[at % whole] = byte;
            let _ = read_signal(&message);
        }
    }
}
