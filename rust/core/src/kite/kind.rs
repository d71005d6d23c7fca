//! Packet kinds, subscription modes and their lengths.
use super::segment::SEGMENT_INDICES;

/// What a subscriber asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    Ltp,
    Quote,
    Full,
}

impl Mode {
    /// Kite's own word, as in `{"a": "mode", "v": ["full", […]]}`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ltp" => Some(Self::Ltp),
            "quote" => Some(Self::Quote),
            "full" => Some(Self::Full),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ltp => "ltp",
            Self::Quote => "quote",
            Self::Full => "full",
        }
    }

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

/// Which of the five packets a tick came in. The number is the `kind` column's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TickKind {
    Ltp = 0,
    IndexQuote = 1,
    IndexFull = 2,
    Quote = 3,
    Full = 4,
}

impl TickKind {
    pub const ALL: [Self; 5] = [
        Self::Ltp,
        Self::IndexQuote,
        Self::IndexFull,
        Self::Quote,
        Self::Full,
    ];

    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ltp => "ltp",
            Self::IndexQuote => "index_quote",
            Self::IndexFull => "index_full",
            Self::Quote => "quote",
            Self::Full => "full",
        }
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
