//! What the transactions that touch one leg say about it: a pure function of them.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, Txid, Witness};
use kofo_primitives::At;
use std::collections::BTreeSet;

use crate::htlc::PREIMAGE_BYTES;
use crate::spend::{Coin, preimage_in};

/// What a leg looks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) script: ScriptBuf,
    pub(crate) refund_leaf: ScriptBuf,
    /// Where a refund pays to: tells a refund by key path, which shows no leaf.
    pub(crate) refund_payout: ScriptBuf,
    pub(crate) amount: Amount,
    pub(crate) hashlock: [u8; 32],
    pub(crate) depth: u32,
    /// What our own lock spends: if something else spends it, the lock is cancelled.
    pub(crate) lock_inputs: BTreeSet<OutPoint>,
}

/// A transaction that touches the leg, in a block or (without height) in the mempool.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) height: Option<u64>,
    pub(crate) txid: Txid,
    pub(crate) tx: Transaction,
}

/// Where a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) at: At,
    pub(crate) txid: Txid,
}

/// All that can be known about a leg.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    /// The one right lock.
    pub(crate) lock: Option<Fact>,
    /// What is locked in blocks, where that is not the one right lock.
    pub(crate) wrong: Option<Amount>,
    pub(crate) redeem: Option<(Fact, [u8; PREIMAGE_BYTES])>,
    /// A redeem by key path: both parties signed, no preimage is shown.
    pub(crate) together: Option<Fact>,
    pub(crate) refund: Option<Fact>,
    pub(crate) cancel: Option<Fact>,
    /// The outputs in blocks that no block spends: what a redeem or refund takes.
    pub(crate) unspent: Vec<Coin>,
}

impl Picture {
    /// The better of the two ways to redeem: a block beats the mempool.
    pub(crate) fn redeemed(&self) -> Option<Fact> {
        let alone = self.redeem.map(|(fact, _)| fact);
        self.together
            .map_or(alone, |fact| earlier(alone, fact, |fact| fact.at))
    }

    /// The coin of the one right lock, as long as no block spends it, and the height of its block.
    pub(crate) fn locked(&self) -> Option<(Coin, u64)> {
        let lock = self.lock?;
        let At::Block(height) = lock.at else {
            return None;
        };
        let coin = self.unspent.iter().find(|coin| coin.outpoint.txid == lock.txid)?;
        Some((*coin, height))
    }
}

/// An output that pays to the leg's script.
struct Found {
    coin: Coin,
    fact: Fact,
}

impl Sighting {
    fn fact(&self) -> Fact {
        Fact {
            at: self.height.map_or(At::Mempool, At::Block),
            txid: self.txid,
        }
    }
}

impl Wanted {
    /// Reads the picture out of the transactions, those in blocks in the order of the chain.
    pub(crate) fn picture(&self, seen: &[Sighting]) -> Picture {
        let found: Vec<Found> = seen.iter().flat_map(|sighting| self.outputs(sighting)).collect();
        let mut picture = Picture {
            unspent: in_blocks(&found).map(|found| found.coin).collect(),
            ..Picture::default()
        };
        (picture.lock, picture.wrong) = self.lock(&found);
        for sighting in seen {
            self.spends(sighting, &found, &mut picture);
        }
        picture
    }

    /// Whether a transaction touches the leg, given the outputs known so far.
    pub(crate) fn outputs_of<'a>(
        &'a self,
        tx: &'a Transaction,
        txid: Txid,
    ) -> impl Iterator<Item = Coin> + 'a {
        tx.output
            .iter()
            .zip(0u32..)
            .filter(|(output, _)| output.script_pubkey == self.script)
            .map(move |(output, vout)| Coin {
                outpoint: OutPoint { txid, vout },
                value: output.value,
            })
    }

    fn outputs(&self, sighting: &Sighting) -> Vec<Found> {
        let fact = sighting.fact();
        self.outputs_of(&sighting.tx, sighting.txid)
            .map(|coin| Found { coin, fact })
            .collect()
    }

    /// A lock is one output of exactly the amount. What others add after it was final changes nothing: else a
    /// stranger's dust could undo a lock on which the other side has acted.
    fn lock(&self, found: &[Found]) -> (Option<Fact>, Option<Amount>) {
        let mined: Vec<&Found> = in_blocks(found).collect();
        if mined.is_empty() {
            let lock = match found {
                [only] if only.coin.value == self.amount => Some(only.fact),
                _ => None,
            };
            return (lock, None);
        }
        let stands = |lock: &&&Found| {
            let others = mined
                .iter()
                .filter(|other| other.coin.outpoint != lock.coin.outpoint);
            lock.coin.value == self.amount && others.map(|o| height(o)).all(|h| h >= self.final_after(lock))
        };
        match mined.iter().find(stands) {
            Some(lock) => (Some(lock.fact), None),
            None => {
                let sum = mined
                    .iter()
                    .try_fold(Amount::ZERO, |sum, found| sum.checked_add(found.coin.value));
                (None, Some(sum.unwrap_or(Amount::MAX_MONEY)))
            }
        }
    }

    /// The first height at which another output comes too late.
    fn final_after(&self, lock: &Found) -> u64 {
        height(lock).saturating_add(u64::from(self.depth))
    }

    /// What a spend of the leg's coins is (rule B12).
    fn spends(&self, sighting: &Sighting, found: &[Found], picture: &mut Picture) {
        let fact = sighting.fact();
        for input in &sighting.tx.input {
            if found
                .iter()
                .any(|found| found.coin.outpoint == input.previous_output)
            {
                if sighting.height.is_some() {
                    picture
                        .unspent
                        .retain(|coin| coin.outpoint != input.previous_output);
                }
                if let Some(preimage) = preimage_in(&input.witness, &self.hashlock) {
                    picture.redeem = earlier(picture.redeem, (fact, preimage), |(fact, _)| fact.at);
                } else if self.is_refund(&input.witness, &sighting.tx) {
                    picture.refund = earlier(picture.refund, fact, |fact| fact.at);
                } else if input.witness.taproot_leaf_script().is_none() {
                    picture.together = earlier(picture.together, fact, |fact| fact.at);
                }
            }
            if self.lock_inputs.contains(&input.previous_output)
                && self.outputs_of(&sighting.tx, sighting.txid).next().is_none()
            {
                picture.cancel = earlier(picture.cancel, fact, |fact| fact.at);
            }
        }
    }

    /// A refund shows its leaf, or (by key path) pays the refunder in one of its outputs.
    fn is_refund(&self, witness: &Witness, tx: &Transaction) -> bool {
        match witness.taproot_leaf_script() {
            Some(leaf) => leaf.script == self.refund_leaf.as_script(),
            None => tx
                .output
                .iter()
                .any(|output| output.script_pubkey == self.refund_payout),
        }
    }
}

/// A block beats the mempool, an earlier block a later one.
fn earlier<T>(old: Option<T>, new: T, at: impl Fn(&T) -> At) -> Option<T> {
    let rank = |fact: &T| match at(fact) {
        At::Block(height) => height,
        At::Mempool => u64::MAX,
    };
    match old {
        Some(old) if rank(&old) <= rank(&new) => Some(old),
        _ => Some(new),
    }
}

fn in_blocks(found: &[Found]) -> impl Iterator<Item = &Found> {
    found.iter().filter(|found| matches!(found.fact.at, At::Block(_)))
}

fn height(found: &Found) -> u64 {
    match found.fact.at {
        At::Block(height) => height,
        At::Mempool => u64::MAX,
    }
}

#[cfg(test)]
mod tests;
