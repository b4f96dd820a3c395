//! The swap machine: one state, one transition, the same for every pair of chains.

mod before_lock;
mod deadline;
mod facts;
mod initiator;
mod participant;
mod pending;
mod refunding;
mod restored;
mod sides;
mod together;

pub use deadline::{Deadline, Due};
pub use together::ROUND_WAIT;

use crate::terms::{Leg, Terms};
use crate::tips::Tips;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{ActKind, At, FailClass, LegEvent, LegId, Preimage, Prepared, Role, Seconds, TxId};
use std::collections::BTreeMap;

/// How far a swap has come. What is true on the chains, and what we may lose if we stopped here for good, is said
/// of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Phase {
    /// Nothing of ours is on any chain or was ever sent. We lose nothing.
    Agreed,
    /// Our locks are signed and hold what they spend; none was sent. We lose nothing.
    LockBuilt,
    /// Our locks are on chain or may be. Stopped here for good, we lose what we locked only by never taking it back.
    LockSent,
    /// All legs of both sides are locked and final; the preimage is secret, as far as the initiator can help it. As
    /// before; the participant must be back before alpha's timelock.
    BothLocked,
    /// Initiator: the redeems are signed, none was sent, the preimage is secret. As before.
    RedeemBuilt,
    /// The preimage is public or may be. We lose if we do not redeem before the incoming legs' timelocks.
    Redeeming,
    /// We wait for our timelocks and take our locks back; we show no preimage first. If one shows up all the same, we
    /// redeem. We lose what we locked only by never taking it back.
    Refunding,
    /// Over: final on every chain that matters to us.
    Done(Outcome),
    /// Known by a copy of its order alone: this folder began after the locks. We take our lock back after its timelock,
    /// show no preimage first and sign nothing for the other party; once the preimage is public we redeem. We lose if
    /// what was told before the loss is used only after the incoming legs' timelocks.
    Restored,
}

/// How a swap ended for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Outcome {
    /// We have their asset: all our redeems are final.
    Redeemed,
    /// We have our own asset back: all our refunds are final.
    Refunded,
    /// We never locked anything.
    Aborted,
    /// Somebody took what we locked and we did not take what they locked. Not possible for a node that comes back in
    /// time; recorded so that nobody is told otherwise.
    Lost,
}

/// Something seen on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sighting {
    /// Where.
    pub at: At,
    /// In which transaction, where the chain tells.
    pub tx: Option<TxId>,
    /// Whether it was as deep as agreed at the last tip.
    pub is_final: bool,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Ended {
    /// With the preimage.
    Redeemed(Sighting),
    /// Back to its payer.
    Refunded(Sighting),
    /// Our lock was made impossible before it came into a block.
    Cancelled(Sighting),
    /// Our lock can never come into a block.
    Dead,
}

impl Ended {
    /// By a transaction that is in a block.
    #[must_use]
    pub fn in_block(self) -> bool {
        match self {
            Self::Redeemed(s) | Self::Refunded(s) | Self::Cancelled(s) => s.at != At::Mempool,
            Self::Dead => false,
        }
    }
}

/// What is known of one leg, and what was built for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LegState {
    /// The one lock of exactly the amount.
    pub locked: Option<Sighting>,
    /// What was locked instead of what was agreed. Counts as not locked and stays refundable.
    pub wrong: Option<FailClass>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The transactions that we built for it.
    pub built: BTreeMap<ActKind, Prepared>,
}

/// What can happen to a swap.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Input {
    /// New blocks; the tips that may be relied upon (see [`crate::FreshTips`]).
    Tips(Tips),
    /// An adapter tells of one leg.
    Leg(LegId, LegEvent),
    /// Our user wants out; possible while nothing was sent.
    Abort,
    /// Our user wants the asset back as soon as the timelock allows; possible while we have shown no preimage.
    GiveUp,
    /// The other party has shown us the preimage by a message.
    PeerKnows(Preimage),
    /// We are about to show the other party the preimage by a message.
    Tell,
    /// The other party says that it has given up: it asks for our signature to take its lock back.
    PeerGaveUp,
}

/// What an input means to a role, once its facts are entered.
#[derive(Clone, Copy, Debug)]
enum Cause<'a> {
    /// New blocks.
    Tips(&'a Tips),
    /// Something is known that was not.
    Fact,
    /// Out, while nothing was sent.
    Abort,
    /// Out, our asset back.
    GiveUp,
}

/// Why an input changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The swap has no such leg.
    #[error("the swap has no leg {0}")]
    NoSuchLeg(LegId),
    /// A preimage that does not open this swap: whoever told it is wrong or lies.
    #[error("a preimage for {0} that does not match the hashlock")]
    WrongPreimage(LegId),
    /// Not possible in this phase.
    #[error("{what} is not possible in phase {phase:?}")]
    NotNow {
        /// What was asked.
        what: &'static str,
        /// The phase.
        phase: Phase,
    },
    /// The preimage given at the beginning is not the one of the terms, or missing, or not ours to have.
    #[error("the initiator, and only the initiator, begins with the preimage of the hashlock")]
    PreimageAtBegin,
}

/// The state of one swap.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Swap {
    phase: Phase,
    legs: BTreeMap<LegId, LegState>,
    preimage: Option<Preimage>,
    public: bool,
    /// We were about to show it to the other party, or did.
    told: bool,
    failure: Option<FailClass>,
}

impl Swap {
    /// A swap that was just agreed. The initiator brings the preimage.
    pub fn begin(terms: &Terms, preimage: Option<Preimage>) -> Result<Self, Rejected> {
        let right = match terms.role() {
            Role::Initiator => preimage
                .as_ref()
                .is_some_and(|p| p.hashlock() == *terms.hashlock()),
            Role::Participant => preimage.is_none(),
        };
        if !right {
            return Err(Rejected::PreimageAtBegin);
        }
        let legs = terms.legs().keys().map(|id| (*id, LegState::default())).collect();
        Ok(Self {
            phase: Phase::Agreed,
            legs,
            preimage,
            public: false,
            told: false,
            failure: None,
        })
    }

    /// The next state. Pure: the same terms, state and input always give the same.
    pub fn apply(&self, terms: &Terms, input: &Input) -> Result<Self, Rejected> {
        if let Phase::Done(_) = self.phase {
            return Err(Rejected::NotNow {
                what: "any change",
                phase: self.phase,
            });
        }
        let mut next = self.clone();
        let cause = next.enter(terms, input)?;
        match terms.role() {
            Role::Initiator => initiator::step(terms, &mut next, cause)?,
            Role::Participant => participant::step(terms, &mut next, cause)?,
        }
        next.assert_invariants(terms, self);
        Ok(next)
    }

    /// Enters what the input says, and tells what it means to the role.
    fn enter<'a>(&mut self, terms: &Terms, input: &'a Input) -> Result<Cause<'a>, Rejected> {
        match input {
            Input::Tips(tips) => {
                self.settle_depths(terms, tips);
                Ok(Cause::Tips(tips))
            }
            Input::Leg(id, event) => self.absorb(terms, *id, event).map(|()| Cause::Fact),
            Input::PeerKnows(preimage) => self.learn(terms, preimage).map(|()| Cause::Fact),
            Input::Tell => self.tell(terms).map(|()| Cause::Fact),
            Input::PeerGaveUp => self.let_go(terms).map(|()| Cause::GiveUp),
            Input::Abort => Ok(Cause::Abort),
            Input::GiveUp => Ok(Cause::GiveUp),
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What is known of the legs.
    #[must_use]
    pub const fn legs(&self) -> &BTreeMap<LegId, LegState> {
        &self.legs
    }

    /// Whether a preimage was seen on a chain or in a mempool.
    #[must_use]
    pub const fn preimage_is_public(&self) -> bool {
        self.public
    }

    /// The preimage, once it is known to us.
    #[must_use]
    pub const fn preimage(&self) -> Option<&Preimage> {
        self.preimage.as_ref()
    }

    /// Whether we showed the other party the preimage by a message, or were about to.
    #[must_use]
    pub const fn preimage_was_told(&self) -> bool {
        self.told
    }

    /// Why our lock could not be built, if that ended the swap.
    #[must_use]
    pub const fn failure(&self) -> Option<&FailClass> {
        self.failure.as_ref()
    }

    fn leg(&self, id: LegId) -> &LegState {
        self.legs.get(&id).expect("the terms' legs are the state's legs")
    }

    fn assert_invariants(&self, terms: &Terms, before: &Self) {
        let incoming = || terms.incoming().map(|(id, _)| self.leg(id));
        let outgoing = || terms.outgoing().map(|(id, _)| self.leg(id));
        assert!(
            !before.public || self.public,
            "a preimage that was seen is never unlearned"
        );
        assert!(
            before.preimage.is_none() || self.preimage.is_some(),
            "nor forgotten"
        );
        assert!(!self.public || self.preimage.is_some(), "what is public is known");
        assert!(!before.told || self.told, "what was told is never untold");
        assert!(
            !self.told || !matches!(self.phase, Phase::Refunding),
            "who gave up never told"
        );
        match self.phase {
            Phase::Done(Outcome::Redeemed) => {
                assert!(
                    incoming().all(|l| l.redeemed_finally()),
                    "redeemed only when our redeems are final"
                );
            }
            Phase::Done(Outcome::Refunded) => {
                assert!(outgoing().all(|l| l.is_over()) && outgoing().any(|l| l.refunded_finally()));
            }
            Phase::Done(Outcome::Aborted) => {
                let never_locked = outgoing().all(|l| l.never_locked());
                assert!(
                    before.phase < Phase::LockSent || never_locked,
                    "aborted only when we never locked"
                );
            }
            Phase::LockBuilt | Phase::LockSent => {
                assert!(
                    outgoing().all(|l| l.built.contains_key(&ActKind::Lock)),
                    "we send only what we built"
                );
            }
            Phase::RedeemBuilt => assert!(terms.role() == Role::Initiator, "only the initiator reveals"),
            Phase::Redeeming => assert!(self.preimage.is_some(), "we redeem only with the preimage"),
            Phase::Restored => {
                let hidden = incoming().all(|l| !l.built.contains_key(&ActKind::Redeem));
                assert!(self.public || hidden, "who restored shows nothing first");
                assert!(!self.told, "and tells nothing");
            }
            Phase::Agreed | Phase::BothLocked | Phase::Refunding | Phase::Done(Outcome::Lost) => {}
        }
    }
}

impl LegState {
    fn locked_finally(&self) -> bool {
        self.wrong.is_none() && self.ended.is_none() && self.locked.is_some_and(|s| s.is_final)
    }

    fn redeemed_finally(&self) -> bool {
        matches!(self.ended, Some(Ended::Redeemed(s)) if s.is_final)
    }

    fn refunded_finally(&self) -> bool {
        matches!(self.ended, Some(Ended::Refunded(s)) if s.is_final)
    }

    fn never_locked(&self) -> bool {
        matches!(self.ended, Some(Ended::Cancelled(s)) if s.is_final)
            || matches!(self.ended, Some(Ended::Dead))
    }

    /// Nothing more can happen to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.redeemed_finally() || self.refunded_finally() || self.never_locked()
    }

    /// A lock, right or wrong, is in a block.
    fn in_block(&self) -> bool {
        self.wrong.is_some() || self.locked.is_some_and(|s| s.at != At::Mempool)
    }
}

/// How much time is left on a leg by its own chain's clock; `None` without a fresh tip.
fn time_left(leg: &Leg, tips: &Tips) -> Option<Seconds> {
    tips.of(&leg.spec.chain())
        .map(|tip| tip.time.until(leg.spec.timelock))
}

/// Whether every leg's chain has a fresh tip and so much is left as `window` says of it.
fn open<'a>(legs: impl Iterator<Item = &'a Leg>, tips: &Tips, window: fn(&Leg) -> Seconds) -> Window {
    let mut state = Window::Open;
    for leg in legs {
        match time_left(leg, tips) {
            Some(left) if left < window(leg) => return Window::Over,
            Some(_) => {}
            None => state = Window::Unknown,
        }
    }
    state
}

/// Whether there is time left for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    /// Enough on every leg.
    Open,
    /// Too little on some leg.
    Over,
    /// Not over where we know, but some chain has not spoken since we started.
    Unknown,
}

fn lock_window(terms: &Terms, tips: &Tips) -> Window {
    open(terms.legs().values(), tips, |leg| leg.lock_window)
}

fn reveal_window(terms: &Terms, tips: &Tips) -> Window {
    open(terms.incoming().map(|(_, leg)| leg), tips, |leg| {
        leg.reveal_window
    })
}

/// The chain itself says that the timelock has passed.
fn expired(leg: &Leg, tips: &Tips) -> bool {
    expired_for(leg, tips, Seconds(0))
}

/// The chain itself says that the timelock has passed so long ago.
fn expired_for(leg: &Leg, tips: &Tips, span: Seconds) -> bool {
    tips.of(&leg.spec.chain())
        .is_some_and(|tip| tip.time >= leg.spec.timelock.plus(span))
}
