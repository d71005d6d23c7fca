//! Packet kinds, subscription modes and their lengths.
use super::segment::SEGMENT_INDICES;
use crate::terms::words;

words! {
    /// What a subscriber asks for, in Kite's own words, as in `{"a": "mode", "v": ["full", […]]}`.
    Mode { Ltp = "ltp", Quote = "quote", Full = "full" }
}

words! {
    /// Which of the five packets a tick came in. The number is the `kind` column's.
    #[derive(Default)]
    TickKind {
        #[default]
        Ltp = "ltp", IndexQuote = "index_quote", IndexFull = "index_full", Quote = "quote", Full = "full",
    }
}

impl Mode {
    /// The packet that this mode gives for an instrument: indices have forms of their own.
    pub fn kind(self, token: u32) -> TickKind {
        match (self, token & 0xff == SEGMENT_INDICES) {
            (Self::Ltp, _) => TickKind::Ltp,
            (Self::Quote, true) => TickKind::IndexQuote,
            (Self::Full, true) => TickKind::IndexFull,
            (Self::Quote, false) => TickKind::Quote,
            (Self::Full, false) => TickKind::Full,
        }
    }
}

impl TickKind {
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Bytes of its packet, without the length before it.
    pub const fn packet_bytes(self) -> usize {
        match self {
            Self::Ltp => 8,
            Self::IndexQuote => 28,
            Self::IndexFull => 32,
            Self::Quote => 44,
            Self::Full => 184,
        }
    }

    /// The kind whose packet is this long.
    pub const fn from_packet_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            8 => Some(Self::Ltp),
            28 => Some(Self::IndexQuote),
            32 => Some(Self::IndexFull),
            44 => Some(Self::Quote),
            184 => Some(Self::Full),
            _ => None,
        }
    }

    /// The mode whose subscription sends it.
    pub fn mode(self) -> Mode {
        match self {
            Self::Ltp => Mode::Ltp,
            Self::IndexQuote | Self::Quote => Mode::Quote,
            Self::IndexFull | Self::Full => Mode::Full,
        }
    }
}
