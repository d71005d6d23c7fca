//! Ticks to frame, as the exchange sends it.
use std::borrow::Borrow;

use super::batch::BATCH_TICKS_MAX;
use super::kind::Mode;
use super::packet::{self, PACKET_BYTES_MAX, Unfit};
use super::segment::Divisors;
use super::tick::Tick;

// A frame counts its packets in 16 bits.
const _: () = assert!(BATCH_TICKS_MAX <= u16::MAX as usize);

/// Appends to `frame` a whole frame of the ticks, each in the mode its subscriber asked for.
///
/// Prices are rounded half-even to the segment's unit, times cut to whole seconds: what the wire can say.
///
/// # Errors
/// [`EncodeError`] names the tick; `frame` is then as it was.
pub fn encode_frame<T: Borrow<Tick>>(
    ticks: impl IntoIterator<Item = (T, Mode)>,
    divisors: &Divisors,
    frame: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = frame.len();
    let written = append(ticks, divisors, frame);
    match written {
        Ok(count) => {
            frame[start..start + 2].copy_from_slice(&count.to_be_bytes());
            Ok(())
        }
        Err(error) => {
            frame.truncate(start);
            Err(error)
        }
    }
}

fn append<T: Borrow<Tick>>(
    ticks: impl IntoIterator<Item = (T, Mode)>,
    divisors: &Divisors,
    frame: &mut Vec<u8>,
) -> Result<u16, EncodeError> {
    let ticks = ticks.into_iter();
    frame.reserve(2 + ticks.size_hint().0.min(BATCH_TICKS_MAX) * (2 + PACKET_BYTES_MAX));
    frame.extend_from_slice(&[0, 0]);
    let mut body = [0; PACKET_BYTES_MAX];
    let mut count = 0;
    for (tick, mode) in ticks {
        if count == BATCH_TICKS_MAX {
            return Err(EncodeError::Excess);
        }
        let tick = tick.borrow();
        let bytes = packet::write(tick, mode.kind(tick.token), divisors, &mut body).map_err(
            |Unfit { field, value }| EncodeError::Unfit {
                index: count,
                field,
                value,
            },
        )?;
        frame.extend_from_slice(&(bytes as u16).to_be_bytes());
        frame.extend_from_slice(&body[..bytes]);
        count += 1;
    }
    Ok(count as u16)
}

/// Why ticks are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("more than {BATCH_TICKS_MAX} ticks for one frame")]
    Excess,
    #[error("tick {index}: {field} {value} does not fit Kite's packet")]
    Unfit {
        index: usize,
        field: &'static str,
        value: i64,
    },
}
