//! What marketdata says.
use crate::terms::words;

words! {
    /// The state of the broker's feed; sick: its ticks cannot be traded on.
    FeedState {
        Connecting = "connecting", Up = "up", Sick = "sick", Silent = "silent", Refused = "refused", Down = "down",
    }
}

spelled!(FeedState);

records! {
    /// What the feed does not repeat, of one instrument.
    Quote<'a>: "marketdata.quote" {
        instrument_token: i64,
        exchange: &'a str,
        tradingsymbol: &'a str,
        last_price_e4: i64,
        open_e4: i64,
        high_e4: i64,
        low_e4: i64,
        close_e4: i64,
        volume: i64,
        oi: i64,
        bid_e4: i64,
        ask_e4: i64,
        lower_circuit_e4: i64,
        upper_circuit_e4: i64,
    }

    /// A subscribed instrument as of today.
    Instrument<'a>: "marketdata.instrument" {
        instrument_token: i64,
        exchange: &'a str,
        tradingsymbol: &'a str,
        name: &'a str,
        instrument_type: &'a str,
        segment: &'a str,
        expiry: &'a str,
        strike_e4: i64,
        tick_size_e4: i64,
        lot_size: i64,
        freeze_quantity: i64,
        products: Vec<&'a str>,
        lower_circuit_e4: i64,
        upper_circuit_e4: i64,
        previous_close_e4: i64,
        file_date: &'a str,
        file_hash: &'a str,
    }

    /// The state of the broker's socket, with its counts.
    FeedHealth<'a>: "marketdata.health" {
        state: FeedState,
        frames: i64,
        ticks: i64,
        errors: i64,
        flagged: i64,
        reconnects: i64,
        reason: &'a str,
        left_out: i64,
    }

    /// An order update seen on the broker's socket.
    OrderFrame<'a>: "marketdata.order_frame" {
        order_id: &'a str,
        status: &'a str,
        filled_quantity: i64,
        tag: &'a str,
    }

    /// Ticks of these instruments are missing; empty: of all.
    Gap<'a>: "marketdata.gap" {
        instrument_tokens: Vec<i64>,
        reason: &'a str,
    }
}
