//! Who has what after a block, and the rules by which a transaction changes it.

use crate::tx::{Contract, Key, Note, NoteId, Owner, Signature, SimTx, Spend};
use kofo_primitives::{Amount, AssetId, Preimage, UnixTime};
use std::collections::{BTreeMap, BTreeSet};

/// Why the chain does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It consumes nothing, one note twice, makes an empty note, or does not balance.
    #[error("expected a transaction of which inputs and outputs plus fee are equal: {0}")]
    Malformed(&'static str),
    /// A note that it consumes is not there: spent, or not yet made.
    #[error("{0:?} is spent or does not exist")]
    Missing(NoteId),
    /// The note is another's, the preimage is wrong, or the money would go to somebody else.
    #[error("{0:?} cannot be spent so")]
    NotAllowed(NoteId),
    /// A refund before its time.
    #[error("the refund is valid from {timelock}, the block's time is {now}: wait")]
    Early {
        /// From when it is valid.
        timelock: UnixTime,
        /// The time of the block that would take it.
        now: UnixTime,
    },
    /// A transaction that waits already spends the same and pays as much.
    #[error("expected a fee above {0} to replace what waits")]
    Conflict(Amount),
    /// The node did not take it, for no reason at all (a fault that was asked for).
    #[error("the node does not take it now")]
    Busy,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) notes: BTreeMap<NoteId, Note>,
    pub(crate) fees: BTreeMap<AssetId, u128>,
}

impl Ledger {
    /// Whether the transaction may be in a block of this time that follows.
    pub(crate) fn allows(&self, tx: &SimTx, time: UnixTime) -> Result<(), Refusal> {
        let distinct: BTreeSet<_> = tx.spends.iter().map(|spend| spend.note).collect();
        if tx.spends.is_empty() || distinct.len() != tx.spends.len() {
            return Err(Refusal::Malformed("it spends nothing, or one note twice"));
        }
        let mut have = 0u128;
        for spend in &tx.spends {
            let note = self.notes.get(&spend.note).ok_or(Refusal::Missing(spend.note))?;
            if note.asset != tx.asset {
                return Err(Refusal::Malformed("it mixes assets"));
            }
            opens(note, spend, tx, time)?;
            have = have
                .checked_add(note.amount.units())
                .ok_or(Refusal::Malformed("overflow"))?;
        }
        let mut need = tx.fee.units();
        for pay in &tx.pays {
            if pay.amount == Amount::ZERO {
                return Err(Refusal::Malformed("it makes an empty note"));
            }
            need = need
                .checked_add(pay.amount.units())
                .ok_or(Refusal::Malformed("overflow"))?;
        }
        if have == need {
            Ok(())
        } else {
            Err(Refusal::Malformed("sums differ"))
        }
    }

    /// Takes an allowed transaction.
    pub(crate) fn apply(&mut self, tx: &SimTx, height: u64) {
        for spend in &tx.spends {
            self.notes.remove(&spend.note);
        }
        let id = tx.id();
        for (index, pay) in (0u32..).zip(&tx.pays) {
            let note = Note {
                owner: pay.owner.clone(),
                asset: tx.asset.clone(),
                amount: pay.amount,
                born: height,
            };
            self.notes.insert(NoteId { tx: id, index }, note);
        }
        let fees = self.fees.entry(tx.asset.clone()).or_default();
        *fees = fees.saturating_add(tx.fee.units());
    }

    /// The sum of the notes of the asset that `counts` names.
    pub(crate) fn sum(&self, asset: &AssetId, counts: impl Fn(&Owner) -> bool) -> Amount {
        let notes = self
            .notes
            .values()
            .filter(|note| note.asset == *asset && counts(&note.owner));
        Amount::new(notes.fold(0, |sum, note| sum.saturating_add(note.amount.units())))
    }
}

fn opens(note: &Note, spend: &Spend, tx: &SimTx, time: UnixTime) -> Result<(), Refusal> {
    let refused = Err(Refusal::NotAllowed(spend.note));
    match (&note.owner, &spend.key) {
        (Owner::Account(owner), Key::Owner(by)) if owner == by => Ok(()),
        (Owner::Contract(contract), Key::Preimage(bytes)) => {
            if matches(contract, bytes) && tx.pays_only(contract.payee) {
                Ok(())
            } else {
                refused
            }
        }
        (Owner::Contract(contract), Key::Timeout) => {
            if time < contract.timelock {
                let timelock = contract.timelock;
                Err(Refusal::Early { timelock, now: time })
            } else if tx.pays_only(contract.refunder) {
                Ok(())
            } else {
                refused
            }
        }
        (Owner::Contract(contract), Key::Both(both)) => {
            let signed = both.redeemer == Signature::by(contract.redeemer, tx)
                && both.refunder == Signature::by(contract.refunder, tx);
            if signed && tx.pays_only(contract.pays(both.what)) {
                Ok(())
            } else {
                refused
            }
        }
        (
            Owner::Account(_) | Owner::Contract(_),
            Key::Owner(_) | Key::Preimage(_) | Key::Timeout | Key::Both(_),
        ) => refused,
    }
}

/// Exactly 32 bytes: a longer preimage would open one leg only.
fn matches(contract: &Contract, bytes: &[u8]) -> bool {
    let exact: Result<[u8; 32], _> = bytes.try_into();
    exact.is_ok_and(|bytes| Preimage::new(bytes).hashlock() == contract.hashlock)
}
