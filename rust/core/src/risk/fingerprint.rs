//! Whether two signals ask for the same order.
use std::hash::Hasher;

use super::quick_hash::QuickHasher;
use crate::payload::strategy::Signal;

/// One odd number per word of a fingerprint, so that two fields cannot change places unseen.
const KEYS: [u64; 7] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
];

/// A number that another order has only by a chance of one in 2^64. Why it was asked for is no part of it.
#[inline]
pub fn fingerprint(signal: &Signal<'_>) -> u64 {
    let words = signal.action as u64
        | (signal.intent as u64) << 8
        | (signal.order_type as u64) << 16
        | (signal.product as u64) << 24
        | (signal.validity as u64) << 32;
    let numbers = [
        words,
        signal.instrument_token as u64,
        signal.quantity as u64,
        signal.price_e4 as u64,
        signal.trigger_price_e4 as u64,
        signal.deadline_ns as u64,
        signal.market_protection_bp as u64,
    ];
    // Each number is mixed by itself, so that the processor does all of them at once.
    let mixed = numbers.iter().zip(KEYS).map(|(number, key)| {
        let product = u128::from(number ^ key) * u128::from(key.rotate_left(32) | 1);
        product as u64 ^ (product >> 64) as u64
    });
    let mut texts = QuickHasher::default();
    for text in [
        signal.strategy,
        signal.exchange,
        signal.tradingsymbol,
        signal.order,
    ] {
        texts.write(text.as_bytes());
    }
    mixed.fold(texts.finish(), u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::strategy::{Action, IntentKind};
    use crate::payload::{List, Table};
    use crate::terms::{OrderType, Product, Validity};

    #[test]
    fn any_other_field_gives_another_fingerprint() {
        let one = Signal {
            strategy: "cross",
            exchange: "NSE",
            tradingsymbol: "INFY",
            instrument_token: 408_065,
            action: Action::Buy,
            intent: IntentKind::Enter,
            quantity: 10,
            order_type: OrderType::Limit,
            price_e4: 15_000_000,
            trigger_price_e4: 0,
            product: Product::Cnc,
            validity: Validity::Day,
            confidence: 1.0,
            deadline_ns: 5,
            data: List::default(),
            data_ts_ns: 0,
            reason: "",
            indicators: Table::default(),
            order: "",
            market_protection_bp: 0,
        };
        let others = [
            Signal {
                strategy: "dip",
                ..one.clone()
            },
            Signal {
                exchange: "BSE",
                ..one.clone()
            },
            Signal {
                tradingsymbol: "ITC",
                ..one.clone()
            },
            Signal {
                instrument_token: 1,
                ..one.clone()
            },
            Signal {
                action: Action::Sell,
                ..one.clone()
            },
            Signal {
                intent: IntentKind::Exit,
                ..one.clone()
            },
            Signal {
                quantity: 11,
                ..one.clone()
            },
            Signal {
                order_type: OrderType::SlM,
                ..one.clone()
            },
            Signal {
                price_e4: 0,
                trigger_price_e4: 15_000_000,
                ..one.clone()
            },
            Signal {
                product: Product::Mis,
                ..one.clone()
            },
            Signal {
                validity: Validity::Ioc,
                ..one.clone()
            },
            Signal {
                deadline_ns: 6,
                ..one.clone()
            },
            Signal {
                order: "K1",
                ..one.clone()
            },
            Signal {
                market_protection_bp: -1,
                ..one.clone()
            },
        ];

        let mut all: Vec<u64> = others.iter().chain([&one]).map(fingerprint).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
    }
}
