//! What a segment does at each time of a day, and until when orders in it are placed.
use super::clock::{DAY_NS, MINUTE_NS, parse_time};
use super::day::Day;
use super::table::{BadRow, Dated, Row};
use crate::terms::{Exchange, InstrumentKind, words};

words! {
    /// Instruments that keep the same hours, as they are called for people and in the tables.
    Segment {
        Index = "indices",
        /// Shares with derivatives: they close by auction.
        ShareWithDerivatives = "shares",
        OtherShare = "other shares",
        Future = "futures",
        Option = "options",
        Currency = "currency",
        /// A contract on a currency that ends today.
        CurrencyEnding = "currency on its last day",
        Commodity = "commodity",
    }
}

impl Segment {
    /// `closing_auction`: a share that has derivatives. `last_day`: a contract ends today. None for what no exchange
    /// has, as a share among the contracts.
    pub const fn of(
        kind: InstrumentKind,
        exchange: Exchange,
        closing_auction: bool,
        last_day: bool,
    ) -> Option<Self> {
        Some(match (kind, exchange) {
            (InstrumentKind::Index, _) => Self::Index,
            (InstrumentKind::Cash, Exchange::Nse | Exchange::Bse) if closing_auction => {
                Self::ShareWithDerivatives
            }
            (InstrumentKind::Cash, Exchange::Nse | Exchange::Bse) => Self::OtherShare,
            (InstrumentKind::Future, Exchange::Nfo | Exchange::Bfo) => Self::Future,
            (InstrumentKind::Call | InstrumentKind::Put, Exchange::Nfo | Exchange::Bfo) => {
                Self::Option
            }
            (InstrumentKind::Cash, _) | (_, Exchange::Nse | Exchange::Bse) => return None,
            (_, Exchange::Cds | Exchange::Bcd) if last_day => Self::CurrencyEnding,
            (_, Exchange::Cds | Exchange::Bcd) => Self::Currency,
            (_, Exchange::Mcx | Exchange::Nco) => Self::Commodity,
        })
    }

    /// Of a token, whose last byte says where its instrument trades: the one that trades longest of those there.
    pub const fn of_token(token: u32) -> Option<Self> {
        Some(match token & 0xff {
            1 | 4 => Self::OtherShare,
            2 | 5 => Self::Future,
            3 | 6 => Self::Currency,
            7 | 12 => Self::Commodity,
            9 => Self::Index,
            _ => return None,
        })
    }

    pub(super) fn wanted(name: &str) -> String {
        format!("a segment ({}), not {name:?}", Self::names())
    }

    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What may be done with an instrument at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is taken, nothing trades.
    Closed,
    /// Before an auction or between it and what follows: orders stand and may be cancelled, none is taken.
    Pause,
    /// Orders are gathered for one price; without `market_orders`, limit orders alone.
    Gathering {
        market_orders: bool,
    },
    Continuous,
    /// After the close, at the closing price alone.
    PostClose,
    /// The market-wide circuit breaker has stopped trading.
    Halt,
}

impl Phase {
    /// In a word, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Pause => "pause",
            Self::Gathering { .. } => "auction",
            Self::Continuous => "open",
            Self::PostClose => "post-close",
            Self::Halt => "halted",
        }
    }

    /// The phases that a day is planned with.
    fn planned(word: &str) -> Option<Self> {
        Some(match word {
            "closed" => Self::Closed,
            "pause" => Self::Pause,
            "auction" => Self::Gathering {
                market_orders: true,
            },
            "limits" => Self::Gathering {
                market_orders: false,
            },
            "open" => Self::Continuous,
            "post-close" => Self::PostClose,
            _ => return None,
        })
    }

    /// Whether an auction's orders are at rest.
    pub fn auction(self) -> bool {
        matches!(self, Self::Gathering { .. } | Self::Pause | Self::Halt)
    }
}

/// A phase begins: at `from_ns` of the day, or at a moment drawn from there to before `to_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseStart {
    pub from_ns: i64,
    pub to_ns: i64,
    pub phase: Phase,
}

const WANTED: &str =
    "phases as in 09:00 auction | 09:07..09:08 pause | 09:15 open | 15:30 closed, in order";

fn parse(text: &str) -> Option<Vec<PhaseStart>> {
    let phases: Option<Vec<PhaseStart>> = text.split('|').map(|part| start(part.trim())).collect();
    let in_order = |a: &PhaseStart, b: &PhaseStart| a.to_ns <= b.from_ns && a.from_ns < b.from_ns;
    phases.filter(|phases| phases.is_sorted_by(in_order))
}

fn start(text: &str) -> Option<PhaseStart> {
    let (when, word) = text.split_once(' ')?;
    let (from, to) = when.split_once("..").unwrap_or((when, when));
    let (from_ns, to_ns) = (parse_time(from)?, parse_time(to)?);
    let phase = Phase::planned(word)?;
    (from_ns <= to_ns).then_some(PhaseStart {
        from_ns,
        to_ns,
        phase,
    })
}

/// From the beginning of continuous trading to its last end, as times of the day.
pub fn continuous_ns(phases: &[PhaseStart]) -> Option<(i64, i64)> {
    let continuous = |start: &PhaseStart| start.phase == Phase::Continuous;
    let first = phases.iter().position(continuous)?;
    let last = phases.iter().rposition(continuous)?;
    let end_ns = phases.get(last + 1).map_or(DAY_NS, |next| next.from_ns);
    Some((phases[first].from_ns, end_ns))
}

/// By segment and date.
#[derive(Clone, Debug)]
pub struct Phases(Dated<Vec<PhaseStart>>);

impl Phases {
    pub fn read(rows: &[&Row]) -> Result<Self, BadRow> {
        let value = |row: &Row| parse(&row.value).ok_or_else(|| row.bad(WANTED));
        known_segments(rows)?;
        Dated::read(rows, value).map(Self)
    }

    pub fn of(&self, day: Day, segment: Segment) -> Option<&[PhaseStart]> {
        self.0.of(segment.name(), day).map(Vec::as_slice)
    }
}

/// When the broker closes intraday positions, by segment and date.
#[derive(Clone, Debug)]
pub struct SquareOffs(Dated<i64>);

impl SquareOffs {
    pub fn read(rows: &[&Row]) -> Result<Self, BadRow> {
        let value = |row: &Row| parse_time(&row.value).ok_or_else(|| row.bad("a time HH:MM"));
        known_segments(rows)?;
        Dated::read(rows, value).map(Self)
    }

    pub fn of(&self, day: Day, segment: Segment) -> Option<i64> {
        self.0.of(segment.name(), day).copied()
    }
}

fn known_segments(rows: &[&Row]) -> Result<(), BadRow> {
    let unknown = rows.iter().find(|row| Segment::parse(&row.key).is_none());
    unknown.map_or(Ok(()), |row| {
        Err(BadRow::new(row.line, Segment::wanted(&row.key)))
    })
}

/// Our own square-off is this much before the broker's, and the last intraday entry this much before ours.
const SQUARE_OFF_MARGIN_NS: i64 = 5 * MINUTE_NS;

/// Until when what may be placed, as times of the day. A time that is named `until` is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Continuous trading.
    pub open_ns: i64,
    pub entry_until_ns: i64,
    pub exit_until_ns: i64,
    /// Intraday positions: last entry, our own square-off, and the broker's, which costs a fee.
    pub mis_entry_until_ns: i64,
    pub mis_square_off_ns: i64,
    pub broker_square_off_ns: i64,
}

impl Hours {
    /// None when intraday positions could not be closed within the session.
    pub(super) fn new(open_ns: i64, close_ns: i64, broker_square_off_ns: i64) -> Option<Self> {
        let mis_square_off_ns = broker_square_off_ns - SQUARE_OFF_MARGIN_NS;
        let mis_entry_until_ns = mis_square_off_ns - SQUARE_OFF_MARGIN_NS;
        let fits = open_ns < mis_entry_until_ns && broker_square_off_ns < close_ns;
        fits.then_some(Self {
            open_ns,
            entry_until_ns: close_ns,
            exit_until_ns: close_ns,
            mis_entry_until_ns,
            mis_square_off_ns,
            broker_square_off_ns,
        })
    }
}
