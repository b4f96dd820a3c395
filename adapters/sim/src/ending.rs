//! What ends legs: one transaction that spends all that their contracts hold, for whom the key pays.

use crate::chain::State;
use crate::tx::{AccountId, Contract, Key, NoteId, Owner, Pay, SimTx, Spend};
use crate::wallet::sum;
use kofo_primitives::{Amount, AssetId};

/// What came of the attempt.
pub(crate) enum Ending {
    /// No block holds anything for one of the contracts.
    Nothing,
    /// What they hold does not pay the fee.
    Short { got: Amount },
    /// It may be signed.
    Tx(SimTx),
}

impl State {
    /// What blocks hold for a contract: of two locks both.
    pub(crate) fn held_by(&self, asset: &AssetId, contract: &Contract) -> Vec<(NoteId, Amount)> {
        let owner = Owner::Contract(contract.clone());
        let notes = self.ledger().notes.iter();
        notes
            .filter(|(_, note)| note.owner == owner && note.asset == *asset)
            .map(|(id, note)| (*id, note.amount))
            .collect()
    }

    /// Spends all that these contracts hold, with one key, to one account.
    pub(crate) fn ending(
        &self,
        asset: &AssetId,
        contracts: &[&Contract],
        key: &Key,
        (payee, fee): (AccountId, Amount),
    ) -> Ending {
        let mut notes = Vec::new();
        for contract in contracts {
            let held = self.held_by(asset, contract);
            if held.is_empty() {
                return Ending::Nothing;
            }
            notes.extend(held);
        }
        let got = sum(notes.iter().map(|(_, amount)| *amount));
        let Some(amount) = got.checked_sub(fee).filter(|rest| *rest > Amount::ZERO) else {
            return Ending::Short { got };
        };
        let spend = |(note, _)| Spend {
            note,
            key: key.clone(),
        };
        Ending::Tx(SimTx {
            asset: asset.clone(),
            spends: notes.into_iter().map(spend).collect(),
            pays: vec![Pay {
                owner: Owner::Account(payee),
                amount,
            }],
            fee,
        })
    }
}
