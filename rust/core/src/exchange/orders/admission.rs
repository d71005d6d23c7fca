//! Requests that are let in, and those of too many that are not.

use crate::exchange::orders::limits::Read;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;

impl Exchange {
    /// A request under an API key that is no order: refused when its kind's window is full. Its windows are
    /// the clock's, whether the market keeps up with it, stands or has ended: nobody's reading stops with the trading.
    pub fn admit_read(&mut self, api_key: &str, read: Read, at_ns: i64) -> Result<(), Refusal> {
        self.hear(at_ns);
        let Some(limits) = &self.rules.limits else {
            return Ok(());
        };
        let pace = self.readers.entry(api_key.to_owned()).or_default();
        pace.admit(at_ns, read, limits)
    }

    /// Whether the requests to come are those of before a crash. They count, and none is refused for its number.
    pub fn replaying(&mut self, replaying: bool) {
        self.replaying = replaying;
    }

    /// A write of an account: refused when a window is full. After a stop market time stands in one second for ever,
    /// and whoever cancels then must not find that second full; so the windows are the clock's, as those of reads are.
    pub(in crate::exchange) fn admit(
        &mut self,
        account: usize,
        placement: bool,
    ) -> Result<(), Refusal> {
        let Some(limits) = &self.rules.limits else {
            return Ok(());
        };
        let at_ns = self.claimed_ns.max(self.now_ns);
        let admitted = self.accounts[account].pace.admit(at_ns, placement, limits);
        if self.replaying { Ok(()) } else { admitted }
    }
}
