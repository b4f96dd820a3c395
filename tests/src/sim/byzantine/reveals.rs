//! Redeems that come late, or that show the preimage and take nothing.

use super::{Liar, submit};
use crate::sim::town::scene::Scene;
use kofo_node::driver::Effect;
use kofo_primitives::{ActKind, Amount, ChainAction};
use kofo_sim::{Owner, SimTx};

/// Ten seconds pass with each step of time.
const STEP: u64 = 10;

impl Liar {
    /// Keeps its redeem back until only so many seconds are left until the leg's timelock.
    pub(super) fn redeem_late(&mut self, scene: &Scene, effect: Effect, left: u64) -> Option<Effect> {
        let ChainAction::Broadcast {
            act: act @ (ActKind::Redeem | ActKind::RedeemTogether),
            tx,
            ..
        } = effect.action
        else {
            return Some(effect);
        };
        let spent = SimTx::of_prepared(&tx).and_then(|tx| tx.spends.first().map(|spend| spend.note));
        let chain = &scene.chains[&effect.chain];
        let timelock = spent.and_then(|note| timelock_of(chain, note));
        let now = chain.tip().time.0;
        let wait = timelock.map_or(0, |t| t.saturating_sub(now).saturating_sub(left)) / STEP;
        if self.held.iter().all(|(_, held)| held.leg != effect.leg) {
            let action = ChainAction::Broadcast {
                act,
                tx,
                not_after: None,
            };
            self.held.push((scene.step + wait, Effect { action, ..effect }));
        }
        None
    }
}

/// When the contract that holds this note lets it go back.
fn timelock_of(chain: &kofo_sim::SimChain, note: kofo_sim::NoteId) -> Option<u64> {
    let blocks = (0..=chain.tip().height).filter_map(|height| chain.block(height));
    let mut txs = blocks.flat_map(|block| block.txs);
    let tx = txs.find(|tx| tx.id() == note.tx)?;
    match &tx.pays.get(usize::try_from(note.index).ok()?)?.owner {
        Owner::Contract(contract) => Some(contract.timelock.0),
        Owner::Account(_) => None,
    }
}

/// The preimage is in the mempool for everybody to see, and no block takes it.
pub(super) fn redeem_cheaply(scene: &Scene, effect: Effect) -> Option<Effect> {
    let ChainAction::Broadcast {
        act: ActKind::Redeem,
        tx,
        ..
    } = &effect.action
    else {
        return Some(effect);
    };
    let mut cheap = SimTx::of_prepared(tx).expect("built by this chain's adapter");
    let more = cheap.fee.units().saturating_sub(1);
    cheap.fee = Amount::new(1);
    if let Some(pay) = cheap.pays.first_mut() {
        pay.amount = Amount::new(pay.amount.units() + more);
    }
    submit(&scene.chains[&effect.chain], cheap);
    None
}
