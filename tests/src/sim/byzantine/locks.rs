//! Locks that are not what was agreed.

use super::{Liar, submit};
use crate::sim::town::scene::Scene;
use kofo_node::driver::Effect;
use kofo_primitives::{ActKind, Amount, ChainAction, Hashlock};
use kofo_sim::{AccountId, Contract, Key, Owner, SimTx, Spend};

/// What is wrong with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongLock {
    /// Too little.
    Less,
    /// Too much.
    More,
    /// Two of them.
    Twice,
    /// Under another hashlock.
    OtherHashlock,
    /// For another redeemer: itself.
    OtherKey,
    /// It could be taken back sooner.
    SoonerBack,
    /// Nothing at all.
    Nothing,
}

impl WrongLock {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Less,
        Self::More,
        Self::Twice,
        Self::OtherHashlock,
        Self::OtherKey,
        Self::SoonerBack,
        Self::Nothing,
    ];

    fn bend(self, contract: &mut Contract, amount: Amount) -> Amount {
        match self {
            Self::Less => return Amount::new(amount.units() - 1),
            Self::More => return Amount::new(amount.units() + 1),
            Self::OtherHashlock => contract.hashlock = Hashlock::new([7; 32]),
            Self::OtherKey => contract.redeemer = contract.refunder,
            Self::SoonerBack => contract.timelock.0 = contract.timelock.0.saturating_sub(240),
            Self::Twice | Self::Nothing => {}
        }
        amount
    }
}

impl Liar {
    /// Sends something else in the place of its lock, or beside it.
    pub(super) fn lock_wrongly(
        &mut self,
        scene: &Scene,
        account: AccountId,
        effect: Effect,
        wrong: WrongLock,
    ) -> Option<Effect> {
        let ChainAction::Broadcast {
            act: ActKind::Lock,
            tx,
            ..
        } = &effect.action
        else {
            return Some(effect);
        };
        let right = SimTx::of_prepared(tx).expect("built by this chain's adapter");
        let beside = (wrong == WrongLock::Twice).then(|| effect.clone());
        // A handful of times is enough: the machine asks again and again.
        self.bent += 1;
        if wrong == WrongLock::Nothing || self.bent > 6 {
            return beside;
        }
        let chain = &scene.chains[&effect.chain];
        let mut tx = right.clone();
        for pay in &mut tx.pays {
            if let Owner::Contract(contract) = &mut pay.owner {
                pay.amount = wrong.bend(contract, pay.amount);
            }
        }
        if wrong == WrongLock::Twice {
            // Beside the right one: of money that the right one does not spend.
            let free = chain.notes(&Owner::Account(account), &tx.asset);
            let other = free.into_iter().find(|(note, _)| !right.takes(*note));
            let Some((note, have)) = other else {
                return beside;
            };
            let key = Key::Owner(account);
            tx.spends = vec![Spend { note, key }];
            balance(&mut tx, account, have);
        } else {
            let inputs = right.pays.iter().map(|pay| pay.amount.units()).sum::<u128>() + right.fee.units();
            balance(&mut tx, account, Amount::new(inputs));
        }
        submit(chain, tx);
        beside
    }

    /// Keeps its lock back until this step of time.
    pub(super) fn lock_later(&mut self, until: u64, effect: Effect) -> Option<Effect> {
        let ChainAction::Broadcast {
            act: ActKind::Lock,
            tx,
            ..
        } = effect.action
        else {
            return Some(effect);
        };
        if self.bent == 0 {
            self.bent = 1;
            let action = ChainAction::Broadcast {
                act: ActKind::Lock,
                tx,
                not_after: None,
            };
            self.held.push((until, Effect { action, ..effect }));
        }
        None
    }
}

/// Gives back as change what the lock leaves.
fn balance(tx: &mut SimTx, account: AccountId, have: Amount) {
    tx.pays.retain(|pay| matches!(pay.owner, Owner::Contract(_)));
    let locked: u128 = tx.pays.iter().map(|pay| pay.amount.units()).sum();
    let rest = have.units().saturating_sub(locked + tx.fee.units());
    if rest > 0 {
        tx.pays.push(kofo_sim::Pay {
            owner: Owner::Account(account),
            amount: Amount::new(rest),
        });
    }
}
