//! Good till triggered: orders that the broker keeps until a price is printed, and then places once.

use crate::exchange::market::simulated::Market;
use crate::exchange::refusal::Refusal;
use crate::terms::{Exchange, OrderType, Product, Side, words};

const FIRST_ID: i64 = 100_001;

words! {
    /// What a trigger waits for.
    GttKind {
        /// A price on its side of the last one.
        Single = "single",
        /// Of two the first: the lower leg waits below, the upper above, and the one that fires ends the other.
        TwoLeg = "two-leg",
        /// The same, with a stop that follows the price.
        TrailingSingle = "trailing-single",
        TrailingTwoLeg = "trailing-two-leg",
    }
}

impl GttKind {
    /// Prices that it waits for.
    pub fn legs(self) -> usize {
        match self {
            Self::Single | Self::TrailingSingle => 1,
            Self::TwoLeg | Self::TrailingTwoLeg => 2,
        }
    }

    pub fn trails(self) -> bool {
        matches!(self, Self::TrailingSingle | Self::TrailingTwoLeg)
    }
}

words! {
    /// How a trigger stands; expired when its contract has ended.
    GttStatus { Active = "active", Triggered = "triggered", Deleted = "deleted", Expired = "expired" }
}

/// What is asked for: as many legs as its kind has, the lower first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceGtt {
    pub kind: GttKind,
    pub exchange: Exchange,
    pub tradingsymbol: String,
    /// What its owner took for the last price, if he said so.
    pub last_e4: Option<i64>,
    pub legs: Vec<PlaceGttLeg>,
}

/// A price and the order that is placed when it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceGttLeg {
    pub trigger_e4: i64,
    pub side: Side,
    pub quantity: i64,
    pub order_type: OrderType,
    pub product: Product,
    pub price_e4: i64,
    /// By which it follows the price; 0: it stays.
    pub trail_e4: i64,
}

/// A leg that waits, or has waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GttLeg {
    pub asked: PlaceGttLeg,
    /// It fires when a print is not below its trigger; else when one is not above.
    pub rising: bool,
    /// The price that it follows from, and how far it has followed.
    pub from_e4: i64,
    pub followed_e4: i64,
    pub result: Option<Outcome>,
}

impl GttLeg {
    /// What it waits for now.
    pub fn trigger_e4(&self) -> i64 {
        self.moved(self.asked.trigger_e4)
    }

    /// What its order asks for now.
    pub fn price_e4(&self) -> i64 {
        self.moved(self.asked.price_e4)
    }

    fn moved(&self, e4: i64) -> i64 {
        if self.rising {
            e4 - self.followed_e4
        } else {
            e4 + self.followed_e4
        }
    }

    /// A step's lowest and highest print: a stop to sell goes up with the highest, one to buy down with the lowest.
    pub fn follow(&mut self, (low_e4, high_e4): (i64, i64), in_steps: bool) {
        let trail_e4 = self.asked.trail_e4;
        if trail_e4 == 0 || low_e4 > high_e4 {
            return;
        }
        let gone_e4 = if self.rising {
            self.from_e4 - low_e4
        } else {
            high_e4 - self.from_e4
        };
        let moved_e4 = match in_steps {
            true => gone_e4 / trail_e4 * trail_e4,
            false => gone_e4,
        };
        self.followed_e4 = self.followed_e4.max(moved_e4);
    }
}

/// What became of a leg's order: its id, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub at_ns: i64,
    pub print_e4: i64,
    pub order: Result<String, String>,
}

/// One trigger of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gtt {
    pub id: i64,
    pub account: usize,
    pub kind: GttKind,
    pub listing: usize,
    pub last_e4: i64,
    pub legs: Vec<GttLeg>,
    pub status: GttStatus,
    pub created_ns: i64,
    pub updated_ns: i64,
}

impl Gtt {
    /// Whether the market may still fire it.
    pub fn is_active(&self) -> bool {
        self.status == GttStatus::Active
    }

    /// The leg that a step's lowest and highest print fire, and that print.
    pub fn fires(&self, (low_e4, high_e4): (i64, i64)) -> Option<(usize, i64)> {
        if low_e4 > high_e4 {
            return None; // nothing was paid
        }
        self.legs.iter().enumerate().find_map(|(at, leg)| {
            let (print_e4, is_beyond) = if leg.rising {
                (high_e4, high_e4 >= leg.trigger_e4())
            } else {
                (low_e4, low_e4 <= leg.trigger_e4())
            };
            is_beyond.then_some((at, print_e4))
        })
    }
}

/// All triggers of the day, oldest first: their numbers count up.
#[derive(Default)]
pub struct Gtts(pub(in crate::exchange) Vec<Gtt>);

impl Gtts {
    pub fn active(&self) -> impl Iterator<Item = &Gtt> + Clone {
        self.0.iter().filter(|gtt| gtt.is_active())
    }

    /// An account's trigger by its number.
    pub fn of(&self, account: usize, id: i64) -> Result<&Gtt, Refusal> {
        let known = |gtt: &&Gtt| gtt.account == account && gtt.id == id;
        let gtt = self.0.iter().find(known);
        gtt.ok_or_else(|| Refusal::input("Couldn't find that `trigger_id`."))
    }

    /// The same, to be changed while it waits.
    pub(in crate::exchange) fn active_of(
        &mut self,
        account: usize,
        id: i64,
    ) -> Result<&mut Gtt, Refusal> {
        if !self.of(account, id)?.is_active() {
            return Err(Refusal::input("The trigger is not active."));
        }
        Ok(&mut self.0[(id - FIRST_ID) as usize])
    }

    /// The number of the next one.
    pub(in crate::exchange) fn next_id(&self) -> i64 {
        FIRST_ID + self.0.len() as i64
    }

    /// Triggers on a contract that has ended have nothing more to wait for.
    pub(in crate::exchange) fn end(&mut self, listing: usize, now_ns: i64) {
        let waiting = self.0.iter_mut().filter(|gtt| gtt.is_active());
        for gtt in waiting.filter(|gtt| gtt.listing == listing) {
            (gtt.status, gtt.updated_ns) = (GttStatus::Expired, now_ns);
        }
    }

    /// Whether a print of this step fires one.
    pub(in crate::exchange) fn fire(&self, market: &Market) -> bool {
        let mut active = self.active();
        active.any(|gtt| {
            let prints_e4 = market.listings[gtt.listing].prints_e4;
            gtt.fires(prints_e4).is_some()
        })
    }
}
