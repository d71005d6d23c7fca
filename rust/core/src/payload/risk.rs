//! What the gate says.
use super::Whole;
use super::strategy::Signal;

records! {
    /// Every rule's result: bit n stands for rule Rn.
    Verdict<'a> {
        evaluated: i64,
        refused: i64,
        /// The first that refused.
        rule: &'a str,
        why: &'a str,
    }

    /// The worst case that an approval holds back until its order is final.
    #[derive(Copy, Default, Eq)]
    Reservation {
        quantity: i64,
        value_e4: i64,
        margin_e4: i64,
    }

    /// An order that every rule has passed.
    Approved<'a>: "risk.approved" {
        intent_id: &'a str,
        signal: Whole<'a, Signal<'a>>,
        verdict: Verdict<'a>,
        reservation: Reservation,
        /// Keyed, over the message before it.
        check: &'a str,
    }

    /// A signal that the gate refused.
    Blocked<'a>: "risk.blocked" {
        intent_id: &'a str,
        signal: Whole<'a, Signal<'a>>,
        verdict: Verdict<'a>,
    }

    /// One position, also as the broker has it.
    Position<'a> {
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        product: &'a str,
        quantity: i64,
        average_price_e4: i64,
        last_price_e4: i64,
        realised_e4: i64,
        unrealised_e4: i64,
        charges_e4: i64,
    }

    /// Positions and profit and loss.
    PortfolioSnapshot<'a>: "portfolio.snapshot" {
        positions: Vec<Position<'a>>,
        gross_pnl_e4: i64,
        charges_e4: i64,
        net_pnl_e4: i64,
        capital_e4: i64,
        reserved_e4: i64,
        open_orders: i64,
        state: &'a str,
        missing: Vec<&'a str>,
        tripped: &'a str,
    }
}
