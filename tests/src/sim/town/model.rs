//! The one who watches: after every event it compares what an honest node does with what the chains say, by rules that
//! are written down here a second time and share no code with the machine.

use super::deal::Deal;
use super::scene::Scene;
use crate::sim::node::Chains;
use kofo_node::driver::Effect;
use kofo_primitives::{
    ActKind, ChainAction, ChainId, HtlcSpec, LegRef, Role, Side, SwapId, Together, UnixTime,
};
use kofo_settlement::{Outcome, Phase};
use kofo_sim::{Contract, Key, Owner, SimChain, SimTx};
use std::collections::{BTreeMap, BTreeSet};

/// Which node in which swap.
type Seat = (usize, SwapId);

/// What it remembers of each honest node.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The first thing that was wrong.
    pub(crate) wrong: Option<String>,
    gave_up: BTreeSet<Seat>,
    shown: BTreeSet<Seat>,
    locks: BTreeMap<(usize, LegRef), SimTx>,
    /// How many events it compared.
    pub(crate) looked: u64,
}

/// How the leg stands on its chain.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    /// How deep each note of the contract that is not spent in a block is.
    open: Vec<u64>,
    /// How deep the spends are, and whether the refunder got the money.
    ended: Vec<(u64, bool)>,
    /// Something in the mempool would spend a note of it with a preimage.
    redeem_waits: bool,
}

impl Standing {
    fn of(chain: &SimChain, spec: &HtlcSpec) -> Self {
        let contract = Contract::of(spec).expect("the deals have parties of this chain");
        let owner = Owner::Contract(contract);
        let tip = chain.tip().height;
        let mut notes = BTreeMap::new();
        let mut standing = Self::default();
        for block in (0..=tip).filter_map(|height| chain.block(height)) {
            let depth = tip - block.height + 1;
            for tx in &block.txs {
                for spend in &tx.spends {
                    if notes.remove(&spend.note).is_some() {
                        let back = match &spend.key {
                            Key::Timeout => true,
                            Key::Both(both) => both.what == Together::Refund,
                            Key::Preimage(_) | Key::Owner(_) => false,
                        };
                        standing.ended.push((depth, back));
                    }
                }
                for (index, _) in (0..).zip(&tx.pays).filter(|(_, pay)| pay.owner == owner) {
                    notes.insert(kofo_sim::NoteId { tx: tx.id(), index }, depth);
                }
            }
        }
        // A note that is not to be had, although no block spent it, is being spent.
        let free = chain.notes(&owner, &spec.asset).len();
        standing.redeem_waits = free < notes.len();
        standing.open = notes.into_values().collect();
        standing
    }
}

impl Scene {
    fn specs(&self, player: usize, deal: &Deal, side: Side) -> Vec<HtlcSpec> {
        let role = deal.role(player).expect("it sits in the deal");
        let terms = deal
            .terms(role, crate::sim::world::START)
            .expect("the terms are right");
        let legs = terms.legs().iter().filter(|(id, _)| id.side == side);
        legs.map(|(_, leg)| leg.spec.clone()).collect()
    }

    fn deal(&self, swap: SwapId) -> Option<Deal> {
        self.deals.iter().find(|deal| deal.swap == swap).cloned()
    }

    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.model.wrong.is_none() {
            self.model.wrong = Some(format!("step {}: {}", self.step, what()));
        }
    }

    /// An honest node is about to ask a chain for this.
    pub(crate) fn sees_effect(&mut self, player: usize, effect: &Effect) {
        self.model.looked += 1;
        let ChainAction::Broadcast { act, tx, not_after } = &effect.action else {
            return;
        };
        let Some(deal) = self.deal(effect.leg.swap) else {
            return;
        };
        match act {
            ActKind::Lock => {
                let tx = SimTx::of_prepared(tx).expect("built by this chain's adapter");
                self.sees_lock(player, &deal, effect.leg, tx);
            }
            ActKind::Redeem if deal.role(player) == Some(Role::Initiator) => {
                let ends = not_after.unwrap_or(UnixTime(u64::MAX));
                self.sees_reveal(player, &deal, Some(ends));
            }
            ActKind::Refund => {
                let tip = self.chains[&effect.chain].tip();
                let specs = self.specs(player, &deal, effect.leg.leg.side);
                let spec = &specs[usize::from(effect.leg.leg.index)];
                let timelock = spec.timelock;
                self.must(tip.time >= timelock, || {
                    format!("{player} refunds early: {} < {timelock}", tip.time)
                });
            }
            ActKind::Redeem | ActKind::Cancel | ActKind::RedeemTogether | ActKind::RefundTogether => {}
        }
    }

    /// One lock, whatever its version; and the participant's only against an alpha that is final.
    fn sees_lock(&mut self, player: usize, deal: &Deal, leg: LegRef, tx: SimTx) {
        match self.model.locks.get(&(player, leg)) {
            Some(first) => {
                let conflicts = first.conflicts_with(&tx);
                self.must(conflicts, || format!("{player} makes a second lock of {leg:?}"));
            }
            None => {
                self.model.locks.insert((player, leg), tx);
                if deal.role(player) == Some(Role::Participant) {
                    let depth = u64::from(deal.bargain.depth);
                    let alpha = self.specs(player, deal, Side::Alpha);
                    let firm = alpha.iter().all(|spec| {
                        let standing = Standing::of(&self.chains[&spec.chain()], spec);
                        matches!(standing.open[..], [deep] if deep >= depth)
                    });
                    self.must(firm, || {
                        format!("{player} locks beta against an alpha that is not final")
                    });
                }
            }
        }
    }

    /// The preimage leaves the initiator, the first time or again. `not_after`: when no more.
    pub(crate) fn sees_reveal(&mut self, player: usize, deal: &Deal, not_after: Option<UnixTime>) {
        let seat = (player, deal.swap);
        let gave_up = self.model.gave_up.contains(&seat);
        self.must(!gave_up, || {
            format!("{player} shows the preimage after it gave up")
        });
        if !self.model.shown.insert(seat) {
            return;
        }
        let depth = u64::from(deal.bargain.depth);
        for spec in self.specs(player, deal, Side::Beta) {
            let chain = &self.chains[&spec.chain()];
            let (tip, standing) = (chain.tip(), Standing::of(chain, &spec));
            let firm = matches!(standing.open[..], [deep] if deep >= depth) && !standing.redeem_waits;
            self.must(firm, || {
                format!("{player} shows the preimage while beta stands so: {standing:?}")
            });
            let floor = super::deal::policy(deal.bargain.depth).paces[&spec.chain()].reveal_floor;
            let late = tip.time.plus(floor) > spec.timelock;
            self.must(!late, || {
                format!(
                    "{player} shows the preimage late: {} of {}",
                    tip.time, spec.timelock
                )
            });
            let ends = not_after.is_none_or(|last| last < spec.timelock);
            self.must(ends, || {
                format!("{player} would show the preimage until {not_after:?}")
            });
        }
    }

    /// An honest node has signed for its partner.
    pub(crate) fn sees_signature(&mut self, player: usize, what: Together, leg: LegRef, knows: bool) {
        self.model.looked += 1;
        let Some(deal) = self.deal(leg.swap) else {
            return;
        };
        match (what, deal.role(player)) {
            (Together::Redeem, _) => {
                self.must(knows, || format!("{player} signs a redeem without the preimage"));
            }
            (Together::Refund, Some(Role::Initiator)) => {
                let seat = (player, deal.swap);
                let shown = self.model.shown.contains(&seat);
                self.must(!shown, || {
                    format!("{player} signs beta's return after it showed the preimage")
                });
                self.model.gave_up.insert(seat);
            }
            (Together::Refund, _) => {
                let depth = u64::from(deal.bargain.depth);
                for spec in self.specs(player, &deal, Side::Beta) {
                    let standing = Standing::of(&self.chains[&spec.chain()], &spec);
                    let back = standing.open.is_empty()
                        && standing.ended.iter().all(|(deep, back)| *back && *deep >= depth);
                    self.must(back, || {
                        format!("{player} signs alpha's return while beta stands so: {standing:?}")
                    });
                }
            }
        }
    }

    /// How far an honest node is in a swap, and whether it told the preimage.
    pub(crate) fn sees_state(&mut self, player: usize, swap: SwapId, (phase, told): (Phase, bool)) {
        self.model.looked += 1;
        self.must(phase != Phase::Done(Outcome::Lost), || {
            format!("{player} lost its asset")
        });
        if phase == Phase::Refunding {
            self.model.gave_up.insert((player, swap));
        }
        // It died between writing that it tells and telling: from then on it is as if it had.
        if told {
            self.model.shown.insert((player, swap));
        }
    }

    /// Money is neither made nor lost, block by block.
    pub(crate) fn sees_blocks(&mut self) {
        let chains = self.chains.clone();
        for (id, chain) in &chains {
            if chain
                .block(chain.tip().height)
                .is_some_and(|best| !best.txs.is_empty())
            {
                self.model.looked += 1;
                self.conserves(&chains, id);
            }
        }
    }

    fn conserves(&mut self, chains: &Chains, id: &ChainId) {
        for asset in crate::sim::world::ASSETS.map(crate::sim::world::asset) {
            if asset.chain() == *id {
                let (total, minted) = (chains[id].total(&asset), chains[id].minted(&asset));
                self.must(total == minted, || {
                    format!("{asset} is not conserved: {minted:?} made, {total:?} there")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
