//! The five packet layouts, read and written. Big-endian; byte offsets as in Kite's documentation.
use super::batch::ColumnsMut;
use super::kind::TickKind;
use super::segment::{Divisors, Scale, tenmillionth_e4};
use super::tick::{DEPTH_LEVELS, Tick};

const SECOND_NS: i64 = 1_000_000_000;
const DEPTH_AT: usize = 64;
const DEPTH_ENTRY_BYTES: usize = 12;
/// The longest packet.
pub const PACKET_BYTES_MAX: usize = TickKind::Full.packet_bytes();

const _: () = assert!(DEPTH_AT + DEPTH_LEVELS * DEPTH_ENTRY_BYTES == PACKET_BYTES_MAX);

/// A packet whose length is one of the five.
#[derive(Clone, Copy)]
pub enum Packet<'a> {
    Ltp(&'a [u8; 8]),
    IndexQuote(&'a [u8; 28]),
    IndexFull(&'a [u8; 32]),
    Quote(&'a [u8; 44]),
    Full(&'a [u8; 184]),
}

impl<'a> Packet<'a> {
    #[inline]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        match body.len() {
            8 => body.try_into().ok().map(Self::Ltp),
            28 => body.try_into().ok().map(Self::IndexQuote),
            32 => body.try_into().ok().map(Self::IndexFull),
            44 => body.try_into().ok().map(Self::Quote),
            184 => body.try_into().ok().map(Self::Full),
            _ => None,
        }
    }

    /// Writes the packet as row `index` of the columns.
    #[inline]
    pub fn read(self, divisors: &Divisors, columns: &mut ColumnsMut<'_>, index: usize) {
        let token = match self {
            Self::Ltp(p) => u32_at(p, 0),
            Self::IndexQuote(p) => u32_at(p, 0),
            Self::IndexFull(p) => u32_at(p, 0),
            Self::Quote(p) => u32_at(p, 0),
            Self::Full(p) => u32_at(p, 0),
        };
        columns.token[index] = token;
        // One copy of the reader per divisor, so that the divisor is no branch per field.
        match divisors.scale(token) {
            Scale::Hundredth => self.read_scaled(columns, index, |wire| i64::from(wire) * 100),
            Scale::TenThousandth => self.read_scaled(columns, index, i64::from),
            Scale::TenMillionth => self.read_scaled(columns, index, tenmillionth_e4),
        }
    }

    #[inline]
    fn read_scaled(
        self,
        columns: &mut ColumnsMut<'_>,
        index: usize,
        e4: impl Fn(u32) -> i64 + Copy,
    ) {
        match self {
            Self::Ltp(p) => {
                columns.kind[index] = TickKind::Ltp as u8;
                columns.last_price_e4[index] = e4(u32_at(p, 4));
            }
            Self::IndexQuote(p) => {
                columns.kind[index] = TickKind::IndexQuote as u8;
                read_index(p, columns, index, e4);
            }
            Self::IndexFull(p) => {
                columns.kind[index] = TickKind::IndexFull as u8;
                read_index(p, columns, index, e4);
                columns.exchange_ns[index] = ns_at(p, 28);
            }
            Self::Quote(p) => {
                columns.kind[index] = TickKind::Quote as u8;
                read_quote(p, columns, index, e4);
            }
            Self::Full(p) => {
                columns.kind[index] = TickKind::Full as u8;
                read_quote(p, columns, index, e4);
                columns.last_trade_ns[index] = ns_at(p, 44);
                columns.oi[index] = u32_at(p, 48);
                columns.oi_high[index] = u32_at(p, 52);
                columns.oi_low[index] = u32_at(p, 56);
                columns.exchange_ns[index] = ns_at(p, 60);
                read_depth(p, columns, index, e4);
            }
        }
    }
}

/// Indices say high, low, open, close; bytes 24–27 hold a change that everybody computes anew.
#[inline]
fn read_index<const N: usize>(
    p: &[u8; N],
    columns: &mut ColumnsMut<'_>,
    index: usize,
    e4: impl Fn(u32) -> i64,
) {
    columns.last_price_e4[index] = e4(u32_at(p, 4));
    columns.high_e4[index] = e4(u32_at(p, 8));
    columns.low_e4[index] = e4(u32_at(p, 12));
    columns.open_e4[index] = e4(u32_at(p, 16));
    columns.close_e4[index] = e4(u32_at(p, 20));
}

/// Tradable instruments say open, high, low, close.
#[inline]
fn read_quote<const N: usize>(
    p: &[u8; N],
    columns: &mut ColumnsMut<'_>,
    index: usize,
    e4: impl Fn(u32) -> i64,
) {
    columns.last_price_e4[index] = e4(u32_at(p, 4));
    columns.last_quantity[index] = u32_at(p, 8);
    columns.average_price_e4[index] = e4(u32_at(p, 12));
    columns.volume[index] = u32_at(p, 16);
    columns.buy_quantity[index] = u32_at(p, 20);
    columns.sell_quantity[index] = u32_at(p, 24);
    columns.open_e4[index] = e4(u32_at(p, 28));
    columns.high_e4[index] = e4(u32_at(p, 32));
    columns.low_e4[index] = e4(u32_at(p, 36));
    columns.close_e4[index] = e4(u32_at(p, 40));
}

#[inline]
fn read_depth(p: &[u8; 184], columns: &mut ColumnsMut<'_>, index: usize, e4: impl Fn(u32) -> i64) {
    let levels: &[[u8; DEPTH_ENTRY_BYTES]] = p[DEPTH_AT..].as_chunks().0;
    let prices: &mut [i64; DEPTH_LEVELS] = &mut columns.depth_price_e4.as_chunks_mut().0[index];
    let quantities: &mut [u32; DEPTH_LEVELS] = &mut columns.depth_quantity.as_chunks_mut().0[index];
    let orders: &mut [u16; DEPTH_LEVELS] = &mut columns.depth_orders.as_chunks_mut().0[index];
    for (level, entry) in levels.iter().enumerate().take(DEPTH_LEVELS) {
        quantities[level] = u32_at(entry, 0);
        prices[level] = e4(u32_at(entry, 4));
        orders[level] = u16::from_be_bytes([entry[8], entry[9]]);
    }
}

#[inline(always)]
fn u32_at<const N: usize>(p: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([p[at], p[at + 1], p[at + 2], p[at + 3]])
}

/// Seconds on the wire; 0 says that there is no time.
#[inline(always)]
fn ns_at<const N: usize>(p: &[u8; N], at: usize) -> i64 {
    i64::from(u32_at(p, at)) * SECOND_NS
}

/// A value that its packet cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub field: &'static str,
    pub value: i64,
}

/// Writes `tick` as a packet of `kind`; answers how many bytes it took.
pub fn write(
    tick: &Tick,
    kind: TickKind,
    divisors: &Divisors,
    packet: &mut [u8; PACKET_BYTES_MAX],
) -> Result<usize, Unfit> {
    let scale = divisors.scale(tick.token);
    let price = |field, e4| scale.wire(e4).ok_or(Unfit { field, value: e4 });
    put(packet, 0, tick.token);
    put(packet, 4, price("last_price_e4", tick.last_price_e4)?);
    match kind {
        TickKind::Ltp => {}
        TickKind::IndexQuote | TickKind::IndexFull => {
            put(packet, 8, price("high_e4", tick.high_e4)?);
            put(packet, 12, price("low_e4", tick.low_e4)?);
            put(packet, 16, price("open_e4", tick.open_e4)?);
            put(packet, 20, price("close_e4", tick.close_e4)?);
            // Signed on the wire, as two's complement; no client reads it.
            let change = i64::from(u32_at(packet, 4)) - i64::from(u32_at(packet, 20));
            put(packet, 24, change as u32);
            if kind == TickKind::IndexFull {
                put(packet, 28, seconds("exchange_ns", tick.exchange_ns)?);
            }
        }
        TickKind::Quote | TickKind::Full => {
            put(packet, 8, tick.last_quantity);
            put(
                packet,
                12,
                price("average_price_e4", tick.average_price_e4)?,
            );
            put(packet, 16, tick.volume);
            put(packet, 20, tick.buy_quantity);
            put(packet, 24, tick.sell_quantity);
            put(packet, 28, price("open_e4", tick.open_e4)?);
            put(packet, 32, price("high_e4", tick.high_e4)?);
            put(packet, 36, price("low_e4", tick.low_e4)?);
            put(packet, 40, price("close_e4", tick.close_e4)?);
            if kind == TickKind::Full {
                write_full(tick, packet, price)?;
            }
        }
    }
    Ok(kind.packet_bytes())
}

fn write_full(
    tick: &Tick,
    packet: &mut [u8; PACKET_BYTES_MAX],
    price: impl Fn(&'static str, i64) -> Result<u32, Unfit>,
) -> Result<(), Unfit> {
    put(packet, 44, seconds("last_trade_ns", tick.last_trade_ns)?);
    put(packet, 48, tick.oi);
    put(packet, 52, tick.oi_high);
    put(packet, 56, tick.oi_low);
    put(packet, 60, seconds("exchange_ns", tick.exchange_ns)?);
    for level in 0..DEPTH_LEVELS {
        let at = DEPTH_AT + level * DEPTH_ENTRY_BYTES;
        put(packet, at, tick.depth_quantity[level]);
        put(
            packet,
            at + 4,
            price("depth_price_e4", tick.depth_price_e4[level])?,
        );
        put(packet, at + 8, u32::from(tick.depth_orders[level]) << 16);
    }
    Ok(())
}

#[inline(always)]
fn put(packet: &mut [u8; PACKET_BYTES_MAX], at: usize, value: u32) {
    packet[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// The wire has whole seconds: what is below is cut, as the exchange does.
fn seconds(field: &'static str, ns: i64) -> Result<u32, Unfit> {
    u32::try_from(ns.div_euclid(SECOND_NS)).map_err(|_| Unfit { field, value: ns })
}
