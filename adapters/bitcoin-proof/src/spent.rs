//! What a transaction did to a leg's output.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, Witness};
use kofo_clearance::Fact;

use crate::flaw::Flaw;
use crate::output::Output;

impl Output {
    /// Where the transaction locks the leg: in one output of exactly the amount.
    pub(crate) fn lock(&self, tx: &Transaction) -> Result<OutPoint, Flaw> {
        let txid = tx.compute_txid();
        let paid = tx.output.iter().zip(0u32..);
        let paid: Vec<_> = paid
            .filter(|(output, _)| output.script_pubkey == self.script)
            .collect();
        match paid.as_slice() {
            [(only, vout)] if only.value == self.amount => Ok(OutPoint { txid, vout: *vout }),
            paid => Err(Flaw::Lock {
                tx: txid,
                want: self.amount,
                outputs: paid.len(),
                got: paid
                    .iter()
                    .try_fold(Amount::ZERO, |sum, (output, _)| sum.checked_add(output.value))
                    .unwrap_or(Amount::MAX_MONEY),
            }),
        }
    }

    /// How the transaction ended the leg that was locked there. It never says the opposite of what the adapter tells of
    /// the same transaction: who states what an adapter told must not be refuted by a proof.
    pub(crate) fn end(&self, lock: OutPoint, tx: &Transaction) -> Result<Fact, Flaw> {
        let txid = tx.compute_txid();
        let mut inputs = tx.input.iter();
        let input = inputs.find(|input| input.previous_output == lock);
        let witness = &input.ok_or(Flaw::Elsewhere { tx: txid })?.witness;
        let leaf = witness.taproot_leaf_script().map(|leaf| leaf.script);
        let fact = match leaf {
            Some(leaf) if leaf == self.redeem_leaf.as_script() => Some(Fact::Redeemed),
            Some(leaf) if leaf == self.refund_leaf.as_script() && !self.shows_preimage(witness) => {
                Some(Fact::Refunded)
            }
            Some(_) => None,
            None => self.by_both(tx),
        };
        fact.ok_or(Flaw::Unclear { tx: txid })
    }

    /// A spend that both parties signed shows only whom it pays.
    fn by_both(&self, tx: &Transaction) -> Option<Fact> {
        let pays = |payout: &ScriptBuf| tx.output.iter().any(|output| output.script_pubkey == *payout);
        match (pays(&self.redeemer_payout), pays(&self.refunder_payout)) {
            (true, false) => Some(Fact::Redeemed),
            (false, true) => Some(Fact::Refunded),
            (true, true) | (false, false) => None,
        }
    }

    fn shows_preimage(&self, witness: &Witness) -> bool {
        witness
            .iter()
            .any(|item| item.len() == 32 && sha256::Hash::hash(item).to_byte_array() == self.hashlock)
    }
}
