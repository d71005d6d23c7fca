//! A service's own part: one event in, any number of payloads out.
use super::error::HandlerError;
use super::header::Header;
use super::outbox::Outbox;

/// An event on its way to the handler.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub topic: &'a str,
    /// Its place among the topics that the service hears.
    pub subscription: usize,
    /// Which of the topic's schemas it is written in; 0 is the newest.
    pub schema: usize,
    pub header: Header,
    pub payload: &'a [u8],
    pub id: u128,
    /// Machine time at which the process took it.
    pub mono_ns: i64,
    /// Market time then.
    pub now_ns: i64,
}

/// One event in, any number of payloads out. It keeps its state in itself and touches nothing else: the same events give the
/// same payloads, live, on replay and in a backtest. `kitev3.runtime.handler.Handler` is the same contract in Python.
pub trait Handler: Send {
    /// The topics that it takes; it is handed no other.
    fn topics(&self) -> Vec<&str>;
    /// An event of one of its topics. What it says about it goes to `out`.
    ///
    /// `HandlerError::Payload`: the event is not what its schema says. Nothing has changed and nothing was said then; the runtime
    /// refuses the event and counts it. Any other error stops the service.
    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError>;
    /// Its state, so that recovery starts there and not at the first event; none if it keeps none.
    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, HandlerError> {
        Ok(None)
    }
    /// Puts it back into a state that `snapshot` gave.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HandlerError> {
        let bytes = snapshot.len();
        Err(HandlerError::failed(format!(
            "a snapshot of {bytes} bytes, and this handler keeps none"
        )))
    }
    /// Something that it said itself, under another build or other settings: nothing of that time is executed again. After all of
    /// it the sources are taken anew, as by a late hearer: only what they cannot tell has to be rebuilt.
    fn rebuild(&mut self, said: &Arrival<'_>) -> Result<(), HandlerError> {
        let _ = said;
        Ok(())
    }
    /// Whether it has finished what `control.stop` asks of it.
    fn drained(&self) -> bool {
        true
    }
    /// What it still waits for before the session can begin, in words.
    fn waits_for(&self) -> Vec<String> {
        Vec::new()
    }
    /// Plain data for the health answer.
    fn status(&self, out: &mut Status) {
        let _ = out;
    }
}

/// A value of a health answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Datum>),
    Map(Status),
}

/// What a handler says of itself to who asks for its health: names and plain data, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status(pub Vec<(String, Datum)>);

impl Status {
    pub fn set(&mut self, name: &str, value: impl Into<Datum>) -> &mut Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }
}

macro_rules! datum {
    ($($from:ty => $variant:ident as $into:ty),* $(,)?) => {
        $(impl From<$from> for Datum {
            fn from(value: $from) -> Self {
                Datum::$variant(<$into>::from(value))
            }
        })*
    };
}
datum!(bool => Bool as bool, i64 => Int as i64, i32 => Int as i64, u32 => Int as i64, u16 => Int as i64, f64 => Float as f64,
       String => Text as String, &str => Text as String, Vec<Datum> => List as Vec<Datum>, Status => Map as Status);

impl From<u64> for Datum {
    /// Counts; one above 2^63 is shown as that.
    fn from(count: u64) -> Self {
        Datum::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Datum {
    fn from(count: usize) -> Self {
        Datum::from(count as u64)
    }
}
