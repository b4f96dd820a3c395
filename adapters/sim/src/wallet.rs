//! Building our transactions: what they spend, whom they pay, what they cost.

use crate::chain::{Kind, State};
use crate::ending::Ending;
use crate::leg::Leg;
use crate::tx::{AccountId, Key, NoteId, Owner, Pay, SimTx, Spend};
use kofo_primitives::{Act, ActKind, Amount, AssetId, End, FailClass, LegRef, Text};
use std::collections::BTreeMap;

/// Below this nobody can spend a note.
pub(crate) const DUST: Amount = Amount::new(20);

/// One account's view of its money.
pub(crate) struct Wallet<'a> {
    pub(crate) account: AccountId,
    pub(crate) state: &'a State,
    pub(crate) legs: &'a BTreeMap<LegRef, Leg>,
    /// Signed payments to others.
    pub(crate) transfers: &'a BTreeMap<[u8; 32], SimTx>,
}

/// The answer to a `Build`.
pub(crate) enum Draft {
    Ready(SimTx),
    /// There is nothing to spend yet.
    Later,
    Failed(FailClass),
}

impl Wallet<'_> {
    /// The notes that a new lock may spend: final, unreserved, and not on their way to somebody.
    pub(crate) fn spendable(&self, asset: &AssetId, final_at: u32) -> Vec<(NoteId, Amount)> {
        let height = self.state.tip().height;
        let depth = |born: u64| height.saturating_sub(born).saturating_add(1);
        let notes = self.state.ledger().notes.iter();
        notes
            .filter(|(_, note)| note.owner == Owner::Account(self.account) && note.asset == *asset)
            .filter(|(_, note)| note.born == 0 || depth(note.born) >= u64::from(final_at))
            .filter(|(id, _)| !self.legs.values().any(|leg| leg.reserves(**id)))
            .filter(|(id, _)| !self.transfers.values().any(|tx| tx.takes(**id)))
            .filter(|(id, _)| !self.state.mempool.iter().any(|tx| tx.takes(**id)))
            .map(|(id, note)| (*id, note.amount))
            .collect()
    }

    pub(crate) fn build(&self, leg: &Leg, act: &Act) -> Draft {
        let kind = act.kind();
        let end = match kind {
            ActKind::Redeem | ActKind::RedeemTogether => End::Redeemer,
            ActKind::Lock | ActKind::Refund | ActKind::Cancel | ActKind::RefundTogether => End::Refunder,
        };
        if leg.spec.end != end || !leg.is_of(self.account) {
            return refused("it is not our end of the leg");
        }
        match act {
            // One that was cancelled is never followed by another: a reorg could bring both.
            Act::Lock if leg.told_dead.contains(&kind) => Draft::Failed(FailClass::Dead),
            // Once built it stays the same: a second lock beside the first could be redeemed as well.
            Act::Lock => leg
                .newest(kind)
                .cloned()
                .map_or_else(|| self.lock(leg), Draft::Ready),
            Act::Cancel => leg
                .newest(kind)
                .cloned()
                .map_or_else(|| self.cancel(leg), Draft::Ready),
            Act::Redeem(preimage) if preimage.hashlock() != leg.spec.hashlock => {
                refused("the preimage does not open the hashlock")
            }
            Act::Redeem(preimage) => self.end(leg, &Key::Preimage(preimage.expose().to_vec())),
            Act::Refund => self.end(leg, &Key::Timeout),
        }
    }

    fn lock(&self, leg: &Leg) -> Draft {
        let fee = self.state.fee_floor;
        let spendable = self.spendable(&leg.spec.asset, leg.spec.depth);
        let have = sum(spendable.iter().map(|(_, amount)| *amount));
        let need = plus(leg.spec.amount, fee);
        let mut taken = Vec::new();
        let mut got = Amount::ZERO;
        for (note, amount) in spendable {
            if got >= need {
                break;
            }
            got = plus(got, amount);
            taken.push(note);
        }
        let Some(change) = got.checked_sub(need) else {
            return Draft::Failed(FailClass::Funds { have, need });
        };
        let locked = Pay {
            owner: Owner::Contract(leg.contract.clone()),
            amount: leg.spec.amount,
        };
        let pays = [locked].into_iter().chain(self.change(change)).collect();
        Draft::Ready(self.tx(leg, taken, pays, fee))
    }

    /// Spends all that the newest lock spends, back to ourselves, for more than the lock pays.
    fn cancel(&self, leg: &Leg) -> Draft {
        let Some(lock) = leg.newest(ActKind::Lock) else {
            return refused("there is no lock to cancel: it was never built here");
        };
        let fee = self.state.fee_floor.max(plus(lock.fee, Amount::new(1)));
        let got = plus(sum(lock.pays.iter().map(|pay| pay.amount)), lock.fee);
        let Some(back) = got.checked_sub(fee) else {
            return Draft::Failed(FailClass::FeeCap { need: fee, most: got });
        };
        let taken = lock.spends.iter().map(|spend| spend.note).collect();
        Draft::Ready(self.tx(leg, taken, self.change(back).collect(), fee))
    }

    /// Spends every note of the contract: of two locks both are for its owner to take.
    fn end(&self, leg: &Leg, key: &Key) -> Draft {
        let payee = match leg.spec.end {
            End::Redeemer => leg.contract.payee,
            End::Refunder => leg.contract.refunder,
        };
        let fee = self.end_fee(leg);
        match self
            .state
            .ending(&leg.spec.asset, &[&leg.contract], key, (payee, fee))
        {
            Ending::Nothing => Draft::Later,
            Ending::Short { got } => Draft::Failed(FailClass::FeeCap { need: fee, most: got }),
            Ending::Tx(tx) => Draft::Ready(tx),
        }
    }

    /// What blocks ask for, or what it takes to replace what both signed and is stuck.
    fn end_fee(&self, leg: &Leg) -> Amount {
        let signed = |spend: &Spend| matches!(spend.key, Key::Both(_)) && leg.locked(spend.note);
        let stuck = self.state.mempool.iter();
        let stuck = stuck
            .filter(|tx| tx.spends.iter().any(signed))
            .map(|tx| tx.fee)
            .max();
        let above = stuck.map_or(Amount::ZERO, |fee| plus(fee, Amount::new(1)));
        self.state.fee_floor.max(above)
    }

    /// A version that today's blocks would take, of what is being sent and stuck; `None` if there is nothing to do.
    pub(crate) fn better(&self, leg: &Leg, kind: ActKind) -> Option<Draft> {
        let sent = leg.sending.get(&kind)?;
        let newest = leg.newest(kind).unwrap_or(sent);
        let floor = self.state.fee_floor;
        match kind {
            ActKind::Lock | ActKind::Cancel if newest.fee >= floor => None,
            ActKind::Lock => Some(self.richer(newest, floor)),
            ActKind::Cancel => Some(self.cancel(leg)),
            // Bound to what both signed.
            ActKind::RedeemTogether | ActKind::RefundTogether => None,
            // Signed in advance by somebody else, who alone could sign for more.
            ActKind::Redeem | ActKind::Refund if !self.may_end(leg) => None,
            ActKind::Redeem | ActKind::Refund => {
                let key = newest.spends.first().map(|spend| spend.key.clone())?;
                match self.end(leg, &key) {
                    Draft::Ready(tx) if tx.spends == newest.spends && newest.fee >= tx.fee => None,
                    Draft::Later => None,
                    draft => Some(draft),
                }
            }
        }
    }

    /// Whether we may end the leg as we like: it is ours, or the chain asks nobody.
    fn may_end(&self, leg: &Leg) -> bool {
        leg.is_of(self.account) || self.state.kind == Kind::Accounts
    }

    /// The same lock with less change.
    fn richer(&self, lock: &SimTx, fee: Amount) -> Draft {
        let [locked, rest @ ..] = lock.pays.as_slice() else {
            return Draft::Later;
        };
        let spare = plus(sum(rest.iter().map(|pay| pay.amount)), lock.fee);
        let Some(change) = spare.checked_sub(fee) else {
            let most = spare;
            return Draft::Failed(FailClass::FeeCap { need: fee, most });
        };
        let pays = [locked.clone()].into_iter().chain(self.change(change)).collect();
        let spends = lock.spends.clone();
        let asset = lock.asset.clone();
        Draft::Ready(SimTx {
            asset,
            spends,
            pays,
            fee,
        })
    }

    fn change(&self, amount: Amount) -> impl Iterator<Item = Pay> + use<> {
        let owner = Owner::Account(self.account);
        (amount > Amount::ZERO)
            .then_some(Pay { owner, amount })
            .into_iter()
    }

    fn tx(&self, leg: &Leg, taken: Vec<NoteId>, pays: Vec<Pay>, fee: Amount) -> SimTx {
        let key = Key::Owner(self.account);
        let spend = |note| Spend {
            note,
            key: key.clone(),
        };
        SimTx {
            asset: leg.spec.asset.clone(),
            spends: taken.into_iter().map(spend).collect(),
            pays,
            fee,
        }
    }
}

pub(crate) fn refused(why: &str) -> Draft {
    Draft::Failed(FailClass::Refused(Text::lossy(why)))
}

pub(crate) fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, plus)
}

/// Saturates: a sum that large is above every balance.
pub(crate) fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::new(u128::MAX))
}
