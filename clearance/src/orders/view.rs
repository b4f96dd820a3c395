//! Orders that go on, as observers and people ask for them.

use super::facts::{Tally, final_by, said};
use super::faults::{due, late_after};
use super::live::{Leg, Live, ms};
use super::{contested, reliability};
use crate::ledger::Ledger;
use crate::op::Fact;
use kofo_primitives::{
    Amount, AssetId, Hashlock, LegId, NodeId, Party, Place, Side, SwapId, UnixTime, ValidatorKey,
};
use std::collections::BTreeSet;

/// An order that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOrder {
    /// Which.
    pub order: SwapId,
    /// The height of its batch.
    pub height: u64,
    /// The time of its batch (unix ms).
    pub committed_ms: u64,
    /// The claim's key.
    pub claimant: NodeId,
    /// The fulfil's key.
    pub provider: NodeId,
    /// The claimant's account, if it pays anything.
    pub payer: Option<NodeId>,
    /// The provider's account.
    pub bond: NodeId,
    /// The number of its next amendment.
    pub amended: u32,
    /// Alpha is to be seen by then.
    pub alpha_lock_by: UnixTime,
    /// Beta is to be seen by then at the latest.
    pub beta_lock_by: UnixTime,
    /// The initiator is to redeem by then.
    pub redeem_by: UnixTime,
    /// Fee: its asset and all of it.
    pub fee: (AssetId, Amount),
    /// The asset of reserve and premium.
    pub reserve_asset: AssetId,
    /// What the provider reserved.
    pub reserve: Amount,
    /// What the claimant put up for its option.
    pub premium: Amount,
    /// Alpha, then beta.
    pub legs: [LiveLeg; 2],
}

/// One leg of an order that goes on: all that its identifiers are a function of, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLeg {
    /// Which.
    pub id: LegId,
    /// What is to be locked.
    pub asset: AssetId,
    /// How much, exactly.
    pub amount: Amount,
    /// Where.
    pub place: Place,
    /// Gets it for the preimage.
    pub redeemer: Party,
    /// Gets it back after the timelock.
    pub refunder: Party,
    /// The hashlock.
    pub hashlock: Hashlock,
    /// The timelock.
    pub timelock: UnixTime,
    /// How deep a fact must be to be final.
    pub depth: u32,
    /// What is certain of it.
    pub certain: Option<Fact>,
    /// Times (unix ms) at which it matters that the lock is not there, or not final. An observer whose last word was
    /// [`Fact::Absent`] or [`Fact::Seen`] says so again with the first tip past each.
    pub watch_ms: Vec<u64>,
    /// Each validator's last word: its number, what it said, and by which tip.
    pub said: Vec<(ValidatorKey, u32, Fact, UnixTime)>,
}

impl Ledger {
    /// The orders that go on.
    pub fn live_orders(&self) -> impl Iterator<Item = LiveOrder> + '_ {
        Live::all(&self.state).map(|(order, live)| self.view(order, live))
    }

    /// An order, if it goes on.
    #[must_use]
    pub fn live(&self, order: &SwapId) -> Option<LiveOrder> {
        Live::get(&self.state, order).map(|live| self.view(*order, live))
    }

    /// Legs of orders that are over on whose end validators did not agree, and what each said: somebody was wrong, and
    /// loses by a proof.
    pub fn contested(&self) -> impl Iterator<Item = (SwapId, LegId, Vec<(ValidatorKey, Fact)>)> + '_ {
        contested::all(&self.state)
    }

    /// Orders on an account's reservations that were settled, and that it failed.
    #[must_use]
    pub fn reliability(&self, account: NodeId) -> (u64, u64) {
        reliability::reliability(&self.state, account)
    }

    fn view(&self, order: SwapId, live: Live) -> LiveOrder {
        let lock_by = ms(live.by.alpha_lock_by);
        let times = [due(&live), Some(final_by(&live)), late_after(&live)];
        let times: BTreeSet<u64> = times.into_iter().flatten().collect();
        let leg = |side, leg: &Leg, watch_ms| self.leg(order, (side, live.hashlock), leg, watch_ms);
        let money = &live.money;
        LiveOrder {
            order,
            height: live.height,
            committed_ms: live.committed_ms,
            claimant: live.claimant,
            provider: live.provider,
            payer: money.payer,
            bond: money.bond,
            amended: live.amended,
            alpha_lock_by: live.by.alpha_lock_by,
            beta_lock_by: live.by.beta_lock_by,
            redeem_by: live.by.redeem_by,
            fee: (money.fee_asset.clone(), money.fee()),
            reserve_asset: money.reserve_asset.clone(),
            reserve: money.reserve,
            premium: money.premium,
            legs: [
                leg(Side::Alpha, &live.alpha, vec![lock_by]),
                leg(Side::Beta, &live.beta, times.into_iter().collect()),
            ],
        }
    }

    fn leg(
        &self,
        order: SwapId,
        (side, hashlock): (Side, Hashlock),
        leg: &Leg,
        watch_ms: Vec<u64>,
    ) -> LiveLeg {
        let id = LegId::first(side);
        let words = said(&self.state, order, id);
        LiveLeg {
            id,
            asset: leg.asset.clone(),
            amount: leg.amount,
            place: leg.place.clone(),
            redeemer: leg.redeemer.clone(),
            refunder: leg.refunder.clone(),
            hashlock,
            timelock: leg.timelock,
            depth: leg.depth,
            certain: Tally::of(&self.state, order, id, leg).fact(),
            watch_ms,
            said: words
                .into_iter()
                .map(|(key, said)| (key, said.count, said.fact, said.tip))
                .collect(),
        }
    }
}
