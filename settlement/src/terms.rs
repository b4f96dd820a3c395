//! What was agreed, checked once and then relied upon.

use crate::timelocks::{Policy, TimelockError, Windows};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    ChainId, Hashlock, HtlcSpec, LegId, LegRef, Role, Seconds, SettlementOrder, Side, SwapId, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet};

/// One leg, and how much time must be left on it for each step.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Leg {
    /// The leg as its adapter sees it.
    pub spec: HtlcSpec,
    /// We send our own lock only while at least so much is left until this leg's timelock.
    pub lock_window: Seconds,
    /// We show the preimage only while at least so much is left until this leg's timelock.
    pub reveal_window: Seconds,
}

/// The terms of one swap from our end. Constructs only if the timelocks are safe.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Terms {
    swap: SwapId,
    role: Role,
    hashlock: Hashlock,
    legs: BTreeMap<LegId, Leg>,
}

/// Why an order gives no terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Unsafe timelocks.
    #[error(transparent)]
    Timelock(#[from] TimelockError),
    /// The caller did not say from which height to watch a chain.
    #[error("the height of chain {0} is not known yet: try again when its node answers")]
    NoHeight(ChainId),
    /// Two legs could be opened or filled by one transaction.
    #[error("{0} and {1} are the same contract: every leg needs its own keys or lane")]
    SameContract(LegId, LegId),
    /// One party on both ends of a leg.
    #[error("redeemer and refunder of {0} are the same")]
    SameParty(LegId),
}

impl Terms {
    /// The terms of an order for one of its parties. `now` is the latest of our own clock and of all chains' times;
    /// `heights` are the present heights of the chains, below which nothing of this swap can be.
    pub fn new(
        order: &SettlementOrder,
        role: Role,
        policy: &Policy,
        now: UnixTime,
        heights: &BTreeMap<ChainId, u64>,
    ) -> Result<Self, TermsError> {
        let windows = check_timelocks(order, policy, now)?;
        let mut legs = BTreeMap::new();
        for agreed in order.legs() {
            let id = agreed.id;
            if agreed.redeemer == agreed.refunder {
                return Err(TermsError::SameParty(id));
            }
            let chain = agreed.asset.chain();
            let from_height = *heights.get(&chain).ok_or(TermsError::NoHeight(chain))?;
            let spec = HtlcSpec {
                asset: agreed.asset.clone(),
                amount: agreed.amount,
                hashlock: order.hashlock(),
                timelock: agreed.timelock,
                redeemer: agreed.redeemer.clone(),
                refunder: agreed.refunder.clone(),
                place: agreed.place.clone(),
                depth: agreed.depth,
                end: id.end_of(role),
                nonce: order.nonce(role),
                from_height,
            };
            legs.insert(id, leg(spec, id.side, role, &windows));
        }
        distinct(&legs)?;
        Ok(Self {
            swap: order.id(),
            role,
            hashlock: order.hashlock(),
            legs,
        })
    }

    /// The swap's id.
    #[must_use]
    pub const fn swap(&self) -> SwapId {
        self.swap
    }

    /// Who we are.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The hashlock of all legs.
    #[must_use]
    pub const fn hashlock(&self) -> &Hashlock {
        &self.hashlock
    }

    /// All legs.
    #[must_use]
    pub const fn legs(&self) -> &BTreeMap<LegId, Leg> {
        &self.legs
    }

    /// The legs that we lock.
    pub fn outgoing(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        let side = self.role.locks();
        self.legs
            .iter()
            .filter(move |(id, _)| id.side == side)
            .map(|(id, leg)| (*id, leg))
    }

    /// The legs that we redeem.
    pub fn incoming(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        let side = self.role.locks();
        self.legs
            .iter()
            .filter(move |(id, _)| id.side != side)
            .map(|(id, leg)| (*id, leg))
    }

    /// The chains of the swap, each once.
    #[must_use]
    pub fn chains(&self) -> BTreeSet<ChainId> {
        self.legs.values().map(|leg| leg.spec.chain()).collect()
    }

    /// How the driver and an adapter name a leg.
    #[must_use]
    pub const fn leg_ref(&self, leg: LegId) -> LegRef {
        LegRef { swap: self.swap, leg }
    }
}

fn check_timelocks(order: &SettlementOrder, policy: &Policy, now: UnixTime) -> Result<Windows, TermsError> {
    let side = |side: Side| {
        let mut chains = Vec::new();
        let mut first_and_last: Option<(UnixTime, UnixTime)> = None;
        for leg in order.legs().iter().filter(|leg| leg.id.side == side) {
            chains.push(leg.asset.chain());
            let (first, last) = first_and_last.unwrap_or((leg.timelock, leg.timelock));
            first_and_last = Some((first.min(leg.timelock), last.max(leg.timelock)));
        }
        first_and_last
            .map(|span| (chains, span))
            .ok_or(TimelockError::NoLegs)
    };
    let (alpha_chains, alpha) = side(Side::Alpha)?;
    let (beta_chains, beta) = side(Side::Beta)?;
    Ok(policy.check((&alpha_chains, &beta_chains), alpha, beta, now)?)
}

fn leg(spec: HtlcSpec, side: Side, role: Role, windows: &Windows) -> Leg {
    // Each chain's time is compared with its own timelock only. On alpha's clock the participant wants to see all that
    // lies between its lock and the end of its own redeem.
    let lock_window = match (role, side) {
        (Role::Initiator, Side::Alpha) => windows.lock_alpha.plus(windows.gap),
        (Role::Initiator, Side::Beta) => windows.lock_alpha,
        (Role::Participant, Side::Alpha) => windows.lock_beta.plus(windows.gap),
        (Role::Participant, Side::Beta) => windows.lock_beta,
    };
    let reveal_window = match side {
        Side::Alpha => Seconds(0),
        Side::Beta => windows.reveal,
    };
    Leg {
        spec,
        lock_window,
        reveal_window,
    }
}

/// Two legs of a swap share the hashlock: were the rest the same too, one lock would count twice.
fn distinct(legs: &BTreeMap<LegId, Leg>) -> Result<(), TermsError> {
    let mut seen = BTreeMap::new();
    for (id, leg) in legs {
        let spec = &leg.spec;
        let contract = (spec.chain(), &spec.place, &spec.redeemer, &spec.refunder);
        if let Some(other) = seen.insert(contract, *id) {
            return Err(TermsError::SameContract(other, *id));
        }
    }
    Ok(())
}
