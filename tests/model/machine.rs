//! The real machine, numbered: each state of a swap that comes up gets a number, and each answer is computed once. So a
//! state of the model is small, and exploring it is cheap although the machine is the one of production.

use crate::chain::Place;
use kofo_primitives::{
    Act, ActKind, At, Bytes, ChainAction, LegEvent, LegId, Preimage, Prepared, Role, Side, Tip, Together,
    UnixTime, encode,
};
use kofo_settlement::{Ended, FreshTips, Input, Phase, Swap, Terms};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};

/// The height at which both chains begin.
pub(crate) const BASE: u64 = 100;

/// Index of a leg and of its chain.
pub(crate) const fn of(side: Side) -> usize {
    match side {
        Side::Alpha => 0,
        Side::Beta => 1,
    }
}

/// The tips that a node may rely on: height and time, by chain.
pub(crate) type Known = [Option<(u8, u8)>; 2];

/// One input, small enough to be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Tips(Known),
    Seen(Side, ActKind, Place),
    Unseen(Side, ActKind),
    Built(Side, ActKind),
    GiveUp,
    Tell,
    PeerKnows,
    PeerGaveUp,
}

/// One thing that is owed to an adapter. Watches are left out: whoever knows no tip watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Build(Side, ActKind),
    /// Until and with this time of the chain, as an index into its clock.
    Send(Side, ActKind, u8),
    Unwatch(Side),
}

/// What a node knows of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegView {
    pub(crate) locked: Place,
    pub(crate) ended: Option<(ActKind, Place)>,
}

/// What the model reads of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) phase: Phase,
    /// The node knows that the preimage was shown.
    pub(crate) public: bool,
    /// It showed the other party the preimage by a message, or was about to.
    pub(crate) told: bool,
    pub(crate) legs: [LegView; 2],
}

#[derive(Default)]
struct Seen {
    numbers: HashMap<Vec<u8>, u32>,
    swaps: Vec<(Swap, View)>,
    next: HashMap<(u32, Said), Result<u32, String>>,
    owed: HashMap<(u32, Known), Vec<Owed>>,
    asks: HashMap<(u32, Known), Vec<(Side, Together)>>,
}

/// One role of one swap.
pub(crate) struct Machine {
    pub(crate) terms: Terms,
    clocks: [Vec<UnixTime>; 2],
    preimage: Preimage,
    seen: RwLock<Seen>,
}

impl Machine {
    pub(crate) fn new(terms: Terms, clocks: [Vec<UnixTime>; 2], preimage: Preimage) -> Self {
        let held = (terms.role() == Role::Initiator).then(|| preimage.clone());
        let machine = Self {
            terms,
            clocks,
            preimage,
            seen: RwLock::default(),
        };
        let first = Swap::begin(&machine.terms, held).expect("the preimage is the initiator's");
        assert_eq!(machine.number(first), 0, "the first state is number 0");
        machine
    }

    pub(crate) fn swap(&self, number: u32) -> Swap {
        self.read(|seen| seen.swaps[number as usize].0.clone())
    }

    pub(crate) fn view(&self, number: u32) -> View {
        self.read(|seen| seen.swaps[number as usize].1)
    }

    /// The next state. What the machine refuses changes nothing; `Err` is an assertion of its own that failed.
    pub(crate) fn apply(&self, number: u32, said: Said) -> Result<u32, String> {
        if let Some(known) = self.read(|seen| seen.next.get(&(number, said)).cloned()) {
            return known;
        }
        let swap = self.swap(number);
        let input = self.input(said);
        let result = match catch_unwind(AssertUnwindSafe(|| swap.apply(&self.terms, &input))) {
            Ok(Ok(next)) => Ok(self.number(next)),
            Ok(Err(_refused)) => Ok(number),
            Err(_panic) => Err(format!("{said:?} to {swap:?}")),
        };
        self.write(|seen| seen.next.insert((number, said), result.clone()));
        result
    }

    /// What the state owes with these tips.
    pub(crate) fn owed(&self, number: u32, known: Known) -> Vec<Owed> {
        if let Some(owed) = self.read(|seen| seen.owed.get(&(number, known)).cloned()) {
            return owed;
        }
        let owed = self.swap(number).pending(&self.terms, self.tips(known).get());
        let owed: Vec<Owed> = owed
            .into_iter()
            .filter_map(|(leg, action)| self.owe(leg.side, action))
            .collect();
        self.write(|seen| seen.owed.insert((number, known), owed.clone()));
        owed
    }

    /// What the other party would be asked to sign.
    pub(crate) fn asks(&self, number: u32, known: Known) -> Vec<(Side, Together)> {
        if let Some(asks) = self.read(|seen| seen.asks.get(&(number, known)).cloned()) {
            return asks;
        }
        let asks = self.swap(number).asks(&self.terms, self.tips(known).get());
        let asks: Vec<_> = asks.into_iter().map(|(leg, what)| (leg.side, what)).collect();
        self.write(|seen| seen.asks.insert((number, known), asks.clone()));
        asks
    }

    /// Whether it signs what the other party asks for.
    pub(crate) fn signs(&self, number: u32, known: Known, side: Side, what: Together) -> bool {
        let tips = self.tips(known);
        let leg = LegId::first(side);
        let swap = self.swap(number);
        swap.may_sign(&self.terms, tips.get(), leg, what).is_ok()
    }

    fn owe(&self, side: Side, action: ChainAction) -> Option<Owed> {
        match action {
            ChainAction::Watch { .. } => None,
            ChainAction::Build(act) => Some(Owed::Build(side, act.kind())),
            ChainAction::Broadcast { act, not_after, .. } => {
                let clock = &self.clocks[of(side)];
                let last = clock
                    .iter()
                    .rposition(|time| not_after.is_none_or(|last| *time <= last));
                let last = u8::try_from(last?).expect("a clock has few steps");
                Some(Owed::Send(side, act, last))
            }
            ChainAction::Unwatch => Some(Owed::Unwatch(side)),
        }
    }

    fn input(&self, said: Said) -> Input {
        let leg = |side, event| Input::Leg(LegId::first(side), event);
        match said {
            Said::Tips(known) => Input::Tips(self.tips(known).get().clone()),
            Said::Seen(side, kind, place) => {
                let at = match place {
                    Place::Block(height) => At::Block(BASE + u64::from(height)),
                    Place::Mempool | Place::Nowhere => At::Mempool,
                };
                let act = match kind {
                    ActKind::Lock => Act::Lock,
                    ActKind::Redeem => Act::Redeem(self.preimage.clone()),
                    ActKind::Refund | ActKind::RefundTogether => Act::Refund,
                    ActKind::Cancel => Act::Cancel,
                    ActKind::RedeemTogether => {
                        return leg(side, LegEvent::RedeemedTogether { at, tx: None });
                    }
                };
                leg(side, LegEvent::Seen { act, at, tx: None })
            }
            Said::Unseen(side, kind) => leg(side, LegEvent::Unseen(kind)),
            Said::Built(side, kind) => {
                let bytes = Bytes::new([kind as u8]).expect("one byte is not too long");
                leg(side, LegEvent::Built(kind, Prepared(bytes)))
            }
            Said::GiveUp => Input::GiveUp,
            Said::Tell => Input::Tell,
            Said::PeerKnows => Input::PeerKnows(self.preimage.clone()),
            Said::PeerGaveUp => Input::PeerGaveUp,
        }
    }

    fn tips(&self, known: Known) -> FreshTips {
        let mut tips = FreshTips::default();
        for side in [Side::Alpha, Side::Beta] {
            if let Some((height, time)) = known[of(side)] {
                let tip = Tip {
                    height: BASE + u64::from(height),
                    time: self.clocks[of(side)][usize::from(time)],
                };
                tips.note(&self.terms.legs()[&LegId::first(side)].spec.chain(), tip);
            }
        }
        tips
    }

    fn number(&self, swap: Swap) -> u32 {
        let bytes = encode(&swap);
        self.write(|seen| {
            let next = u32::try_from(seen.swaps.len()).expect("few states");
            let number = *seen.numbers.entry(bytes).or_insert(next);
            if number == next {
                let view = view(&swap);
                seen.swaps.push((swap, view));
            }
            number
        })
    }

    fn read<T>(&self, ask: impl FnOnce(&Seen) -> T) -> T {
        ask(&self.seen.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.seen.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn view(swap: &Swap) -> View {
    let place = |at: At| match at {
        At::Mempool => Place::Mempool,
        At::Block(height) => Place::Block(u8::try_from(height - BASE).expect("few blocks")),
    };
    let legs = [Side::Alpha, Side::Beta].map(|side| {
        let leg = &swap.legs()[&LegId::first(side)];
        let ended = leg.ended.and_then(|ended| match ended {
            Ended::Redeemed(s) => Some((ActKind::Redeem, place(s.at))),
            Ended::Refunded(s) => Some((ActKind::Refund, place(s.at))),
            Ended::Cancelled(s) => Some((ActKind::Cancel, place(s.at))),
            Ended::Dead => None,
        });
        LegView {
            locked: leg.locked.map_or(Place::Nowhere, |s| place(s.at)),
            ended,
        }
    });
    View {
        phase: swap.phase(),
        public: swap.preimage_is_public(),
        told: swap.preimage_was_told(),
        legs,
    }
}
