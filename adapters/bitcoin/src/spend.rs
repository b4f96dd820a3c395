//! Redeem and refund transactions: one HTLC output in, one payout out, by leaf.
//!
//! Signatures take no auxiliary randomness, so that building twice gives the same bytes. Both spend with
//! `nSequence` 0xfffffffd: replaceable by fee, and subject to the lock time.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::Keypair;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::TapLeafHash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use crate::htlc::{Htlc, PREIMAGE_BYTES};

/// Bytes of a Schnorr signature with the default sighash.
const SIGNATURE_BYTES: usize = 64;

/// A locked coin and where it shall go.
#[derive(Debug, Clone, Copy)]
pub struct Spend<'a> {
    /// The HTLC output.
    pub outpoint: OutPoint,
    /// What it holds.
    pub value: Amount,
    /// The owner's payout script.
    pub payout: &'a Script,
    /// What of the value goes to the miner.
    pub fee: Amount,
}

/// Why a spend is not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpendError {
    /// The key is not the one in the leaf.
    #[error("the leaf wants the key {want}, but the key given is that of {have}")]
    WrongKey {
        /// The key in the leaf.
        want: PublicKey,
        /// The public key of what was given.
        have: PublicKey,
    },
    /// The preimage does not open the leaf. It is not shown.
    #[error("the preimage does not hash to the hashlock of this leg")]
    WrongPreimage,
    /// Nothing worth having would be left.
    #[error(
        "{value} less a fee of {fee} leaves less than the smallest relayed output ({dust}): wait for lower fees"
    )]
    Uneconomic {
        /// What the output holds.
        value: Amount,
        /// The fee asked for.
        fee: Amount,
        /// The smallest payout.
        dust: Amount,
    },
}

impl Htlc {
    /// The redeem by leaf: shows the preimage.
    pub fn redeem(
        &self,
        spend: &Spend<'_>,
        preimage: &[u8; PREIMAGE_BYTES],
        key: &SecretKey,
    ) -> Result<Transaction, SpendError> {
        if sha256::Hash::hash(preimage).to_byte_array() != *self.hashlock() {
            return Err(SpendError::WrongPreimage);
        }
        let unsigned = unsigned(spend, LockTime::ZERO)?;
        self.sign(
            unsigned,
            spend,
            (&self.redeem_leaf(), Some(preimage)),
            (key, self.redeemer()),
        )
    }

    /// The refund by leaf: valid once the chain's median time has reached the timelock.
    pub fn refund(&self, spend: &Spend<'_>, key: &SecretKey) -> Result<Transaction, SpendError> {
        let unsigned = unsigned(spend, self.refund_lock_time())?;
        self.sign(
            unsigned,
            spend,
            (&self.refund_leaf(), None),
            (key, self.refunder()),
        )
    }

    /// Virtual bytes of a redeem to `payout`, exactly.
    pub fn redeem_vsize(&self, payout: &Script) -> u64 {
        self.vsize(payout, &self.redeem_leaf(), Some(&[0; PREIMAGE_BYTES]))
    }

    /// Virtual bytes of a refund to `payout`, exactly.
    pub fn refund_vsize(&self, payout: &Script) -> u64 {
        self.vsize(payout, &self.refund_leaf(), None)
    }

    fn vsize(&self, payout: &Script, leaf: &ScriptBuf, preimage: Option<&[u8; PREIMAGE_BYTES]>) -> u64 {
        let spend = Spend {
            outpoint: OutPoint::null(),
            value: Amount::MAX_MONEY,
            payout,
            fee: Amount::ZERO,
        };
        let mut tx = unsigned(&spend, LockTime::ZERO).expect("all the money there is exceeds dust");
        tx.input[0].witness = self.witness(&[0; SIGNATURE_BYTES], leaf, preimage);
        tx.weight().to_vbytes_ceil()
    }

    fn sign(
        &self,
        mut tx: Transaction,
        spend: &Spend<'_>,
        (leaf, preimage): (&ScriptBuf, Option<&[u8; PREIMAGE_BYTES]>),
        (secret, want): (&SecretKey, &PublicKey),
    ) -> Result<Transaction, SpendError> {
        let secp = Secp256k1::new();
        let mut keypair = Keypair::from_secret_key(&secp, secret);
        if keypair.public_key() != *want {
            return Err(SpendError::WrongKey {
                want: *want,
                have: keypair.public_key(),
            });
        }
        let coin = [TxOut {
            value: spend.value,
            script_pubkey: self.script_pubkey(),
        }];
        let leaf_hash = TapLeafHash::from_script(leaf, bitcoin::taproot::LeafVersion::TapScript);
        let sighash = SighashCache::new(&tx)
            .taproot_script_spend_signature_hash(0, &Prevouts::All(&coin), leaf_hash, TapSighashType::Default)
            .expect("the transaction has one input and its coin is given");
        let signature = secp.sign_schnorr_no_aux_rand(&Message::from(sighash), &keypair);
        keypair.non_secure_erase();
        tx.input[0].witness = self.witness(&signature.serialize(), leaf, preimage);
        Ok(tx)
    }

    fn witness(
        &self,
        signature: &[u8],
        leaf: &ScriptBuf,
        preimage: Option<&[u8; PREIMAGE_BYTES]>,
    ) -> Witness {
        let mut witness = Witness::new();
        witness.push(signature);
        if let Some(preimage) = preimage {
            witness.push(preimage);
        }
        witness.push(leaf.as_bytes());
        witness.push(self.control_block(leaf));
        witness
    }
}

/// The preimage of `hashlock` if a spend shows it anywhere in its witness.
pub fn preimage_in(witness: &Witness, hashlock: &[u8; 32]) -> Option<[u8; PREIMAGE_BYTES]> {
    witness
        .iter()
        .filter_map(|item| <[u8; PREIMAGE_BYTES]>::try_from(item).ok())
        .find(|item| sha256::Hash::hash(item).to_byte_array() == *hashlock)
}

fn unsigned(spend: &Spend<'_>, lock_time: LockTime) -> Result<Transaction, SpendError> {
    let dust = spend.payout.minimal_non_dust();
    let uneconomic = SpendError::Uneconomic {
        value: spend.value,
        fee: spend.fee,
        dust,
    };
    let value = spend
        .value
        .checked_sub(spend.fee)
        .filter(|left| *left >= dust)
        .ok_or(uneconomic)?;
    Ok(Transaction {
        version: Version::TWO,
        lock_time,
        input: vec![TxIn {
            previous_output: spend.outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value,
            script_pubkey: spend.payout.to_owned(),
        }],
    })
}

#[cfg(test)]
mod tests;
