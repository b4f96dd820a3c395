//! What the ledger keeps of an order that goes on: no more than it takes to end it.

use crate::op::Fact;
use crate::proofs::ProofLeg;
use crate::state::{State, Table};
use crate::weight::Weight;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, AssetId, Hashlock, LegId, NodeId, OrderLeg, Party, Place, Seconds, Side, SwapId, UnixTime,
};

/// The orders that go on.
const LIVE: Table<SwapId, Live> = Table::new(10);

/// An order that goes on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Live {
    /// In which batch it was committed.
    pub(crate) height: u64,
    /// That batch's time (unix ms).
    pub(crate) committed_ms: u64,
    /// The claim's key: an amendment needs it.
    pub(crate) claimant: NodeId,
    /// The fulfil's key: the other that it needs.
    pub(crate) provider: NodeId,
    pub(crate) hashlock: Hashlock,
    pub(crate) alpha: Leg,
    pub(crate) beta: Leg,
    pub(crate) by: Deadlines,
    /// Beta must be final so long before `redeem_by`.
    pub(crate) reveal: Seconds,
    pub(crate) money: Money,
    /// How often it was amended.
    pub(crate) amended: u32,
    /// When it is looked at next, whatever happens (unix ms).
    pub(crate) wake_ms: u64,
}

/// By when the steps of a swap have to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Deadlines {
    pub(crate) alpha_lock_by: UnixTime,
    pub(crate) beta_lock_by: UnixTime,
    pub(crate) redeem_by: UnixTime,
}

/// A leg, and what was certain of it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Leg {
    pub(crate) asset: AssetId,
    pub(crate) amount: Amount,
    pub(crate) place: Place,
    pub(crate) redeemer: Party,
    pub(crate) refunder: Party,
    pub(crate) timelock: UnixTime,
    pub(crate) depth: u32,
    /// Certainly locked since (unix ms), and not taken back.
    pub(crate) seen_ms: Option<u64>,
    /// Certainly final since (unix ms), and not taken back.
    pub(crate) final_ms: Option<u64>,
    /// What was certain of its lock was taken back once.
    pub(crate) unsaid: bool,
    /// Certainly not final when whoever locked in time would have been: of beta, if the provider had to lock.
    pub(crate) late: bool,
    /// What its chain proved: more than all words.
    pub(crate) proven: Option<Fact>,
}

/// What was paid in, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Money {
    /// The claimant's account, if it pays anything.
    pub(crate) payer: Option<NodeId>,
    /// The provider's account.
    pub(crate) bond: NodeId,
    pub(crate) fee_asset: AssetId,
    /// What the claimant paid of the fee.
    pub(crate) claimant_part: Amount,
    /// What the provider paid of it.
    pub(crate) provider_part: Amount,
    /// Of premium and reserve.
    pub(crate) reserve_asset: AssetId,
    pub(crate) reserve: Amount,
    /// What the order is worth, in the reserve's asset.
    pub(crate) worth: Amount,
    pub(crate) premium: Amount,
    /// The hops that said whom they are paid through.
    pub(crate) hops: Vec<Share>,
}

/// A hop's claim to a share, as it was when the order was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Share {
    /// Which entry of the path.
    pub(crate) entry: u8,
    pub(crate) payee: NodeId,
    quarters: u128,
}

impl Share {
    pub(crate) const fn new(entry: u8, payee: NodeId, weight: Weight) -> Self {
        Self {
            entry,
            payee,
            quarters: weight.quarters(),
        }
    }

    pub(crate) const fn weight(&self) -> Weight {
        Weight::new(self.quarters)
    }
}

impl Leg {
    pub(crate) fn new(leg: &OrderLeg<'_>) -> Self {
        Self {
            asset: leg.asset.clone(),
            amount: leg.amount,
            place: leg.place.clone(),
            redeemer: leg.redeemer.clone(),
            refunder: leg.refunder.clone(),
            timelock: leg.timelock,
            depth: leg.depth,
            seen_ms: None,
            final_ms: None,
            unsaid: false,
            late: false,
            proven: None,
        }
    }

    /// As its chain's rules need it.
    pub(crate) const fn proof<'a>(&'a self, hashlock: &'a Hashlock) -> ProofLeg<'a> {
        ProofLeg {
            asset: &self.asset,
            amount: self.amount,
            place: &self.place,
            redeemer: &self.redeemer,
            refunder: &self.refunder,
            hashlock,
            timelock: self.timelock,
        }
    }
}

impl Live {
    pub(crate) fn get(state: &State, id: &SwapId) -> Option<Self> {
        state.get(&LIVE, id)
    }

    pub(crate) fn put(&self, state: &mut State, id: &SwapId) {
        state.put(&LIVE, id, self);
    }

    pub(crate) fn forget(state: &mut State, id: &SwapId) {
        state.remove(&LIVE, id);
    }

    pub(crate) fn all(state: &State) -> impl Iterator<Item = (SwapId, Self)> {
        state.scan(&LIVE, &())
    }

    /// A matched order has one leg on each side.
    pub(crate) fn leg(&self, id: LegId) -> Option<&Leg> {
        match (id.side, id.index) {
            (Side::Alpha, 0) => Some(&self.alpha),
            (Side::Beta, 0) => Some(&self.beta),
            (Side::Alpha | Side::Beta, _) => None,
        }
    }

    pub(crate) fn leg_mut(&mut self, side: Side) -> &mut Leg {
        match side {
            Side::Alpha => &mut self.alpha,
            Side::Beta => &mut self.beta,
        }
    }
}

/// A time of a chain as milliseconds; what is too far away to count is the end of time.
pub(crate) const fn ms(time: UnixTime) -> u64 {
    time.0.saturating_mul(1_000)
}
