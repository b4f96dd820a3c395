//! Payments to other accounts.

use super::SimAdapter;
use crate::ledger::Refusal;
use crate::tx::{Key, NoteId, Owner, Pay, SimTx, Spend};
use crate::wallet::{DUST, plus, sum};
use kofo_adapter_api::{AdapterError, SignedTransfer, Transfer, Transferred};
use kofo_primitives::{Amount, End};

impl SimAdapter {
    pub(super) fn sign_now(&self, transfer: &Transfer, keep: Amount) -> Result<SignedTransfer, AdapterError> {
        let asset = &transfer.asset;
        self.known(asset)?;
        let to = self.payee(End::Redeemer, Some(&transfer.to))?;
        if transfer.amount < DUST {
            let (asset, have, least) = (asset.clone(), transfer.amount, DUST);
            return Err(AdapterError::Dust { asset, have, least });
        }
        let fee = self.chain.ask(|state| state.fee_floor);
        let fee = transfer
            .fee_rate
            .map_or(fee, |rate| fee.max(Amount::new(rate.into())));
        let mut inner = self.inner();
        let free = self.wallet(&inner, |wallet| wallet.spendable(asset, 1));
        let (have, need) = (
            sum(free.iter().map(|(_, amount)| *amount)),
            plus(transfer.amount, fee),
        );
        if have < plus(need, keep) {
            let need = plus(need, keep);
            let asset = asset.clone();
            return Err(AdapterError::Funds { asset, have, need });
        }
        let (mut got, mut taken) = (Amount::ZERO, Vec::new());
        for (note, amount) in free {
            if got < need {
                got = plus(got, amount);
                taken.push(note);
            }
        }
        let tx = self.payment(transfer, (Owner::Account(to), fee), (taken, got));
        inner.transfers.insert(transfer.id, tx.clone());
        Ok(SignedTransfer {
            prepared: borsh::to_vec(&tx).expect("writing to memory does not fail"),
            txid: tx.id().to_string(),
            fee,
            fee_asset: asset.clone(),
        })
    }

    fn payment(
        &self,
        transfer: &Transfer,
        (to, fee): (Owner, Amount),
        (taken, got): (Vec<NoteId>, Amount),
    ) -> SimTx {
        let change = got.checked_sub(plus(transfer.amount, fee));
        let change = change.filter(|change| *change > Amount::ZERO).map(|amount| Pay {
            owner: Owner::Account(self.account),
            amount,
        });
        let paid = Pay {
            owner: to,
            amount: transfer.amount,
        };
        let spend = |note| Spend {
            note,
            key: Key::Owner(self.account),
        };
        SimTx {
            asset: transfer.asset.clone(),
            spends: taken.into_iter().map(spend).collect(),
            pays: [paid].into_iter().chain(change).collect(),
            fee,
        }
    }

    pub(super) fn send_now(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        let tx: SimTx = borsh::from_slice(&signed.prepared).map_err(|_| AdapterError::Malformed {
            field: "signed transfer",
            expected: "one of this adapter".to_owned(),
            got: format!("{} bytes", signed.prepared.len()),
        })?;
        self.inner().transfers.insert(transfer.id, tx.clone());
        let mined = self.chain.ask(|state| {
            let mut blocks = state.blocks.iter();
            blocks.any(|block| block.txs.contains(&tx))
        });
        if mined {
            self.inner().transfers.remove(&transfer.id);
            return Ok(Transferred::InBlock);
        }
        match self.chain.submit(tx) {
            Ok(_) => Ok(Transferred::Sent),
            Err(Refusal::Busy) => Err(self.node_error("it does not take a payment now")),
            Err(refusal) => Err(self.node_error(&refusal.to_string())),
        }
    }

    pub(super) fn drop_now(&self, transfer: &Transfer) {
        self.inner().transfers.remove(&transfer.id);
    }
}
