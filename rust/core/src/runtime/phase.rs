//! The session, as a runtime sees it.

/// Where a service stands in its session. Read off the tape, so a restart knows it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// `control.start` has not been heard.
    #[default]
    Waiting = 0,
    Started = 1,
    /// `control.stop` has been heard: what is on its way is finished.
    Stopped = 2,
}

impl Phase {
    pub fn from_byte(byte: u8) -> Option<Phase> {
        [Phase::Waiting, Phase::Started, Phase::Stopped]
            .get(usize::from(byte))
            .copied()
    }
}
